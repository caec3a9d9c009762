// hostcache.hpp, with -fno-exceptions.
#include <hostcache.hpp>
#include <cstdio>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            std::exit(1); \
        } \
    } while (false)

int main() {
    auto missing = hostcache::cache::open("quiet");
    CHECK(!missing && missing.error().status() == HOSTCACHE_NO_REGION);
    CHECK(std::string(missing.error().what()).find("quiet") != std::string::npos);
    auto opened = hostcache::cache::create("quiet", 1 << 20);
    CHECK(opened);
    hostcache::cache cache = *opened;
    CHECK(cache.set("k", "v") && *cache.get("k").value() == "v" && !cache.get("?").value());
    auto refused = cache.increment("k");
    CHECK(!refused && refused.error().status() == HOSTCACHE_NOT_A_NUMBER);
    CHECK(cache.set("", "v").error().status() == HOSTCACHE_INVALID_ARGUMENT);
    auto pin = cache.pin("k");
    CHECK(pin && *pin && (*pin)->text() == "v");
    CHECK(cache.reserve("r", 3)->publish().value() && cache.get("r").value()->size() == 3);
    CHECK(hostcache::cache::destroy("quiet"));
    return 0;
}
