/* Reading and writing items: each function, each status that it can end with. */
#include "check.h"

/* Whether that is what is left of a lifetime that began a moment ago; an item may end a tick of the clock late. */
static int is_near(uint64_t left_ms, uint64_t ttl_ms)
{
    return left_ms > 0 && left_ms <= ttl_ms + 100;
}

static void regions(void)
{
    hostcache_t *cache, *second;
    OK(hostcache_create("items", 4 << 20, &cache));
    WANT(HOSTCACHE_EXISTS, hostcache_create("items", 4 << 20, &second));
    CHECK(second == NULL && strstr(hostcache_error_message(), "items") != NULL);
    OK(hostcache_open("items", &second));
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    CHECK(holds(second, "k", "v"));
    CHECK(strcmp(hostcache_name(second), "items") == 0 && strstr(hostcache_path(second), "/items") != NULL);
    CHECK(hostcache_capacity(second) == 4 << 20 && hostcache_max_value_len(second, 1) >= 1 << 20);
    hostcache_close(second);
    OK(hostcache_open_or_create("items", 8 << 20, &second));
    CHECK(hostcache_capacity(second) == 4 << 20);
    hostcache_close(second);

    OK(hostcache_open_read_only("items", &second));
    CHECK(holds(second, "k", "v"));
    WANT(HOSTCACHE_READ_ONLY, hostcache_set(second, S("k"), S("w"), 0));
    WANT(HOSTCACHE_READ_ONLY, hostcache_delete(second, S("k")));
    WANT(HOSTCACHE_READ_ONLY, hostcache_clear(second));
    CHECK(holds(cache, "k", "v"));
    hostcache_close(second);

    OK(hostcache_destroy("items"));
    WANT(HOSTCACHE_NO_REGION, hostcache_destroy("items"));
    WANT(HOSTCACHE_NO_REGION, hostcache_open("items", &second));
    CHECK(second == NULL && holds(cache, "k", "v"));
    hostcache_close(cache);
    hostcache_close(NULL);
}

static void reads(void)
{
    hostcache_t *cache = private_cache(1 << 20);
    hostcache_item_info_t info;
    hostcache_set_options_t options;
    char buf[8];
    size_t len = 9;
    void *value;
    WANT(HOSTCACHE_MISS, hostcache_get(cache, S("k"), buf, sizeof(buf), &len));
    CHECK(len == 0);
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("k")));

    OK(hostcache_set(cache, S("k"), S("12345678"), 0));
    OK(hostcache_contains(cache, S("k")));
    OK(hostcache_get(cache, S("k"), buf, 8, &len));
    CHECK(len == 8 && memcmp(buf, "12345678", 8) == 0);
    memset(buf, 'x', sizeof(buf));
    WANT(HOSTCACHE_BUFFER_TOO_SMALL, hostcache_get(cache, S("k"), buf, 7, &len));
    CHECK(len == 8 && memcmp(buf, "xxxxxxxx", 8) == 0);
    WANT(HOSTCACHE_BUFFER_TOO_SMALL, hostcache_get(cache, S("k"), NULL, 0, &len));
    CHECK(len == 8);
    OK(hostcache_set(cache, S("empty"), NULL, 0, 0));
    OK(hostcache_get(cache, S("empty"), NULL, 0, &len));
    CHECK(len == 0);

    HOSTCACHE_INIT(options);
    options.flags = 77;
    options.encoding = HOSTCACHE_JSON;
    options.lifetime = HOSTCACHE_LIFETIME_TTL;
    options.time_ms = 3600000;
    OK(hostcache_set_with(cache, S("j"), S("{}"), &options, NULL));
    HOSTCACHE_INIT(info);
    OK(hostcache_get_item(cache, S("j"), buf, sizeof(buf), &info));
    CHECK(info.size == sizeof(info) && info.value_len == 2 && info.flags == 77 && info.encoding == HOSTCACHE_JSON);
    CHECK(is_near(info.ttl_ms, 3600000) && info.cas_token != 0);
    WANT(HOSTCACHE_BUFFER_TOO_SMALL, hostcache_get_item(cache, S("j"), buf, 1, &info));
    CHECK(info.value_len == 2);
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(info.value_len == 8 && info.ttl_ms == HOSTCACHE_NO_TTL && info.flags == 0 && info.encoding == 0);
    WANT(HOSTCACHE_MISS, hostcache_item_info(cache, S("?"), &info));
    WANT(HOSTCACHE_MISS, hostcache_get_item(cache, S("?"), buf, sizeof(buf), &info));

    OK(hostcache_get_alloc(cache, S("j"), &value, &len, &info));
    CHECK(len == 2 && strcmp((char *)value, "{}") == 0 && info.flags == 77);
    hostcache_free(value);
    OK(hostcache_get_alloc(cache, S("empty"), &value, &len, NULL));
    CHECK(len == 0 && value != NULL);
    hostcache_free(value);
    WANT(HOSTCACHE_MISS, hostcache_get_alloc(cache, S("?"), &value, &len, NULL));
    CHECK(len == 0 && value == NULL);
    hostcache_free(NULL);
    hostcache_close(cache);
}

