//! What a process does by the C functions, and what its key may be afterwards.

use std::ffi::{CStr, CString, c_void};
use std::mem::MaybeUninit;
use std::path::Path;
use std::ptr;

use hostcache_c as c;
use hostcache_c::hostcache_status_t as Status;

pub(super) const KEY: &[u8] = b"the victim's";
/// A second key of batches.
const OTHER: &[u8] = b"the victim's second";
/// What a counter becomes that was not there.
const INITIAL: u64 = 41;

macro_rules! entries {
    ($($name:ident: $($function:literal)+;)*) => {
        /// What the child does: the functions that it calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Entry { $(#[doc = concat!($("`", $function, "` "),+)] $name,)* }

        impl Entry {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The C functions in the middle of which it is killed and stopped.
            #[must_use]
            pub fn functions(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($function),+]),* }
            }
        }
    };
}

entries! {
    SetNew: "hostcache_set";
    SetOver: "hostcache_set";
    SetLarge: "hostcache_set";
    SetWith: "hostcache_set_with";
    Add: "hostcache_add";
    Replace: "hostcache_replace";
    Swap: "hostcache_compare_and_swap";
    Append: "hostcache_append";
    Prepend: "hostcache_prepend";
    Increment: "hostcache_increment";
    Decrement: "hostcache_decrement";
    IncrementNew: "hostcache_increment_with";
    DecrementNew: "hostcache_decrement_with";
    Touch: "hostcache_touch";
    TouchWith: "hostcache_touch_with";
    GetAndTouch: "hostcache_get_and_touch" "hostcache_free";
    Delete: "hostcache_delete";
    Take: "hostcache_take" "hostcache_free";
    DeletePrefix: "hostcache_delete_prefix";
    Clear: "hostcache_clear";
    SetMany: "hostcache_set_many";
    DeleteMany: "hostcache_delete_many";
    GetMany: "hostcache_get_many";
    Get: "hostcache_get";
    GetItem: "hostcache_get_item";
    GetAlloc: "hostcache_get_alloc" "hostcache_free";
    ItemInfo: "hostcache_item_info";
    Contains: "hostcache_contains";
    Pin: "hostcache_pin" "hostcache_pin_data" "hostcache_pin_len" "hostcache_pin_info" "hostcache_pin_read"
        "hostcache_unpin";
    Publish: "hostcache_reserve" "hostcache_reservation_data" "hostcache_reservation_len"
        "hostcache_reservation_write" "hostcache_publish";
    Cancel: "hostcache_reserve" "hostcache_cancel";
    Keys: "hostcache_keys" "hostcache_iterator_next" "hostcache_iterator_check" "hostcache_iterator_free";
    Items: "hostcache_items" "hostcache_iterator_next" "hostcache_iterator_check" "hostcache_iterator_free";
    Figures: "hostcache_stats" "hostcache_info" "hostcache_capacity" "hostcache_max_value_len"
        "hostcache_slab_classes" "hostcache_participants" "hostcache_is_led" "hostcache_name" "hostcache_path"
        "hostcache_fd";
    Check: "hostcache_check";
    Maintain: "hostcache_maintain";
    Lifetimes: "hostcache_with_lifetimes" "hostcache_close";
    Lead: "hostcache_try_lead" "hostcache_resign";
    List: "hostcache_list" "hostcache_list_next" "hostcache_list_free";
    Create: "hostcache_create";
    CreateWith: "hostcache_create_with";
    OpenOrCreate: "hostcache_open_or_create";
    OpenOrCreateWith: "hostcache_open_or_create_with";
    CreateMemfd: "hostcache_create_memfd" "hostcache_close";
    CreatePrivate: "hostcache_create_private" "hostcache_create_private_with" "hostcache_close";
    Open: "hostcache_open";
    OpenWith: "hostcache_open_with";
    OpenReadOnly: "hostcache_open_read_only";
    OpenFd: "hostcache_open_fd";
    Destroy: "hostcache_destroy";
    Close: "hostcache_close";
}

impl Entry {
    /// Whether it calls the system, where it is killed then.
    pub(super) fn calls(self) -> bool {
        use Entry::*;
        self.is_open()
            || self.creates()
            || matches!(self, Close | CreateMemfd | CreatePrivate | Lead | List | Lifetimes)
    }

