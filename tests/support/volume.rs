//! How much the tests do: environment variables, with defaults that keep all of it within minutes.

/// Operations of one undisturbed campaign (`HOSTCACHE_TEST_OPS`).
#[must_use]
pub fn ops() -> u64 {
    from_env("HOSTCACHE_TEST_OPS", 10_000_000, 200_000)
}

/// SIGSTOPs in one campaign with stops (`HOSTCACHE_TEST_STOPS`).
#[must_use]
pub fn stops() -> u64 {
    from_env("HOSTCACHE_TEST_STOPS", 1_000, 100)
}

/// SIGKILLs in one campaign with kills (`HOSTCACHE_TEST_KILLS`).
#[must_use]
pub fn kills() -> u64 {
    from_env("HOSTCACHE_TEST_KILLS", 1_000, 100)
}

/// Short-lived processes, one after another (`HOSTCACHE_TEST_PROCESSES`).
#[must_use]
pub fn processes() -> u64 {
    from_env("HOSTCACHE_TEST_PROCESSES", 1_000, 100)
}

/// Random small histories on which the two checkers must agree (`HOSTCACHE_TEST_HISTORIES`).
#[must_use]
pub fn histories() -> u64 {
    from_env("HOSTCACHE_TEST_HISTORIES", 300_000, 20_000)
}

/// Sets per process of log-uniform sizes (`HOSTCACHE_TEST_SIZES`).
#[must_use]
pub fn sizes() -> u64 {
    from_env("HOSTCACHE_TEST_SIZES", 5_000, 500)
}

/// Operations of the processes that hold items in place (`HOSTCACHE_TEST_PIN_OPS`).
#[must_use]
pub fn pin_ops() -> u64 {
    from_env("HOSTCACHE_TEST_PIN_OPS", 1_000_000, 100_000)
}

/// Steps of one run beside the naive model (`HOSTCACHE_TEST_STEPS`).
#[must_use]
pub fn steps() -> u64 {
    from_env("HOSTCACHE_TEST_STEPS", 200_000, 20_000)
}

fn from_env(name: &str, release: u64, debug: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}={text:?} is not a number: {e}")),
        Err(_) if cfg!(debug_assertions) => debug,
        Err(_) => release,
    }
}

/// Points of the torture harness, by variable: the default, a fiftieth in a debug build.
#[must_use]
pub fn points(variable: &str, default: u64) -> u64 {
    from_env(variable, default, default / 50)
}
