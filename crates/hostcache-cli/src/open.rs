//! How the verbs open their region.

use hostcache::{Cache, OpenError};
use std::io;

use crate::failure::Failure;

/// For a verb that looks on: no participant, no write access, nothing counted.
pub(crate) fn observer(name: &str) -> Result<Cache, Failure> {
    Ok(Cache::builder(name).open_read_only()?)
}

/// For a verb that writes.
pub(crate) fn writer(name: &str) -> Result<Cache, Failure> {
    Ok(Cache::open(name)?)
}

/// For a verb that reads as a worker does, counted and marking what it uses, or failing that read-only: a
/// reader needs no write access.
pub(crate) fn reader(name: &str) -> Result<Cache, Failure> {
    match Cache::open(name) {
        Err(error) if read_only_may_do(&error) => observer(name),
        other => Ok(other?),
    }
}

fn read_only_may_do(error: &OpenError) -> bool {
    match error {
        OpenError::TooManyParticipants { .. } => true,
        OpenError::System { source, .. } => matches!(
            source.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
        ),
        _ => false,
    }
}
