/* Pins, reservations, walks, figures, maintenance, descriptors. */
#include "check.h"
#include <sys/stat.h>
#include <unistd.h>

static void pins(void)
{
    hostcache_t *cache = private_cache(4 << 20);
    hostcache_pin_t *pin, *other;
    hostcache_item_info_t info;
    hostcache_stats_t stats;
    char *value = malloc(100000), part[10];
    size_t copied;
    memset(value, 'x', 100000);
    WANT(HOSTCACHE_MISS, hostcache_pin(cache, S("k"), &pin));
    CHECK(pin == NULL);
    OK(hostcache_set(cache, S("k"), value, 100000, 0));
    OK(hostcache_pin(cache, S("k"), &pin));
    OK(hostcache_set(cache, S("k"), S("new"), 0));
    OK(hostcache_delete(cache, S("k")));
    CHECK(hostcache_pin_len(pin) == 100000 && memcmp(hostcache_pin_data(pin), value, 100000) == 0);
    CHECK(((size_t)hostcache_pin_data(pin) & 7) == 0);
    HOSTCACHE_INIT(info);
    OK(hostcache_pin_info(pin, &info));
    CHECK(info.value_len == 100000 && info.ttl_ms == HOSTCACHE_NO_TTL);
    OK(hostcache_pin_read(pin, 99995, part, sizeof(part), &copied));
    CHECK(copied == 5 && memcmp(part, "xxxxx", 5) == 0);
    OK(hostcache_pin_read(pin, 100001, part, sizeof(part), &copied));
    CHECK(copied == 0);
    HOSTCACHE_INIT(stats);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.pins == 1 && stats.pinned_bytes >= 100000 && stats.get_hits == 1 && stats.delete_hits == 1);
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    OK(hostcache_pin(cache, S("k"), &other));
    hostcache_close(cache);
    CHECK(memcmp(hostcache_pin_data(other), "v", 1) == 0 && memcmp(hostcache_pin_data(pin), value, 100000) == 0);
    hostcache_unpin(pin);
    hostcache_unpin(other);
    hostcache_unpin(NULL);
    free(value);
}

static void reservations(void)
{
    hostcache_t *cache = private_cache(4 << 20);
    hostcache_reservation_t *page;
    hostcache_set_options_t options;
    hostcache_stats_t stats;
    uint64_t token;
    OK(hostcache_reserve(cache, S("page"), 11, NULL, &page));
    CHECK(hostcache_reservation_len(page) == 11);
    OK(hostcache_reservation_write(page, 0, S("hello")));
    OK(hostcache_reservation_write(page, 6, S("world")));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_reservation_write(page, 7, S("world")));
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("page")));
    ((char *)hostcache_reservation_data(page))[5] = ' ';
    OK(hostcache_publish(page, &token));
    CHECK(token != 0 && holds(cache, "page", "hello world"));
    HOSTCACHE_INIT(options);
    options.condition = HOSTCACHE_IF_ABSENT;
    OK(hostcache_reserve(cache, S("page"), 3, &options, &page));
    WANT(HOSTCACHE_EXISTS, hostcache_publish(page, &token));
    CHECK(token == 0 && holds(cache, "page", "hello world"));
    OK(hostcache_reserve(cache, S("page"), 3, NULL, &page));
    HOSTCACHE_INIT(stats);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.reserved_bytes > 0);
    hostcache_cancel(page);
    hostcache_cancel(NULL);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.reserved_bytes == 0 && holds(cache, "page", "hello world"));
    WANT(HOSTCACHE_TOO_LARGE, hostcache_reserve(cache, S("page"), 4 << 20, NULL, &page));
    CHECK(page == NULL);
    hostcache_close(cache);
}

static void walks(void)
{
    hostcache_t *cache = private_cache(1 << 20);
    hostcache_iterator_t *iterator;
    hostcache_item_info_t info;
    const void *key, *value;
    size_t key_len, value_len;
    char name[16];
    int i, met[100] = {0}, count = 0;
    for (i = 0; i < 100; i++) {
        size_t len = (size_t)snprintf(name, sizeof(name), "%c:%d", i % 2 ? 'a' : 'b', i);
        OK(hostcache_set(cache, name, len, &i, sizeof(i), 0));
    }
    HOSTCACHE_INIT(info);
    OK(hostcache_items(cache, S("a:"), 0, &iterator));
    while (hostcache_iterator_next(iterator, &key, &key_len, &value, &value_len, &info) == HOSTCACHE_OK) {
        CHECK(value_len == sizeof(i) && info.value_len == sizeof(i) && memcmp(key, "a:", 2) == 0);
        memcpy(&i, value, sizeof(i));
        CHECK(i % 2 == 1 && met[i]++ == 0);
        count++;
    }
    CHECK(count == 50);
    OK(hostcache_iterator_check(iterator));
    hostcache_iterator_free(iterator);
    OK(hostcache_keys(cache, NULL, 0, 7, &iterator));
    for (i = 0; i < 7; i++) {
        OK(hostcache_iterator_next(iterator, &key, &key_len, &value, &value_len, NULL));
        CHECK(key_len >= 3 && value == NULL && value_len == 0);
    }
    WANT(HOSTCACHE_MISS, hostcache_iterator_next(iterator, &key, &key_len, NULL, NULL, NULL));
    hostcache_close(cache);
    WANT(HOSTCACHE_MISS, hostcache_iterator_next(iterator, &key, &key_len, NULL, NULL, NULL));
    CHECK(key == NULL && key_len == 0);
    hostcache_iterator_free(iterator);
    hostcache_iterator_free(NULL);
}

