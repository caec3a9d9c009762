/*
 * Loaded before the C library (LD_PRELOAD): lets the n-th call that may fail do so, once or from then on, and moves
 * the wall clock. Counts from the moment the program opens /hostcache-faults-on.
 *
 *   HOSTCACHE_FAULT_AT     which call fails, from 1; none if unset
 *   HOSTCACHE_FAULT_ERRNO  with which error
 *   HOSTCACHE_FAULT_STICKY if set, every later call too
 *   HOSTCACHE_FAULT_CLOCK  seconds that the wall clock is ahead
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

static atomic_int on;
static atomic_long calls;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

/* Whether this call is to fail. */
static int fails(void)
{
    if (!on)
        return 0;
    long at = number("HOSTCACHE_FAULT_AT"), call = ++calls;
    if (at == 0 || call < at || (call > at && !getenv("HOSTCACHE_FAULT_STICKY")))
        return 0;
    errno = (int)number("HOSTCACHE_FAULT_ERRNO");
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* What the program opens to talk to this library. */
static int is_switch(const char *path)
{
    if (strcmp(path, "/hostcache-faults-on") == 0) {
        calls = 0;
        on = 1;
    } else if (strcmp(path, "/hostcache-faults-off") == 0) {
        on = 0;
        fprintf(stderr, "calls %ld\n", (long)calls);
    } else {
        return 0;
    }
    errno = ENOENT;
    return 1;
}

static mode_t mode_of(int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_of(flags, list);                                                        \
        va_end(list);                                                                              \
        return is_switch(path) || fails() ? -1 : REAL(name)(path, flags, mode);                    \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                               \
    int name(int dir, const char *path, int flags, ...)                                            \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, flags);                                                                     \
        mode_t mode = mode_of(flags, list);                                                        \
        va_end(list);                                                                              \
        return fails() ? -1 : REAL(name)(dir, path, flags, mode);                                  \
    }
OPENAT(openat)
OPENAT(openat64)

#define FCNTL(name)                                                                                \
    int name(int fd, int command, ...)                                                             \
    {                                                                                              \
        va_list list;                                                                              \
        va_start(list, command);                                                                   \
        void *argument = va_arg(list, void *);                                                     \
        va_end(list);                                                                              \
        return fails() ? -1 : REAL(name)(fd, command, argument);                                   \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

/* Only of files: Rust's runtime ends the program if a thread gets no stack. */
void *mmap(void *at, size_t len, int access, int flags, int fd, off_t offset)
{
    return fd >= 0 && fails() ? MAP_FAILED : REAL(mmap)(at, len, access, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int access, int flags, int fd, off64_t offset)
{
    return fd >= 0 && fails() ? MAP_FAILED : REAL(mmap64)(at, len, access, flags, fd, offset);
}

/* These give the error back instead of setting it. */
int posix_fallocate(int fd, off_t offset, off_t len)
{
    return fails() ? errno : REAL(posix_fallocate)(fd, offset, len);
}

int posix_fallocate64(int fd, off64_t offset, off64_t len)
{
    return fails() ? errno : REAL(posix_fallocate64)(fd, offset, len);
}

#define FAILING(name, parameters, arguments)                                                       \
    int name parameters                                                                            \
    {                                                                                              \
        return fails() ? -1 : REAL(name) arguments;                                                \
    }
FAILING(madvise, (void *at, size_t len, int advice), (at, len, advice))
FAILING(memfd_create, (const char *name, unsigned flags), (name, flags))
FAILING(fstatfs, (int fd, struct statfs *into), (fd, into))
FAILING(fchmod, (int fd, mode_t mode), (fd, mode))
FAILING(fchown, (int fd, uid_t user, gid_t group), (fd, user, group))
FAILING(flock, (int fd, int how), (fd, how))
FAILING(linkat, (int a, const char *from, int b, const char *to, int how), (a, from, b, to, how))
FAILING(renameat2, (int a, const char *from, int b, const char *to, unsigned how),
        (a, from, b, to, how))
FAILING(unlink, (const char *path), (path))
FAILING(mkdir, (const char *path, mode_t mode), (path, mode))
FAILING(ftruncate64, (int fd, off64_t len), (fd, len))
FAILING(statx, (int dir, const char *restrict path, int flags, unsigned mask,
                struct statx *restrict into),
        (dir, path, flags, mask, into))

ssize_t read(int fd, void *into, size_t len)
{
    return fails() ? -1 : REAL(read)(fd, into, len);
}

ssize_t pread64(int fd, void *into, size_t len, off64_t offset)
{
    return fails() ? -1 : REAL(pread64)(fd, into, len, offset);
}

int clock_gettime(clockid_t clock, struct timespec *into)
{
    int answer = REAL(clock_gettime)(clock, into);
    if (clock == CLOCK_REALTIME)
        into->tv_sec += number("HOSTCACHE_FAULT_CLOCK");
    return answer;
}
