//! Generated traces are reproducible, well-formed, and have the properties that they are named for.

use super::*;
use crate::trace::{Op, Trace, load_text};

fn text(workload: Workload, seed: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let settings = Settings { workload, seed, requests: 30_000, keys: 2_000 };
    write(&settings, &mut out).expect("writing to memory");
    out
}

fn trace(workload: Workload) -> Trace {
    load_text(text(workload, 1)).expect("good trace")
}

#[test]
fn the_seed_decides_everything() {
    for workload in Workload::ALL {
        assert_eq!(text(workload, 7), text(workload, 7), "{workload}");
        assert_ne!(text(workload, 7)[100..], text(workload, 8)[100..], "{workload}");
    }
}

#[test]
fn every_workload_is_a_good_trace_of_the_length_asked_for() {
    for workload in Workload::ALL {
        assert_eq!(trace(workload).requests.len(), 30_000, "{workload}");
        assert_eq!(workload.name().parse(), Ok(workload));
    }
    assert!("storm".parse::<Workload>().is_err_and(|text| text.contains("size-shift")));
}

#[test]
fn popular_keys_take_most_requests() {
    let trace = trace(Workload::Zipf);
    let popular = trace.requests.iter().filter(|r| trace.key_ids[r.key as usize] < 20).count();
    // The law with this exponent gives the first hundredth of 2,000 keys 38 % of the draws.
    assert!((9_000..14_000).contains(&popular), "{popular} of 30,000");
}

#[test]
fn sizes_shift_from_phase_to_phase() {
    let trace = trace(Workload::SizeShift);
    assert_eq!(trace.phases, ["", "small", "medium", "large"]);
    let mean = |phase| {
        let sizes = trace.requests.iter().filter(|r| r.phase == phase).map(|r| u64::from(r.size));
        sizes.clone().sum::<u64>() / sizes.count() as u64
    };
    assert!(4 * mean(1) < mean(2) && 4 * mean(2) < mean(3), "{:?}", [1, 2, 3].map(mean));
}

#[test]
fn sessions_are_set_read_and_half_of_them_deleted() {
    let trace = trace(Workload::Ttl);
    let count = |op| trace.requests.iter().filter(|r| r.op == op && r.ttl_secs == 1).count();
    let (sets, gets, deletes) = (count(Op::Set), count(Op::Get), count(Op::Delete));
    assert!(sets > 2_000 && gets > 2 * sets, "{sets} sets, {gets} gets");
    assert!((sets / 3..sets).contains(&deletes), "{sets} sets, {deletes} deletes");
    assert!(trace.timed);
    assert_eq!(trace.requests.last().map(|r| r.due_ms), Some(29_999 / 20));
    assert!(trace.requests.is_sorted_by_key(|r| r.due_ms));
}
