//! The library's errors in this program's words: what to type, where the library says what to call.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hostcache::OpenError;

use crate::open::SOCKET;
use crate::units::format_size_exact;

/// An [`OpenError`] as a user of the command line is helped by it.
pub(crate) struct Explained<'a>(pub(crate) &'a OpenError);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            OpenError::Missing { region, path } if region.starts_with(SOCKET) => write!(
                f,
                "no region {region:?}: nothing is at {}; `hostcache serve NAME --memfd {} --capacity 256MiB` makes \
                 a region and hands it out there",
                path.display(),
                path.display()
            ),
            OpenError::Missing { region, path } => write!(
                f,
                "no region {region:?} at {}: `hostcache list` shows those that exist, `hostcache create {region} \
                 --capacity 256MiB` makes one",
                path.display()
            ),
            OpenError::Exists { region, path } => write!(
                f,
                "region {region:?} exists already at {}: --if-missing takes it as it is, `hostcache destroy \
                 {region}` removes it",
                path.display()
            ),
            OpenError::CapacityDiffers { region, wanted, actual } => write!(
                f,
                "region {region:?} has a capacity of {actual} bytes, {wanted} were asked for exactly: without \
                 --exact it is taken as it is; to change it, `hostcache dump`, `hostcache destroy`, and \
                 `hostcache load` with another --capacity"
            ),
            OpenError::Incompatible { region, path, found, supported } => write!(
                f,
                "region {region:?} at {} has layout version {found}, this hostcache reads layout version \
                 {supported}: use the hostcache that made it, which can `dump` it for this one to `load`; or give this one a \
                 region of its own beside it (`hostcache create {region}.v{supported} --capacity 256MiB`); or `hostcache \
                 destroy {region}` and create it anew",
                path.display()
            ),
            OpenError::Corrupt { region, path, detail } => write!(
                f,
                "region {region:?} at {} is corrupt: {detail}; `hostcache destroy {region}` and create it anew",
                path.display()
            ),
            OpenError::TooManyParticipants { region, slots } => write!(
                f,
                "all {slots} participant slots of region {region:?} are held by living threads: `hostcache ps \
                 {region}` names them; end some, or create the region with more (--participants)"
            ),
            OpenError::NoSpace { region, path, needed, available } => {
                let mount = mount_point(path);
                write!(
                    f,
                    "no room for region {region:?} in {}: {} needed, {} available; ask for a smaller capacity, \
                     free space there, or enlarge it (containers: --shm-size=SIZE; hosts: mount -o \
                     remount,size=SIZE {})",
                    path.display(),
                    format_size_exact(*needed),
                    format_size_exact(*available),
                    mount.display()
                )
            }
            other => other.fmt(f),
        }
    }
}

/// Where the filesystem of a directory begins: that is what has a size.
fn mount_point(path: &Path) -> &Path {
    let device = |path: &Path| path.metadata().map(|found| found.dev()).ok();
    let own = device(path);
    path.ancestors()
        .take_while(|parent| own.is_some() && device(parent) == own)
        .last()
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn versions_are_both_named_and_commands_are_those_of_this_program() {
        let (region, path) = ("catalog".to_owned(), PathBuf::from("/dev/shm/x/catalog"));
        let error = OpenError::Incompatible { region, path, found: 7, supported: 1 };
        let text = Explained(&error).to_string();
        for words in [
            "layout version 7",
            "layout version 1",
            "hostcache destroy catalog",
            "dump",
            "hostcache create catalog.v1 ",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn the_filesystem_that_is_full_is_named_by_its_mount_point() {
        let directory = tempfile::tempdir_in("/dev/shm").expect("a directory");
        assert_eq!(mount_point(directory.path()), Path::new("/dev/shm"));
        assert_eq!(mount_point(Path::new("/nonexistent/x")), Path::new("/nonexistent/x"));
        let (region, path) = ("catalog".to_owned(), directory.path().to_owned());
        let error = OpenError::NoSpace { region, path, needed: 256 << 20, available: 64 << 20 };
        let text = Explained(&error).to_string();
        assert!(text.contains("256MiB (268435456 bytes) needed, 64MiB"), "{text}");
        assert!(text.ends_with("remount,size=SIZE /dev/shm)"), "{text}");
    }

    #[test]
    fn a_socket_that_is_missing_is_made_by_a_daemon_and_not_by_create() {
        let (region, path) = ("unix:/run/x.sock".to_owned(), PathBuf::from("/run/x.sock"));
        let text = Explained(&OpenError::Missing { region, path }).to_string();
        assert!(text.contains("--memfd") && !text.contains("hostcache create"), "{text}");
    }

    #[test]
    fn no_text_names_a_call_of_the_library() {
        let (region, path) = ("catalog".to_owned(), PathBuf::from("/dev/shm/x/catalog"));
        for error in [
            OpenError::Missing { region: region.clone(), path: path.clone() },
            OpenError::Exists { region: region.clone(), path: path.clone() },
            OpenError::CapacityDiffers { region: region.clone(), wanted: 1, actual: 2 },
            OpenError::Corrupt { region: region.clone(), path, detail: "so".to_owned() },
            OpenError::TooManyParticipants { region, slots: 16 },
        ] {
            let text = Explained(&error).to_string();
            for call in ["Cache::", "()", "open_or_create", ".capacity", "open read-only"] {
                assert!(!text.contains(call), "{call}: {text}");
            }
        }
    }
}