    /// Whether it begins with a handle.
    pub(super) fn has_handle(self) -> bool {
        use Entry::*;
        let makes = self.is_open() || self.creates();
        !makes && !matches!(self, CreateMemfd | CreatePrivate | List)
    }

    /// Whether it opens the region, and sets.
    pub(super) fn is_open(self) -> bool {
        use Entry::*;
        matches!(self, Open | OpenWith | OpenReadOnly | OpenFd)
    }

    /// Whether it makes a region, or takes one away, that is none of the others'.
    pub(super) fn creates(self) -> bool {
        use Entry::*;
        matches!(self, Create | CreateWith | OpenOrCreate | OpenOrCreateWith | Destroy)
    }

    /// Whether the key is there before.
    pub(super) fn is_on_present(self) -> bool {
        use Entry::*;
        !matches!(self, SetNew | Add | IncrementNew | DecrementNew) && self.has_handle()
    }

    /// Length of the value that it stores.
    pub(super) fn value_len(self) -> usize {
        if matches!(self, Entry::SetLarge) { 40_000 } else { 16 }
    }

    /// What the key is behind it, done on `before`, with a value to store.
    pub(super) fn outcome(self, before: Option<&[u8]>, value: &[u8]) -> Option<Vec<u8>> {
        use Entry::*;
        let kept = before.map(<[u8]>::to_vec);
        let changed = |by: i64| {
            let number = |before: &[u8]| String::from_utf8_lossy(before).parse::<i64>();
            before.map(|it| (number(it).unwrap_or_default() + by).to_string().into_bytes())
        };
        match self {
            SetNew | SetOver | SetLarge | SetWith | SetMany | Publish => Some(value.to_vec()),
            Open | OpenWith | OpenFd => Some(value.to_vec()),
            Add => kept.or(Some(value.to_vec())),
            Replace | Swap => before.map(|_| value.to_vec()),
            Append => before.map(|it| [it, b"+"].concat()),
            Prepend => before.map(|it| [b"+", it].concat()),
            Increment => changed(1),
            Decrement => changed(-1),
            IncrementNew => changed(2).or(Some(INITIAL.to_string().into_bytes())),
            DecrementNew => changed(-2).or(Some(INITIAL.to_string().into_bytes())),
            Delete | Take | DeletePrefix | DeleteMany | Clear => None,
            _ => kept,
        }
    }
}

/// A path as C takes it.
pub(super) fn path_of(path: &Path) -> CString {
    CString::new(path.as_os_str().as_encoded_bytes()).unwrap_or_default()
}

fn void(bytes: &[u8]) -> *const c_void {
    bytes.as_ptr().cast()
}

/// As `HOSTCACHE_INIT` does.
///
/// # Safety
///
/// A struct of the header that begins with its size.
unsafe fn init<T>() -> T {
    let mut object = MaybeUninit::<T>::zeroed();
    // SAFETY: integers and pointers, for which zeros are values; the size is the first of them (contract).
    unsafe {
        object.as_mut_ptr().cast::<usize>().write(size_of::<T>());
        object.assume_init()
    }
}

/// What the child has at hand.
#[derive(Debug)]
pub(super) struct Hands<'a> {
    pub(super) cache: *mut c::hostcache_t,
    /// Of the region that it opens, or makes.
    pub(super) name: &'a CStr,
    /// Of the region's file.
    pub(super) fd: i32,
    /// Of the key's item before.
    pub(super) token: u64,
    pub(super) value: &'a [u8],
}

/// The first status that is neither success nor a miss, else the first miss.
fn worst(statuses: &[Status]) -> Status {
    let bad =
        statuses.iter().find(|it| !matches!(it, Status::HOSTCACHE_OK | Status::HOSTCACHE_MISS));
    let miss = statuses.iter().find(|it| **it == Status::HOSTCACHE_MISS);
    *bad.or(miss).unwrap_or(&Status::HOSTCACHE_OK)
}

