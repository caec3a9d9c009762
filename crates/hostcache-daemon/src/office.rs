//! Which of several daemons leads.

use std::time::Instant;

use hostcache::{Cache, Leadership};

use crate::control::Control;
use crate::journal::Journal;
use crate::region_watch::RegionWatch;
use crate::{Config, DaemonError, End};

/// What came of asking for the office.
#[derive(Debug)]
pub(crate) enum Office {
    /// Held for as long as this value lives.
    Held(Leadership),
    /// The daemon has to end before it was ever free.
    Never(End),
}

/// Takes the office, or stands by until it is free, the daemon is told to end, or the region is gone.
pub(crate) fn take(
    cache: &Cache,
    config: &mut Config,
    control: &mut Control<'_>,
    journal: &mut Journal,
    watch: &mut RegionWatch,
) -> Result<Office, DaemonError> {
    let mut waited = false;
    while !control.is_stopped() {
        let held = cache
            .try_lead()
            .map_err(|source| DaemonError::Lead { region: cache.name().to_owned(), source })?;
        if let Some(leadership) = held {
            journal.leading(waited);
            if waited {
                control.notices.status(&leading(cache));
            } else {
                control.notices.ready(&leading(cache));
            }
            return Ok(Office::Held(leadership));
        }
        if !waited {
            journal.standing_by();
            control.notices.ready(&standing_by(cache));
            waited = true;
        }
        control.sleep(config.lead_every);
        if let Some(settings) = control.new_settings() {
            journal.settings(config, settings);
            control.notices.ready(&standing_by(cache));
        }
        if watch.is_gone(Instant::now()) {
            journal.region_gone();
            return Ok(Office::Never(End::RegionGone));
        }
    }
    Ok(Office::Never(End::Stopped))
}

/// The status while in office.
pub(crate) fn leading(cache: &Cache) -> String {
    format!("maintains region {}", cache.name())
}

fn standing_by(cache: &Cache) -> String {
    format!("stands by: another daemon maintains region {}", cache.name())
}
