/*
 * hostcache: a cache in the memory of one host, shared by many processes.
 *
 *     cc program.c $(pkg-config --cflags --libs hostcache)
 *
 * Status     Functions that can fail return a hostcache_status_t: HOSTCACHE_OK is 0. A miss is a status of its own and no failure.
 *            hostcache_error_message() has the words to a failure.
 * Units      Lengths, sizes and capacities are bytes. Times are milliseconds.
 * Keys       1 to 65536 bytes, any bytes. Values: 0 bytes up to hostcache_max_value_len(). Neither needs a zero byte at its end.
 * Ownership  Keys, values, names and options stay the caller's, and are not looked at after the call. What the library hands out by a
 *            handle is closed, freed, unpinned, published or cancelled by the function that its comment names.
 * Arguments  A NULL where a comment does not allow it, and a number out of its range, are HOSTCACHE_INVALID_ARGUMENT. Where a function
 *            fails, what it would have handed out is NULL or 0.
 * Structs    HOSTCACHE_INIT(object) makes one ready whose first field is `size`: later versions may make it longer, and a program and a
 *            library of different versions understand each other.
 * Threads    "Thread-safe": any number of threads may call it at once, on the same handle. Nothing waits for another process or thread.
 * fork       A handle may be used on both sides of a fork(): the child attaches by itself at its first operation. Pins and reservations
 *            stay the parent's.
 * Signals    "Async-signal-safe": may be called in a signal handler. A signal may come at any moment of any function; its handler must
 *            return, not jump out (longjmp, an exception).
 * Exceptions No function throws, aborts, ends the process, installs a signal handler or starts a thread.
 * Generated from the library's source: don't edit. */

#ifndef HOSTCACHE_H
#define HOSTCACHE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
// The version of this header; hostcache_version() has that of the library.
#define HOSTCACHE_VERSION "0.1.0"

// Makes a struct of this header ready, whatever its type: all zero, and its size in place. Give it the object, not its address.
#define HOSTCACHE_INIT(object) (memset(&(object), 0, sizeof(object)), (object).size = sizeof(object), (void)0)

// ttl_ms of an item that does not expire.
#define HOSTCACHE_NO_TTL UINT64_MAX

// How a call ended. Numbers keep their meaning in all versions; later versions may add some, so treat one that you don't
// know as a failure.
typedef enum {
    // Done.
    HOSTCACHE_OK = 0,
    // No such key, no item left, nobody there. Not a failure.
    HOSTCACHE_MISS = 1,
    // The key is present (add), or the item carries another token (compare_and_swap); the region exists (create). Nothing
    // was changed.
    HOSTCACHE_EXISTS = 2,
    // The value is longer than the buffer: nothing was copied, its length is told.
    HOSTCACHE_BUFFER_TOO_SMALL = 3,
    // A NULL, a number out of its range, a name, key or setting that is not allowed.
    HOSTCACHE_INVALID_ARGUMENT = 4,
    // The value is not a counter of ASCII decimal digits.
    HOSTCACHE_NOT_A_NUMBER = 5,
    // The value is over the region's limit.
    HOSTCACHE_TOO_LARGE = 6,
    // No region of that name.
    HOSTCACHE_NO_REGION = 7,
    // The handle is read-only.
    HOSTCACHE_READ_ONLY = 8,
    // No room: for the region in its filesystem, for the value in the region, for one more participant, pin or
    // reservation.
    HOSTCACHE_NO_SPACE = 9,
    // The region has another layout version.
    HOSTCACHE_INCOMPATIBLE = 10,
    // The file is no region, or the region contradicts itself.
    HOSTCACHE_CORRUPT = 11,
    // The operating system refused a call, or a file's owner or mode forbids to trust it.
    HOSTCACHE_SYSTEM = 12,
} hostcache_status_t;

// How long an item lives; `time_ms` beside it says more.
typedef enum {
    // The handle's default TTL, else the region's, else until it is evicted. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_DEFAULT = 0,
    // Until it is evicted, whatever the defaults say; a limit of TTLs still holds. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_FOREVER = 1,
    // For `time_ms` milliseconds from now. 0: expired at once.
    HOSTCACHE_LIFETIME_TTL = 2,
    // Until `time_ms` milliseconds since the Unix epoch.
    HOSTCACHE_LIFETIME_UNTIL = 3,
    // What the item had before; on a missing key the default. `time_ms` is not looked at.
    HOSTCACHE_LIFETIME_KEEP = 4,
} hostcache_lifetime_t;

// When a value is stored.
typedef enum {
    // Always.
    HOSTCACHE_ALWAYS = 0,
    // Only if the key is absent, else HOSTCACHE_EXISTS.
    HOSTCACHE_IF_ABSENT = 1,
    // Only if the key is present, else HOSTCACHE_MISS.
    HOSTCACHE_IF_PRESENT = 2,
    // Only if the item still carries `cas_token`, else HOSTCACHE_EXISTS, or HOSTCACHE_MISS if there is none.
    HOSTCACHE_IF_TOKEN = 3,
} hostcache_condition_t;

