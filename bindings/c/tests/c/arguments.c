/* No argument that can be checked brings a program down: NULL anywhere, lengths and numbers out of their range. */
#include "check.h"
#include <limits.h>

#define INVALID(call) WANT(HOSTCACHE_INVALID_ARGUMENT, call)

static hostcache_t *cache;
static char buf[64];
static size_t len;
static uint64_t number;
static void *value;

static void making(void)
{
    hostcache_t *out = (hostcache_t *)buf;
    hostcache_options_t options;
    const char *names[] = {"", "-x", "a b", "0123456789012345678901234567890", "\xff", "a/../../b\x01"};
    size_t i;
    INVALID(hostcache_create(NULL, 1 << 20, &out));
    CHECK(out == NULL);
    INVALID(hostcache_create("x", 1 << 20, NULL));
    INVALID(hostcache_create("x", 0, &out));
    INVALID(hostcache_create("x", 4096, &out));
    CHECK(hostcache_create("x", UINT64_MAX, &out) != HOSTCACHE_OK && out == NULL);
    CHECK(hostcache_create("x", INT64_MAX, &out) != HOSTCACHE_OK && out == NULL);
    for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
        CHECK(hostcache_open(names[i], &out) != HOSTCACHE_OK && out == NULL);
        CHECK(hostcache_create(names[i], 1 << 20, &out) != HOSTCACHE_OK && out == NULL);
        CHECK(hostcache_destroy(names[i]) != HOSTCACHE_OK);
    }
    INVALID(hostcache_open(NULL, &out));
    INVALID(hostcache_open("x", NULL));
    INVALID(hostcache_open_or_create(NULL, 1 << 20, &out));
    INVALID(hostcache_open_read_only(NULL, &out));
    INVALID(hostcache_destroy(NULL));
    INVALID(hostcache_create_private(0, &out));
    INVALID(hostcache_create_private(1 << 20, NULL));
    INVALID(hostcache_create_private_with(NULL, NULL, &out));
    INVALID(hostcache_create_with("x", NULL, &out));
    INVALID(hostcache_open_fd(-1, NULL, &out));
    INVALID(hostcache_open_socket(NULL, NULL, &out));
    INVALID(hostcache_create_memfd("x", NULL, &out));
    WANT(HOSTCACHE_NO_REGION, hostcache_open_with("x", NULL, &out));
    WANT(HOSTCACHE_NO_REGION, hostcache_open_or_create_with("x", NULL, &out));

    HOSTCACHE_INIT(options);
    options.capacity = 1 << 20;
    options.flags = 0x80000000;
    INVALID(hostcache_create_with("x", &options, &out));
    options.flags = HOSTCACHE_WITHOUT_WRITE_ACCESS;
    INVALID(hostcache_create_with("x", &options, &out));
    INVALID(hostcache_open_or_create_with("x", &options, &out));
    INVALID(hostcache_create_private_with(&options, NULL, &out));
    options.flags = 0;
    options.mode = 0666;
    INVALID(hostcache_create_with("x", &options, &out));
    options.mode = 0;
    options.group = "no such group here";
    INVALID(hostcache_create_with("x", &options, &out));
    options.group = NULL;
    options.participants = UINT32_MAX;
    CHECK(hostcache_create_with("x", &options, &out) != HOSTCACHE_OK && out == NULL);
    options.participants = 0;
    options.size = 0;
    INVALID(hostcache_create_with("x", &options, &out));
    CHECK(strstr(hostcache_error_message(), "HOSTCACHE_INIT") != NULL);
    options.size = SIZE_MAX;
    INVALID(hostcache_create_with("x", &options, &out));
}

