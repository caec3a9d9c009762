//! Looking at the daemon's office without asking for it.

use crate::{Cache, OpenError};

impl Cache {
    /// Whether a daemon leads at this moment: for people to read, a read-only handle can ask too. Whoever wants
    /// to lead calls [`Cache::try_lead`], which knows for certain.
    ///
    /// # Errors
    ///
    /// A forked child can't attach, or what the system answers.
    pub fn is_led(&self) -> Result<bool, OpenError> {
        let attachment = self.shared.attached()?;
        attachment.office_is_taken().map_err(|e| self.shared.place.os_error(e))
    }
}