static void figures(void)
{
    hostcache_t *cache;
    hostcache_options_t options;
    hostcache_region_info_t info;
    hostcache_check_report_t report;
    hostcache_slab_class_t classes[200];
    hostcache_participant_t participants[64];
    hostcache_list_t *list;
    hostcache_region_entry_t entry;
    size_t found, all;
    int listed = 0;
    HOSTCACHE_INIT(options);
    options.capacity = 4 << 20;
    options.participants = 64;
    options.expected_item_size = 200;
    options.max_ttl_ms = 12345;
    options.flags = HOSTCACHE_POPULATE | HOSTCACHE_HUGE_PAGES;
    OK(hostcache_create_with("figures", &options, &cache));
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    HOSTCACHE_INIT(info);
    OK(hostcache_info(cache, &info));
    CHECK(info.capacity == 4 << 20 && info.participant_slots == 64 && info.max_ttl_ms == 12345 && info.writable == 1);
    CHECK(info.layout_version == hostcache_layout_version() && info.max_value_len == hostcache_max_value_len(cache, 1));
    CHECK(info.huge_pages_asked == 1 && memchr(info.huge_pages_reason, 0, sizeof(info.huge_pages_reason)) != NULL);
    HOSTCACHE_INIT(report);
    OK(hostcache_check(cache, &report));
    CHECK(report.items == 1 && report.problems == 0 && report.unaccounted_bytes == 0 && report.arena_bytes == info.arena_bytes);

    WANT(HOSTCACHE_BUFFER_TOO_SMALL, hostcache_slab_classes(cache, NULL, sizeof(*classes), 0, &all));
    OK(hostcache_slab_classes(cache, classes, sizeof(*classes), 200, &found));
    CHECK(found == all && found > 5 && classes[0].chunk_size < classes[found - 1].chunk_size);
    WANT(HOSTCACHE_BUFFER_TOO_SMALL, hostcache_slab_classes(cache, classes, sizeof(*classes), 2, &found));
    CHECK(found == all);
    OK(hostcache_participants(cache, participants, sizeof(*participants), 64, &found));
    CHECK(found >= 1 && participants[0].alive == 1 && participants[0].pid == (uint32_t)getpid());

    OK(hostcache_list(&list));
    HOSTCACHE_INIT(entry);
    while (hostcache_list_next(list, &entry) == HOSTCACHE_OK) {
        if (strcmp(entry.name, "figures") == 0 && strcmp(entry.path, hostcache_path(cache)) == 0) {
            CHECK(entry.capacity == 4 << 20 && entry.problem == NULL && entry.mode == 0600);
            listed++;
        }
    }
    CHECK(listed == 1);
    hostcache_list_free(list);
    hostcache_list_free(NULL);
    OK(hostcache_destroy("figures"));
    hostcache_close(cache);
}

static void maintenance(void)
{
    hostcache_t *cache;
    hostcache_options_t options;
    hostcache_clock_t *clock;
    hostcache_budget_t budget;
    hostcache_maintenance_report_t report;
    hostcache_stats_t stats;
    hostcache_leadership_t *leadership, *second;
    OK(hostcache_clock_create(&clock));
    HOSTCACHE_INIT(options);
    options.capacity = 1 << 20;
    OK(hostcache_create_private_with(&options, clock, &cache));
    OK(hostcache_set(cache, S("a"), S("1"), 1000));
    OK(hostcache_set(cache, S("b"), S("2"), 0));
    OK(hostcache_clock_advance(clock, 2000));
    HOSTCACHE_INIT(budget);
    HOSTCACHE_INIT(report);
    budget.buckets = UINT32_MAX;
    budget.evictions = UINT32_MAX;
    OK(hostcache_maintain(cache, &budget, &report));
    CHECK(report.expired == 1 && report.sweep_finished == 1 && report.evicted == 0);
    OK(hostcache_maintain(cache, NULL, NULL));
    HOSTCACHE_INIT(stats);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.expired == 1 && stats.curr_items == 1 && stats.limit_maxbytes == 1 << 20);
    hostcache_close(cache);
    hostcache_clock_free(clock);

    OK(hostcache_create("led", 1 << 20, &cache));
    WANT(HOSTCACHE_MISS, hostcache_is_led(cache));
    OK(hostcache_try_lead(cache, &leadership));
    WANT(HOSTCACHE_EXISTS, hostcache_try_lead(cache, &second));
    CHECK(second == NULL);
    hostcache_resign(leadership);
    hostcache_resign(NULL);
    OK(hostcache_try_lead(cache, &leadership));
    hostcache_resign(leadership);
    OK(hostcache_destroy("led"));
    hostcache_close(cache);
}

