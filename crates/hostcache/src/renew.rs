//! A region that outlived a reboot is replaced by an empty one.
//!
//! Its deadlines count from a boot that is over, and its participants are all dead. The empty region has the
//! same shape, defaults, mode and group.
//!
//! After a reboot many workers start at once, and all of them find the old file. One of them replaces it: who has the
//! lock on the old file's office, which nobody else of this boot has a use for. The others wait for the new file, for a
//! bounded time: the lock ends with its holder, but a holder may be stopped.

use std::time::{Duration, Instant};

use hostcache_core::layout::Header;
use hostcache_os::FileError;

use crate::OpenError;
use crate::attachment::Attachment;
use crate::open::{Access, attach, make, prepare};
use crate::place::Place;

/// How long another process's replacement is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

impl Attachment {
    /// Whether the region was made before the last reboot.
    pub(crate) fn is_of_another_boot(&self) -> bool {
        self.header.boot_id != hostcache_os::boot_id()
    }
}

/// The region that takes the place of `old`, made here or by somebody else.
pub(crate) fn renew(place: &Place, old: &Attachment) -> Result<Attachment, OpenError> {
    let started = Instant::now();
    while !old.take_office().map_err(|e| place.os_error(e))? && started.elapsed() < PATIENCE {
        match attach(place) {
            Ok(fresh) if !fresh.is_of_another_boot() => return Ok(fresh),
            Ok(_) | Err(OpenError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    replace(place, old)?;
    attach(place)
}

fn replace(place: &Place, old: &Attachment) -> Result<(), OpenError> {
    let access = Access::of(&old.file).map_err(|e| place.os_error(e))?;
    let header = Header {
        created_unix_secs: hostcache_os::unix_ms() / 1000,
        boot_id: hostcache_os::boot_id(),
        ..old.header
    };
    let is_in_place = || hostcache_os::same_file(&old.file, &place.path()).unwrap_or(false);
    // Where the lock came free because its holder was done, the name is another file's by now.
    if !is_in_place() {
        return Ok(());
    }
    log::warn!(
        "region {:?} at {} was made before the last reboot: it is emptied",
        place.name_ref(),
        place.path().display()
    );
    match prepare(place, &header, access) {
        // In one step: whoever opens the region meanwhile finds the old file or the new one.
        Ok(pending) if is_in_place() => {
            pending.replace(place.file_name()).map(drop).map_err(|e| place.file_error(e))
        }
        Ok(_) => Ok(()),
        // The old file is in the way.
        Err(OpenError::NoSpace { .. }) => {
            match hostcache_os::unlink(&place.path()) {
                Ok(()) | Err(FileError::Missing { .. }) => {}
                Err(error) => return Err(place.file_error(error)),
            }
            match make(place, &header, access) {
                Ok(_) | Err(OpenError::Exists { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}
