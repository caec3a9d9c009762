//! The region of a replay: a new one under a name of its own, destroyed however the replay ends.

use std::time::{SystemTime, UNIX_EPOCH};

use hostcache::{Cache, OpenError};

/// A name that no other replay has: the process id and the time in nanoseconds.
pub(crate) fn unique_name() -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    format!("replay-{}-{:09}", std::process::id(), nanos % 1_000_000_000)
}

/// A region that is destroyed when this is dropped.
pub(crate) struct Region {
    /// `None` once it is destroyed.
    name: Option<String>,
    pub(crate) cache: Cache,
}

impl Region {
    /// Creates it: `capacity` bytes in all, default configuration otherwise.
    pub(crate) fn create(name: &str, capacity: u64) -> Result<Self, OpenError> {
        let cache = Cache::builder(name).capacity(capacity).create()?;
        Ok(Self { name: Some(name.into()), cache })
    }

    /// Destroys it and, unlike dropping, says so if that fails.
    pub(crate) fn destroy(mut self) -> Result<(), OpenError> {
        self.name.take().map_or(Ok(()), Cache::destroy)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // An error is already under way, and it says more than that the region stayed.
            let _ = Cache::destroy(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_enough_for_a_region() {
        let name = unique_name();
        assert!(name.len() <= 30, "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
    }
}
