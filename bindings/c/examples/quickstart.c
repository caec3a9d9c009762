/* Create or open a cache, store a value for half a minute, read it back. */
#include <hostcache.h>
#include <stdio.h>

int main(void)
{
    hostcache_t *cache;
    char name[64];
    size_t len;

    if (hostcache_open_or_create("catalog", 64 << 20, &cache) != HOSTCACHE_OK) {
        fprintf(stderr, "%s\n", hostcache_error_message());
        return 1;
    }
    hostcache_set(cache, "user:7", 6, "Ada", 3, 30000);
    if (hostcache_get(cache, "user:7", 6, name, sizeof(name), &len) == HOSTCACHE_OK)
        printf("%.*s\n", (int)len, name);
    hostcache_close(cache);
    return 0;
}
