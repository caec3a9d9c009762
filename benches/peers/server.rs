//! Servers behind a Unix socket: started for a store, stopped with it, spoken to in their own protocols.
//!
//! No client library is between: what one adds is not counted against the server.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hostcache_benches::store::{Store, Work, session};
use hostcache_benches::{Distribution, Subject, Workload, processes};
use tempfile::TempDir;

use crate::memcached::Memcached;
use crate::redis::Redis;

/// How long a server may take until it answers.
const START: Duration = Duration::from_secs(10);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Memcached,
    Redis,
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Memcached => "memcached",
            Self::Redis => "redis-server",
        }
    }

    /// Whether its program is installed; `Err` names what is missing.
    pub(crate) fn require(self) -> Result<(), String> {
        let mut ask = Command::new(self.program());
        let asked = ask.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
        if asked.is_ok_and(|status| status.success()) {
            Ok(())
        } else {
            Err(format!("{} is not installed", self.program()))
        }
    }

    /// One thread (both ways of use are two clients at most), no persistence, `mebibytes` of memory, then eviction.
    fn command(self, socket: &Path, mebibytes: u64) -> Command {
        let mut command = Command::new(self.program());
        match self {
            Self::Memcached => {
                command.args(["-t", "1", "-m", &mebibytes.to_string(), "-s"]).arg(socket);
                if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
                    command.args(["-u", "root"]);
                }
            }
            Self::Redis => {
                command.args([
                    "--port",
                    "0",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                    "--daemonize",
                    "no",
                ]);
                command.args(["--maxmemory", &format!("{mebibytes}mb")]);
                command.args(["--maxmemory-policy", "allkeys-lru", "--unixsocket"]).arg(socket);
            }
        }
        command
    }
}

/// A running server. Dropped, it is killed by its process id and waited for.
struct Server {
    child: Child,
    /// Holds the socket.
    directory: TempDir,
}

impl Server {
    fn start(kind: Kind, mebibytes: u64) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = kind.command(&directory.path().join("socket"), mebibytes);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.current_dir(directory.path());
        let child = processes::end_with_us(&mut command).spawn()?;
        let mut server = Self { child, directory };
        let began = Instant::now();
        while let Err(error) = UnixStream::connect(server.socket()) {
            if let Some(status) = server.child.try_wait()? {
                return Err(io::Error::other(format!("it ended at once with {status}")));
            }
            if began.elapsed() > START {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("stopping process {}: {error}", self.child.id());
        }
    }
}

/// A server's items.
pub(crate) struct ServerStore {
    server: Server,
    kind: Kind,
    workload: Workload,
}

impl ServerStore {
    pub(crate) fn create(kind: Kind, workload: Workload, mebibytes: u64) -> Result<Self, String> {
        let server = Server::start(kind, mebibytes)
            .map_err(|error| format!("starting {}: {error}", kind.program()))?;
        Ok(Self { server, kind, workload })
    }
}

impl Store for ServerStore {
    fn attach(&self, order: Distribution, seed: u64) -> Result<Box<dyn Work + '_>, String> {
        let socket = self.server.socket();
        let wire =
            Wire::connect(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
        Ok(match self.kind {
            Kind::Memcached => self.session(Memcached(RefCell::new(wire)), order, seed),
            Kind::Redis => self.session(Redis(RefCell::new(wire)), order, seed),
        })
    }
}

impl ServerStore {
    fn session<'a>(
        &self,
        subject: impl Subject + 'a,
        order: Distribution,
        seed: u64,
    ) -> Box<dyn Work + 'a> {
        session(subject, self.workload, order, seed)
    }
}

/// A connection: requests are written at once, answers are read by lines and by length.
pub(crate) struct Wire {
    stream: BufReader<UnixStream>,
    pub(crate) request: Vec<u8>,
    line: Vec<u8>,
}

impl Wire {
    fn connect(socket: &Path) -> io::Result<Self> {
        let stream = BufReader::with_capacity(128 << 10, UnixStream::connect(socket)?);
        Ok(Self { stream, request: Vec::new(), line: Vec::new() })
    }

    /// Sends [`Self::request`] and empties it.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.stream.get_mut().write_all(&self.request)?;
        self.request.clear();
        Ok(())
    }

    /// The next line of the answer, without its end.
    pub(crate) fn line(&mut self) -> io::Result<&[u8]> {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line)?;
        let line = self.line.strip_suffix(b"\r\n");
        line.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }

    /// The next `len` bytes of the answer and the end of line behind them.
    pub(crate) fn value(&mut self, len: usize, value: &mut Vec<u8>) -> io::Result<()> {
        value.resize(len, 0);
        self.stream.read_exact(value)?;
        self.stream.read_exact(&mut [0; 2])
    }
}

/// An answer that the protocol doesn't know here.
pub(crate) fn unexpected(answer: &[u8]) -> io::Error {
    io::Error::other(format!("unexpected answer {:?}", String::from_utf8_lossy(answer)))
}

/// A number in ASCII.
pub(crate) fn number<T: std::str::FromStr>(text: &[u8]) -> io::Result<T> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| unexpected(text))
}