// The kind of a value's bytes, as all languages agree on it: HOSTCACHE_BYTES for plain ones. Rust and C write 0 unless told otherwise.
typedef enum {
    HOSTCACHE_BYTES = 0,
    HOSTCACHE_UTF8 = 1,
    // A decimal integer.
    HOSTCACHE_INTEGER = 2,
    // A Python pickle.
    HOSTCACHE_PICKLE = 3,
    HOSTCACHE_MSGPACK = 4,
    HOSTCACHE_JSON = 5,
    // An array with its type and shape.
    HOSTCACHE_ARRAY = 6,
    // Rust's bincode.
    HOSTCACHE_BINCODE = 7,
} hostcache_encoding_t;

// Flags of hostcache_options_t, to be added up.
typedef enum {
    // An existing region of another capacity is HOSTCACHE_EXISTS, not taken as it is.
    HOSTCACHE_EXACT = 1,
    // Map all of the region at once, so that the first operations meet no page fault.
    HOSTCACHE_POPULATE = 2,
    // Ask for huge pages; getting none is no error, see hostcache_region_info_t.
    HOSTCACHE_HUGE_PAGES = 4,
    // Open without write access.
    HOSTCACHE_WITHOUT_WRITE_ACCESS = 8,
    // Keep the region's bytes out of core dumps of this process and its children. What a read copied out is dumped all the same.
    HOSTCACHE_EXCLUDE_FROM_CORE_DUMPS = 16,
    // Make a new region in a named segment (POSIX shared memory) instead of a file; opening needs no such word. Only together with
    // HOSTCACHE_UNRESERVED, without mode and group, and never read-only: HOSTCACHE_INVALID_ARGUMENT otherwise.
    HOSTCACHE_NAMED_SEGMENT = 32,
    // Take a named segment whose memory is not reserved: where shared memory runs out later, the kernel ends the process that
    // touches a page first (SIGBUS). Files are reserved all the same.
    HOSTCACHE_UNRESERVED = 64,
} hostcache_open_flag_t;

// A clock that stands still until it is moved: for tests of code that relies on TTLs, without sleeping. One may serve several
// private caches; threads and forked children share its time.
typedef struct hostcache_clock_t hostcache_clock_t;

// A walk over keys or items, in no order. A key that is present during the whole walk is met exactly once; one that comes or goes
// meanwhile may be met or not, and one that is deleted and set anew may be met twice.
//
// It holds no lock and no item of the region. One thread uses it at a time.
typedef struct hostcache_iterator_t hostcache_iterator_t;

// The daemon's office, held by at most one process of the host, and lost with it.
typedef struct hostcache_leadership_t hostcache_leadership_t;

// The regions that a hostcache_list found. One thread uses it at a time.
typedef struct hostcache_list_t hostcache_list_t;

// An item held in place: its bytes stay where they are, and as they are, whatever anybody sets, deletes, evicts, clears, closes or
// destroys.
//
// Hold pins for as long as they are read: all pins and reservations together hold at most a quarter of the capacity, or one larger item. In a
// forked child a pin is the parent's: the bytes stay only as long as the parent's pin. All threads may use it.
typedef struct hostcache_pin_t hostcache_pin_t;

// Memory of the region to make a value in, then to store under its key without a copy. Nobody sees it before hostcache_publish.
//
// One thread uses it at a time. In a forked child it is the parent's: don't write to its bytes there. With its process dead, it comes back
// as free memory.
typedef struct hostcache_reservation_t hostcache_reservation_t;

// A cache: one region, attached.
//
// All threads of a process share a handle. A forked child may go on with it: it attaches by itself at its first operation.
// Pins, reservations and iterators hold what they need, and outlive the handle.
typedef struct hostcache_t hostcache_t;

// Settings for creating and opening. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for the default.
typedef struct {
    size_t size;
    // Bytes of memory in all, index and bookkeeping included, at least 1 MiB. An existing region keeps its own.
    uint64_t capacity;
    // Directory of the region. NULL: $HOSTCACHE_DIR, else /dev/shm/hostcache-UID, and to open it those of the caller's groups.
    const char *directory;
    // A region that the members of a group share: its name or number, "" for the caller's own. NULL: none.
    const char *group;
    // TTL of items that are set without one, in milliseconds. 0: none.
    uint64_t default_ttl_ms;
    // No item lives longer, in milliseconds. 0: no limit.
    uint64_t max_ttl_ms;
    // Permission bits of a new region. 0: 0600, with a group 0660.
    uint32_t mode;
    // Mean bytes of key plus value, from which a new region's index is sized.
    uint32_t expected_item_size;
    // Participant slots of a new region: threads that may use it at once.
    uint32_t participants;
    // A sum of hostcache_open_flag_t.
    uint32_t flags;
} hostcache_options_t;

// What is known of an item beside its bytes, all of one instant. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Length of the value in bytes.
    size_t value_len;
    // The item's version: differs between any two values ever stored in a region.
    uint64_t cas_token;
    // Milliseconds left; HOSTCACHE_NO_TTL for an item that does not expire.
    uint64_t ttl_ms;
    // The caller's own 32 bits.
    uint32_t flags;
    // The kind of the value's bytes, a hostcache_encoding_t or a number of your own, 0 to 255.
    uint32_t encoding;
} hostcache_item_info_t;

// Options of a store. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for a plain hostcache_set.
typedef struct {
    size_t size;
    // What `lifetime` says.
    uint64_t time_ms;
    // What the item must carry, with HOSTCACHE_IF_TOKEN.
    uint64_t cas_token;
    // A hostcache_lifetime_t.
    uint32_t lifetime;
    // A hostcache_condition_t.
    uint32_t condition;
    // The caller's own 32 bits, given back with the item.
    uint32_t flags;
    // The kind of the value's bytes, a hostcache_encoding_t or a number of your own, 0 to 255.
    uint32_t encoding;
} hostcache_set_options_t;

