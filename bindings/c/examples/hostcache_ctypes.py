"""The C library from Python's ctypes: any language that can call C can attach like this.

Python programs use the package `hostcache` instead, which is faster and knows Python's types.

    python3 hostcache_ctypes.py /path/to/libhostcache.so
"""

import ctypes
import sys

OK, MISS, BUFFER_TOO_SMALL = 0, 1, 3


class Cache:
    """A cache of bytes, opened or created by its name."""

    def __init__(self, library, name, capacity):
        self._c = c = ctypes.CDLL(library)
        c.hostcache_error_message.restype = ctypes.c_char_p
        c.hostcache_close.argtypes = [ctypes.c_void_p]
        key = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
        c.hostcache_get.argtypes = [*key, ctypes.c_void_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_size_t)]
        c.hostcache_set.argtypes = [*key, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
        c.hostcache_delete.argtypes = key
        c.hostcache_increment.argtypes = [*key, ctypes.c_uint64, ctypes.POINTER(ctypes.c_uint64)]
        c.hostcache_open_or_create.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p)]
        self._handle = ctypes.c_void_p()
        self._check(c.hostcache_open_or_create(name.encode(), capacity, ctypes.byref(self._handle)))

    def get(self, key):
        """The value, or None."""
        size = ctypes.c_size_t(256)
        while True:
            buffer = ctypes.create_string_buffer(size.value)
            status = self._c.hostcache_get(self._handle, key, len(key), buffer, len(buffer), ctypes.byref(size))
            if status != BUFFER_TOO_SMALL:
                return buffer.raw[: size.value] if self._check(status) else None

    def set(self, key, value, ttl=0.0):
        """Stores a value, for `ttl` seconds if that is not 0."""
        self._check(self._c.hostcache_set(self._handle, key, len(key), value, len(value), round(ttl * 1000)))

    def delete(self, key):
        """Whether there was one."""
        return self._check(self._c.hostcache_delete(self._handle, key, len(key)))

    def increment(self, key, by=1):
        """The counter's new value, or None."""
        value = ctypes.c_uint64()
        status = self._c.hostcache_increment(self._handle, key, len(key), by, ctypes.byref(value))
        return value.value if self._check(status) else None

    def close(self):
        """Closes the handle; the region stays."""
        self._c.hostcache_close(self._handle)
        self._handle = ctypes.c_void_p()

    def _check(self, status):
        if status not in (OK, MISS):
            raise OSError(f"hostcache status {status}: {self._c.hostcache_error_message().decode()}")
        return status == OK


def main():
    """Uses every function once."""
    cache = Cache(sys.argv[1], "ffi", 16 << 20)
    cache.set(b"greeting", b"hello", ttl=30)
    cache.set(b"large", bytes(range(256)) * 100)
    cache.set(b"visits", b"41")
    assert cache.get(b"greeting") == b"hello"
    assert cache.get(b"large") == bytes(range(256)) * 100
    assert cache.get(b"nothing") is None
    assert cache.increment(b"visits") == 42
    assert cache.delete(b"greeting") and not cache.delete(b"greeting")
    try:
        cache.increment(b"large")
    except OSError as error:
        print(f"refused: {error}")
    else:
        raise AssertionError("bytes were counted up")
    print("visits:", cache.get(b"visits").decode())
    cache.close()


if __name__ == "__main__":
    main()
