//! Bytes that nobody can guess, from the kernel.

use crate::error::OsError;
use std::io;
use std::path::Path;

/// `N` random bytes for seeds and identities; waits only on a host whose random pool has not been
/// filled once since boot.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], OsError> {
    let mut bytes = [0_u8; N];
    let mut filled = 0;
    while filled < N {
        let rest = &mut bytes[filled..];
        // SAFETY: the pointer and the length are those of `rest`, which is valid for writes.
        let n = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(n) {
            Ok(0) => {
                let nothing = io::Error::from(io::ErrorKind::UnexpectedEof);
                return Err(OsError::new("getrandom", Path::new(""), nothing));
            }
            Ok(n) => filled += n,
            Err(_) => {
                let error = OsError::last("getrandom", Path::new(""));
                if error.source.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ_and_every_length_is_filled() {
        assert_ne!(random_bytes::<16>().unwrap(), random_bytes::<16>().unwrap());
        assert_ne!(random_bytes::<1024>().unwrap()[512..], [0; 512]);
        assert_eq!(random_bytes::<0>().unwrap(), []);
    }
}