static void stores(void)
{
    hostcache_t *cache = private_cache(1 << 20);
    hostcache_set_options_t options;
    hostcache_item_info_t info;
    uint64_t token, next;
    WANT(HOSTCACHE_MISS, hostcache_replace(cache, S("k"), S("0"), 0));
    OK(hostcache_add(cache, S("k"), S("1"), 0));
    WANT(HOSTCACHE_EXISTS, hostcache_add(cache, S("k"), S("2"), 0));
    OK(hostcache_replace(cache, S("k"), S("3"), 5000));
    CHECK(holds(cache, "k", "3"));
    HOSTCACHE_INIT(info);
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(is_near(info.ttl_ms, 5000));
    token = info.cas_token;
    WANT(HOSTCACHE_EXISTS, hostcache_compare_and_swap(cache, S("k"), S("4"), 0, token + 1, &next));
    CHECK(next == 0);
    OK(hostcache_compare_and_swap(cache, S("k"), S("4"), 0, token, &next));
    CHECK(next != 0 && next != token && holds(cache, "k", "4"));
    WANT(HOSTCACHE_EXISTS, hostcache_compare_and_swap(cache, S("k"), S("5"), 0, token, NULL));
    WANT(HOSTCACHE_MISS, hostcache_compare_and_swap(cache, S("?"), S("5"), 0, token, NULL));

    HOSTCACHE_INIT(options);
    OK(hostcache_set_with(cache, S("k"), S("5"), NULL, &token));
    CHECK(token != next);
    options.condition = HOSTCACHE_IF_TOKEN;
    options.cas_token = token;
    OK(hostcache_set_with(cache, S("k"), S("6"), &options, NULL));
    WANT(HOSTCACHE_EXISTS, hostcache_set_with(cache, S("k"), S("7"), &options, &token));
    CHECK(token == 0);
    options.condition = HOSTCACHE_IF_ABSENT;
    WANT(HOSTCACHE_EXISTS, hostcache_set_with(cache, S("k"), S("7"), &options, NULL));
    options.condition = HOSTCACHE_IF_PRESENT;
    WANT(HOSTCACHE_MISS, hostcache_set_with(cache, S("?"), S("7"), &options, NULL));
    OK(hostcache_set(cache, S("k"), S("7"), 60000));
    options.lifetime = HOSTCACHE_LIFETIME_KEEP;
    OK(hostcache_set_with(cache, S("k"), S("8"), &options, NULL));
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(is_near(info.ttl_ms, 60000));
    options.lifetime = HOSTCACHE_LIFETIME_FOREVER;
    OK(hostcache_set_with(cache, S("k"), S("9"), &options, NULL));
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(info.ttl_ms == HOSTCACHE_NO_TTL && holds(cache, "k", "9"));
    options.lifetime = HOSTCACHE_LIFETIME_UNTIL;
    options.time_ms = 1; /* Long ago. */
    OK(hostcache_set_with(cache, S("k"), S("a"), &options, NULL));
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("k")));
    hostcache_close(cache);
}

