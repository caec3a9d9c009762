//! Regions that a daemon hands out over a Unix socket.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use hostcache_os::{OsError, passing};

use crate::place::Place;
use crate::{Cache, CacheBuilder, OpenError};

/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

impl CacheBuilder {
    /// As [`Cache::from_socket`], with this handle's lifetimes.
    ///
    /// # Errors
    ///
    /// As [`Cache::from_socket`].
    pub fn open_socket(self, path: impl AsRef<Path>) -> Result<Cache, OpenError> {
        let descriptor = ask(path.as_ref())?;
        self.open_fd(descriptor)
    }

    /// As [`CacheBuilder::open_socket`], without write access.
    ///
    /// # Errors
    ///
    /// As [`Cache::from_socket`].
    pub fn open_socket_read_only(self, path: impl AsRef<Path>) -> Result<Cache, OpenError> {
        let descriptor = ask(path.as_ref())?;
        self.open_fd_read_only(descriptor)
    }
}

impl Cache {
    /// Attaches to the region that `hostcache serve NAME --memfd SOCKET` hands out at a socket.
    ///
    /// Waits for the daemon's answer for five seconds at most, and needs the daemon no longer once it has the region.
    ///
    /// # Errors
    ///
    /// [`OpenError::Missing`] without a socket there, [`OpenError::Refused`] if the daemon lets this user not in or
    /// what answers can't be trusted; else as [`Cache::from_fd`].
    pub fn from_socket(path: impl AsRef<Path>) -> Result<Cache, OpenError> {
        Cache::builder("").open_socket(path)
    }
}

/// The descriptor that is handed out at a socket.
fn ask(path: &Path) -> Result<OwnedFd, OpenError> {
    let shown = path.display();
    let place = Place::shown_as(&format!("unix:{shown}"), path);
    let refused =
        |detail: String| OpenError::Refused { region: place.name(), path: path.to_owned(), detail };
    let stream = passing::connect(path, PATIENCE).map_err(|error| no_listener(&place, error))?;
    let (text, descriptor) = passing::receive(&stream).map_err(|error| no_answer(&place, error))?;
    if let Some(reason) = text.strip_prefix(passing::REFUSED) {
        return Err(refused(format!("the daemon there says: {}", reason.escape_debug())));
    }
    let (true, Some(descriptor)) = (text.starts_with(passing::ACCEPTED), descriptor) else {
        let start: String = text.chars().take(40).collect();
        return Err(refused(format!(
            "what listens there answered {start:?} and is no hostcache daemon of this version: name the socket of \
             `hostcache serve NAME --memfd SOCKET`"
        )));
    };
    // Values are for those who own the memory: nobody else may put up a socket in their place.
    let file = std::fs::File::from(descriptor);
    hostcache_os::check_owner(&file, path)
        .map_err(|e| refused(format!("the region handed out at {e}")))?;
    Ok(file.into())
}

fn no_listener(place: &Place, error: OsError) -> OpenError {
    use std::io::ErrorKind::{ConnectionRefused, NotFound, WouldBlock};
    match error.source.kind() {
        // As many wait already as the kernel lets: nobody takes them.
        WouldBlock => no_answer(place, error),
        NotFound => OpenError::Missing { region: place.name(), path: place.path() },
        ConnectionRefused => OpenError::Refused {
            region: place.name(),
            path: place.path(),
            detail:
                "nobody listens there: start `hostcache serve NAME --memfd SOCKET --capacity SIZE`"
                    .into(),
        },
        _ => place.os_error(error),
    }
}

fn no_answer(place: &Place, error: OsError) -> OpenError {
    if error.source.kind() != std::io::ErrorKind::WouldBlock {
        return place.os_error(error);
    }
    OpenError::Refused {
        region: place.name(),
        path: place.path(),
        detail: format!(
            "what listens there did not answer within {} seconds: it may be stopped or no hostcache daemon; try again",
            PATIENCE.as_secs()
        ),
    }
}
