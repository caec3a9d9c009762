//! Another process writes damage at full speed while a writer and a reader work.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hostcache_core::Region;

use crate::campaign::{End, attend, fork};
use crate::damage::damage;
use crate::guarded::Guarded;
use crate::images::{self, Image, WORDS};
use crate::input::{Input, Random};
use crate::operations::Player;

/// Operations between two attachments.
const OPERATIONS: u32 = 64;
/// The operations of a process that only reads: reads, walks, and what commands show.
const READS: [u8; 7] = [0, 1, 2, 3, 28, 30, 31];

/// Words of this run that all its processes have.
struct Counts {
    damages: AtomicU64,
    written: AtomicU64,
    read: AtomicU64,
}

impl Counts {
    fn new() -> &'static Counts {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a fresh mapping at no given address touches nothing that is there.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Counts>(), access, kind, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED, "mapping: {}", io::Error::last_os_error());
        // SAFETY: zeros are such counts; they are never unmapped and consist of atomics.
        unsafe { &*base.cast::<Counts>() }
    }
}

/// Runs so long; true if there was no finding.
#[must_use]
pub fn run(seed: u64, time: Duration) -> bool {
    println!("hostile live: --seed {seed} replays the choices, not the schedule");
    let guarded = Guarded::new(WORDS);
    let images = images::all(&guarded);
    let counts = Counts::new();
    let end = Instant::now() + time;
    guarded.restore(&images[1].words);
    let writer = fork(|| write(&images, &guarded, Random(seed), end, &counts.damages));
    let reader = fork(|| {
        play(&images, &guarded, Random(seed ^ 1), end, &counts.read, &READS);
    });
    let all: Vec<u8> = (0..32).collect();
    let user = fork(|| {
        play(&images, &guarded, Random(seed ^ 2), end, &counts.written, &all);
    });
    let ends = [
        ("the damaging process", attend(writer, &counts.damages)),
        ("the reader", attend(reader, &counts.read)),
        ("the user", attend(user, &counts.written)),
    ];
    for (who, end) in &ends {
        if *end != End::Good {
            println!("FINDING: {who} ended with {end:?}; run again with live --seed {seed}");
        }
    }
    println!(
        "hostile live: {} words damaged in {} s while {} and {} operations ran",
        counts.damages.load(Ordering::Relaxed),
        time.as_secs(),
        counts.read.load(Ordering::Relaxed),
        counts.written.load(Ordering::Relaxed),
    );
    ends.iter().all(|(_, end)| *end == End::Good)
}

/// Damages, and now and then puts a sound region back, so that there is something to find.
fn write(images: &[Image], guarded: &Guarded, mut random: Random, end: Instant, count: &AtomicU64) {
    let mut image = &images[1];
    for round in 1u64.. {
        if round % 256 == 0 {
            if Instant::now() >= end {
                return;
            }
            image = &images[random.below(images.len())];
            guarded.restore(&image.words);
        }
        let bytes: Vec<u8> = (0..12).map(|_| random.bits() as u8).collect();
        damage(image, guarded, &mut Input::new(&bytes));
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Attaches, works, and attaches again.
fn play(
    images: &[Image],
    guarded: &Guarded,
    mut random: Random,
    end: Instant,
    count: &AtomicU64,
    operations: &[u8],
) {
    while Instant::now() < end {
        let Ok((region, _)) = Region::attach(guarded.memory()) else {
            guarded.restore(&images[random.below(images.len())].words);
            continue;
        };
        let mut player = Player::new(&region);
        for _ in 0..OPERATIONS {
            let bytes: Vec<u8> = (0..4).map(|_| random.bits() as u8).collect();
            let operation = operations[random.below(operations.len())];
            player.play(operation, &mut Input::new(&bytes));
            count.fetch_add(1, Ordering::Relaxed);
        }
        player.leave();
    }
}
