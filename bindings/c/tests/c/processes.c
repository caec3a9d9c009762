/* Handles across fork, threads at one handle, and what the dead leave behind. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static hostcache_t *cache;

static void join(pid_t child)
{
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void *count(void *by)
{
    int i;
    for (i = 0; i < 10000; i++)
        OK(hostcache_increment(cache, S("n"), *(uint64_t *)by, NULL));
    WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_get(cache, NULL, 0, NULL, 0, NULL));
    return NULL;
}

static void counters(void)
{
    uint64_t by[4] = {1, 2, 3, 4};
    pthread_t threads[4];
    pid_t children[4];
    int i;
    OK(hostcache_set(cache, S("n"), S("0"), 0));
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, count, &by[i]) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(holds(cache, "n", "100000"));
    /* The message is a thread's own. */
    CHECK(*hostcache_error_message() == '\0');
    for (i = 0; i < 4; i++) {
        if ((children[i] = fork()) == 0) {
            count(&by[i]);
            hostcache_close(cache);
            _exit(0);
        }
    }
    for (i = 0; i < 4; i++)
        join(children[i]);
    CHECK(holds(cache, "n", "200000"));
}

static void inheritance(void)
{
    hostcache_pin_t *pin, *own;
    hostcache_reservation_t *reservation;
    hostcache_stats_t stats;
    pid_t child;
    OK(hostcache_set(cache, S("page"), S("parent's"), 0));
    OK(hostcache_pin(cache, S("page"), &pin));
    OK(hostcache_reserve(cache, S("made"), 4, NULL, &reservation));
    if ((child = fork()) == 0) {
        OK(hostcache_set(cache, S("page"), S("child's"), 0));
        CHECK(memcmp(hostcache_pin_data(pin), "parent's", 8) == 0);
        OK(hostcache_pin(cache, S("page"), &own));
        CHECK(hostcache_pin_len(own) == 7);
        WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_reservation_write(reservation, 0, S("no")));
        WANT(HOSTCACHE_INVALID_ARGUMENT, hostcache_publish(reservation, NULL));
        hostcache_unpin(own);
        hostcache_unpin(pin);
        hostcache_close(cache);
        _exit(0);
    }
    join(child);
    CHECK(memcmp(hostcache_pin_data(pin), "parent's", 8) == 0 && holds(cache, "page", "child's"));
    OK(hostcache_reservation_write(reservation, 0, S("made")));
    OK(hostcache_publish(reservation, NULL));
    CHECK(holds(cache, "made", "made"));
    HOSTCACHE_INIT(stats);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.pins == 1);
    hostcache_unpin(pin);
    OK(hostcache_stats(cache, &stats));
    CHECK(stats.pins == 0 && stats.reserved_bytes == 0);
}

static void deaths(void)
{
    hostcache_pin_t *pin;
    hostcache_reservation_t *reservation;
    hostcache_stats_t stats;
    hostcache_check_report_t report;
    hostcache_maintenance_report_t did;
    int ready[2], i, status;
    char byte;
    for (i = 0; i < 10; i++) {
        pid_t child;
        CHECK(pipe(ready) == 0);
        if ((child = fork()) == 0) {
            OK(hostcache_pin(cache, S("page"), &pin));
            OK(hostcache_reserve(cache, S("never"), 1000, NULL, &reservation));
            CHECK(write(ready[1], "!", 1) == 1);
            for (;;)
                hostcache_set(cache, S("busy"), S("some bytes of a value"), 0);
        }
        CHECK(read(ready[0], &byte, 1) == 1);
        CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        close(ready[0]);
        close(ready[1]);
    }
    HOSTCACHE_INIT(did);
    OK(hostcache_maintain(cache, NULL, &did));
    HOSTCACHE_INIT(stats);
    OK(hostcache_stats(cache, &stats));
    CHECK(did.recovered_participants > 0 && stats.pins == 0 && stats.reserved_bytes == 0);
    WANT(HOSTCACHE_MISS, hostcache_contains(cache, S("never")));
    HOSTCACHE_INIT(report);
    OK(hostcache_check(cache, &report));
    CHECK(report.unaccounted_bytes == 0 && report.dead_held_bytes == 0);
}

int main(void)
{
    OK(hostcache_create("processes", 8 << 20, &cache));
    counters();
    inheritance();
    deaths();
    OK(hostcache_destroy("processes"));
    hostcache_close(cache);
    return 0;
}
