//! What a stepped process does: one operation on one key.

use std::sync::atomic::Ordering;

use hostcache_core::layout::Identity;
use hostcache_core::word::LaneId;
use hostcache_core::{
    Arithmetic, Condition, Copied, Counted, Deadline, Deleted, End, Failure, Got, Host, IntoSlice,
    Lane, Region, Session, SetOutcome, SetRequest,
};

use super::arena::{Arena, desk};
use super::content::{self, Keys};
use super::shape::{HOLDER, PINNER};

macro_rules! operations {
    ($($name:ident $text:literal),* $(,)?) => {
        /// An operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(super) enum Op { $($name),* }

        impl Op {
            pub(super) const ALL: &[Op] = &[$(Op::$name),*];

            pub(super) fn name(self) -> &'static str {
                match self { $(Op::$name => $text),* }
            }
        }
    };
}

operations! {
    Get "get", GetInto "get_into", GetTouch "get_and_touch", Iterate "iterate", Pin "pin", Set "set", Add "add",
    Replace "replace", Swap "swap", Increment "increment", Append "append", Touch "touch", Delete "delete",
    Take "take", Clear "clear", Sweep "sweep", EvictAhead "evict_ahead", Drain "drain", Recover "recover", Attach "attach",
    Detach "detach", Publish "publish", Cancel "cancel",
}

/// What one process does to one key, one operation after the other, as far as it goes beyond a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// The operation alone.
    Once,
    /// It, and as many sets behind it that two blocks come round in two-bit generations: slot words recur.
    Round,
    /// It, a delete, and it again: the same slot is empty, tentative, committed twice.
    Cycle,
}

impl Script {
    const ALL: [Self; 3] = [Self::Once, Self::Round, Self::Cycle];

    fn ops(self, op: Op) -> Vec<Op> {
        match self {
            Self::Once => vec![op],
            // A block that a set frees is the one that the next set takes: each of two goes up by one in two sets.
            Self::Round => std::iter::once(op).chain([Op::Set; 7]).collect(),
            Self::Cycle => vec![op, Op::Delete, op],
        }
    }
}

/// One operation, in full; or a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) op: Op,
    pub(super) script: Script,
    pub(super) lane: LaneId,
    /// Number of the key.
    pub(super) key: usize,
    /// Length of the value.
    pub(super) len: usize,
    /// What tells the value from all others.
    pub(super) mark: u64,
    /// Whether the lane's magazine holds a block of that size before.
    pub(super) warm: bool,
}

impl Act {
    /// The lanes of who does it, as bits.
    pub(super) fn mortal(&self) -> u64 {
        1 << self.lane | if self.op == Op::Pin { 1 << HOLDER } else { 0 }
    }

    pub(super) fn write(&self, arena: &Arena) {
        let words = [
            self.op as u64,
            self.lane.into(),
            self.key as u64,
            self.len as u64,
            self.mark,
            self.warm.into(),
            self.script as u64,
        ];
        for (at, word) in words.into_iter().enumerate() {
            arena.desk(desk::ACT + at).store(word, Ordering::SeqCst);
        }
    }

    fn read(arena: &Arena) -> Self {
        let words: [u64; desk::ACT_WORDS] =
            std::array::from_fn(|at| arena.desk(desk::ACT + at).load(Ordering::SeqCst));
        Self {
            op: Op::ALL[words[0] as usize],
            lane: words[1] as LaneId,
            key: words[2] as usize,
            len: words[3] as usize,
            mark: words[4],
            warm: words[5] != 0,
            script: Script::ALL[words[6] as usize],
        }
    }

    /// Its operations in order, each by itself.
    pub(super) fn parts(&self) -> Vec<Act> {
        let ops = self.script.ops(self.op).into_iter();
        let part =
            |(at, op)| Act { op, script: Script::Once, mark: self.mark + at as u64, ..*self };
        ops.enumerate().map(part).collect()
    }
}

/// What came of an operation, in one word.
pub(super) mod answer {
    pub(crate) const NONE: u64 = 0;
    pub(crate) const DONE: u64 = 1;
    pub(crate) const ABSENT: u64 = 2;
    pub(crate) const EXISTS: u64 = 3;
    pub(crate) const MISMATCH: u64 = 4;
    pub(crate) const NO_ROOM: u64 = 5;
    pub(crate) const DAMAGED: u64 = 6;
    /// Added to the mark of a value, or to a number.
    pub(crate) const VALUE: u64 = 1 << 62;
}

