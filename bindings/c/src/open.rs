//! Creating and opening.

use std::ffi::{c_char, c_int};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr;

use hostcache::{Cache, CacheBuilder, PrivateCache};

use crate::boundary::{self, growing, guard, text};
use crate::clock::hostcache_clock_t;
use crate::handle::{duration, hostcache_t, out_handle};
use crate::status::{HOSTCACHE_OK, HOSTCACHE_SYSTEM, Outcome, fault, hostcache_status_t, invalid};

/// Flags of hostcache_options_t, to be added up.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum hostcache_open_flag_t {
    /// An existing region of another capacity is HOSTCACHE_EXISTS, not taken as it is.
    HOSTCACHE_EXACT = 1,
    /// Map all of the region at once, so that the first operations meet no page fault.
    HOSTCACHE_POPULATE = 2,
    /// Ask for huge pages; getting none is no error, see hostcache_region_info_t.
    HOSTCACHE_HUGE_PAGES = 4,
    /// Open without write access.
    HOSTCACHE_WITHOUT_WRITE_ACCESS = 8,
    /// Keep the region's bytes out of core dumps of this process and its children. What a read copied out is dumped all the same.
    HOSTCACHE_EXCLUDE_FROM_CORE_DUMPS = 16,
    /// Make a new region in a named segment (POSIX shared memory) instead of a file; opening needs no such word. Only together with
    /// HOSTCACHE_UNRESERVED, without mode and group, and never read-only: HOSTCACHE_INVALID_ARGUMENT otherwise.
    HOSTCACHE_NAMED_SEGMENT = 32,
    /// Take a named segment whose memory is not reserved: where shared memory runs out later, the kernel ends the process that
    /// touches a page first (SIGBUS). Files are reserved all the same.
    HOSTCACHE_UNRESERVED = 64,
}

use hostcache_open_flag_t::*;

/// Settings for creating and opening. HOSTCACHE_INIT sets `size`, and all the rest to 0, which stands for the default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_options_t {
    pub size: usize,
    /// Bytes of memory in all, index and bookkeeping included, at least 1 MiB. An existing region keeps its own.
    pub capacity: u64,
    /// Directory of the region. NULL: $HOSTCACHE_DIR, else /dev/shm/hostcache-UID, and to open it those of the caller's groups.
    pub directory: *const c_char,
    /// A region that the members of a group share: its name or number, "" for the caller's own. NULL: none.
    pub group: *const c_char,
    /// TTL of items that are set without one, in milliseconds. 0: none.
    pub default_ttl_ms: u64,
    /// No item lives longer, in milliseconds. 0: no limit.
    pub max_ttl_ms: u64,
    /// Permission bits of a new region. 0: 0600, with a group 0660.
    pub mode: u32,
    /// Mean bytes of key plus value, from which a new region's index is sized.
    pub expected_item_size: u32,
    /// Participant slots of a new region: threads that may use it at once.
    pub participants: u32,
    /// A sum of hostcache_open_flag_t.
    pub flags: u32,
}

growing!(hostcache_options_t, 64);

/// What NULL stands for.
const DEFAULTS: hostcache_options_t = hostcache_options_t {
    size: size_of::<hostcache_options_t>(),
    capacity: 0,
    directory: ptr::null(),
    group: ptr::null(),
    default_ttl_ms: 0,
    max_ttl_ms: 0,
    mode: 0,
    expected_item_size: 0,
    participants: 0,
    flags: 0,
};

impl hostcache_options_t {
    /// The pieces that name a place or a right, which not every region has.
    fn names_no_file(&self) -> bool {
        self.directory.is_null() && self.group.is_null() && self.mode == 0 && self.flags == 0
    }

    fn has(&self, flag: hostcache_open_flag_t) -> bool {
        self.flags & flag as u32 != 0
    }

    fn is_read_only(&self) -> bool {
        self.has(HOSTCACHE_WITHOUT_WRITE_ACCESS)
    }