/// Does it; the status.
///
/// # Safety
///
/// The handle is open where the entry begins with one.
pub(super) unsafe fn perform(entry: Entry, hands: &Hands<'_>) -> Status {
    let Hands { mut cache, name, fd, token, value } = *hands;
    let (key, len, name) = (void(KEY), KEY.len(), name.as_ptr());
    let (at, size, null) = (void(value), value.len(), ptr::null_mut::<c_void>());
    let mut buffer = [0u8; 64];
    let (mut out, mut word) = (0usize, 0u64);
    let buf: *mut c_void = buffer.as_mut_ptr().cast();
    let handle = &raw mut cache;
    // SAFETY: every pointer is to what the header asks for, and lives until the call is over.
    unsafe {
        let mut options: c::hostcache_options_t = init();
        options.capacity = 1 << 20;
        let set = |cache| c::hostcache_set(cache, key, len, at, size, 0);
        match entry {
            Entry::SetNew | Entry::SetOver | Entry::SetLarge => set(cache),
            Entry::SetWith => {
                let options: c::hostcache_set_options_t = init();
                c::hostcache_set_with(cache, key, len, at, size, &raw const options, &raw mut word)
            }
            Entry::Add => c::hostcache_add(cache, key, len, at, size, 0),
            Entry::Replace => c::hostcache_replace(cache, key, len, at, size, 0),
            Entry::Swap => {
                c::hostcache_compare_and_swap(cache, key, len, at, size, 0, token, &raw mut word)
            }
            Entry::Append => c::hostcache_append(cache, key, len, void(b"+"), 1, &raw mut out),
            Entry::Prepend => c::hostcache_prepend(cache, key, len, void(b"+"), 1, &raw mut out),
            Entry::Increment => c::hostcache_increment(cache, key, len, 1, null.cast()),
            Entry::Decrement => c::hostcache_decrement(cache, key, len, 1, &raw mut word),
            Entry::IncrementNew | Entry::DecrementNew => {
                let mut options: c::hostcache_counter_options_t = init();
                (options.initial, options.has_initial) = (INITIAL, 1);
                let options = &raw const options;
                match entry {
                    Entry::IncrementNew => {
                        c::hostcache_increment_with(cache, key, len, 2, options, &raw mut word)
                    }
                    _ => c::hostcache_decrement_with(cache, key, len, 2, options, &raw mut word),
                }
            }
            Entry::Touch => c::hostcache_touch(cache, key, len, 3_600_000),
            Entry::TouchWith => c::hostcache_touch_with(cache, key, len, 2, 3_600_000),
            Entry::GetAndTouch | Entry::Take | Entry::GetAlloc => {
                let mut copy = null;
                let (copied, out) = (&raw mut copy, &raw mut out);
                let status = match entry {
                    Entry::Take => c::hostcache_take(cache, key, len, copied, out, null.cast()),
                    Entry::GetAlloc => {
                        c::hostcache_get_alloc(cache, key, len, copied, out, null.cast())
                    }
                    _ => c::hostcache_get_and_touch(
                        cache,
                        key,
                        len,
                        2,
                        3_600_000,
                        copied,
                        out,
                        null.cast(),
                    ),
                };
                c::hostcache_free(copy);
                status
            }
            Entry::Delete => c::hostcache_delete(cache, key, len),
            Entry::DeletePrefix => c::hostcache_delete_prefix(cache, key, len, &raw mut word),
            Entry::Clear => c::hostcache_clear(cache),
            Entry::SetMany | Entry::DeleteMany | Entry::GetMany => {
                many(entry, cache, value, &mut buffer)
            }
            Entry::Get => c::hostcache_get(cache, key, len, buf, 64, &raw mut out),
            Entry::GetItem | Entry::ItemInfo => {
                let mut info: c::hostcache_item_info_t = init();
                match entry {
                    Entry::GetItem => {
                        c::hostcache_get_item(cache, key, len, buf, 64, &raw mut info)
                    }
                    _ => c::hostcache_item_info(cache, key, len, &raw mut info),
                }
            }
            Entry::Contains => c::hostcache_contains(cache, key, len),
            Entry::Pin => {
                let mut pin = ptr::null_mut();
                let status = c::hostcache_pin(cache, key, len, &raw mut pin);
                let mut info: c::hostcache_item_info_t = init();
                let read = match status {
                    Status::HOSTCACHE_OK => [
                        c::hostcache_pin_info(pin, &raw mut info),
                        c::hostcache_pin_read(pin, 0, buf, 64, &raw mut out),
                    ],
                    other => [other; 2],
                };
                let shown = (c::hostcache_pin_data(pin), c::hostcache_pin_len(pin));
                assert!(shown.0.is_null() == pin.is_null() && shown.1 == out);
                c::hostcache_unpin(pin);
                worst(&[status, read[0], read[1]])
            }
            Entry::Publish | Entry::Cancel => {
                let mut made = ptr::null_mut();
                let status =
                    c::hostcache_reserve(cache, key, len, size, ptr::null(), &raw mut made);
                if status != Status::HOSTCACHE_OK {
                    return status;
                }
                if entry == Entry::Cancel {
                    c::hostcache_cancel(made);
                    return status;
                }
                let to: *mut u8 = c::hostcache_reservation_data(made).cast();
                to.copy_from(value.as_ptr(), c::hostcache_reservation_len(made));
                let written = c::hostcache_reservation_write(made, 0, at, size / 2);
                worst(&[written, c::hostcache_publish(made, &raw mut word)])
            }
            Entry::Keys | Entry::Items => walk(entry, cache),
            Entry::Figures => figures(cache),
            Entry::Check => {
                let mut report: c::hostcache_check_report_t = init();
                match c::hostcache_check(cache, &raw mut report) {
                    // Others were at work.
                    Status::HOSTCACHE_CORRUPT => Status::HOSTCACHE_OK,
                    other => other,
                }
            }
            Entry::Maintain => c::hostcache_maintain(cache, ptr::null(), ptr::null_mut()),
            Entry::Lifetimes => {
                let mut other = ptr::null_mut();
                let status = c::hostcache_with_lifetimes(cache, 1_000, 0, &raw mut other);
                c::hostcache_close(other);
                status
            }
            Entry::Lead => {
                let mut office = ptr::null_mut();
                let status = c::hostcache_try_lead(cache, &raw mut office);
                c::hostcache_resign(office);
                status
            }
            Entry::List => {
                let mut list = ptr::null_mut();
                let status = c::hostcache_list(&raw mut list);
                let mut entry: c::hostcache_region_entry_t = init();
                while c::hostcache_list_next(list, &raw mut entry) == Status::HOSTCACHE_OK {}
                c::hostcache_list_free(list);
                status
            }
            Entry::Create => c::hostcache_create(name, 1 << 20, handle),
            Entry::CreateWith => c::hostcache_create_with(name, &raw const options, handle),
            Entry::OpenOrCreate => c::hostcache_open_or_create(name, 1 << 20, handle),
            Entry::OpenOrCreateWith => {
                c::hostcache_open_or_create_with(name, &raw const options, handle)
            }
            Entry::CreateMemfd => {
                let status =
                    c::hostcache_create_memfd(c"memory".as_ptr(), &raw const options, handle);
                let status = worst(&[status, set(cache)]);
                c::hostcache_close(cache);
                status
            }
            Entry::CreatePrivate => {
                let first = c::hostcache_create_private(1 << 20, handle);
                let first = worst(&[first, set(cache)]);
                c::hostcache_close(cache);
                let null = ptr::null();
                let second = c::hostcache_create_private_with(&raw const options, null, handle);
                c::hostcache_close(cache);
                worst(&[first, second])
            }
            Entry::Open => {
                let status = c::hostcache_open(name, handle);
                worst(&[status, set(cache)])
            }
            Entry::OpenWith => {
                let status = c::hostcache_open_with(name, ptr::null(), handle);
                worst(&[status, set(cache)])
            }
            Entry::OpenReadOnly => {
                let status = c::hostcache_open_read_only(name, handle);
                worst(&[status, c::hostcache_get(cache, key, len, buf, 64, &raw mut out)])
            }
            Entry::OpenFd => {
                let status = c::hostcache_open_fd(fd, ptr::null(), handle);
                worst(&[status, set(cache)])
            }
            Entry::Destroy => match c::hostcache_destroy(name) {
                // A survivor was first.
                Status::HOSTCACHE_NO_REGION => Status::HOSTCACHE_MISS,
                other => other,
            },
            Entry::Close => {
                c::hostcache_close(cache);
                Status::HOSTCACHE_OK
            }
        }
    }
}