/// The child: does one act after the other, and stands still before and after each.
pub(super) fn serve(arena: &Arena) -> ! {
    loop {
        stand_still();
        let act = Act::read(arena);
        let host = arena.host(act.lane);
        let region = arena.region();
        let desk = desk::answers(act.lane == super::shape::SECOND);
        let parts = act.parts();
        let mut prepared = Prepared::new(&region, &host, &act);
        let mut values: Vec<_> =
            parts.iter().map(|part| content::value(part.mark, part.len)).collect();
        arena.desk(desk).store(0, Ordering::SeqCst);
        stand_still();
        for (at, (part, value)) in parts.iter().zip(&mut values).enumerate() {
            std::mem::swap(&mut prepared.value, value);
            let answer = prepared.perform(part);
            arena.desk(desk + 1 + at).store(answer, Ordering::SeqCst);
            arena.desk(desk).store(at as u64 + 1, Ordering::SeqCst);
        }
    }
}

/// What came of the parts of an act that are done.
pub(super) fn answers(arena: &Arena, is_second: bool) -> Vec<u64> {
    let desk = desk::answers(is_second);
    let done = arena.desk(desk).load(Ordering::SeqCst) as usize;
    (0..done).map(|at| arena.desk(desk + 1 + at).load(Ordering::SeqCst)).collect()
}

fn stand_still() {
    // SAFETY: stops this process until its tracer lets it go on.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// Everything that an act needs, up to its first look at the region.
pub(super) struct Prepared<'a, H> {
    region: &'a Region,
    host: &'a H,
    lane: Option<Lane>,
    token: u64,
    value: Vec<u8>,
    key: Vec<u8>,
    out: Vec<u8>,
}

impl<'a, H: Host> Prepared<'a, H> {
    pub(super) fn new(region: &'a Region, host: &'a H, act: &Act) -> Self {
        let key = Keys::key(act.key);
        let value = content::value(act.mark, act.len);
        let mut lane = None;
        if act.op != Op::Attach {
            let mut attached = Lane::attach(region, act.lane, &Identity::default());
            if act.warm {
                let mut session = Session::new(region, &mut attached, host);
                let spare = Keys::spare();
                let _ = set(&mut session, &spare, &value, Condition::Always, None);
                let _ = session.delete(&spare);
            }
            lane = Some(attached);
        }
        let token = content::find(region, host, &key).map_or(7, |item| item.token);
        Self { region, host, lane, token, value, key, out: vec![0; 1 << 16] }
    }

    /// Gives the lane back.
    pub(super) fn detach(self) {
        if let Some(lane) = self.lane {
            lane.detach(self.region, self.host);
        }
    }

    pub(super) fn perform(&mut self, act: &Act) -> u64 {
        let (region, host) = (self.region, self.host);
        let (key, value) = (&self.key[..], &self.value[..]);
        if act.op == Op::Attach {
            self.lane = Some(Lane::attach(region, act.lane, &Identity::default()));
            return answer::DONE;
        }
        let Some(lane) = &mut self.lane else { return answer::NONE };
        let mut session = Session::new(region, lane, host);
        match act.op {
            Op::Attach => answer::NONE,
            Op::Get => read(region.get(host, key, true, &mut content::mark_of)),
            Op::GetInto => {
                let out = &mut self.out[..];
                let got = region.get(host, key, true, &mut IntoSlice(out));
                read(got.map(|got| match got {
                    Got::Hit(len) => Got::Hit(content::mark_in(&self.out[..len.min(1 << 16)])),
                    Got::Miss => Got::Miss,
                    Got::Expired => Got::Expired,
                }))
            }
            Op::Iterate => {
                for slot in 0..region.slots() {
                    if region.item_at(host, slot, b"", true).is_err() {
                        return answer::DAMAGED;
                    }
                }
                answer::DONE
            }
            Op::Set
            | Op::Add
            | Op::Replace
            | Op::Swap
            | Op::Increment
            | Op::Append
            | Op::Touch
            | Op::GetTouch
            | Op::Delete
            | Op::Take => on_key(&mut session, act, key, value, self.token),
            Op::Clear => yes(session.clear().map(|()| true)),
            Op::Sweep => {
                let _ = session.sweep(1 << 20);
                answer::DONE
            }
            Op::EvictAhead => {
                let _ = session.evict_ahead(4);
                answer::DONE
            }
            Op::Drain => {
                let _ = session.free_page_of(key);
                answer::DONE
            }
            Op::Recover => {
                let _ = session.recover_dead();
                answer::DONE
            }
            Op::Detach => {
                if let Some(lane) = self.lane.take() {
                    lane.detach(region, host);
                }
                answer::DONE
            }
            Op::Publish | Op::Cancel => {
                let Ok(reserved) = session.reserve(key.len(), value.len() as u64, false) else {
                    return answer::NO_ROOM;
                };
                region.fill_reserved(&reserved, 0, value);
                if act.op == Op::Cancel {
                    session.cancel(reserved);
                    return answer::DONE;
                }
                stored(session.publish(reserved, key, &request(value, Condition::Always, None)))
            }
            Op::Pin => {
                let id = if act.lane == PINNER { PINNER } else { HOLDER };
                let pins = Lane::attach(region, id, &Identity::default()).into_pins(region);
                let charge = |bytes| region.charge(id, bytes);
                let Ok(Got::Hit(pinned)) = region.pin(host, key, pins.slot(0), charge) else {
                    pins.detach(region);
                    return answer::ABSENT;
                };
                let read = pinned.value(region).map_or(0, |value| content::mark_of(&value));
                region.unpin(&pinned);
                region.refund(id, region.pin_charge(&pinned.head().sizes));
                pins.detach(region);
                answer::VALUE + read
            }
        }
    }
}