// Options of a counter. HOSTCACHE_INIT sets `size`, and all the rest to 0: a missing key stays missing.
typedef struct {
    size_t size;
    // What a missing key becomes, if `has_initial`. The delta is not applied to it, as in Memcached.
    uint64_t initial;
    // TTL in milliseconds of a counter that this call makes (0: none); an existing one keeps its own.
    uint64_t ttl_ms;
    // 1: `initial` counts. 0: a missing key is HOSTCACHE_MISS.
    uint32_t has_initial;
    // Leave it 0.
    uint32_t reserved;
} hostcache_counter_options_t;

// One key of hostcache_get_many: what is asked, and behind it the answer.
typedef struct {
    const void *key;
    size_t key_len;
    // Where the value goes.
    void *buf;
    // How much fits there, in bytes.
    size_t buf_len;
    // Answer: as of hostcache_get.
    size_t value_len;
    // Answer: the item's version.
    uint64_t cas_token;
    // Answer: milliseconds left; HOSTCACHE_NO_TTL for an item that does not expire.
    uint64_t ttl_ms;
    // Answer: the caller's own 32 bits.
    uint32_t flags;
    // Answer: the kind of the value's bytes.
    uint32_t encoding;
    // Answer: as of hostcache_get.
    hostcache_status_t status;
} hostcache_get_request_t;

// One key of hostcache_set_many: what is asked, and behind it the answer.
typedef struct {
    const void *key;
    size_t key_len;
    const void *value;
    size_t value_len;
    // Answer: the item's token if it was stored, else 0.
    uint64_t cas_token;
    // Answer: as of hostcache_set_with.
    hostcache_status_t status;
} hostcache_set_request_t;

// One key of hostcache_delete_many: what is asked, and behind it the answer.
typedef struct {
    const void *key;
    size_t key_len;
    // Answer: as of hostcache_delete.
    hostcache_status_t status;
} hostcache_delete_request_t;

// Counters and gauges of a region, named as Memcached names them. Counters only grow, gauges go both ways; both are sums over
// all processes, living and dead. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Gets: hits and misses.
    uint64_t cmd_get;
    // Sets, conditional ones and counters included.
    uint64_t cmd_set;
    uint64_t get_hits;
    uint64_t get_misses;
    // Gets that met an expired item (counted as misses too).
    uint64_t get_expired;
    // Gets that gave up because the item was replaced during every copy (counted as misses too).
    uint64_t get_contended;
    uint64_t delete_hits;
    uint64_t delete_misses;
    uint64_t incr_hits;
    uint64_t incr_misses;
    uint64_t decr_hits;
    uint64_t decr_misses;
    // Compare-and-swaps whose token was the item's.
    uint64_t cas_hits;
    // Compare-and-swaps that found no item.
    uint64_t cas_misses;
    // Compare-and-swaps whose token was not the item's.
    uint64_t cas_badval;
    uint64_t touch_hits;
    uint64_t touch_misses;
    uint64_t cmd_touch;
    uint64_t cmd_flush;
    // Appends and prepends that found an item (counted in cmd_set too).
    uint64_t append_hits;
    // Appends and prepends that did not (counted in cmd_set too).
    uint64_t append_misses;
    // Items stored, ever.
    uint64_t total_items;
    // Items that ended by memory pressure.
    uint64_t evictions;
    // Items that ended by their deadline and were reclaimed.
    uint64_t expired;
    // Blocks that came back from dead participants.
    uint64_t recovered_blocks;
    uint64_t recovered_participants;
    // Writes refused for want of room.
    uint64_t no_room;
    // Gauge: items.
    uint64_t curr_items;
    // Gauge: bytes of keys and values held.
    uint64_t bytes;
    // Gauge: the capacity, index and bookkeeping included.
    uint64_t limit_maxbytes;
    // Gauge: living participants.
    uint64_t participants;
    // Gauge: bytes held by magazines and writers in flight.
    uint64_t held_bytes;
    // Gauge: bytes of blocks held by pins, a block counted for each pin of it.
    uint64_t pinned_bytes;
    // Gauge: pins of all processes.
    uint64_t pins;
    // Gauge: bytes held by reservations.
    uint64_t reserved_bytes;
    // Gauge: bytes of pages that no slab class and no large value uses.
    uint64_t free_page_bytes;
    // 1: this handle's own reads are counted. 0: it is read-only, and they are not.
    uint64_t counts_own_reads;
    // Stores that found no free memory and made room by themselves.
    uint64_t inline_evictions;
} hostcache_stats_t;

// A region's fixed properties. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Bytes in all.
    uint64_t capacity;
    uint64_t index_bytes;
    // Slots of the index: the most items the region can hold.
    uint64_t index_slots;
    // Bytes of the arena of pages.
    uint64_t arena_bytes;
    uint64_t page_size;
    uint64_t pages;
    // The largest value, in bytes, with a key of one byte.
    uint64_t max_value_len;
    // TTL in milliseconds of items that are set without one. 0: none.
    uint64_t default_ttl_ms;
    // No item lives longer, in milliseconds. 0: no limit.
    uint64_t max_ttl_ms;
    // Creation time, seconds since the Unix epoch.
    uint64_t created_unix_secs;
    // Bytes that the filesystem has allocated for the region.
    uint64_t allocated_bytes;
    // Bytes of the region that this process sees through huge pages.
    uint64_t huge_page_bytes;
    // 1: it was created with the wish for huge pages.
    uint32_t huge_pages_asked;
    uint32_t layout_version;
    uint32_t participant_slots;
    // 1: this handle may write.
    uint32_t writable;
    // Why not all of the region is in huge pages, if they were asked for: at most 127 bytes of text.
    char huge_pages_reason[128];
} hostcache_region_info_t;

