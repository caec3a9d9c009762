//! How a region's memory is mapped: page tables filled beforehand, huge pages.
//!
//! All of it is a matter of speed, so nothing here is an error: what could not be had is logged, and `info` tells.

use std::fs::File;

use hostcache_os::{HugeSetting, Mapping, OsError};

use crate::HugePages;
use crate::attachment::Attachment;
use crate::place::Place;

/// How much is mapped by one call: short enough for the process to get on with signals.
const STEP: usize = 16 << 20;

impl Attachment {
    /// Maps all pages, in steps.
    pub(crate) fn populate(&self, place: &Place) {
        let mapping = self.mapping();
        for offset in (0..mapping.len()).step_by(STEP) {
            if let Err(error) = mapping.populate(offset, STEP.min(mapping.len() - offset)) {
                let done = offset >> 20;
                log::info!(
                    "region {:?}: pages are mapped as they are used, after the first {done} MiB: {error}",
                    place.name_ref()
                );
                return;
            }
        }
    }

    /// What became of the wish for huge pages, in this process.
    pub(crate) fn huge_pages(&self) -> HugePages {
        if !self.header.huge_pages {
            return HugePages::default();
        }
        let mapping = self.mapping();
        let setting = HugeSetting::read();
        // A huge page counts once it is mapped: one byte of it suffices.
        for offset in (0..mapping.len()).step_by(setting.size) {
            if mapping.populate(offset, 4096).is_err() {
                break;
            }
        }
        let (bytes, failure) = match mapping.huge_bytes() {
            Ok(bytes) => (bytes, None),
            Err(error) => (0, Some(error.to_string())),
        };
        let reason = failure.or_else(|| why_not(mapping, &setting, bytes));
        HugePages { asked: true, bytes, reason }
    }
}

/// Maps so that huge pages can be seen as such, and asks for them. `None` where that fails.
pub(crate) fn map_for_huge_pages(place: &Place, file: &File, writable: bool) -> Option<Mapping> {
    let map = || {
        let len = hostcache_os::file_len(file)? as usize;
        let mapping = Mapping::map_aligned(file, len, writable, HugeSetting::read().size)?;
        mapping.ask_for_huge_pages()?;
        Ok(mapping)
    };
    map()
        .inspect_err(|error: &OsError| {
            log::info!("region {:?}: no huge pages: {error}", place.name_ref());
        })
        .ok()
}

/// Makes huge pages of a region that nobody else has yet.
pub(crate) fn collapse(place: &Place, file: &File) {
    let Some(mapping) = map_for_huge_pages(place, file, true) else { return };
    let size = HugeSetting::read().size;
    let whole = mapping.len() / size * size;
    for offset in (0..whole).step_by(size) {
        if let Err(error) = mapping.collapse(offset, size) {
            log::info!(
                "region {:?}: {} of {} huge pages were made: {error}",
                place.name_ref(),
                offset / size,
                whole / size
            );
            return;
        }
    }
}

/// Why not all of the region is in huge pages, if so.
fn why_not(mapping: &Mapping, setting: &HugeSetting, bytes: u64) -> Option<String> {
    let size = setting.size as u64;
    let rest = mapping.len() as u64 % size;
    let whole = mapping.len() as u64 - rest;
    let Some(shmem) = &setting.shmem else {
        return Some("this kernel has no huge pages for shared memory".to_owned());
    };
    if bytes < whole {
        return Some(format!(
            "the kernel gave {bytes} of {whole} bytes: it needs unbroken memory of {size} bytes each, Linux 6.1 to make \
             huge pages at creation, and a file on tmpfs; shmem_enabled is {shmem:?}, which governs later ones"
        ));
    }
    (rest > 0).then(|| format!("the last {rest} bytes are no whole huge page of {size} bytes"))
}