/* A program that is older or newer than the library. */
static void sizes(void)
{
    struct { hostcache_set_options_t known; char more[16]; } newer;
    struct { hostcache_stats_t known; char more[16]; } stats;
    hostcache_item_info_t info;
    memset(&newer, 0, sizeof(newer));
    newer.known.size = sizeof(newer);
    OK(hostcache_set_with(cache, S("k"), S("v"), &newer.known, NULL));
    newer.more[15] = 1;
    INVALID(hostcache_set_with(cache, S("k"), S("v"), &newer.known, NULL));
    memset(&stats, 0x55, sizeof(stats));
    stats.known.size = sizeof(stats) - 1;
    OK(hostcache_stats(cache, &stats.known));
    CHECK(stats.known.size == sizeof(stats) - 1 && stats.known.limit_maxbytes == 1 << 20);
    CHECK(stats.more[0] == 0 && stats.more[14] == 0 && stats.more[15] == 0x55);
    info.size = sizeof(info) - 1;
    INVALID(hostcache_item_info(cache, S("k"), &info));
    INVALID(hostcache_get_item(cache, S("k"), buf, sizeof(buf), NULL));
    INVALID(hostcache_take(cache, S("k"), &value, &len, &info));
    CHECK(holds(cache, "k", "v"));
}

static void keys(void)
{
    static char longest[65537];
    INVALID(hostcache_get(cache, NULL, 1, buf, sizeof(buf), &len));
    INVALID(hostcache_get(cache, "k", 0, buf, sizeof(buf), &len));
    INVALID(hostcache_get(cache, "k", SIZE_MAX, buf, sizeof(buf), &len));
    INVALID(hostcache_get(cache, "k", (size_t)PTRDIFF_MAX + 1, buf, sizeof(buf), &len));
    memset(longest, 'k', sizeof(longest));
    INVALID(hostcache_get(cache, longest, 65537, buf, sizeof(buf), &len));
    WANT(HOSTCACHE_MISS, hostcache_get(cache, longest, 65536, buf, sizeof(buf), &len));
    INVALID(hostcache_set(cache, NULL, 1, S("v"), 0));
    INVALID(hostcache_set(cache, "k", 0, S("v"), 0));
    INVALID(hostcache_set(cache, longest, 65537, S("v"), 0));
    OK(hostcache_set(cache, longest, 65536, S("v"), 0));
    INVALID(hostcache_delete(cache, NULL, 1));
    INVALID(hostcache_contains(cache, NULL, 1));
    INVALID(hostcache_touch(cache, NULL, 1, 1));
    INVALID(hostcache_increment(cache, NULL, 1, 1, &number));
    INVALID(hostcache_append(cache, NULL, 1, S("v"), &len));
    INVALID(hostcache_take(cache, NULL, 1, &value, &len, NULL));
}