/// A batch of two keys.
///
/// # Safety
///
/// As of [`perform`].
unsafe fn many(
    entry: Entry,
    cache: *mut c::hostcache_t,
    value: &[u8],
    buffer: &mut [u8; 64],
) -> Status {
    let keys = [KEY, OTHER];
    // SAFETY: every pointer is to what the header asks for, and lives until the call is over; zeros are a value of requests.
    unsafe {
        match entry {
            Entry::GetMany => {
                let mut requests = keys.map(|key| c::hostcache_get_request_t {
                    key: void(key),
                    key_len: key.len(),
                    buf: buffer.as_mut_ptr().cast(),
                    buf_len: 64,
                    ..std::mem::zeroed()
                });
                let status = c::hostcache_get_many(cache, requests.as_mut_ptr(), 2);
                worst(&[status, requests[0].status, requests[1].status])
            }
            Entry::SetMany => {
                let mut requests = keys.map(|key| c::hostcache_set_request_t {
                    key: void(key),
                    key_len: key.len(),
                    value: void(value),
                    value_len: value.len(),
                    ..std::mem::zeroed()
                });
                let status = c::hostcache_set_many(cache, requests.as_mut_ptr(), 2, ptr::null());
                worst(&[status, requests[0].status, requests[1].status])
            }
            _ => {
                let mut requests = keys.map(|key| c::hostcache_delete_request_t {
                    key: void(key),
                    key_len: key.len(),
                    ..std::mem::zeroed()
                });
                let status = c::hostcache_delete_many(cache, requests.as_mut_ptr(), 2);
                worst(&[status, requests[0].status, requests[1].status])
            }
        }
    }
}

