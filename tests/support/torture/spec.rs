//! What an operation does to one key, and answers, when nobody is in its way.

use super::act::{Act, Op, answer};
use super::content::{self, FAR, Item};

/// What one appended byte adds to a mark.
const APPENDED: u64 = 10_000_000_000;

/// What comes of an act on an item that is there, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The token is not said.
    pub(super) item: Option<Item>,
    pub(super) answer: u64,
    /// Whether the key is another afterwards.
    pub(super) changes: bool,
}

/// `None`: the act is no matter of one key. `token`: what a swap expects.
pub(super) fn outcome(act: &Act, item: Option<Item>, token: u64) -> Option<Outcome> {
    let kept = |answer| Outcome { item, answer, changes: false };
    let gone = |answer| Outcome { item: None, answer, changes: true };
    let put = |item, answer| Outcome { item: Some(item), answer, changes: true };
    let bytes = content::value(act.mark, act.len);
    let stored =
        Item { mark: content::mark_in(&bytes), len: bytes.len(), deadline: None, token: 0 };
    let touched = |item| Item { deadline: Some(FAR + act.mark), ..item };
    let valued = |item: Item| answer::VALUE + item.mark;
    Some(match (act.op, item) {
        (Op::Get | Op::GetInto | Op::Pin, Some(item)) => kept(valued(item)),
        (Op::Set | Op::Publish, _) | (Op::Add, None) | (Op::Replace, Some(_)) => {
            put(stored, answer::DONE)
        }
        (Op::Add, Some(_)) => kept(answer::EXISTS),
        (Op::Swap, Some(item)) if item.token == token => put(stored, answer::DONE),
        (Op::Swap, Some(_)) => kept(answer::MISMATCH),
        (Op::Increment, Some(item)) if item.len > 16 || item.mark >= APPENDED => return None,
        (Op::Increment, Some(item)) => {
            let mark = item.mark + 1;
            put(Item { mark, len: mark.to_string().len(), ..item }, answer::VALUE + mark)
        }
        (Op::Append, Some(item)) => {
            let more = Item { mark: item.mark + APPENDED, len: item.len + 1, ..item };
            put(more, answer::DONE)
        }
        (Op::Touch, Some(item)) => put(touched(item), answer::DONE),
        (Op::GetTouch, Some(item)) => put(touched(item), valued(item)),
        (Op::Delete, Some(_)) => gone(answer::DONE),
        (Op::Take, Some(item)) => gone(valued(item)),
        (
            Op::Get
            | Op::GetInto
            | Op::Pin
            | Op::Replace
            | Op::Swap
            | Op::Increment
            | Op::Append
            | Op::Touch
            | Op::GetTouch
            | Op::Delete
            | Op::Take,
            None,
        ) => kept(answer::ABSENT),
        _ => return None,
    })
}

/// The same but for the token.
pub(super) fn alike(a: Option<Item>, b: Option<Item>) -> bool {
    let strip = |item: Item| Item { token: 0, ..item };
    a.map(strip) == b.map(strip)
}