    /// The group's number.
    ///
    /// # Safety
    ///
    /// The string is NULL or ends with NUL.
    unsafe fn group_id(&self) -> Outcome<Option<u32>> {
        // SAFETY: the caller's.
        let group = unsafe { boundary::optional_text(self.group, "hostcache_options_t.group") }?;
        let number = |group: &str| match group {
            // SAFETY: asks for a number.
            "" => Ok(unsafe { libc::getegid() }),
            group => hostcache::group_id(group)
                .ok_or_else(|| invalid(format!("there is no group {group:?}"))),
        };
        group.map(number).transpose()
    }

    #[cfg(feature = "shared_memory")]
    fn segment(&self, builder: CacheBuilder) -> Outcome<CacheBuilder> {
        let builder =
            if self.has(HOSTCACHE_NAMED_SEGMENT) { builder.named_segment() } else { builder };
        Ok(if self.has(HOSTCACHE_UNRESERVED) { builder.unreserved() } else { builder })
    }

    #[cfg(not(feature = "shared_memory"))]
    fn segment(&self, builder: CacheBuilder) -> Outcome<CacheBuilder> {
        if self.has(HOSTCACHE_NAMED_SEGMENT) {
            return Err(invalid(
                "this library was built without its feature shared_memory: leave HOSTCACHE_NAMED_SEGMENT out",
            ));
        }
        Ok(builder)
    }

    /// # Safety
    ///
    /// The strings are NULL or end with NUL.
    unsafe fn builder(&self, name: &str) -> Outcome<CacheBuilder> {
        let known = [
            HOSTCACHE_EXACT,
            HOSTCACHE_POPULATE,
            HOSTCACHE_HUGE_PAGES,
            HOSTCACHE_WITHOUT_WRITE_ACCESS,
            HOSTCACHE_EXCLUDE_FROM_CORE_DUMPS,
            HOSTCACHE_NAMED_SEGMENT,
            HOSTCACHE_UNRESERVED,
        ];
        let known = known.into_iter().fold(0, |sum, flag| sum | flag as u32);
        if self.flags & !known != 0 {
            let unknown = self.flags & !known;
            return Err(invalid(format!(
                "hostcache_options_t.flags has unknown flags {unknown:#x}"
            )));
        }
        // SAFETY: the caller's.
        let (directory, group) = unsafe {
            (
                boundary::optional_text(self.directory, "hostcache_options_t.directory")?,
                self.group_id()?,
            )
        };
        let mut builder = Cache::builder(name)
            .populate(self.has(HOSTCACHE_POPULATE))
            .huge_pages(self.has(HOSTCACHE_HUGE_PAGES))
            .exclude_from_core_dumps(self.has(HOSTCACHE_EXCLUDE_FROM_CORE_DUMPS));
        builder = self.segment(builder)?;
        if self.capacity != 0 {
            builder = builder.capacity(self.capacity);
        }
        if let Some(directory) = directory {
            builder = builder.directory(directory);
        }
        if let Some(group) = group {
            builder = builder.group_id(group);
        }
        if let Some(ttl) = duration(self.default_ttl_ms) {
            builder = builder.default_ttl(ttl);
        }
        if let Some(ttl) = duration(self.max_ttl_ms) {
            builder = builder.max_ttl(ttl);
        }
        if self.mode != 0 {
            builder = builder.mode(self.mode);
        }
        if self.expected_item_size != 0 {
            builder = builder.expected_item_size(self.expected_item_size);
        }
        if self.participants != 0 {
            builder = builder.participants(self.participants);
        }
        Ok(if self.has(HOSTCACHE_EXACT) { builder.exact() } else { builder })
    }
}