/// A walk over all keys.
///
/// # Safety
///
/// As of [`perform`].
unsafe fn walk(entry: Entry, cache: *mut c::hostcache_t) -> Status {
    let (mut walk, mut key, mut len) = (ptr::null_mut(), ptr::null(), 0);
    let null = ptr::null_mut();
    // SAFETY: as in `perform`.
    unsafe {
        let begun = match entry {
            Entry::Keys => c::hostcache_keys(cache, ptr::null(), 0, 0, &raw mut walk),
            _ => c::hostcache_items(cache, ptr::null(), 0, 0, &raw mut walk),
        };
        let mut next = || {
            let (value, info) = (ptr::null_mut(), ptr::null_mut());
            c::hostcache_iterator_next(walk, &raw mut key, &raw mut len, value, null, info)
        };
        while next() == Status::HOSTCACHE_OK {}
        let checked = c::hostcache_iterator_check(walk);
        c::hostcache_iterator_free(walk);
        worst(&[begun, checked])
    }
}

/// Looks at everything that is told of a region.
///
/// # Safety
///
/// As of [`perform`].
unsafe fn figures(cache: *mut c::hostcache_t) -> Status {
    // SAFETY: as in `perform`; zeros are a value of the lists' entries.
    unsafe {
        let mut stats: c::hostcache_stats_t = init();
        let mut info: c::hostcache_region_info_t = init();
        let mut classes: [c::hostcache_slab_class_t; 256] = std::mem::zeroed();
        let mut participants: [c::hostcache_participant_t; 128] = std::mem::zeroed();
        let (mut found, mut fd) = (0, -1);
        let class = size_of::<c::hostcache_slab_class_t>();
        let participant = size_of::<c::hostcache_participant_t>();
        assert!(!c::hostcache_name(cache).is_null() && !c::hostcache_path(cache).is_null());
        assert!(c::hostcache_capacity(cache) > 0 && c::hostcache_max_value_len(cache, 1) > 0);
        worst(&[
            c::hostcache_stats(cache, &raw mut stats),
            c::hostcache_info(cache, &raw mut info),
            c::hostcache_slab_classes(cache, classes.as_mut_ptr(), class, 256, &raw mut found),
            c::hostcache_participants(
                cache,
                participants.as_mut_ptr(),
                participant,
                128,
                &raw mut found,
            ),
            c::hostcache_is_led(cache),
            c::hostcache_fd(cache, &raw mut fd),
        ])
    }
}
