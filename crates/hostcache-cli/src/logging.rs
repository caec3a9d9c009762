//! Log lines on standard error: all of the daemon's, only warnings from anything else.

/// Starts the logger. `RUST_LOG` decides instead, if set. A second call in one process changes nothing.
pub(crate) fn start(daemon: bool) {
    let level = if daemon { "info" } else { "warn" };
    let environment = env_logger::Env::default().default_filter_or(level);
    // Another logger is there already: the host program's, which then is the right one.
    let _ = env_logger::Builder::from_env(environment).format_target(false).try_init();
}
