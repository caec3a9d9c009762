//! The target of programs on the public library: a region in a sealed descriptor, opened, used and damaged in any order.

use std::fs::File;
use std::os::fd::AsFd;
use std::time::Duration;

use hostcache::{Cache, CounterOptions, Lifetime, MaintenanceBudget, Pin, Reservation, SetOptions};
use hostcache_core::layout::Header;
use hostcache_os::UnsealedMemfd;

use crate::guarded::Guarded;
use crate::images::{Image, WORDS, key};
use crate::input::Input;
use crate::program::{Program, Tally};

const STEPS: u32 = 32;

/// A sealed file of the size of the images, and a mapping of it to write damage through.
#[derive(Debug)]
pub struct Stage {
    file: File,
    guarded: Guarded,
}

impl Stage {
    /// Makes them.
    #[must_use]
    pub fn new() -> Self {
        let file = UnsealedMemfd::create("hostcache-hostile", WORDS as u64 * 8, 0o600, None)
            .and_then(UnsealedMemfd::seal)
            .unwrap_or_else(|e| panic!("memory to put a region into: {e}"));
        let guarded = Guarded::over(WORDS, Some(file.as_fd()));
        Self { file, guarded }
    }

    fn open(&self, read_only: bool) -> Option<Cache> {
        let fd = self.file.try_clone().unwrap_or_else(|e| panic!("a descriptor: {e}")).into();
        let builder = Cache::builder("hostile");
        match read_only {
            false => builder.open_fd(fd).ok(),
            true => builder.open_fd_read_only(fd).ok(),
        }
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a program as [`crate::operations::run`] does.
///
/// # Panics
///
/// On a finding.
pub fn run(images: &[Image], stage: &Stage, bytes: &[u8]) -> Tally {
    let guarded = &stage.guarded;
    let program = Program::begin(images, guarded, bytes, || {
        if let Ok((header, _)) = Header::read(&guarded.memory()) {
            // A region of another boot is refused.
            Header { boot_id: hostcache_os::boot_id(), ..header }.write(&guarded.memory());
        }
    });
    let Some(cache) = stage.open(program.before & 0x30 == 0x30) else { return Tally::default() };
    let mut user = User { cache, pins: Vec::new(), reservation: None, buffer: Vec::new() };
    program.go_on(STEPS, |what, input| user.play(what, input))
}

struct User {
    cache: Cache,
    pins: Vec<Pin>,
    reservation: Option<Reservation>,
    buffer: Vec<u8>,
}

impl User {
    fn play(&mut self, operation: u8, input: &mut Input<'_>) {
        let name = key(input.byte().into());
        let choice = input.byte();
        let most = WORDS * 8;
        let cache = &self.cache;
        let ttl = Lifetime::Ttl(Duration::from_millis(choice.into()));
        let options = SetOptions::new().ttl(Duration::from_millis(u64::from(choice) * 7));
        let counter = CounterOptions::new().initial(3);
        let value = vec![choice; [0, 3, 50, 200, 900, 5000, 20_000][choice as usize % 7]];
        match operation {
            0 | 1 => {
                assert!(cache.try_get(&name).ok().flatten().is_none_or(|v| v.len() <= most));
            }
            2 => {
                let _ = cache.get_into(&name, &mut self.buffer);
                assert!(self.buffer.len() <= most);
            }
            3 => assert!(cache.get_slice(&name, &mut [0; 40]).is_none_or(|len| len <= most)),
            4 => assert!(cache.get_item(&name).is_none_or(|item| item.value.len() <= most)),
            5 => drop((cache.item_info(&name), cache.contains(&name))),
            6 | 7 => drop(cache.set(&name, &value)),
            8 => drop(cache.set_with(&name, &value, &options)),
            9 => drop((cache.add(&name, &value), cache.replace(key(choice.into()), &value))),
            10 => {
                if let Some(info) = cache.item_info(&name) {
                    let _ = cache.compare_and_swap(&name, &value, info.cas_token);
                }
            }
            11 => {
                let _ = cache.increment_with(&name, choice.into(), &counter);
                let _ = cache.decrement(&name, 1);
            }
            12 => drop((cache.append(&name, &value), cache.prepend(&name, b"x"))),
            13 => drop((cache.touch(&name, ttl), cache.get_item_and_touch(&name, ttl))),
            14 => drop((cache.delete(&name), cache.take_item(key(choice.into())))),
            15 => drop(cache.clear()),
            16 => {
                let keys: Vec<Vec<u8>> = (0..20).map(|n| key(n + u64::from(choice))).collect();
                let found = cache.get_many_items(&keys);
                assert!(found.into_iter().flatten().all(|item| item.value.len() <= most));
                let _ = cache.set_many(&[(&keys[0], &value), (&keys[1], &value)]);
                let _ = cache.delete_many(&keys[..3]);
            }
            17 => {
                for (key, item) in cache.items() {
                    assert!((1..=1 << 16).contains(&key.len()) && item.value.len() <= most);
                }
            }
            18 => {
                // What a dump writes.
                assert!(cache.keys().prefix("key").limit(100).count() <= 100);
            }
            19 => drop(cache.delete_prefix([&b"key 1"[..], b"key 2", b""][choice as usize % 3])),
            20 | 21 if self.pins.len() < 4 => {
                if let Ok(Some(pin)) = cache.pin(&name) {
                    assert!(pin.len() <= most && pin.to_vec().len() == pin.len());
                    assert!(pin.read_at(choice.into(), &mut [0; 32]) <= 32);
                    let _ = pin.info();
                    self.pins.push(pin);
                }
            }
            20..=22 => {
                self.pins.pop();
            }
            23 if self.reservation.is_none() => {
                let len = value.len().min(cache.max_value_len(name.len()));
                if let Ok(mut reservation) = cache.reserve(&name, len, &options) {
                    assert!(reservation.len() == len);
                    let _ = reservation.write_at(0, &value[..len / 2]);
                    self.reservation = Some(reservation);
                }
            }
            23 | 24 => {
                if let Some(reservation) = self.reservation.take() {
                    let _ = reservation.publish();
                }
            }
            25 => self.reservation = None,
            26 | 27 => drop(cache.maintain(&MaintenanceBudget::default())),
            28 => drop(cache.check().is_sound()),
            29 => drop((cache.stats(), cache.slab_classes(), cache.participants())),
            30 => drop((cache.try_info(), cache.try_lead(), cache.as_fd().is_ok())),
            _ => drop(cache.clone()),
        }
    }
}
