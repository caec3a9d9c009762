/*
 * A pre-fork server: the parent opens the cache and the socket, its workers inherit both. They share a counter of requests, and pages that
 * whoever needs one first makes for all. Each connection sends a path in a line, and gets the page; an empty line ends the worker.
 *
 *     prefork_server [WORKERS]      prints the port, then waits for its workers; started without clients, it is its own client.
 */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <hostcache.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { REQUESTS = 200, PAGES = 10 };

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, hostcache_error_message());
    exit(1);
}

/* Adds 1 to a counter that begins with 1. */
static uint64_t count(hostcache_t *cache, const char *key)
{
    hostcache_counter_options_t options;
    uint64_t value;
    HOSTCACHE_INIT(options);
    options.has_initial = 1;
    options.initial = 1;
    if (hostcache_increment_with(cache, key, strlen(key), 1, &options, &value) != HOSTCACHE_OK)
        die("counting");
    return value;
}

/* What takes long without a cache. */
static size_t render(const char *path, char *page, size_t size)
{
    int len = snprintf(page, size, "<h1>%s</h1>\n", path);
    nanosleep(&(struct timespec){0, 2000000}, NULL);
    return (size_t)len;
}

static void answer(hostcache_t *cache, int client, const char *path)
{
    char page[1024];
    size_t len;
    count(cache, "requests");
    if (hostcache_get(cache, path, strlen(path), page, sizeof(page), &len) != HOSTCACHE_OK) {
        len = render(path, page, sizeof(page));
        count(cache, "rendered");
        hostcache_set(cache, path, strlen(path), page, len, 60000);
    }
    if (write(client, page, len) != (ssize_t)len)
        perror("write");
}

static void serve(hostcache_t *cache, int listener)
{
    for (;;) {
        char path[256];
        ssize_t len;
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        len = read(client, path, sizeof(path) - 1);
        if (len <= 1) {
            close(client);
            hostcache_close(cache);
            exit(0);
        }
        path[len - 1] = '\0';
        answer(cache, client, path);
        close(client);
    }
}

/* One request; how many bytes came. */
static size_t ask(struct sockaddr_in *address, const char *line, char *page, size_t size)
{
    int server = socket(AF_INET, SOCK_STREAM, 0);
    ssize_t len = 0;
    if (connect(server, (struct sockaddr *)address, sizeof(*address)) != 0 || write(server, line, strlen(line)) < 0)
        perror("asking");
    else
        len = read(server, page, size);
    close(server);
    return len > 0 ? (size_t)len : 0;
}

static void be_client(struct sockaddr_in *address)
{
    char line[32], page[1024], expected[64];
    int i;
    for (i = 0; i < REQUESTS; i++) {
        size_t len;
        snprintf(line, sizeof(line), "/page/%d\n", i % PAGES);
        snprintf(expected, sizeof(expected), "<h1>/page/%d</h1>\n", i % PAGES);
        len = ask(address, line, page, sizeof(page));
        if (len != strlen(expected) || memcmp(page, expected, len) != 0) {
            fprintf(stderr, "%s: not the page\n", line);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    int workers = argc > 1 ? atoi(argv[1]) : 4, i, status, failed = 0;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    hostcache_t *cache;
    uint64_t requests, rendered;
    char page[8];

    if (hostcache_open_or_create("prefork-server", 16 << 20, &cache) != HOSTCACHE_OK)
        die("opening");
    hostcache_clear(cache);
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("listening");
        return 1;
    }
    printf("port %d, %d workers\n", ntohs(address.sin_port), workers);
    fflush(stdout);
    for (i = 0; i < workers; i++)
        if (fork() == 0)
            serve(cache, listener);
    be_client(&address);
    for (i = 0; i < workers; i++)
        ask(&address, "\n", page, sizeof(page));
    while (wait(&status) > 0)
        failed |= status;
    /* One more, to read what all of them counted. */
    requests = count(cache, "requests") - 1;
    rendered = count(cache, "rendered") - 1;
    printf("%lu requests, %lu pages made\n", (unsigned long)requests, (unsigned long)rendered);
    hostcache_close(cache);
    hostcache_destroy("prefork-server");
    return failed != 0 || requests != REQUESTS || rendered < PAGES || rendered > (uint64_t)(PAGES * workers);
}