// One slab class at one moment: `chunk_size` in bytes, its pages, the chunks in them, those in use and free ones, items. `used_bytes` are those of
// items with their headers, `wasted_bytes` what their chunks have beyond them. `get_hits` is estimated from one hit in 512. `stored` counts stores
// that took memory anew, a few at once: they stand for misses, hit ratio = get_hits / (get_hits + stored), which tells nothing below some
// 16,384 of both. `eviction_age_ms` is how long what is evicted had been there, 0: unknown. `whole_pages` is 1 for all values too large for a class; their chunks are pages.
typedef struct {
    uint64_t chunk_size;
    uint64_t pages;
    uint64_t chunks;
    uint64_t used_chunks;
    uint64_t free_chunks;
    uint64_t whole_pages;
    uint64_t items;
    uint64_t used_bytes;
    uint64_t wasted_bytes;
    uint64_t get_hits;
    uint64_t stored;
    uint64_t evictions;
    uint64_t eviction_age_ms;
} hostcache_slab_class_t;

// One participant: hints for people, never to be used for decisions.
typedef struct {
    // How often the slot changed hands.
    uint64_t incarnation;
    // Bytes of blocks it holds outside the index.
    uint64_t held_bytes;
    // Pins in this slot. A process's pins and reservations are in slots of their own, beside its threads'.
    uint64_t pins;
    // Bytes of the blocks that they hold.
    uint64_t pinned_bytes;
    // Bytes of the reservation in this slot.
    uint64_t reserved_bytes;
    uint32_t slot;
    // Process id as the process saw it.
    uint32_t pid;
    // 1: its lock is held, so it lives.
    uint32_t alive;
    // 0.
    uint32_t reserved;
    // Command name as the process gave it, at most 31 bytes.
    char command[32];
} hostcache_participant_t;

// What a walk over the whole region found. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Items reachable through the index, expired and cleared ones included.
    uint64_t items;
    // Of those, expired or cleared.
    uint64_t dead_items;
    // Bytes of chunks and runs that hold them.
    uint64_t reachable_bytes;
    // Bytes of free chunks in slab pages.
    uint64_t free_chunk_bytes;
    // Bytes of free pages.
    uint64_t free_page_bytes;
    // Bytes held by living participants.
    uint64_t held_bytes;
    // Bytes held by dead participants that nobody has recovered yet.
    uint64_t dead_held_bytes;
    // Bytes of items that are gone from the index and held by pins.
    uint64_t pinned_bytes;
    // Bytes held by reservations of living participants.
    uint64_t reserved_bytes;
    // Bytes at the ends of pages that no chunk covers.
    uint64_t tail_bytes;
    // Bytes of the arena: all of the above together, when nobody writes.
    uint64_t arena_bytes;
    // Bytes of the arena that no account covers.
    int64_t unaccounted_bytes;
    // How many contradictions were found; hostcache_error_message has them, one in a line.
    uint64_t problems;
} hostcache_check_report_t;

// How much one maintenance step may do. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for the usual amount.
typedef struct {
    size_t size;
    // Buckets to look through for expired and cleared items. 0: 4096.
    uint32_t buckets;
    // Items to evict ahead of need. 0: 256; UINT32_MAX: none.
    uint32_t evictions;
    // 1: don't look for dead participants.
    uint32_t without_recovery;
    // Leave it 0.
    uint32_t reserved;
} hostcache_budget_t;

// What one maintenance step did. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Buckets looked through.
    uint64_t buckets;
    // Expired items reclaimed.
    uint64_t expired;
    // Items of an earlier clear reclaimed.
    uint64_t cleared;
    // Items evicted ahead of need.
    uint64_t evicted;
    // Dead participants recovered.
    uint64_t recovered_participants;
    // Blocks that came back from them.
    uint64_t recovered_blocks;
    // 1: the sweep over the index came round to its start.
    uint64_t sweep_finished;
} hostcache_maintenance_report_t;

// A region as hostcache_list finds it. HOSTCACHE_INIT sets `size`.
typedef struct {
    size_t size;
    // Its name. The strings belong to the list, and are good until that is freed.
    const char *name;
    // The file.
    const char *path;
    // Why it can't be opened by this library; NULL if it can.
    const char *problem;
    // Size of the file in bytes.
    uint64_t capacity;
    // Bytes that the filesystem has allocated for it.
    uint64_t allocated_bytes;
    // Owner.
    uint32_t uid;
    // Group.
    uint32_t gid;
    // Permission bits.
    uint32_t mode;
    // 0.
    uint32_t reserved;
} hostcache_region_entry_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// A status in a word or two, for messages: "no region". Any number is allowed.
// The string is static. Thread-safe. Async-signal-safe.
const char *hostcache_status_str(int status);

