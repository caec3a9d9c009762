//! The regions of this host.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStringExt;
use std::ptr;

use hostcache::{Cache, RegionEntry};

use crate::boundary::{OutStruct, end, growing, guard, handle_mut};
use crate::handle::out_handle;
use crate::status::{HOSTCACHE_MISS, HOSTCACHE_OK, hostcache_status_t};

/// A region as hostcache_list finds it. HOSTCACHE_INIT sets `size`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct hostcache_region_entry_t {
    pub size: usize,
    /// Its name. The strings belong to the list, and are good until that is freed.
    pub name: *const c_char,
    /// The file.
    pub path: *const c_char,
    /// Why it can't be opened by this library; NULL if it can.
    pub problem: *const c_char,
    /// Size of the file in bytes.
    pub capacity: u64,
    /// Bytes that the filesystem has allocated for it.
    pub allocated_bytes: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
    /// 0.
    pub reserved: u32,
}

growing!(hostcache_region_entry_t, 64);

/// The regions that a hostcache_list found. One thread uses it at a time.
pub struct hostcache_list_t {
    entries: Vec<Entry>,
    next: usize,
}

#[derive(Debug)]
struct Entry {
    name: CString,
    path: CString,
    problem: Option<CString>,
    entry: RegionEntry,
}

impl Entry {
    fn new(entry: RegionEntry) -> Self {
        // A name or path that has a NUL would be shown as empty; files have none.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        Self {
            name: text(&entry.name),
            path: CString::new(entry.path.clone().into_os_string().into_vec()).unwrap_or_default(),
            problem: entry.problem.as_deref().map(text),
            entry,
        }
    }

    fn show(&self) -> hostcache_region_entry_t {
        hostcache_region_entry_t {
            size: 0,
            name: self.name.as_ptr(),
            path: self.path.as_ptr(),
            problem: self.problem.as_ref().map_or(ptr::null(), |text| text.as_ptr()),
            capacity: self.entry.capacity,
            allocated_bytes: self.entry.allocated_bytes,
            uid: self.entry.uid,
            gid: self.entry.gid,
            mode: self.entry.mode,
            reserved: 0,
        }
    }
}

/// Lists every region in the directories that the caller may read. On failure `*out` is NULL.
/// The caller frees it with hostcache_list_free. Thread-safe. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_list(out: *mut *mut hostcache_list_t) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let out = unsafe { out_handle(out) }?;
        let entries = Cache::list()?.into_iter().map(Entry::new).collect();
        out.hand_out(hostcache_list_t { entries, next: 0 });
        Ok(HOSTCACHE_OK)
    })
}

/// Gives the next region of a list: HOSTCACHE_OK, or HOSTCACHE_MISS at the end. One thread at a time. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_list_next(
    list: *mut hostcache_list_t,
    entry: *mut hostcache_region_entry_t,
) -> hostcache_status_t {
    guard(|| {
        // SAFETY: the arguments are as the header says.
        let (out, list) = unsafe { (OutStruct::new(entry)?, handle_mut(list, "the list")?) };
        let Some(entry) = list.entries.get(list.next) else { return Ok(HOSTCACHE_MISS) };
        list.next += 1;
        out.put(&entry.show());
        Ok(HOSTCACHE_OK)
    })
}

/// Frees a list. NULL is allowed. No other thread may use it any more. Not async-signal-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hostcache_list_free(list: *mut hostcache_list_t) {
    // SAFETY: the arguments are as the header says.
    unsafe { end(list) };
}