/// One of the operations that change one key.
pub(super) fn on_key<H: Host>(
    session: &mut Session<'_, H>,
    act: &Act,
    key: &[u8],
    value: &[u8],
    token: u64,
) -> u64 {
    let deadline = Some(content::FAR + act.mark);
    match act.op {
        Op::Set => set(session, key, value, Condition::Always, None),
        Op::Add => set(session, key, value, Condition::IfAbsent, None),
        Op::Replace => set(session, key, value, Condition::IfPresent, None),
        Op::Swap => set(session, key, value, Condition::IfToken(token), None),
        Op::Increment => match session.count(key, Arithmetic::Increment(1), None) {
            Ok(Counted::Value(number)) => answer::VALUE + number,
            Ok(Counted::Missing) => answer::ABSENT,
            Err(failure) => refused(failure),
        },
        Op::Append => match session.extend(key, b"+", End::Back) {
            Ok(Some(_)) => answer::DONE,
            Ok(None) => answer::ABSENT,
            Err(failure) => refused(failure),
        },
        Op::Touch => yes(session.touch(key, deadline)),
        Op::GetTouch => copied(session.get_and_touch(key, Deadline::At(deadline))),
        Op::Delete => yes(session.delete(key).map(|deleted| deleted == Deleted::Gone)),
        Op::Take => copied(session.take(key)),
        _ => answer::NONE,
    }
}

fn copied(copied: Result<Option<Copied>, Failure>) -> u64 {
    match copied {
        Ok(Some(copied)) => answer::VALUE + content::mark_in(&copied.value),
        Ok(None) => answer::ABSENT,
        Err(failure) => refused(failure),
    }
}

fn request(value: &[u8], condition: Condition, deadline: Option<u64>) -> SetRequest<'_> {
    SetRequest { value, flags: 3, encoding: 0, deadline: Deadline::At(deadline), condition }
}

pub(super) fn set<H: Host>(
    session: &mut Session<'_, H>,
    key: &[u8],
    value: &[u8],
    condition: Condition,
    deadline: Option<u64>,
) -> u64 {
    stored(session.set(key, &request(value, condition, deadline)))
}

fn stored(outcome: Result<SetOutcome, Failure>) -> u64 {
    match outcome {
        Ok(SetOutcome::Stored(_)) => answer::DONE,
        Ok(SetOutcome::Exists) => answer::EXISTS,
        Ok(SetOutcome::Missing) => answer::ABSENT,
        Ok(SetOutcome::TokenMismatch) => answer::MISMATCH,
        Err(failure) => refused(failure),
    }
}

fn yes(done: Result<bool, Failure>) -> u64 {
    match done {
        Ok(true) => answer::DONE,
        Ok(false) => answer::ABSENT,
        Err(failure) => refused(failure),
    }
}

fn refused(failure: Failure) -> u64 {
    if failure == Failure::Damaged { answer::DAMAGED } else { answer::NO_ROOM }
}

fn read<E>(got: Result<Got<u64>, E>) -> u64 {
    match got {
        Ok(Got::Hit(mark)) => answer::VALUE + mark,
        Ok(_) => answer::ABSENT,
        Err(_) => answer::DAMAGED,
    }
}