// What went wrong in the last call of this thread that failed: what was tried, on which region, what the system answered, what to
// do. A miss, an unmet condition and a small buffer are no failures, and leave it as it is. Empty if there was none.
// The string is the thread's: it lives as long as that, and changes with its next failure. Thread-safe. Not async-signal-safe.
const char *hostcache_error_message(void);

// The library's version, as HOSTCACHE_VERSION has the header's: "1.2.3".
// The string is static. Thread-safe. Async-signal-safe.
const char *hostcache_version(void);

// Version of the regions' byte format that this library reads and writes. Not the library's version: it changes only when the
// bytes do.
// Thread-safe. Async-signal-safe.
uint32_t hostcache_layout_version(void);

// Another handle of the same region, with lifetimes of its own: `default_ttl_ms` for items that are set without one, and no
// item lives longer than `max_ttl_ms` (both in milliseconds, 0: none; the region's own limit can only be lowered).
// The caller closes both handles, in any order. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_with_lifetimes(hostcache_t *cache, uint64_t default_ttl_ms, uint64_t max_ttl_ms, hostcache_t **out);

// Closes a handle. The region stays, and so do pins, reservations and iterators. NULL is allowed.
// No other thread may use the handle any more. Not async-signal-safe.
void hostcache_close(hostcache_t *cache);

// Removes a region's name: nobody can open it any more. Who has it open goes on with it; its memory comes back when the last of
// them is gone. A missing one is HOSTCACHE_NO_REGION.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_destroy(const char *name);

// The region's name, or the path that was given; "(private)" if it has none. NULL for a NULL handle.
// The string belongs to the handle, and is good until that is closed. Thread-safe. Async-signal-safe.
const char *hostcache_name(const hostcache_t *cache);

// The mapped file; "(private)" if it has no name. NULL for a NULL handle.
// The string belongs to the handle, and is good until that is closed. Thread-safe. Async-signal-safe.
const char *hostcache_path(const hostcache_t *cache);

// Bytes of memory in all, index and bookkeeping included; 0 for a NULL handle, or if a forked child can't attach.
// Thread-safe. Not async-signal-safe.
uint64_t hostcache_capacity(const hostcache_t *cache);

// The largest value that a key of this length can have, in bytes; 0 as for hostcache_capacity.
// Thread-safe. Not async-signal-safe.
size_t hostcache_max_value_len(const hostcache_t *cache, size_t key_len);

// The region's descriptor, to hand to another process (by inheritance, or over a Unix socket) for hostcache_open_fd there.
// `*fd` is -1 on failure.
// It belongs to the handle: don't close it, and use it only while the handle is open. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_fd(hostcache_t *cache, int *fd);

// Makes a clock, for hostcache_create_private_with. On failure `*out` is NULL.
// The caller frees it. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_clock_create(hostcache_clock_t **out);

// Moves a clock on by milliseconds. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_clock_advance(hostcache_clock_t *clock, uint64_t by_ms);

// How far a clock has been moved, in milliseconds. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_clock_elapsed(const hostcache_clock_t *clock, uint64_t *elapsed_ms);

// Frees a clock; caches that were made with it keep it. NULL is allowed.
// No other thread may use it any more. Not async-signal-safe.
void hostcache_clock_free(hostcache_clock_t *clock);

// Creates a region of `capacity` bytes in all, at least 1 MiB. An existing one is HOSTCACHE_EXISTS. On failure `*out` is NULL.
// A name is 1 to 30 characters of A-Z a-z 0-9 . _ -, the first a letter or digit; or a path with a / in it. The memory is
// reserved now: where there is not so much, this is HOSTCACHE_NO_SPACE. The caller closes the handle. Thread-safe. Not
// async-signal-safe.
hostcache_status_t hostcache_create(const char *name, uint64_t capacity, hostcache_t **out);

// Opens an existing region. A missing one is HOSTCACHE_NO_REGION. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open(const char *name, hostcache_t **out);

// Opens a region, or creates it where it is missing. An existing one keeps its capacity. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_or_create(const char *name, uint64_t capacity, hostcache_t **out);

// Opens an existing region without write access (O_RDONLY, PROT_READ): it can be read at full speed, and nothing is written,
// not even that it was read. Whatever writes is HOSTCACHE_READ_ONLY. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_read_only(const char *name, hostcache_t **out);

// hostcache_create with settings; NULL for none.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_create_with(const char *name, const hostcache_options_t *options, hostcache_t **out);

// hostcache_open with settings; NULL for none. With the flag for it, opens without write access.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_with(const char *name, const hostcache_options_t *options, hostcache_t **out);

// hostcache_open_or_create with settings; NULL for none, and then a missing region is HOSTCACHE_NO_REGION.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_or_create_with(const char *name, const hostcache_options_t *options, hostcache_t **out);

// Creates a region without a file in any directory: sealed memory (memfd), handed on as a descriptor by hostcache_fd. The name is for
// messages only. It ends with the last process that has it. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_create_memfd(const char *name, const hostcache_options_t *options, hostcache_t **out);

// Attaches to a region by a descriptor: a sealed memfd, or a region's file. Read-only if the descriptor is, or by the flag for it.
// Of the settings (NULL: none) the lifetimes and flags count. On failure `*out` is NULL.
// The descriptor stays the caller's, who may close it at once. The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_fd(int fd, const hostcache_options_t *options, hostcache_t **out);

