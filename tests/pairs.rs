//! Two processes at once, each stepped, switched at their accesses to the region: every answer and what is left are
//! explained by one order, also where one of them was killed or stood still.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use hostcache_tests::random::seed;
use hostcache_tests::torture::{Pairs, duel};
use hostcache_tests::volume::points;

#[test]
#[cfg_attr(debug_assertions, ignore = "steps through a release build")]
fn two_at_once_are_as_one_after_the_other() {
    match duel(&Pairs::of_environment(seed("pairs"), points), |_| {}) {
        Ok((sum, costs)) => println!("{sum}\n{costs}"),
        Err(None) => println!("skipped: processes may not be traced here"),
        Err(Some(finding)) => panic!("{finding}"),
    }
}

/// Wrong lines of the core that two processes show, and where to look for each.
#[cfg(hostcache_fault)]
mod planted {
    use std::process::Command;

    struct Hunt {
        fault: &'static str,
        /// What the two do; none: whatever comes.
        parts: &'static str,
        cuts: &'static str,
        first: &'static str,
    }

    const fn hunt(fault: &'static str) -> Hunt {
        Hunt { fault, parts: "", cuts: "8", first: "" }
    }

    const HUNTS: [Hunt; 12] = [
        hunt("ReplacedNotRetired"),
        hunt("IncrementInPlace"),
        hunt("PendingNotHelped"),
        hunt("TentativeAwaited"),
        hunt("VictimNotTaken"),
        hunt("LinkedBlockTaken"),
        hunt("EpochNotCompared"),
        hunt("WordNotWithdrawn"),
        hunt("PendingWithdrawn"),
        // Two sets bring the block back, eight the generation.
        Hunt { parts: "get round", ..hunt("RetiredInPlace") },
        Hunt { parts: "delete round", ..hunt("HeaderNotReread") },
        // Every three accesses to the table of one pair on two keys of one primary bucket.
        Hunt { parts: "cycle set", cuts: "0", first: "5747", ..hunt("HelperCommits") },
    ];

    #[test]
    fn every_fault_that_two_can_show_is_found() {
        if std::env::var("HOSTCACHE_FAULT").is_ok_and(|fault| !fault.is_empty()) {
            return;
        }
        let program = std::env::current_exe().expect("this program");
        for Hunt { fault, parts, cuts, first } in HUNTS {
            let mut hunt = Command::new(&program);
            hunt.args(["--exact", "two_at_once_are_as_one_after_the_other"]);
            hunt.env("HOSTCACHE_FAULT", fault).env("HOSTCACHE_SEED", "7");
            hunt.env("HOSTCACHE_TEST_PAIRS", "20000").env("HOSTCACHE_TEST_PAIR_CUTS", cuts);
            for (name, value) in
                [("HOSTCACHE_TEST_PAIR_PARTS", parts), ("HOSTCACHE_TEST_PAIR_FIRST", first)]
            {
                if !value.is_empty() {
                    hunt.env(name, value);
                }
            }
            let output = hunt.output().expect("this program runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(!output.status.success(), "{fault} is not found: {said}");
            let finding = said.lines().chain([""]).find(|line| line.contains("replay: hostcache"));
            println!("{fault}: {}", finding.unwrap_or("crashed").trim());
        }
    }
}