static void updates(void)
{
    hostcache_t *cache = private_cache(1 << 20);
    hostcache_counter_options_t counter;
    hostcache_item_info_t info;
    uint64_t value = 1;
    size_t len;
    void *bytes;
    WANT(HOSTCACHE_MISS, hostcache_increment(cache, S("n"), 1, &value));
    CHECK(value == 0);
    HOSTCACHE_INIT(counter);
    WANT(HOSTCACHE_MISS, hostcache_increment_with(cache, S("n"), 1, &counter, NULL));
    counter.has_initial = 1;
    counter.initial = 41;
    counter.ttl_ms = 9000;
    OK(hostcache_increment_with(cache, S("n"), 5, &counter, &value));
    CHECK(value == 41);
    HOSTCACHE_INIT(info);
    OK(hostcache_item_info(cache, S("n"), &info));
    CHECK(is_near(info.ttl_ms, 9000));
    OK(hostcache_increment(cache, S("n"), 1, &value));
    CHECK(value == 42 && holds(cache, "n", "42"));
    OK(hostcache_decrement(cache, S("n"), 40, NULL));
    OK(hostcache_decrement_with(cache, S("n"), 5, &counter, &value));
    CHECK(value == 0);
    OK(hostcache_set(cache, S("t"), S("text"), 0));
    WANT(HOSTCACHE_NOT_A_NUMBER, hostcache_increment(cache, S("t"), 1, &value));

    OK(hostcache_append(cache, S("t"), S("!"), &len));
    CHECK(len == 5);
    OK(hostcache_prepend(cache, S("t"), S(">"), NULL));
    CHECK(holds(cache, "t", ">text!"));
    WANT(HOSTCACHE_MISS, hostcache_append(cache, S("?"), S("!"), &len));
    WANT(HOSTCACHE_MISS, hostcache_prepend(cache, S("?"), S("!"), &len));
    CHECK(len == 0);

    OK(hostcache_touch(cache, S("t"), 7000));
    OK(hostcache_item_info(cache, S("t"), &info));
    CHECK(is_near(info.ttl_ms, 7000));
    OK(hostcache_touch_with(cache, S("t"), HOSTCACHE_LIFETIME_FOREVER, 0));
    WANT(HOSTCACHE_MISS, hostcache_touch(cache, S("?"), 1));
    WANT(HOSTCACHE_MISS, hostcache_touch_with(cache, S("?"), HOSTCACHE_LIFETIME_TTL, 1));
    OK(hostcache_get_and_touch(cache, S("t"), HOSTCACHE_LIFETIME_TTL, 8000, &bytes, &len, &info));
    CHECK(len == 6 && memcmp(bytes, ">text!", 6) == 0 && info.ttl_ms > 7000 && is_near(info.ttl_ms, 8000));
    hostcache_free(bytes);
    WANT(HOSTCACHE_MISS, hostcache_get_and_touch(cache, S("?"), HOSTCACHE_LIFETIME_KEEP, 0, &bytes, &len, NULL));

    OK(hostcache_take(cache, S("t"), &bytes, &len, NULL));
    CHECK(len == 6 && memcmp(bytes, ">text!", 6) == 0);
    hostcache_free(bytes);
    WANT(HOSTCACHE_MISS, hostcache_take(cache, S("t"), &bytes, &len, &info));
    CHECK(bytes == NULL && len == 0);
    OK(hostcache_delete(cache, S("n")));
    WANT(HOSTCACHE_MISS, hostcache_delete(cache, S("n")));

    OK(hostcache_set(cache, S("user:1"), S("Ada"), 0));
    OK(hostcache_set(cache, S("user:2"), S("Bob"), 0));
    OK(hostcache_set(cache, S("page:1"), S("..."), 0));
    OK(hostcache_delete_prefix(cache, S("user:"), &value));
    CHECK(value == 2);
    OK(hostcache_contains(cache, S("page:1")));
    OK(hostcache_clear(cache));
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("page:1")));
    hostcache_close(cache);
}

