//! Maintenance: bounded steps, which the daemon repeats and anybody may call.

use std::sync::Arc;

use crate::attachment::Attachment;
use crate::{Cache, MaintenanceBudget, MaintenanceReport, OpenError, WriteError};

/// The daemon's office. Held as long as this lives, by at most one process of the host; lost with the process.
#[derive(Debug)]
pub struct Leadership {
    attachment: Arc<Attachment>,
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.attachment.leave_office();
    }
}

impl Cache {
    /// One bounded step of recovery, expiry and eviction ahead of need: all that the daemon does. Needs no office:
    /// steps of several processes do no harm to each other.
    ///
    /// # Errors
    ///
    /// A read-only handle.
    pub fn maintain(&self, budget: &MaintenanceBudget) -> Result<MaintenanceReport, WriteError> {
        self.write(b"-", 0, |session| {
            let mut report = MaintenanceReport::default();
            if budget.recover {
                let recovered = session.recover_dead();
                report.recovered_participants = recovered.lanes;
                report.recovered_blocks = recovered.blocks;
            }
            let due = session.expire_due();
            let swept = session.sweep(budget.buckets.into());
            report.buckets = swept.buckets;
            report.expired = swept.expired + due.items;
            report.expired_when_due = due.items;
            report.more_is_due = due.more;
            report.cleared = swept.cleared;
            report.sweep_finished = swept.came_round;
            let ahead = session.evict_ahead(budget.evictions);
            report.evicted = ahead.evicted;
            report.reserve_drained = ahead.drained;
            Ok(report)
        })
    }

    /// Takes the daemon's office if it is free.
    ///
    /// # Errors
    ///
    /// What the system answers; a read-only handle can't hold it.
    pub fn try_lead(&self) -> Result<Option<Leadership>, OpenError> {
        let attachment = self.shared.attachment()?;
        let taken = attachment.take_office().map_err(|e| self.shared.place.os_error(e))?;
        Ok(taken.then_some(Leadership { attachment }))
    }
}
