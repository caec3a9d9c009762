<?php
// The C library from PHP's FFI. As a program it uses every function once:
//
//     php -d ffi.enable=1 hostcache.php /path/to/libhostcache.so
declare(strict_types=1);

final class Hostcache
{
    private const OK = 0;
    private const MISS = 1;
    private const BUFFER_TOO_SMALL = 3;
    private FFI $c;
    private ?FFI\CData $handle;

    /** Opens a cache by its name, or creates it with a capacity in bytes. */
    public function __construct(string $library, string $name, int $capacity)
    {
        $this->c = FFI::cdef(
            'typedef struct hostcache_t hostcache_t;
             int hostcache_open_or_create(const char *name, uint64_t capacity, hostcache_t **out);
             void hostcache_close(hostcache_t *cache);
             int hostcache_get(hostcache_t *cache, const char *key, size_t key_len, void *buf, size_t buf_len, size_t *value_len);
             int hostcache_set(hostcache_t *cache, const char *key, size_t key_len, const char *value, size_t value_len, uint64_t ttl_ms);
             int hostcache_delete(hostcache_t *cache, const char *key, size_t key_len);
             int hostcache_increment(hostcache_t *cache, const char *key, size_t key_len, uint64_t by, uint64_t *value);
             const char *hostcache_error_message(void);',
            $library
        );
        $this->handle = $this->c->new('hostcache_t *');
        $this->check($this->c->hostcache_open_or_create($name, $capacity, FFI::addr($this->handle)));
    }

    public function get(string $key): ?string
    {
        $size = 256;
        $len = $this->c->new('size_t');
        do {
            $buffer = $this->c->new("char[$size]");
            $status = $this->c->hostcache_get($this->handle, $key, strlen($key), $buffer, $size, FFI::addr($len));
            $size = $len->cdata;
        } while ($status === self::BUFFER_TOO_SMALL);
        return $this->check($status) ? FFI::string($buffer, $len->cdata) : null;
    }

    /** Stores a value, for so many seconds if that is not 0. */
    public function set(string $key, string $value, float $ttl = 0): void
    {
        $ms = (int) round($ttl * 1000);
        $this->check($this->c->hostcache_set($this->handle, $key, strlen($key), $value, strlen($value), $ms));
    }

    /** Whether there was one. */
    public function delete(string $key): bool
    {
        return $this->check($this->c->hostcache_delete($this->handle, $key, strlen($key)));
    }

    /** The counter's new value; null: no such key. */
    public function increment(string $key, int $by = 1): ?int
    {
        $value = $this->c->new('uint64_t');
        $status = $this->c->hostcache_increment($this->handle, $key, strlen($key), $by, FFI::addr($value));
        return $this->check($status) ? $value->cdata : null;
    }

    public function close(): void
    {
        $this->c->hostcache_close($this->handle);
        $this->handle = null;
    }

    private function check(int $status): bool
    {
        if ($status !== self::OK && $status !== self::MISS) {
            throw new RuntimeException("hostcache status $status: " . $this->c->hostcache_error_message());
        }
        return $status === self::OK;
    }
}

function must(bool $holds): void
{
    if (!$holds) {
        throw new LogicException('this does not hold');
    }
}

$cache = new Hostcache($argv[1], 'ffi', 16 << 20);
$cache->set('greeting', 'hello', 30);
$cache->set('large', str_repeat('x', 25600));
$cache->set('visits', '41');
must($cache->get('greeting') === 'hello');
must($cache->get('large') === str_repeat('x', 25600));
must($cache->get('nothing') === null);
must($cache->increment('visits') === 42);
must($cache->delete('greeting') && !$cache->delete('greeting'));
try {
    $cache->increment('large');
    must(false);
} catch (RuntimeException $error) {
    echo 'refused: ', $error->getMessage(), "\n";
}
echo 'visits: ', $cache->get('visits'), "\n";
$cache->close();
