/*
 * One of the parties of the interop test: opens the region of its argument, reads a command a line, and answers in a line. `interop.rs` has
 * the commands; agent.py and the test itself know the same ones.
 */
#include <hostcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hostcache_t *cache;

static const char *yes_or_no(hostcache_status_t status)
{
    return status == HOSTCACHE_OK ? "yes" : status == HOSTCACHE_MISS || status == HOSTCACHE_EXISTS ? "no" : hostcache_status_str(status);
}

static void number(hostcache_status_t status, uint64_t value)
{
    if (status == HOSTCACHE_OK)
        printf("%llu\n", (unsigned long long)value);
    else
        puts(status == HOSTCACHE_MISS ? "-" : hostcache_status_str(status));
}

static void text(hostcache_status_t status, const void *value, size_t len)
{
    if (status == HOSTCACHE_OK)
        printf("%.*s\n", (int)len, (const char *)value);
    else
        puts(status == HOSTCACHE_MISS ? "-" : hostcache_status_str(status));
}

static void answer(const char *verb, const char *k, const char *v)
{
    size_t klen = strlen(k), vlen = strlen(v), len = 0;
    uint64_t n = 0;
    void *memory = NULL;
    char buf[256];
    hostcache_status_t status;
    hostcache_item_info_t info;
    HOSTCACHE_INIT(info);
    if (strcmp(verb, "get") == 0) {
        status = hostcache_get(cache, k, klen, buf, sizeof(buf), &len);
        text(status, buf, len);
    } else if (strcmp(verb, "set") == 0) {
        puts(yes_or_no(hostcache_set(cache, k, klen, v, vlen, 0)));
    } else if (strcmp(verb, "add") == 0) {
        puts(yes_or_no(hostcache_add(cache, k, klen, v, vlen, 0)));
    } else if (strcmp(verb, "replace") == 0) {
        puts(yes_or_no(hostcache_replace(cache, k, klen, v, vlen, 0)));
    } else if (strcmp(verb, "cas") == 0) {
        status = hostcache_item_info(cache, k, klen, &info);
        if (status == HOSTCACHE_OK)
            status = hostcache_compare_and_swap(cache, k, klen, v, vlen, 0, info.cas_token, NULL);
        puts(yes_or_no(status));
    } else if (strcmp(verb, "token") == 0) {
        status = hostcache_item_info(cache, k, klen, &info);
        number(status, info.cas_token);
    } else if (strcmp(verb, "append") == 0) {
        status = hostcache_append(cache, k, klen, v, vlen, &len);
        number(status, len);
    } else if (strcmp(verb, "prepend") == 0) {
        status = hostcache_prepend(cache, k, klen, v, vlen, &len);
        number(status, len);
    } else if (strcmp(verb, "incr") == 0) {
        status = hostcache_increment(cache, k, klen, strtoull(v, NULL, 10), &n);
        number(status, n);
    } else if (strcmp(verb, "decr") == 0) {
        status = hostcache_decrement(cache, k, klen, strtoull(v, NULL, 10), &n);
        number(status, n);
    } else if (strcmp(verb, "touch") == 0) {
        puts(yes_or_no(hostcache_touch(cache, k, klen, strtoull(v, NULL, 10))));
    } else if (strcmp(verb, "ttl") == 0) {
        status = hostcache_item_info(cache, k, klen, &info);
        number(status, info.ttl_ms == HOSTCACHE_NO_TTL ? 0 : 1);
    } else if (strcmp(verb, "contains") == 0) {
        puts(yes_or_no(hostcache_contains(cache, k, klen)));
    } else if (strcmp(verb, "delete") == 0) {
        puts(yes_or_no(hostcache_delete(cache, k, klen)));
    } else if (strcmp(verb, "take") == 0) {
        status = hostcache_take(cache, k, klen, &memory, &len, NULL);
        text(status, memory, len);
        hostcache_free(memory);
    } else if (strcmp(verb, "pin") == 0) {
        hostcache_pin_t *pin;
        status = hostcache_pin(cache, k, klen, &pin);
        text(status, hostcache_pin_data(pin), hostcache_pin_len(pin));
        hostcache_unpin(pin);
    } else if (strcmp(verb, "publish") == 0) {
        hostcache_reservation_t *reservation;
        status = hostcache_reserve(cache, k, klen, vlen, NULL, &reservation);
        if (status == HOSTCACHE_OK) {
            memcpy(hostcache_reservation_data(reservation), v, vlen);
            status = hostcache_publish(reservation, NULL);
        }
        puts(yes_or_no(status));
    } else if (strcmp(verb, "count") == 0) {
        hostcache_iterator_t *iterator;
        const void *key;
        hostcache_keys(cache, k, klen, 0, &iterator);
        while (hostcache_iterator_next(iterator, &key, &len, NULL, NULL, NULL) == HOSTCACHE_OK)
            n++;
        hostcache_iterator_free(iterator);
        number(HOSTCACHE_OK, n);
    } else if (strcmp(verb, "prune") == 0) {
        status = hostcache_delete_prefix(cache, k, klen, &n);
        number(status, n);
    } else if (strcmp(verb, "clear") == 0) {
        puts(yes_or_no(hostcache_clear(cache)));
    } else {
        puts("unknown");
    }
}

int main(int argc, char **argv)
{
    char line[256], verb[32], key[64], value[128];
    if (argc != 2 || hostcache_open(argv[1], &cache) != HOSTCACHE_OK) {
        fprintf(stderr, "%s\n", hostcache_error_message());
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != NULL) {
        key[0] = value[0] = '\0';
        if (sscanf(line, "%31s %63s %127s", verb, key, value) < 1)
            continue;
        answer(verb, key, value);
        fflush(stdout);
    }
    hostcache_close(cache);
    return 0;
}