// Attaches to the region that `hostcache serve NAME --memfd SOCKET` hands out at a Unix socket, within five seconds or not at
// all. Settings count as in hostcache_open_fd. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_open_socket(const char *path, const hostcache_options_t *options, hostcache_t **out);

// Makes a cache of this process and its forked children alone, of `capacity` bytes in all: without a name, in no list, gone with
// its last handle. On failure `*out` is NULL.
// The caller closes the handle. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_create_private(uint64_t capacity, hostcache_t **out);

// hostcache_create_private with settings (capacity, lifetimes, expected_item_size and participants; none of the others), and with
// a clock that the caller moves, for tests of lifetimes (NULL: the host's).
// The caller closes the handle; the clock may be freed before. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_create_private_with(const hostcache_options_t *options, const hostcache_clock_t *clock, hostcache_t **out);

// Copies a key's value to `buf`. HOSTCACHE_MISS: no such key.
// `*value_len` is the value's full length on HOSTCACHE_OK and on HOSTCACHE_BUFFER_TOO_SMALL (nothing is copied then; `buf` NULL with
// `buf_len` 0 asks for the length), else 0. Lock-free: waits for nobody. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_get(hostcache_t *cache, const void *key, size_t key_len, void *buf, size_t buf_len, size_t *value_len);

// hostcache_get that also tells what is known of the item, of the same instant. `info` is filled on HOSTCACHE_OK and on
// HOSTCACHE_BUFFER_TOO_SMALL.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_get_item(hostcache_t *cache, const void *key, size_t key_len, void *buf, size_t buf_len, hostcache_item_info_t *info);

// What is known of a key's item, without its value. Counts as no get, and as no use of the item. HOSTCACHE_MISS: no such key.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_item_info(hostcache_t *cache, const void *key, size_t key_len, hostcache_item_info_t *info);

// Whether a key is present: HOSTCACHE_OK or HOSTCACHE_MISS. Counts as no get, and as no use of the item.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_contains(hostcache_t *cache, const void *key, size_t key_len);

// Gives a key's value in memory of its own: `*value`, `*value_len` bytes with one zero byte behind them. HOSTCACHE_MISS: no such
// key. `info` is filled on HOSTCACHE_OK; NULL if it is not wanted.
// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_get_alloc(hostcache_t *cache, const void *key, size_t key_len, void **value, size_t *value_len, hostcache_item_info_t *info);

// Frees a value that this library allocated. NULL is allowed. Thread-safe. Not async-signal-safe.
void hostcache_free(void *value);

// Stores a value, whatever was there. It expires `ttl_ms` milliseconds from now (0: none, the handle's or region's default, if
// there is one).
// Key and value are copied. Linearizable and lock-free: no other process sees half of it. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_set(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t ttl_ms);

// hostcache_set with options (NULL: none). `*cas_token` is the item's token if it was stored, else 0; NULL if it is not wanted.
// An unmet condition is HOSTCACHE_EXISTS or HOSTCACHE_MISS, as hostcache_condition_t says.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_set_with(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, const hostcache_set_options_t *options, uint64_t *cas_token);

// Stores a value only if the key is absent, else HOSTCACHE_EXISTS. `ttl_ms` as for hostcache_set.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_add(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t ttl_ms);

// Stores a value only if the key is present, else HOSTCACHE_MISS. `ttl_ms` as for hostcache_set.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_replace(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t ttl_ms);

// Stores a value only if the item still carries the token that hostcache_get_item gave, else HOSTCACHE_EXISTS, or HOSTCACHE_MISS
// if there is none. `*new_token` is the item's token if it was stored, else 0; NULL if it is not wanted. `ttl_ms` as for
// hostcache_set.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_compare_and_swap(hostcache_t *cache, const void *key, size_t key_len, const void *value, size_t value_len, uint64_t ttl_ms, uint64_t cas_token, uint64_t *new_token);

// Adds to a counter (a value of ASCII decimal digits), wrapping at 2^64. `*value` is what it is then, 0 if this is not
// HOSTCACHE_OK; NULL if it is not wanted. HOSTCACHE_MISS: no such key.
// Linearizable: of all that several processes add at once nothing is lost. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_increment(hostcache_t *cache, const void *key, size_t key_len, uint64_t by, uint64_t *value);

// Subtracts from a counter, stopping at 0; else as hostcache_increment. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_decrement(hostcache_t *cache, const void *key, size_t key_len, uint64_t by, uint64_t *value);

// hostcache_increment with options (NULL: none): what a missing key becomes. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_increment_with(hostcache_t *cache, const void *key, size_t key_len, uint64_t by, const hostcache_counter_options_t *options, uint64_t *value);

// hostcache_decrement with options (NULL: none): what a missing key becomes. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_decrement_with(hostcache_t *cache, const void *key, size_t key_len, uint64_t by, const hostcache_counter_options_t *options, uint64_t *value);

// Adds bytes behind a value. TTL, flags and encoding stay, the token is a new one. `*value_len` is the value's new length, 0 if this
// is not HOSTCACHE_OK; NULL if it is not wanted. HOSTCACHE_MISS: no such key.
// Linearizable: of all that several processes append at once nothing is lost. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_append(hostcache_t *cache, const void *key, size_t key_len, const void *bytes, size_t bytes_len, size_t *value_len);

// Adds bytes before a value; else as hostcache_append. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_prepend(hostcache_t *cache, const void *key, size_t key_len, const void *bytes, size_t bytes_len, size_t *value_len);

