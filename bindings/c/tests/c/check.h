/* What the C tests share: a check that names its line, and the region that a test uses. */
#ifndef CHECK_H
#define CHECK_H

#include <hostcache.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    ((condition) ? (void)0 : fail(__FILE__, __LINE__, #condition))

/* The status that a call must end with. */
#define WANT(status, call) want(__FILE__, __LINE__, #call, status, call)
#define OK(call) WANT(HOSTCACHE_OK, call)

/* A key or value from a string literal: its bytes, and how many. */
#define S(literal) literal, sizeof(literal) - 1

static inline void fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s does not hold (last message: %s)\n", file, line, what, hostcache_error_message());
    exit(1);
}

static inline void want(const char *file, int line, const char *call, int wanted, int status)
{
    if (status != wanted) {
        fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\" (last message: %s)\n", file, line, call,
                hostcache_status_str(status), hostcache_status_str(wanted), hostcache_error_message());
        exit(1);
    }
}

/* A cache without a name. */
static inline hostcache_t *private_cache(uint64_t capacity)
{
    hostcache_t *cache = NULL;
    OK(hostcache_create_private(capacity, &cache));
    return cache;
}

/* Whether a key has this value. */
static inline int holds(hostcache_t *cache, const char *key, const char *value)
{
    char buf[4096];
    size_t len = 77;
    hostcache_status_t status = hostcache_get(cache, key, strlen(key), buf, sizeof(buf), &len);
    return status == HOSTCACHE_OK && len == strlen(value) && memcmp(buf, value, len) == 0;
}

#endif
