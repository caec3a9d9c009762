// hostcache.hpp, with exceptions.
#include <hostcache.hpp>
#include <cstdio>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            std::fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
            std::exit(1); \
        } \
    } while (false)

using namespace std::chrono_literals;

template <class F> hostcache_status_t fails(F &&operation) {
    try {
        operation();
    } catch (const hostcache::error &error) {
        CHECK(std::string(error.what()).find(hostcache_status_str(error.status())) == 0);
        return error.status();
    }
    return HOSTCACHE_OK;
}

int main() {
    CHECK(fails([] { hostcache::cache::open("wrapper"); }) == HOSTCACHE_NO_REGION);
    auto cache = hostcache::cache::create("wrapper", 4 << 20);
    auto other = hostcache::cache::open_or_create("wrapper", 1 << 20);
    CHECK(other.capacity() == 4 << 20 && other.name() == "wrapper");

    CHECK(!cache.get("k"));
    cache.set("k", "value", 1h);
    CHECK(other.get("k") == "value");
    std::string large(100000, 'x'), buffer;
    cache.set("large", large);
    CHECK(other.get("large") == large && other.get_into("large", buffer) && buffer == large);
    CHECK(!other.get_into("?", buffer) && buffer.empty());
    cache.set("empty", "");
    CHECK(cache.get("empty") == "" && cache.contains("empty"));

    auto item = other.get_item("k");
    CHECK(item && item->value == "value" && item->info.ttl_ms <= 3600100 && item->info.flags == 0);
    CHECK(cache.compare_and_swap("k", "next", item->info.cas_token));
    CHECK(!cache.compare_and_swap("k", "lost", item->info.cas_token));
    cache.set("k", "g", 1h);
    CHECK(cache.set("k", "f", hostcache::set_options().flags(7).keep_ttl()));
    CHECK(cache.get_item("k")->info.flags == 7 && cache.get_item("k")->info.ttl_ms != HOSTCACHE_NO_TTL);
    CHECK(!cache.add("k", "v") && cache.replace("k", "v") && !cache.replace("?", "v"));
    CHECK(cache.append("k", "!") == 2u && cache.prepend("k", ">") == 3u && !cache.append("?", "!"));
    CHECK(cache.take("k") == ">v!" && !cache.take("k") && !cache.erase("k"));

    CHECK(!cache.increment("n") && cache.increment_or("n", 1, 40) == 40 && cache.increment("n", 2) == 42u);
    CHECK(cache.decrement("n", 50) == 0u && cache.touch("n", 5s) && !cache.touch("?", 5s));
    CHECK(fails([&] { cache.increment("large"); }) == HOSTCACHE_NOT_A_NUMBER);

    {
        auto pin = cache.pin("large");
        CHECK(cache.erase("large") && pin->text() == large && pin->view()[0] == 'x');
        auto moved = std::move(pin);
        CHECK(moved->view().size() == large.size() && cache.stats().pins == 1);
    }
    CHECK(!cache.pin("large") && cache.stats().pins == 0);
    {
        auto page = cache.reserve("page", 5);
        for (auto &byte : page.view()) byte = 'p';
        CHECK(!cache.contains("page") && page.publish() && cache.get("page") == "ppppp");
        auto dropped = cache.reserve("dropped", 5);
    }
    CHECK(!cache.contains("dropped") && cache.stats().reserved_bytes == 0);

    auto many = cache.get_many({"page", "?", "n"}, 3);
    CHECK(many.size() == 3 && many[0] == "ppppp" && !many[1] && many[2] == "0");
    int met = 0;
    cache.for_each("p", [&](std::string_view key, std::string_view value, const hostcache_item_info_t &info) {
        CHECK(key == "page" && value == "ppppp" && info.value_len == 5);
        return ++met > 0;
    });
    CHECK(met == 1);
    auto copy = cache;
    cache.maintain();
    copy.clear();
    CHECK(!cache.contains("page"));

    cache.set("pre:1", "a");
    cache.set("pre:2", "b");
    CHECK(cache.get_and_touch("pre:1", 1h) == "a" && !cache.get_and_touch("?", 1h));
    CHECK(cache.get_item("pre:1")->info.ttl_ms != HOSTCACHE_NO_TTL && cache.erase_prefix("pre:") == 2u);

    hostcache_options_t options;
    HOSTCACHE_INIT(options);
    options.capacity = 2 << 20;
    options.participants = 16;
    CHECK(fails([&] { hostcache::cache::create("wrapper", options); }) == HOSTCACHE_EXISTS);
    CHECK(hostcache::cache::open_or_create("wrapper", options).info().capacity == cache.capacity());
    auto memory = hostcache::cache::create_memfd("memory", options);
    int fd = -1;
    CHECK(memory.info().participant_slots == 16 && hostcache_fd(memory.handle(), &fd) == HOSTCACHE_OK);
    memory.set("k", "v");
    CHECK(hostcache::cache::open_fd(fd).get("k") == "v");
    options.flags = HOSTCACHE_WITHOUT_WRITE_ACCESS;
    CHECK(hostcache::cache::open("wrapper", options).info().writable == 0);

    auto reader = hostcache::cache::open_read_only("wrapper");
    CHECK(fails([&] { reader.set("k", "v"); }) == HOSTCACHE_READ_ONLY);
    hostcache::cache::destroy("wrapper");
    CHECK(fails([] { hostcache::cache::destroy("wrapper"); }) == HOSTCACHE_NO_REGION);
    return 0;
}