/// Opens in one of the ways below.
///
/// # Safety
///
/// As the functions below.
unsafe fn open_by(
    name: *const c_char,
    options: impl FnOnce() -> Outcome<Option<hostcache_options_t>>,
    out: *mut *mut hostcache_t,
    how: impl FnOnce(CacheBuilder, &hostcache_options_t) -> Outcome<Cache>,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the caller's.
        let (out, name) = unsafe { (out_handle(out)?, text(name, "the name")?) };
        let options = options()?.unwrap_or(DEFAULTS);
        // SAFETY: the caller's.
        let builder = unsafe { options.builder(name) }?;
        out.hand_out(hostcache_t::new(how(builder, &options)?));
        Ok(HOSTCACHE_OK)
    })
}

fn writable_only(options: &hostcache_options_t) -> Outcome<()> {
    match options.is_read_only() {
        false => Ok(()),
        true => Err(invalid("who creates a region needs write access to it")),
    }
}

/// Creates a region of `capacity` bytes in all, at least 1 MiB. An existing one is HOSTCACHE_EXISTS. On failure `*out` is NULL.
/// A name is 1 to 30 characters of A-Z a-z 0-9 . _ -, the first a letter or digit; or a path with a / in it. The memory is
/// reserved now: where there is not so much, this is HOSTCACHE_NO_SPACE. The caller closes the handle. Thread-safe. Not
/// async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_create(
    name: *const c_char,
    capacity: u64,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let create =
        |builder: CacheBuilder, _: &hostcache_options_t| Ok(builder.capacity(capacity).create()?);
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || Ok(None), out, create) }
}

/// Opens an existing region. A missing one is HOSTCACHE_NO_REGION. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open(
    name: *const c_char,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || Ok(None), out, |builder, _| Ok(builder.open()?)) }
}

/// Opens a region, or creates it where it is missing. An existing one keeps its capacity. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_or_create(
    name: *const c_char,
    capacity: u64,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let open = |builder: CacheBuilder, _: &hostcache_options_t| {
        Ok(builder.capacity(capacity).open_or_create()?)
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || Ok(None), out, open) }
}

/// Opens an existing region without write access (O_RDONLY, PROT_READ): it can be read at full speed, and nothing is written,
/// not even that it was read. Whatever writes is HOSTCACHE_READ_ONLY. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_read_only(
    name: *const c_char,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || Ok(None), out, |builder, _| Ok(builder.open_read_only()?)) }
}

/// hostcache_create with settings; NULL for none.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_create_with(
    name: *const c_char,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let create = |builder: CacheBuilder, options: &hostcache_options_t| {
        writable_only(options)?;
        Ok(builder.create()?)
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || boundary::options(options), out, create) }
}

/// hostcache_open with settings; NULL for none. With the flag for it, opens without write access.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_with(
    name: *const c_char,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let open = |builder: CacheBuilder, options: &hostcache_options_t| {
        Ok(if options.is_read_only() { builder.open_read_only()? } else { builder.open()? })
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || boundary::options(options), out, open) }
}

/// hostcache_open_or_create with settings; NULL for none, and then a missing region is HOSTCACHE_NO_REGION.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_or_create_with(
    name: *const c_char,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let open = |builder: CacheBuilder, options: &hostcache_options_t| {
        writable_only(options)?;
        Ok(builder.open_or_create()?)
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || boundary::options(options), out, open) }
}

/// Creates a region without a file in any directory: sealed memory (memfd), handed on as a descriptor by hostcache_fd. The name is for
/// messages only. It ends with the last process that has it. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_create_memfd(
    name: *const c_char,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let create = |builder: CacheBuilder, options: &hostcache_options_t| {
        writable_only(options)?;
        if options.has(HOSTCACHE_NAMED_SEGMENT) {
            return Err(invalid(
                "sealed memory is no named segment: leave HOSTCACHE_NAMED_SEGMENT out",
            ));
        }
        // SAFETY: the arguments are as the header says.
        let Some(group) = (unsafe { options.group_id() })? else {
            return Ok(builder.memfd().create()?);
        };
        let mode = if options.mode == 0 { 0o660 } else { options.mode };
        Ok(builder.mode(mode).memfd().group(group).create()?)
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(name, || boundary::options(options), out, create) }
}