// Gives an item a new lifetime: `ttl_ms` milliseconds from now (0: none, the default). Value and token stay. HOSTCACHE_MISS: no
// such key.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_touch(hostcache_t *cache, const void *key, size_t key_len, uint64_t ttl_ms);

// hostcache_touch with any lifetime: a hostcache_lifetime_t, and the time that it speaks of.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_touch_with(hostcache_t *cache, const void *key, size_t key_len, uint32_t lifetime, uint64_t time_ms);

// Gives an item a new lifetime (as hostcache_touch_with) and reads it (as hostcache_get_alloc), at one instant. HOSTCACHE_MISS: no
// such key.
// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_get_and_touch(hostcache_t *cache, const void *key, size_t key_len, uint32_t lifetime, uint64_t time_ms, void **value, size_t *value_len, hostcache_item_info_t *info);

// Ends a key's item. HOSTCACHE_MISS: there was none.
// Linearizable and lock-free. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_delete(hostcache_t *cache, const void *key, size_t key_len);

// Ends a key's item and gives its value (as hostcache_get_alloc), at one instant: of all who take it at once exactly one gets it.
// HOSTCACHE_MISS: there was none.
// The caller frees `*value` with hostcache_free; it is NULL unless this is HOSTCACHE_OK. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_take(hostcache_t *cache, const void *key, size_t key_len, void **value, size_t *value_len, hostcache_item_info_t *info);

// Ends the items of all keys that begin with `prefix`. `*deleted` is how many there were; NULL if it is not wanted. An item that
// is set meanwhile may stay or go. Takes time in proportion to the region's index.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_delete_prefix(hostcache_t *cache, const void *prefix, size_t prefix_len, uint64_t *deleted);

// Ends every item, at one instant, for all processes. Takes no longer for many items than for few.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_clear(hostcache_t *cache);

// hostcache_get_item for many keys, faster than one by one: each request is answered in place, with a status of its own. A key may
// come several times. The call itself fails only for a NULL.
// Each key is an operation of its own: the batch is not one event. The error message is that of the last request that failed.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_get_many(hostcache_t *cache, hostcache_get_request_t *requests, size_t count);

// hostcache_set_with for many keys, in the order given, with the same options for all (NULL: none): each request is answered in place,
// with a status of its own. Others may see some before the rest is there. The call itself fails only for a NULL or for options
// that are not allowed, and then does nothing.
// The error message is that of the last request that failed. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_set_many(hostcache_t *cache, hostcache_set_request_t *requests, size_t count, const hostcache_set_options_t *options);

// hostcache_delete for many keys, in the order given: each request is answered in place, with a status of its own. The call itself
// fails only for a NULL.
// The error message is that of the last request that failed. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_delete_many(hostcache_t *cache, hostcache_delete_request_t *requests, size_t count);

// Holds a key's item in place. HOSTCACHE_MISS: no such key. HOSTCACHE_NO_SPACE: as many pins, or as many bytes of them, as there may
// be. Unless it is HOSTCACHE_OK, `*out` is NULL.
// The caller ends it with hostcache_unpin. Costs about as much as copying two kilobytes, whatever the length. Thread-safe. Not
// async-signal-safe.
hostcache_status_t hostcache_pin(hostcache_t *cache, const void *key, size_t key_len, hostcache_pin_t **out);

// Where the value lies: hostcache_pin_len readable bytes, aligned to 8, until hostcache_unpin. Never write to them. NULL for a NULL
// pin.
// Where a process that may write the region is hostile or broken, they may change under the reader; hostcache_pin_read copies them safely
// even then. Thread-safe. Async-signal-safe.
const void *hostcache_pin_data(const hostcache_pin_t *pin);

// Length of the value in bytes; 0 for a NULL pin. Thread-safe. Async-signal-safe.
size_t hostcache_pin_len(const hostcache_pin_t *pin);

// What is known of the item; ttl_ms is what is left now, 0 once the deadline has passed. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_pin_info(const hostcache_pin_t *pin, hostcache_item_info_t *info);

// Copies bytes of the value from an offset on, as many as there are and fit: `*copied`. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_pin_read(const hostcache_pin_t *pin, size_t offset, void *buf, size_t buf_len, size_t *copied);

// Lets an item go. NULL is allowed. No other thread may use the pin any more. Not async-signal-safe.
void hostcache_unpin(hostcache_pin_t *pin);

// Reserves memory for a value of `value_len` bytes. The options (NULL: none) count when it is published; a TTL runs from then. On
// failure `*out` is NULL.
// The caller ends it with hostcache_publish or hostcache_cancel. HOSTCACHE_NO_SPACE also where this process holds as many reservations, or as
// many bytes of them, as it may. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_reserve(hostcache_t *cache, const void *key, size_t key_len, size_t value_len, const hostcache_set_options_t *options, hostcache_reservation_t **out);

// Where the value is made: hostcache_reservation_len bytes, aligned to 8, all 0 at first or what hostcache_reservation_write wrote.
// They may be written until the reservation is published or cancelled, or the process forks. NULL for a NULL reservation.
// One thread at a time. Not async-signal-safe.
void *hostcache_reservation_data(hostcache_reservation_t *reservation);

// Length of the value in bytes; 0 for a NULL reservation. One thread at a time. Async-signal-safe.
size_t hostcache_reservation_len(const hostcache_reservation_t *reservation);

