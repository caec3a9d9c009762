//! The library's errors in this program's words: what to type, where the library says what to call.

use std::fmt;

use hostcache::OpenError;

/// An [`OpenError`] as a user of the command line is helped by it.
pub(crate) struct Explained<'a>(pub(crate) &'a OpenError);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
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
                 {supported}: use the hostcache that made it, which can `dump` it for this one to `load`; or \
                 `hostcache destroy {region}` and create it anew",
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
            other => other.fmt(f),
        }
    }
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
        for words in ["layout version 7", "layout version 1", "hostcache destroy catalog", "dump"] {
            assert!(text.contains(words), "{words}: {text}");
        }
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
