/* What benches/instructions_c.rs counts: 10,000 calls of hostcache_get that hit, values of 100 bytes, 1,000 keys of 16 bytes. */
#include "check.h"

int main(void)
{
    hostcache_t *cache = private_cache(16 << 20);
    char key[17], value[100], buf[128];
    size_t len;
    int i;
    memset(value, 'v', sizeof(value));
    for (i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "key-%012d", i);
        OK(hostcache_set(cache, key, 16, value, sizeof(value), 0));
        /* The use marks are at their highest before counting, as of any item that is read often; this is no hostcache_get. */
        OK(hostcache_get_item(cache, key, 16, buf, sizeof(buf), &(hostcache_item_info_t){.size = sizeof(hostcache_item_info_t)}));
    }
    for (i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "key-%012d", i % 1000);
        OK(hostcache_get(cache, key, 16, buf, sizeof(buf), &len));
        CHECK(len == sizeof(value) && buf[0] == 'v' && buf[99] == 'v');
    }
    hostcache_close(cache);
    return 0;
}
