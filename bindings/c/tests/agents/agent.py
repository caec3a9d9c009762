"""One of the parties of the interop test, as agent.c is another: commands in, answers out, a line each."""

import math
import sys

import hostcache


def shown(value):
    """A value's bytes as text; - for none."""
    if value is None:
        return "-"
    return value.decode() if isinstance(value, bytes) else str(value)


def yes_or_no(value):
    """A bool in words."""
    return "yes" if value else "no"


def cas(cache, key, value):
    """Replaces what is there by its token."""
    found = cache.gets(key)
    return found is not None and cache.cas(key, value, found[1])


def publish(cache, key, value):
    """Makes a value in place."""
    with cache.reserve(key, len(value)) as reservation:
        memoryview(reservation)[:] = value
    return True


def pinned(cache, key):
    """A copy of what is seen in place."""
    view = cache.view(key)
    return None if view is None else bytes(view)


def expires(cache, key):
    """1 if an item expires, 0 if it does not."""
    left = cache.ttl(key)
    return None if left is None else int(left != math.inf)


def touched(cache, key, ttl):
    """What is there, with a new lifetime: two operations here."""
    return cache.get(key) if cache.touch(key, ttl) else None


def pair(key):
    """The keys of a batch."""
    return [key, key + b":m"]


VERBS = {
    "get": lambda c, k, v: shown(c.get(k)),
    "set": lambda c, k, v: yes_or_no(c.set(k, v) is None),
    "add": lambda c, k, v: yes_or_no(c.add(k, v)),
    "replace": lambda c, k, v: yes_or_no(c.replace(k, v)),
    "cas": lambda c, k, v: yes_or_no(cas(c, k, v)),
    "token": lambda c, k, v: shown((c.gets(k) or (None, None))[1]),
    "append": lambda c, k, v: shown(c.append(k, v)),
    "prepend": lambda c, k, v: shown(c.prepend(k, v)),
    "incr": lambda c, k, v: shown(c.incr(k, int(v))),
    "decr": lambda c, k, v: shown(c.decr(k, int(v))),
    "touch": lambda c, k, v: yes_or_no(c.touch(k, int(v) / 1000)),
    "gat": lambda c, k, v: shown(touched(c, k, int(v) / 1000)),
    "from": lambda c, k, v: shown(c.incr(k, initial=int(v))),
    "mset": lambda c, k, v: yes_or_no(c.set_many({key: v for key in pair(k)}) is None),
    "mget": lambda c, k, v: ",".join(shown(c.get_many(pair(k)).get(key)) for key in pair(k)),
    "mdel": lambda c, k, v: str(c.delete_many(pair(k))),
    "bytes": lambda c, k, v: str(sum(len(value) for _, value in c.items(prefix=k))),
    "ttl": lambda c, k, v: shown(expires(c, k)),
    "contains": lambda c, k, v: yes_or_no(c.contains(k)),
    "delete": lambda c, k, v: yes_or_no(c.delete(k)),
    "take": lambda c, k, v: shown(c.pop(k)),
    "pin": lambda c, k, v: shown(pinned(c, k)),
    "publish": lambda c, k, v: yes_or_no(publish(c, k, v)),
    "count": lambda c, k, v: str(sum(1 for _ in c.keys(prefix=k))),
    "prune": lambda c, k, v: str(c.delete_prefix(k)),
    "clear": lambda c, k, v: yes_or_no(c.clear() is None),
}


def main():
    """Answers until there is no more to read."""
    cache = hostcache.Cache(sys.argv[1])
    for line in sys.stdin:
        verb, key, value = (line.split() + ["", ""])[:3]
        print(VERBS[verb](cache, key.encode(), value.encode()), flush=True)


if __name__ == "__main__":
    main()