static void values(void)
{
    hostcache_set_options_t set;
    hostcache_counter_options_t counter;
    hostcache_reservation_t *reservation;
    hostcache_pin_t *pin;
    hostcache_iterator_t *iterator;
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    INVALID(hostcache_get(cache, S("k"), NULL, 1, &len));
    INVALID(hostcache_get(cache, S("k"), buf, SIZE_MAX, &len));
    INVALID(hostcache_get(cache, S("k"), buf, sizeof(buf), NULL));
    INVALID(hostcache_get_alloc(cache, S("k"), NULL, &len, NULL));
    INVALID(hostcache_get_alloc(cache, S("k"), &value, NULL, NULL));
    CHECK(value == NULL);
    INVALID(hostcache_set(cache, S("k"), NULL, 1, 0));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_set(cache, S("k"), "v", SIZE_MAX, 0));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_append(cache, S("k"), "v", SIZE_MAX, &len));
    INVALID(hostcache_append(cache, S("k"), NULL, 1, &len));
    INVALID(hostcache_prepend(cache, S("k"), NULL, 1, &len));
    INVALID(hostcache_delete_prefix(cache, NULL, 1, &number));
    INVALID(hostcache_touch_with(cache, S("k"), 5, 0));
    INVALID(hostcache_get_and_touch(cache, S("k"), UINT32_MAX, 0, &value, &len, NULL));
    OK(hostcache_set(cache, S("k"), S("v"), UINT64_MAX));
    HOSTCACHE_INIT(set);
    set.condition = 4;
    INVALID(hostcache_set_with(cache, S("k"), S("w"), &set, NULL));
    set.condition = 0;
    set.lifetime = 5;
    INVALID(hostcache_set_with(cache, S("k"), S("w"), &set, NULL));
    INVALID(hostcache_set_many(cache, NULL, 0, &set));
    set.lifetime = 0;
    set.encoding = 256;
    INVALID(hostcache_set_with(cache, S("k"), S("w"), &set, NULL));
    INVALID(hostcache_reserve(cache, S("k"), 1, &set, &reservation));
    HOSTCACHE_INIT(counter);
    counter.has_initial = 2;
    INVALID(hostcache_increment_with(cache, S("n"), 1, &counter, &number));
    counter.has_initial = 0;
    counter.reserved = 1;
    INVALID(hostcache_decrement_with(cache, S("n"), 1, &counter, &number));
    CHECK(holds(cache, "k", "v"));

    WANT(HOSTCACHE_TOO_LARGE, hostcache_reserve(cache, S("k"), SIZE_MAX, NULL, &reservation));
    CHECK(reservation == NULL);
    INVALID(hostcache_reserve(cache, S("k"), 1, NULL, NULL));
    OK(hostcache_reserve(cache, S("k"), 4, NULL, &reservation));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_reservation_write(reservation, SIZE_MAX, "x", 1));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_reservation_write(reservation, 1, "x", PTRDIFF_MAX));
    INVALID(hostcache_reservation_write(reservation, 0, NULL, 1));
    hostcache_cancel(reservation);
    INVALID(hostcache_pin(cache, S("k"), NULL));
    OK(hostcache_pin(cache, S("k"), &pin));
    INVALID(hostcache_pin_read(pin, 0, NULL, 1, &len));
    INVALID(hostcache_pin_read(pin, 0, buf, 1, NULL));
    OK(hostcache_pin_read(pin, SIZE_MAX, buf, SIZE_MAX, &len));
    INVALID(hostcache_pin_info(pin, NULL));
    hostcache_unpin(pin);
    INVALID(hostcache_items(cache, NULL, 1, 0, &iterator));
    INVALID(hostcache_items(cache, NULL, 0, 0, NULL));
    OK(hostcache_items(cache, NULL, 0, SIZE_MAX, &iterator));
    INVALID(hostcache_iterator_next(iterator, NULL, &len, NULL, NULL, NULL));
    hostcache_iterator_free(iterator);
    INVALID(hostcache_slab_classes(cache, NULL, 40, 1, &len));
    INVALID(hostcache_slab_classes(cache, (hostcache_slab_class_t *)value, 40, 0, NULL));
    CHECK(hostcache_max_value_len(cache, SIZE_MAX) < 1 << 20);
    INVALID(hostcache_fd(cache, NULL));
    INVALID(hostcache_stats(cache, NULL));
    INVALID(hostcache_list(NULL));
    INVALID(hostcache_clock_create(NULL));
    INVALID(hostcache_try_lead(cache, NULL));
    INVALID(hostcache_with_lifetimes(cache, 0, 0, NULL));
    INVALID(hostcache_get_many(cache, (hostcache_get_request_t *)(void *)buf, SIZE_MAX));
}

