//! What can be chosen from outside, by environment variables.

use std::env;

/// Which subjects to measure, comma-separated: `hostcache`, `dashmap`, `floor`, `loop`.
pub const SUBJECTS: &str = "HOSTCACHE_BENCH_SUBJECTS";
/// Seed of every random choice, a decimal number.
pub const SEED: &str = "HOSTCACHE_BENCH_SEED";
/// Which CPUs the processes are pinned to, comma-separated.
pub const CPUS: &str = "HOSTCACHE_BENCH_CPUS";
/// A directory on a tmpfs that is mounted `huge=always`: what huge pages bring is measured there.
pub const HUGE_DIR: &str = "HOSTCACHE_BENCH_HUGE_DIR";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// hostcache over a region of its own.
    Hostcache,
    /// The in-process peer.
    DashMap,
    /// The lower bound in shared memory.
    Floor,
    /// The loop without a lookup.
    Loop,
}

impl SubjectKind {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Hostcache, Self::DashMap, Self::Floor, Self::Loop];

    /// What the tables and [`SUBJECTS`] call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hostcache => "hostcache",
            Self::DashMap => "dashmap",
            Self::Floor => "floor",
            Self::Loop => "loop",
        }
    }
}

/// The chosen subjects of those that `offered`, in that order; all of them where [`SUBJECTS`] is not set.
pub fn subjects(offered: &[SubjectKind]) -> Result<Vec<SubjectKind>, String> {
    let Ok(chosen) = env::var(SUBJECTS) else { return Ok(offered.to_vec()) };
    let names: Vec<&str> = chosen.split(',').map(str::trim).collect();
    let known = |name: &&&str| SubjectKind::ALL.iter().all(|kind| kind.name() != **name);
    if let Some(unknown) = names.iter().find(known) {
        let all = SubjectKind::ALL.map(SubjectKind::name).join(",");
        return Err(format!("{SUBJECTS}: no subject {unknown:?}; choose from {all}"));
    }
    Ok(offered.iter().copied().filter(|kind| names.contains(&kind.name())).collect())
}

/// The chosen seed, or a fixed one: two runs do the same unless told otherwise.
pub fn seed() -> Result<u64, String> {
    match env::var(SEED) {
        Ok(text) => text.parse().map_err(|error| format!("{SEED}={text:?}: {error}")),
        Err(_) => Ok(20_261_122),
    }
}

/// The chosen CPUs, if any were.
pub fn cpus() -> Result<Option<Vec<usize>>, String> {
    let Ok(text) = env::var(CPUS) else { return Ok(None) };
    let parse = |part: &str| part.trim().parse::<usize>();
    let cpus: Result<Vec<_>, _> = text.split(',').map(parse).collect();
    cpus.map(Some).map_err(|error| format!("{CPUS}={text:?}: {error}"))
}

/// Whether `cargo bench` started this program; otherwise (`cargo test --benches`) it only has to show that
/// it works.
#[must_use]
pub fn measuring() -> bool {
    env::args().any(|argument| argument == "--bench")
}
