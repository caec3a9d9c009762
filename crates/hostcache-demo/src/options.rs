//! What a caller may choose about a demonstration.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::DemoError;

/// Settings of [`run`](crate::run()).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoOptions {
    /// How long the workers serve traffic, filling the database not included; 2 to 3600.
    pub seconds: u64,
    /// Worker processes that serve at the same time; 1 to 64.
    pub workers: usize,
    /// Products in the database; 100 to 10,000,000.
    pub products: u64,
    /// Capacity of the region in bytes.
    pub capacity: u64,
    /// Decides the catalogue, each worker's requests, and which worker is killed when.
    pub seed: u64,
}

impl Default for DemoOptions {
    /// Half a minute of four workers over 100,000 products and a region of 64 MiB, which holds most
    /// of their pages but not all. The seed is taken from the clock, so every run differs.
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            seconds: 30,
            workers: 4,
            products: 100_000,
            capacity: 64 << 20,
            // Short enough to be typed again by hand.
            seed: u64::from(since_epoch.subsec_micros()),
        }
    }
}

impl DemoOptions {
    /// Refuses what could not run; the region itself judges the capacity.
    pub(crate) fn validate(&self) -> Result<(), DemoError> {
        within("seconds", self.seconds, 2, 3600)?;
        within("workers", self.workers as u64, 1, 64)?;
        within("products", self.products, 100, 10_000_000)
    }
}

fn within(option: &'static str, given: u64, least: u64, most: u64) -> Result<(), DemoError> {
    if (least..=most).contains(&given) {
        Ok(())
    } else {
        Err(DemoError::InvalidOption { option, given, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        DemoOptions::default().validate().expect("defaults");
    }

    #[test]
    fn options_out_of_range_are_named_with_their_limits() {
        let options = DemoOptions { workers: 0, ..DemoOptions::default() };
        let text = options.validate().expect_err("no workers").to_string();
        assert!(text.contains("--workers 0") && text.contains("1 to 64"), "{text}");
    }
}