static void batches(void)
{
    enum { COUNT = 100 };
    hostcache_t *cache = private_cache(1 << 20);
    static char keys[COUNT][16], bufs[COUNT][16];
    static hostcache_set_request_t sets[COUNT];
    static hostcache_get_request_t asked[COUNT];
    static hostcache_delete_request_t deletes[COUNT];
    hostcache_set_options_t options;
    int i;
    HOSTCACHE_INIT(options);
    options.flags = 5;
    for (i = 0; i < COUNT; i++) {
        int len = snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
        sets[i].key = asked[i].key = deletes[i].key = keys[i];
        sets[i].key_len = asked[i].key_len = deletes[i].key_len = (size_t)len;
        sets[i].value = keys[i];
        sets[i].value_len = (size_t)len;
        asked[i].buf = bufs[i];
        asked[i].buf_len = sizeof(bufs[i]);
    }
    sets[7].key_len = 0;
    sets[8].value = NULL;
    OK(hostcache_set_many(cache, sets, COUNT, &options));
    asked[9].buf_len = 2;
    asked[10].key = NULL;
    OK(hostcache_get_many(cache, asked, COUNT));
    for (i = 0; i < COUNT; i++) {
        hostcache_status_t set = i == 7 || i == 8 ? HOSTCACHE_INVALID_ARGUMENT : HOSTCACHE_OK;
        hostcache_status_t get = i == 7 || i == 8 ? HOSTCACHE_MISS
            : i == 9 ? HOSTCACHE_BUFFER_TOO_SMALL
            : i == 10 ? HOSTCACHE_INVALID_ARGUMENT
            : HOSTCACHE_OK;
        CHECK(sets[i].status == set && (sets[i].cas_token != 0) == (set == HOSTCACHE_OK));
        CHECK(asked[i].status == get);
        CHECK(asked[i].value_len == (get == HOSTCACHE_OK || i == 9 ? sets[i].key_len : 0));
        if (get == HOSTCACHE_OK) {
            CHECK(memcmp(bufs[i], keys[i], asked[i].value_len) == 0 && asked[i].flags == 5);
            CHECK(asked[i].cas_token == sets[i].cas_token && asked[i].ttl_ms == HOSTCACHE_NO_TTL);
        }
    }
    options.condition = HOSTCACHE_IF_ABSENT;
    sets[7].key_len = strlen(keys[7]);
    OK(hostcache_set_many(cache, sets, COUNT, &options));
    CHECK(sets[0].status == HOSTCACHE_EXISTS && sets[7].status == HOSTCACHE_OK);
    OK(hostcache_delete_many(cache, deletes, COUNT));
    CHECK(deletes[8].status == HOSTCACHE_MISS && deletes[99].status == HOSTCACHE_OK);
    OK(hostcache_get_many(cache, NULL, 0));
    OK(hostcache_set_many(cache, NULL, 0, NULL));
    OK(hostcache_delete_many(cache, NULL, 0));
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_get_many(cache, NULL, 1));
    hostcache_close(cache);
}

static void lifetimes(void)
{
    hostcache_clock_t *clock;
    hostcache_options_t options;
    hostcache_t *cache, *other;
    hostcache_item_info_t info;
    uint64_t elapsed;
    OK(hostcache_clock_create(&clock));
    HOSTCACHE_INIT(options);
    options.capacity = 1 << 20;
    options.default_ttl_ms = 1000;
    options.max_ttl_ms = 5000;
    OK(hostcache_create_private_with(&options, clock, &cache));
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    OK(hostcache_clock_advance(clock, 999));
    OK(hostcache_contains(cache, S("k")));
    OK(hostcache_clock_advance(clock, 1));
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("k")));
    OK(hostcache_clock_elapsed(clock, &elapsed));
    CHECK(elapsed == 1000);

    OK(hostcache_with_lifetimes(cache, 2000, 0, &other));
    HOSTCACHE_INIT(info);
    OK(hostcache_set(other, S("k"), S("v"), 0));
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(info.ttl_ms == 2000);
    OK(hostcache_set(other, S("k"), S("v"), 60000));
    OK(hostcache_item_info(cache, S("k"), &info));
    CHECK(info.ttl_ms == 5000);
    hostcache_clock_free(clock);
    hostcache_close(cache);
    CHECK(holds(other, "k", "v"));
    hostcache_close(other);
    hostcache_clock_free(NULL);
}

int main(void)
{
    regions();
    reads();
    stores();
    updates();
    batches();
    lifetimes();
    return 0;
}