/// Attaches to a region by a descriptor: a sealed memfd, or a region's file. Read-only if the descriptor is, or by the flag for it.
/// Of the settings (NULL: none) the lifetimes and flags count. On failure `*out` is NULL.
/// The descriptor stays the caller's, who may close it at once. The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_fd(
    fd: c_int,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let open = |builder: CacheBuilder, options: &hostcache_options_t| {
        let fd = own_descriptor(fd)?;
        Ok(match options.is_read_only() {
            true => builder.open_fd_read_only(fd)?,
            false => builder.open_fd(fd)?,
        })
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(c"".as_ptr(), || boundary::options(options), out, open) }
}

/// Attaches to the region that `hostcache serve NAME --memfd SOCKET` hands out at a Unix socket, within five seconds or not at
/// all. Settings count as in hostcache_open_fd. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_open_socket(
    path: *const c_char,
    options: *const hostcache_options_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    let open = |builder: CacheBuilder, options: &hostcache_options_t| {
        // SAFETY: the arguments are as the header says.
        let path = unsafe { text(path, "the socket's path") }?;
        Ok(match options.is_read_only() {
            true => builder.open_socket_read_only(path)?,
            false => builder.open_socket(path)?,
        })
    };
    // SAFETY: the arguments are as the header says.
    unsafe { open_by(c"".as_ptr(), || boundary::options(options), out, open) }
}

/// A descriptor of our own for the caller's open file.
fn own_descriptor(fd: c_int) -> Outcome<OwnedFd> {
    if fd < 0 {
        return Err(invalid(format!("{fd} is no descriptor")));
    }
    // SAFETY: any number but -1 is allowed for a moment: the call below refuses one that is not open.
    let fd_now = unsafe { BorrowedFd::borrow_raw(fd) };
    fd_now.try_clone_to_owned().map_err(|error| {
        fault(HOSTCACHE_SYSTEM, format!("duplicating descriptor {fd} failed: {error}"))
    })
}

/// Makes a cache of this process and its forked children alone, of `capacity` bytes in all: without a name, in no list, gone with
/// its last handle. On failure `*out` is NULL.
/// The caller closes the handle. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_create_private(
    capacity: u64,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let out = unsafe { out_handle(out) }?;
        out.hand_out(hostcache_t::new(Cache::private(capacity)?));
        Ok(HOSTCACHE_OK)
    })
}

/// hostcache_create_private with settings (capacity, lifetimes, expected_item_size and participants; none of the others), and with
/// a clock that the caller moves, for tests of lifetimes (NULL: the host's).
/// The caller closes the handle; the clock may be freed before. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_create_private_with(
    options: *const hostcache_options_t,
    clock: *const hostcache_clock_t,
    out: *mut *mut hostcache_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, options, clock) =
            unsafe { (out_handle(out)?, boundary::options(options)?, clock.as_ref()) };
        let options =
            options.ok_or_else(|| invalid("the options are NULL: they have the capacity"))?;
        if !options.names_no_file() {
            return Err(invalid(
                "a private cache has no directory, group, mode or flags: leave them 0",
            ));
        }
        let mut settings = PrivateCache::new(options.capacity);
        if options.expected_item_size != 0 {
            settings = settings.expected_item_size(options.expected_item_size);
        }
        if options.participants != 0 {
            settings = settings.participants(options.participants);
        }
        if let Some(ttl) = duration(options.default_ttl_ms) {
            settings = settings.default_ttl(ttl);
        }
        if let Some(ttl) = duration(options.max_ttl_ms) {
            settings = settings.max_ttl(ttl);
        }
        if let Some(clock) = clock {
            settings = settings.clock(clock.inner());
        }
        out.hand_out(hostcache_t::new(settings.create()?));
        Ok(HOSTCACHE_OK)
    })
}