// Copies bytes into the value at an offset; beyond its end is HOSTCACHE_TOO_LARGE, and nothing is written.
// One thread at a time. Not async-signal-safe.
hostcache_status_t hostcache_reservation_write(hostcache_reservation_t *reservation, size_t offset, const void *bytes, size_t bytes_len);

// Stores the value under its key, as hostcache_set_with of the same options would, and ends the reservation, whatever the status: don't
// use it any more. `*cas_token` is the item's token if it was stored, else 0; NULL if it is not wanted.
// One thread at a time. Not async-signal-safe.
hostcache_status_t hostcache_publish(hostcache_reservation_t *reservation, uint64_t *cas_token);

// Gives the memory back. NULL is allowed. No other thread may use the reservation any more. Not async-signal-safe.
void hostcache_cancel(hostcache_reservation_t *reservation);

// Begins a walk over the keys that begin with `prefix` (NULL with 0: all), at most `limit` of them (0: no limit). On failure `*out` is
// NULL.
// The caller frees it with hostcache_iterator_free. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_keys(hostcache_t *cache, const void *prefix, size_t prefix_len, size_t limit, hostcache_iterator_t **out);

// hostcache_keys that meets values too, each with its key of one instant. Counts neither as gets nor as uses of the items.
// The caller frees it with hostcache_iterator_free. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_items(hostcache_t *cache, const void *prefix, size_t prefix_len, size_t limit, hostcache_iterator_t **out);

// Goes on to the next key: HOSTCACHE_OK, or HOSTCACHE_MISS at the end. `value`, `value_len` and `info` may be NULL; a walk over keys
// leaves the value NULL with length 0, and `info` as it is.
// `*key` and `*value` belong to the iterator, and are good until the next call on it. One thread at a time. Not async-signal-safe.
hostcache_status_t hostcache_iterator_next(hostcache_iterator_t *iterator, const void **key, size_t *key_len, const void **value, size_t *value_len, hostcache_item_info_t *info);

// Whether the walk passed over slots because they changed under every look, a million times in a row: HOSTCACHE_CORRUPT; HOSTCACHE_OK in
// a region that is sound.
// One thread at a time. Not async-signal-safe.
hostcache_status_t hostcache_iterator_check(const hostcache_iterator_t *iterator);

// Ends a walk. NULL is allowed. No other thread may use the iterator any more. Not async-signal-safe.
void hostcache_iterator_free(hostcache_iterator_t *iterator);

// Counters and gauges of a region, read while others work. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_stats(hostcache_t *cache, hostcache_stats_t *stats);

// A region's fixed properties. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_info(hostcache_t *cache, hostcache_region_info_t *info);

// The slab classes, smallest chunks first, and large values last: `*found` of them, of which the first `count` are in `classes`. HOSTCACHE_BUFFER_TOO_SMALL if
// there are more; `classes` NULL with `count` 0 asks how many. `class_size` is sizeof(hostcache_slab_class_t).
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_slab_classes(hostcache_t *cache, hostcache_slab_class_t *classes, size_t class_size, size_t count, size_t *found);

// The participants that are attached, or were when they died and nobody has recovered yet: as hostcache_slab_classes.
// `participant_size` is sizeof(hostcache_participant_t).
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_participants(hostcache_t *cache, hostcache_participant_t *participants, size_t participant_size, size_t count, size_t *found);

// Walks over the whole region: accounts for every block and compares the arena with the index. HOSTCACHE_CORRUPT if it contradicts
// itself; the report is filled all the same. Exact when nobody writes: while others do, a walk may meet their steps half-way, so
// run it again before believing a problem.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_check(hostcache_t *cache, hostcache_check_report_t *report);

// One bounded step of recovery, expiry and eviction ahead of need: all that the daemon does. `budget` and `report` may be NULL. Call it now and
// then (the daemon does, some ten times a second) in a program that runs without one; processes that both do it do no harm.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_maintain(hostcache_t *cache, const hostcache_budget_t *budget, hostcache_maintenance_report_t *report);

// Takes the daemon's office of a region: a daemon that is started meanwhile stands by. HOSTCACHE_EXISTS: somebody else has it. Unless it is
// HOSTCACHE_OK, `*out` is NULL.
// The caller ends it with hostcache_resign. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_try_lead(hostcache_t *cache, hostcache_leadership_t **out);

// Gives the daemon's office up. NULL is allowed. No other thread may use it any more. Not async-signal-safe.
void hostcache_resign(hostcache_leadership_t *leadership);

// Whether somebody has the daemon's office at this moment: HOSTCACHE_OK, or HOSTCACHE_MISS.
// Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_is_led(hostcache_t *cache);

// Lists every region in the directories that the caller may read. On failure `*out` is NULL.
// The caller frees it with hostcache_list_free. Thread-safe. Not async-signal-safe.
hostcache_status_t hostcache_list(hostcache_list_t **out);

// Gives the next region of a list: HOSTCACHE_OK, or HOSTCACHE_MISS at the end. One thread at a time. Not async-signal-safe.
hostcache_status_t hostcache_list_next(hostcache_list_t *list, hostcache_region_entry_t *entry);

// Frees a list. NULL is allowed. No other thread may use it any more. Not async-signal-safe.
void hostcache_list_free(hostcache_list_t *list);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HOSTCACHE_H */