static void descriptors(void)
{
    hostcache_t *cache, *other, *reader;
    hostcache_options_t options;
    int fd;
    HOSTCACHE_INIT(options);
    options.capacity = 1 << 20;
    OK(hostcache_create_memfd("memory", &options, &cache));
    OK(hostcache_fd(cache, &fd));
    OK(hostcache_open_fd(fd, NULL, &other));
    OK(hostcache_set(other, S("k"), S("v"), 0));
    CHECK(holds(cache, "k", "v"));
    HOSTCACHE_INIT(options);
    options.flags = HOSTCACHE_WITHOUT_WRITE_ACCESS;
    OK(hostcache_open_fd(fd, &options, &reader));
    CHECK(holds(reader, "k", "v"));
    WANT(HOSTCACHE_READ_ONLY, hostcache_set(reader, S("k"), S("w"), 0));
    hostcache_close(cache);
    CHECK(holds(other, "k", "v"));
    hostcache_close(other);
    hostcache_close(reader);
    WANT(HOSTCACHE_SYSTEM, hostcache_open_fd(999, NULL, &other));
    CHECK(other == NULL);
    WANT(HOSTCACHE_NO_REGION, hostcache_open_socket("/nowhere/at/all", NULL, &other));
}

/* Whether the mapping of a file is excluded from core dumps. */
static int is_excluded(const char *path)
{
    char line[4096];
    int here = 0, excluded = 0;
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps != NULL);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (strncmp(line, "VmFlags:", 8) != 0)
            here = strstr(line, path) != NULL || (here && strchr(line, '-') == NULL);
        else if (here)
            excluded = strstr(line, " dd") != NULL;
    }
    fclose(maps);
    return excluded;
}

static void backings(void)
{
    hostcache_t *cache, *other;
    hostcache_options_t options;
    hostcache_region_info_t info;
    struct stat status;
    int fd;
    HOSTCACHE_INIT(options);
    options.capacity = 1 << 20;
    options.flags = HOSTCACHE_NAMED_SEGMENT;
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_create_with("segment", &options, &cache));
    CHECK(strstr(hostcache_error_message(), "reserving memory") != NULL);
    options.flags |= HOSTCACHE_UNRESERVED;
    options.mode = 0640;
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_create_with("segment", &options, &cache));
    WANT(HOSTCACHE_NO_REGION, hostcache_open("segment", &other));
    options.mode = 0;
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_create_memfd("segment", &options, &cache));
    OK(hostcache_create_with("segment", &options, &cache));
    WANT(HOSTCACHE_EXISTS, hostcache_create_with("segment", &options, &other));
    OK(hostcache_set(cache, S("k"), S("v"), 0));
    OK(hostcache_open("segment", &other));
    CHECK(holds(other, "k", "v"));
    HOSTCACHE_INIT(info);
    OK(hostcache_info(other, &info));
    CHECK(info.capacity == 1 << 20 && info.allocated_bytes == 0 && info.writable == 1);
    hostcache_close(other);
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_open_read_only("segment", &other));
    OK(hostcache_destroy("segment"));
    WANT(HOSTCACHE_NO_REGION, hostcache_open("segment", &other));
    CHECK(holds(cache, "k", "v"));
    hostcache_close(cache);

    options.flags = 0;
    OK(hostcache_create_with("dumped", &options, &cache));
    CHECK(!is_excluded(hostcache_path(cache)));
    hostcache_close(cache);
    options.flags = HOSTCACHE_EXCLUDE_FROM_CORE_DUMPS;
    OK(hostcache_open_with("dumped", &options, &cache));
    CHECK(is_excluded(hostcache_path(cache)));
    hostcache_close(cache);

    options.flags = 0;
    options.group = "";
    OK(hostcache_create_memfd("memory", &options, &cache));
    OK(hostcache_fd(cache, &fd));
    CHECK(fstat(fd, &status) == 0 && (status.st_mode & 0777) == 0660 && status.st_gid == getegid());
    hostcache_close(cache);
}

int main(void)
{
    pins();
    reservations();
    walks();
    figures();
    maintenance();
    descriptors();
    backings();
    CHECK(strcmp(hostcache_version(), HOSTCACHE_VERSION) == 0);
    return 0;
}
