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

/* A batch of two keys. */
static void batch(const char *verb, const char *k, const char *v)
{
    char other[80];
    const char *keys[2];
    hostcache_get_request_t gets[2];
    hostcache_set_request_t sets[2];
    hostcache_delete_request_t deletes[2];
    char bufs[2][128];
    int i, done = 0;
    snprintf(other, sizeof(other), "%s:m", k);
    keys[0] = k;
    keys[1] = other;
    memset(gets, 0, sizeof(gets));
    memset(sets, 0, sizeof(sets));
    memset(deletes, 0, sizeof(deletes));
    for (i = 0; i < 2; i++) {
        gets[i].key = sets[i].key = deletes[i].key = keys[i];
        gets[i].key_len = sets[i].key_len = deletes[i].key_len = strlen(keys[i]);
        gets[i].buf = bufs[i];
        gets[i].buf_len = sizeof(bufs[i]);
        sets[i].value = v;
        sets[i].value_len = strlen(v);
    }
    if (strcmp(verb, "mset") == 0) {
        hostcache_set_many(cache, sets, 2, NULL);
        puts(yes_or_no(sets[0].status != HOSTCACHE_OK ? sets[0].status : sets[1].status));
    } else if (strcmp(verb, "mget") == 0) {
        hostcache_get_many(cache, gets, 2);
        for (i = 0; i < 2; i++)
            printf("%.*s%s", gets[i].status == HOSTCACHE_OK ? (int)gets[i].value_len : 1, gets[i].status == HOSTCACHE_OK ? bufs[i] : "-", i == 0 ? "," : "\n");
    } else {
        hostcache_delete_many(cache, deletes, 2);
        for (i = 0; i < 2; i++)
            done += deletes[i].status == HOSTCACHE_OK;
        number(HOSTCACHE_OK, (uint64_t)done);
    }
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
    } else if (strcmp(verb, "gat") == 0) {
        status = hostcache_get_and_touch(cache, k, klen, HOSTCACHE_LIFETIME_TTL, strtoull(v, NULL, 10), &memory, &len, NULL);
        text(status, memory, len);
        hostcache_free(memory);
    } else if (strcmp(verb, "from") == 0) {
        hostcache_counter_options_t options;
        HOSTCACHE_INIT(options);
        options.initial = strtoull(v, NULL, 10);
        options.has_initial = 1;
        status = hostcache_increment_with(cache, k, klen, 1, &options, &n);
        number(status, n);
    } else if (strcmp(verb, "mset") == 0 || strcmp(verb, "mget") == 0 || strcmp(verb, "mdel") == 0) {
        batch(verb, k, v);
    } else if (strcmp(verb, "bytes") == 0) {
        hostcache_iterator_t *iterator;
        const void *key, *value;
        size_t value_len;
        hostcache_items(cache, k, klen, 0, &iterator);
        while (hostcache_iterator_next(iterator, &key, &len, &value, &value_len, NULL) == HOSTCACHE_OK)
            n += value_len;
        hostcache_iterator_free(iterator);
        number(HOSTCACHE_OK, n);
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
