//! Notices to a service manager, in the way of `sd_notify(3)`: datagrams to the socket that
//! `$NOTIFY_SOCKET` names.
//!
//! A notice that can't be sent is logged once and harms nothing: the region needs no service manager.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// Whom to tell what the daemon is doing. [`Notices::none`] tells nobody.
#[derive(Debug, Default)]
pub struct Notices {
    target: Option<Target>,
    watchdog: Option<Watchdog>,
    failed: bool,
}

#[derive(Debug)]
struct Target {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// Signs of life that the service manager asked for.
#[derive(Debug, Clone, Copy)]
struct Watchdog {
    every: Duration,
    last: Option<Instant>,
}

impl Notices {
    /// Tells nobody.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Tells the service manager that started this process, if it asked for it: `$NOTIFY_SOCKET` names
    /// a path, or an abstract socket by a leading `@`; with `$WATCHDOG_USEC` (and `$WATCHDOG_PID` absent
    /// or this process) it wants signs of life too, which are sent twice as often.
    #[must_use]
    pub fn from_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::none();
        };
        let watchdog = watchdog(
            std::env::var("WATCHDOG_USEC").ok().as_deref(),
            std::env::var("WATCHDOG_PID").ok().as_deref(),
        );
        match Target::new(&name) {
            Ok(target) => Self { target: Some(target), watchdog, failed: false },
            Err(error) => {
                log::warn!("no-notices socket={name:?} reason={:?}", error.to_string());
                Self::none()
            }
        }
    }

    /// The daemon is up, or done with reading its settings anew; `status` is for people.
    pub(crate) fn ready(&mut self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// Something changed that people may want to see.
    pub(crate) fn status(&mut self, status: &str) {
        self.send(&format!("STATUS={status}"));
    }

    /// The settings are being read anew; [`ready`](Self::ready) ends it.
    pub(crate) fn reloading(&mut self) {
        self.send("RELOADING=1");
    }

    /// The daemon is about to end.
    pub(crate) fn stopping(&mut self) {
        self.send("STOPPING=1");
    }

    /// A sign of life, if one is due.
    pub(crate) fn alive(&mut self, now: Instant) {
        let due = |last: Instant, every| now.saturating_duration_since(last) >= every;
        if let Some(watchdog) = &mut self.watchdog
            && watchdog.last.is_none_or(|last| due(last, watchdog.every))
        {
            watchdog.last = Some(now);
            self.send("WATCHDOG=1");
        }
    }

    /// The longest that the daemon may go without [`alive`](Self::alive).
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog.every)
    }

    fn send(&mut self, text: &str) {
        let Some(target) = &self.target else { return };
        if let Err(error) = target.socket.send_to_addr(text.as_bytes(), &target.address)
            && !self.failed
        {
            self.failed = true;
            log::warn!("notice-lost notice={text:?} reason={:?}", error.to_string());
        }
    }
}

impl Target {
    fn new(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            [b'/', ..] => SocketAddr::from_pathname(name)?,
            _ => {
                let text = "neither a path from the root nor an abstract name with a leading @";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        };
        let socket = UnixDatagram::unbound()?;
        // A service manager that does not read must not hold up the daemon.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address })
    }
}

/// Twice as often as asked, so that one late sign of life is not taken for a death.
fn watchdog(usec: Option<&str>, pid: Option<&str>) -> Option<Watchdog> {
    let for_us = pid.is_none_or(|pid| pid.parse() == Ok(std::process::id()));
    let usec = usec?.parse::<u64>().ok().filter(|usec| *usec > 0 && for_us)?;
    Some(Watchdog { every: Duration::from_micros((usec / 2).max(1)), last: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_life_are_for_the_process_that_was_asked() {
        let own = std::process::id().to_string();
        let every = |usec, pid| watchdog(usec, pid).map(|watchdog| watchdog.every);
        assert_eq!(every(Some("30000000"), None), Some(Duration::from_secs(15)));
        assert_eq!(every(Some("2000000"), Some(&own)), Some(Duration::from_secs(1)));
        assert_eq!(every(Some("2000000"), Some("1")), None);
        for nonsense in ["", "0", "-1", "soon"] {
            assert_eq!(every(Some(nonsense), None), None, "{nonsense:?}");
        }
        assert_eq!(every(None, Some(&own)), None);
    }

    #[test]
    fn a_name_that_is_no_socket_is_refused() {
        for name in ["relative/path", "vsock:2:1234"] {
            assert!(Target::new(OsStr::new(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn a_socket_that_nobody_reads_holds_up_nothing() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("notify");
        let reader = UnixDatagram::bind(&path)?;
        let target = Some(Target::new(path.as_os_str())?);
        let mut notices = Notices { target, ..Notices::none() };
        // Far more than a socket's buffer holds: would block for ever if it could.
        while !notices.failed {
            notices.status(&"x".repeat(1000));
        }
        drop(reader);
        notices.status("nobody is there");
        Ok(())
    }
}
