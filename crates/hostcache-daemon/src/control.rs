//! What reaches a running daemon from outside, and whom it tells what it does.

use std::time::{Duration, Instant};

use crate::signals::LOOK_EVERY;
use crate::{Config, Notices, StopFlag};

/// Where a daemon's settings come from when it is asked to read them anew: the settings, or in words why
/// they can't be used.
pub type ReadSettings<'a> = Box<dyn FnMut() -> Result<Config, String> + 'a>;

/// Settings that can be read anew while the daemon runs.
pub struct Reload<'a> {
    flag: crate::ReloadFlag,
    read: ReadSettings<'a>,
}

impl<'a> Reload<'a> {
    /// Calls `read` each time that the flag is raised.
    pub fn new(flag: crate::ReloadFlag, read: impl FnMut() -> Result<Config, String> + 'a) -> Self {
        Self { flag, read: Box::new(read) }
    }
}

impl std::fmt::Debug for Reload<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("flag", &self.flag).finish_non_exhaustive()
    }
}

/// The daemon's ears and mouth.
#[derive(Debug)]
pub(crate) struct Control<'a> {
    stop: StopFlag,
    reload: Option<Reload<'a>>,
    pub(crate) notices: Notices,
}

impl<'a> Control<'a> {
    pub(crate) fn new(stop: StopFlag, reload: Option<Reload<'a>>, notices: Notices) -> Self {
        Self { stop, reload, notices }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.is_raised()
    }

    /// Settings read anew, if somebody asked for it since the last call.
    pub(crate) fn new_settings(&mut self) -> Option<Result<Config, String>> {
        let reload = self.reload.as_mut()?;
        if !reload.flag.take() {
            return None;
        }
        self.notices.reloading();
        let settings = (reload.read)();
        Some(settings.and_then(|config| match config.validate() {
            Ok(()) => Ok(config),
            Err(error) => Err(error.to_string()),
        }))
    }

    /// Sleeps, but not past a request by more than a moment, and never without a sign of life that is due.
    pub(crate) fn sleep(&mut self, duration: Duration) {
        let start = Instant::now();
        let slice = self.notices.patience().map_or(LOOK_EVERY, |most| LOOK_EVERY.min(most));
        // A signal does not shorten a thread's sleep, hence the short slices.
        loop {
            self.notices.alive(Instant::now());
            if self.is_stopped() || self.reload.as_ref().is_some_and(|r| r.flag.is_raised()) {
                return;
            }
            let Some(left) = duration.checked_sub(start.elapsed()).filter(|d| !d.is_zero()) else {
                return;
            };
            std::thread::sleep(left.min(slice));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReloadFlag;

    fn control(stop: &StopFlag, reload: Option<Reload<'static>>) -> Control<'static> {
        Control::new(stop.clone(), reload, Notices::none())
    }

    #[test]
    fn either_flag_makes_every_sleep_return() {
        let (stop, flag) = (StopFlag::new(), ReloadFlag::new());
        let reload = Reload::new(flag.clone(), || Ok(Config::default()));
        let mut control = control(&stop, Some(reload));
        flag.raise();
        // Would outlast the test run if the flags were not looked at.
        control.sleep(Duration::from_secs(86_400));
        assert!(matches!(control.new_settings(), Some(Ok(_))));
        assert!(control.new_settings().is_none(), "asked once, read once");
        stop.raise();
        control.sleep(Duration::from_secs(86_400));
    }

    #[test]
    fn settings_that_are_read_anew_are_judged_as_at_the_start() {
        let flag = ReloadFlag::new();
        let spinning = Config { idle_pause: Duration::ZERO, ..Config::default() };
        let reload = Reload::new(flag.clone(), move || Ok(spinning.clone()));
        let mut control = control(&StopFlag::new(), Some(reload));
        flag.raise();
        let refused = control.new_settings().expect("asked").expect_err("can't be used");
        assert!(refused.contains("idle_pause"), "{refused}");
    }
}
