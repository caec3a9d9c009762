//! Which of several daemons leads.

use std::time::Instant;

use hostcache::{Cache, Leadership};

use crate::journal::Journal;
use crate::region_watch::RegionWatch;
use crate::{Config, DaemonError, End, StopFlag};

/// What came of asking for the office.
#[derive(Debug)]
pub(crate) enum Office {
    /// Held for as long as this value lives.
    Held(Leadership),
    /// The daemon has to end before it was ever free.
    Never(End),
}

/// Takes the office, or stands by until it is free, the flag is raised, or the region is gone.
pub(crate) fn take(
    cache: &Cache,
    config: &Config,
    stop: &StopFlag,
    journal: &Journal,
    watch: &mut RegionWatch,
) -> Result<Office, DaemonError> {
    let mut waited = false;
    while !stop.is_raised() {
        let held = cache
            .try_lead()
            .map_err(|source| DaemonError::Lead { region: cache.name().to_owned(), source })?;
        if let Some(leadership) = held {
            journal.leading(waited);
            return Ok(Office::Held(leadership));
        }
        if !waited {
            journal.standing_by();
            waited = true;
        }
        stop.sleep(config.lead_every);
        if watch.is_gone(Instant::now()) {
            journal.region_gone();
            return Ok(Office::Never(End::RegionGone));
        }
    }
    Ok(Office::Never(End::Stopped))
}
