//! How the verbs open their region.

use hostcache::{Cache, OpenError};
use std::io;

use crate::failure::Failure;

/// What a NAME begins with that is the socket of a daemon: the rest is its path.
pub(crate) const SOCKET: &str = "unix:";

/// For a verb that makes or ends a region by its name: a socket is none.
pub(crate) fn not_a_socket(name: &str) -> Result<&str, Failure> {
    if name.starts_with(SOCKET) {
        return Err(Failure::Usage(format!(
            "{name} is the socket of a daemon, which makes its region (`hostcache serve NAME --memfd SOCKET \
             --capacity SIZE`) and ends it with the last process that has it"
        )));
    }
    Ok(name)
}

/// For a verb that looks on: no participant, no write access, nothing counted.
pub(crate) fn observer(name: &str) -> Result<Cache, Failure> {
    if let Some(path) = name.strip_prefix(SOCKET) {
        return Ok(Cache::builder("").open_socket_read_only(path)?);
    }
    Ok(Cache::builder(name).open_read_only()?)
}

/// For a verb that writes.
pub(crate) fn writer(name: &str) -> Result<Cache, Failure> {
    Ok(attach(name)?)
}

/// For a verb that writes, and makes the region if it is missing and a capacity is given.
pub(crate) fn writer_or_create(
    name: &str,
    capacity: Option<u64>,
    core_dumps: bool,
) -> Result<Cache, Failure> {
    let builder = |name: &str| Cache::builder(name).exclude_from_core_dumps(!core_dumps);
    match (capacity, name.strip_prefix(SOCKET)) {
        (Some(bytes), _) => Ok(builder(not_a_socket(name)?).capacity(bytes).open_or_create()?),
        (None, Some(path)) => Ok(builder("").open_socket(path)?),
        (None, None) => Ok(builder(name).open()?),
    }
}

/// For a verb that reads as a worker does, counted and marking what it uses, or failing that read-only: a
/// reader needs no write access.
pub(crate) fn reader(name: &str) -> Result<Cache, Failure> {
    match attach(name) {
        Err(error) if read_only_may_do(&error) => observer(name),
        other => Ok(other?),
    }
}

fn attach(name: &str) -> Result<Cache, OpenError> {
    match name.strip_prefix(SOCKET) {
        Some(path) => Cache::from_socket(path),
        None => Cache::open(name),
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
