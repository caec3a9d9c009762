//! An insertion that another lane left half-way: before its commit it is nobody's, behind it anybody finishes it.

use super::store::Draft;
use super::{Condition, Deadline, SetRequest, Value};
use crate::fixture::{Fixture, Still};
use crate::layout::Identity;
use crate::ordering as ord;
use crate::sync::Ordering;
use crate::table::{Placed, Probe};
use crate::word::{ControlWord, SlotWord};
use crate::{Got, Lane, Region, Session, SetOutcome};

const KEY: &[u8] = b"key";

/// A word that is placed, and the control word that would commit it.
struct HalfWay {
    probe: Probe,
    placed: Placed,
    control: ControlWord,
    committed: ControlWord,
}

impl HalfWay {
    fn new(region: &Region, lane: &mut Lane) -> Self {
        let mut session = Session::new(region, lane, &Still);
        let probe = Probe::new(&region.geometry, KEY);
        let control = session.settled_control(probe.primary).expect("nothing is pending");
        let draft = Draft { value: b"1", flags: 0, encoding: 0, deadline: None, token: None };
        let owned = session.allocate(draft.sizes(KEY).words()).expect("there is room");
        let _ = session.fill(&owned, KEY, &draft, region.geometry.stamp(region.epoch()));
        let placed = session.place(&probe, &owned).expect("there is room").expect("it is empty");
        let at = (0..14).find(|&at| probe.position(at) == placed.position).expect("the key's");
        let committed = control.commit(at as u8, probe.tag);
        Self { probe, placed, control, committed }
    }

    fn commit(&self, region: &Region) {
        region
            .control(self.probe.primary)
            .compare_exchange(
                self.control.bits(),
                self.committed.bits(),
                ord::control_commit(),
                Ordering::Relaxed,
            )
            .expect("nobody else works");
    }

    fn slot(&self, region: &Region) -> SlotWord {
        SlotWord::from_bits(region.slot(self.placed.position).load(Ordering::Relaxed))
    }
}

fn set(region: &Region, lane: &mut Lane, value: &[u8], condition: Condition) -> SetOutcome {
    let request =
        SetRequest { value, flags: 0, encoding: 0, deadline: Deadline::At(None), condition };
    Session::new(region, lane, &Still).set(KEY, &request).expect("there is room")
}

fn get(region: &Region) -> Got<Vec<u8>> {
    let mut copy = |value: &Value<'_>| {
        let mut bytes = Vec::new();
        value.copy_to_vec(&mut bytes);
        bytes
    };
    region.get(&Still, KEY, false, &mut copy).expect("nobody has to be waited for")
}

fn lanes(region: &Region) -> [Lane; 2] {
    [0, 1].map(|id| Lane::attach(region, id, &Identity::default()))
}

#[test]
fn what_is_not_committed_is_waited_for_by_nobody() {
    let Fixture { region, .. } = &Fixture::new();
    let [mut slow, mut other] = lanes(region);
    let half_way = HalfWay::new(region, &mut slow);
    assert_eq!(get(region), Got::Miss);
    assert!(matches!(set(region, &mut other, b"2", Condition::IfAbsent), SetOutcome::Stored(_)));
    assert_eq!(get(region), Got::Hit(b"2".to_vec()));
    assert!(half_way.slot(region).is_tentative(), "it is its owner's to withdraw");
}

#[test]
fn what_is_committed_is_finished_by_whoever_comes() {
    let Fixture { region, .. } = &Fixture::new();
    let [mut slow, mut other] = lanes(region);
    let half_way = HalfWay::new(region, &mut slow);
    half_way.commit(region);
    assert_eq!(get(region), Got::Hit(b"1".to_vec()));
    assert_eq!(set(region, &mut other, b"2", Condition::IfAbsent), SetOutcome::Exists);
    assert_eq!(half_way.slot(region), half_way.placed.word.committed());
    assert!(matches!(set(region, &mut other, b"2", Condition::Always), SetOutcome::Stored(_)));
    assert_eq!(get(region), Got::Hit(b"2".to_vec()));
}

/// A helper that saw a commit, and comes to the slot when something else stands there that is not committed.
#[test]
fn what_is_not_pending_any_more_is_finished_by_nobody() {
    let Fixture { region, .. } = &Fixture::new();
    let [mut slow, mut other] = lanes(region);
    let half_way = HalfWay::new(region, &mut slow);
    let mut helper = Session::new(region, &mut other, &Still);
    helper.help(half_way.probe.primary, half_way.committed);
    assert!(half_way.slot(region).is_tentative(), "a helper commits");
    assert_eq!(get(region), Got::Miss);
}