/* Every function without its handle. */
static void handles(void)
{
    hostcache_item_info_t info;
    hostcache_stats_t stats;
    hostcache_region_info_t region;
    hostcache_check_report_t report;
    hostcache_region_entry_t entry;
    hostcache_slab_class_t class_;
    hostcache_participant_t participant;
    hostcache_t *out;
    hostcache_pin_t *pin;
    hostcache_reservation_t *reservation;
    hostcache_iterator_t *iterator;
    hostcache_leadership_t *leadership;
    hostcache_get_request_t get;
    hostcache_set_request_t set;
    hostcache_delete_request_t delete_;
    const void *bytes;
    int fd;
    HOSTCACHE_INIT(info);
    HOSTCACHE_INIT(stats);
    HOSTCACHE_INIT(region);
    HOSTCACHE_INIT(report);
    HOSTCACHE_INIT(entry);
    len = 9;
    INVALID(hostcache_get(NULL, S("k"), buf, sizeof(buf), &len));
    CHECK(len == 0 && strstr(hostcache_error_message(), "NULL") != NULL);
    INVALID(hostcache_get_item(NULL, S("k"), buf, sizeof(buf), &info));
    INVALID(hostcache_item_info(NULL, S("k"), &info));
    INVALID(hostcache_contains(NULL, S("k")));
    INVALID(hostcache_get_alloc(NULL, S("k"), &value, &len, &info));
    INVALID(hostcache_set(NULL, S("k"), S("v"), 0));
    INVALID(hostcache_set_with(NULL, S("k"), S("v"), NULL, NULL));
    INVALID(hostcache_add(NULL, S("k"), S("v"), 0));
    INVALID(hostcache_replace(NULL, S("k"), S("v"), 0));
    INVALID(hostcache_compare_and_swap(NULL, S("k"), S("v"), 0, 1, &number));
    INVALID(hostcache_append(NULL, S("k"), S("v"), &len));
    INVALID(hostcache_prepend(NULL, S("k"), S("v"), &len));
    INVALID(hostcache_increment(NULL, S("k"), 1, &number));
    INVALID(hostcache_decrement(NULL, S("k"), 1, &number));
    INVALID(hostcache_increment_with(NULL, S("k"), 1, NULL, &number));
    INVALID(hostcache_decrement_with(NULL, S("k"), 1, NULL, &number));
    INVALID(hostcache_touch(NULL, S("k"), 1));
    INVALID(hostcache_touch_with(NULL, S("k"), 0, 1));
    INVALID(hostcache_get_and_touch(NULL, S("k"), 0, 1, &value, &len, &info));
    INVALID(hostcache_delete(NULL, S("k")));
    INVALID(hostcache_take(NULL, S("k"), &value, &len, &info));
    INVALID(hostcache_delete_prefix(NULL, S("k"), &number));
    INVALID(hostcache_clear(NULL));
    INVALID(hostcache_get_many(NULL, &get, 1));
    INVALID(hostcache_set_many(NULL, &set, 1, NULL));
    INVALID(hostcache_delete_many(NULL, &delete_, 1));
    INVALID(hostcache_pin(NULL, S("k"), &pin));
    INVALID(hostcache_reserve(NULL, S("k"), 1, NULL, &reservation));
    INVALID(hostcache_keys(NULL, NULL, 0, 0, &iterator));
    INVALID(hostcache_items(NULL, NULL, 0, 0, &iterator));
    INVALID(hostcache_stats(NULL, &stats));
    INVALID(hostcache_info(NULL, &region));
    INVALID(hostcache_slab_classes(NULL, &class_, sizeof(class_), 1, &len));
    INVALID(hostcache_participants(NULL, &participant, sizeof(participant), 1, &len));
    INVALID(hostcache_check(NULL, &report));
    INVALID(hostcache_maintain(NULL, NULL, NULL));
    INVALID(hostcache_try_lead(NULL, &leadership));
    INVALID(hostcache_is_led(NULL));
    INVALID(hostcache_with_lifetimes(NULL, 0, 0, &out));
    INVALID(hostcache_fd(NULL, &fd));
    CHECK(pin == NULL && reservation == NULL && iterator == NULL && leadership == NULL && out == NULL && fd == -1);
    INVALID(hostcache_pin_info(NULL, &info));
    INVALID(hostcache_pin_read(NULL, 0, buf, 1, &len));
    INVALID(hostcache_reservation_write(NULL, 0, "x", 1));
    INVALID(hostcache_publish(NULL, &number));
    INVALID(hostcache_iterator_next(NULL, &bytes, &len, NULL, NULL, NULL));
    INVALID(hostcache_iterator_check(NULL));
    INVALID(hostcache_list_next(NULL, &entry));
    INVALID(hostcache_clock_advance(NULL, 1));
    INVALID(hostcache_clock_elapsed(NULL, &number));
    CHECK(hostcache_pin_data(NULL) == NULL && hostcache_pin_len(NULL) == 0);
    CHECK(hostcache_reservation_data(NULL) == NULL && hostcache_reservation_len(NULL) == 0);
    CHECK(hostcache_name(NULL) == NULL && hostcache_path(NULL) == NULL);
    CHECK(hostcache_capacity(NULL) == 0 && hostcache_max_value_len(NULL, 1) == 0);
    CHECK(strcmp(hostcache_status_str(INT_MIN), "unknown status") == 0);
    hostcache_close(NULL);
    hostcache_free(NULL);
    hostcache_unpin(NULL);
    hostcache_cancel(NULL);
    hostcache_iterator_free(NULL);
    hostcache_list_free(NULL);
    hostcache_clock_free(NULL);
    hostcache_resign(NULL);
}

int main(void)
{
    making();
    cache = private_cache(1 << 20);
    sizes();
    keys();
    values();
    handles();
    hostcache_close(cache);
    return 0;
}
