-- The C library from LuaJIT's FFI. As a program it uses every function once:
--
--     luajit hostcache.lua /path/to/libhostcache.so
local ffi = require("ffi")

ffi.cdef [[
typedef struct hostcache_t hostcache_t;
int hostcache_open_or_create(const char *name, uint64_t capacity, hostcache_t **out);
void hostcache_close(hostcache_t *cache);
int hostcache_get(hostcache_t *cache, const void *key, size_t key_len, void *buf, size_t buf_len, size_t *value_len);
int hostcache_set(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t ttl_ms);
int hostcache_delete(hostcache_t *cache, const void *key, size_t key_len);
int hostcache_increment(hostcache_t *cache, const void *key, size_t key_len, uint64_t by, uint64_t *value);
const char *hostcache_error_message(void);
]]

local OK, MISS, BUFFER_TOO_SMALL = 0, 1, 3
local Cache = {}
Cache.__index = Cache

-- Opens a cache by its name, or creates it with a capacity in bytes.
function Cache.open(library, name, capacity)
  local self = setmetatable({ c = ffi.load(library), size = 256 }, Cache)
  local out = ffi.new("hostcache_t *[1]")
  self:check(self.c.hostcache_open_or_create(name, capacity, out))
  self.handle = ffi.gc(out[0], self.c.hostcache_close)
  self.buffer, self.len = ffi.new("char[?]", self.size), ffi.new("size_t[1]")
  return self
end

function Cache:check(status)
  if status ~= OK and status ~= MISS then
    error(("hostcache status %d: %s"):format(status, ffi.string(self.c.hostcache_error_message())), 0)
  end
  return status == OK
end

-- The value, or nil.
function Cache:get(key)
  while true do
    local status = self.c.hostcache_get(self.handle, key, #key, self.buffer, self.size, self.len)
    if status ~= BUFFER_TOO_SMALL then
      return self:check(status) and ffi.string(self.buffer, self.len[0]) or nil
    end
    self.size = tonumber(self.len[0])
    self.buffer = ffi.new("char[?]", self.size)
  end
end

-- Stores a value, for `ttl` seconds if there is one.
function Cache:set(key, value, ttl)
  self:check(self.c.hostcache_set(self.handle, key, #key, value, #value, (ttl or 0) * 1000))
end

-- Whether there was one.
function Cache:delete(key)
  return self:check(self.c.hostcache_delete(self.handle, key, #key))
end

-- The counter's new value, or nil.
function Cache:increment(key, by)
  local value = ffi.new("uint64_t[1]")
  return self:check(self.c.hostcache_increment(self.handle, key, #key, by or 1, value)) and tonumber(value[0]) or nil
end

function Cache:close()
  self.c.hostcache_close(ffi.gc(self.handle, nil))
  self.handle = nil
end

if not arg or not arg[1] then return Cache end

local cache = Cache.open(arg[1], "ffi", 16 * 1024 * 1024)
cache:set("greeting", "hello", 30)
cache:set("large", ("x"):rep(25600))
cache:set("visits", "41")
assert(cache:get("greeting") == "hello")
assert(cache:get("large") == ("x"):rep(25600))
assert(cache:get("nothing") == nil)
assert(cache:increment("visits") == 42)
assert(cache:delete("greeting") and not cache:delete("greeting"))
local counted, why = pcall(cache.increment, cache, "large")
assert(not counted)
print("refused: " .. why)
print("visits: " .. cache:get("visits"))
cache:close()
