//! What must hold of the bytes that a killed process leaves.

use hostcache_core::layout::Identity;
use hostcache_core::{Account, Condition, Counter, Deleted, Lane, Region, Session};

use super::act::{self, Act, answer};
use super::arena::{Arena, DeskHost};
use super::content::{self, Keys, View};
use super::shape::SURVIVOR;

/// Longest value that a set must never refuse: a 64th of the capacity.
const NEVER_REFUSED: usize = (1 << 20) / 64;

/// Judges the region in the laboratory, in which some lanes' owners are dead; what it showed before anybody did
/// anything.
pub(super) fn judge(
    lab: &Arena,
    keys: usize,
    act: &Act,
    dead: u64,
    pinned: bool,
    turn: u64,
) -> Result<View, String> {
    lab.bury(dead);
    let region = lab.region();
    let host = lab.host(SURVIVOR);
    let seen = content::view(&region, &host, keys);
    if turn.is_multiple_of(8) {
        bound(&region, &host, dead, act)?;
    }
    let mut lane = Lane::attach(&region, SURVIVOR, &Identity::default());
    let evictions = || region.counters().get(Counter::Evictions);
    if turn.is_multiple_of(2) {
        recover(&region, &host, &mut lane, dead, pinned)?;
        let recovered = content::view(&region, &host, keys);
        same(&seen, &recovered, false, usize::MAX, "recovery changed")?;
        let before = evictions();
        work(&region, &host, &mut lane, act)?;
        let after = content::view(&region, &host, keys);
        same(&seen, &after, evictions() > before, act.key, "work changed")?;
    } else {
        let before = evictions();
        work(&region, &host, &mut lane, act)?;
        let now = content::view(&region, &host, keys);
        same(&seen, &now, evictions() > before, act.key, "work beside the dead changed")?;
        recover(&region, &host, &mut lane, dead, pinned)?;
        let after = content::view(&region, &host, keys);
        same(&now, &after, false, usize::MAX, "recovery changed")?;
    }
    lane.detach(&region, &host);
    let account = region.check(&host, |lane| dead & (1 << lane) != 0);
    exact(&region, &account, pinned)?;
    if account.held > 0 {
        return Err(format!("{} bytes are held by nobody: {account:?}", account.held));
    }
    Ok(seen)
}

/// P4: what a dead or stopped process may keep.
pub(super) fn bound(
    region: &Region,
    host: &DeskHost<'_>,
    dead: u64,
    act: &Act,
) -> Result<(), String> {
    let account = region.check(host, |lane| dead & (1 << lane) != 0);
    let geometry = region.geometry();
    let page = geometry.shape.page_words * 8;
    let largest = account_largest(act, page);
    // The dead hold their magazines, and two blocks each, or a page that is being cut or drained.
    let most = u64::from(dead.count_ones()) * (geometry.magazine_bytes() + 2 * largest);
    if account.dead_held > most {
        return Err(format!("the dead hold {} bytes, more than {most}", account.dead_held));
    }
    Ok(())
}

fn account_largest(act: &Act, page: u64) -> u64 {
    (act.len.max(50_000) as u64 + 100).next_multiple_of(page)
}

fn recover(
    region: &Region,
    host: &DeskHost<'_>,
    lane: &mut Lane,
    dead: u64,
    pinned: bool,
) -> Result<(), String> {
    Session::new(region, lane, host).recover_dead();
    for lane in (0..region.geometry().shape.lanes as u16).filter(|lane| dead & (1 << lane) != 0) {
        if region.is_attached(lane) {
            return Err(format!("lane {lane} was not recovered"));
        }
    }
    let account = region.check(host, |lane| dead & (1 << lane) != 0);
    exact(region, &account, pinned)
}

/// Every block is accounted for.
pub(super) fn exact(region: &Region, account: &Account, pinned: bool) -> Result<(), String> {
    let sum = account.reachable
        + account.free_chunks
        + account.free_pages
        + account.held
        + account.dead_held
        + account.pinned
        + account.reserved
        + account.tails;
    let arena = region.geometry().arena_bytes();
    let lost = account.dead_held + account.reserved + if pinned { 0 } else { account.pinned };
    if !account.problems.is_empty() || sum != arena || lost > 0 {
        return Err(format!("{sum} bytes of {arena} are accounted for: {account:?}"));
    }
    Ok(())
}

/// Set, get, add, delete on the victim's key and on another.
fn work(region: &Region, host: &DeskHost<'_>, lane: &mut Lane, act: &Act) -> Result<(), String> {
    let key = Keys::key(act.key);
    let len = act.len.min(NEVER_REFUSED - 200);
    let told = |what: &str, said: u64| Err(format!("{what} of key {} said {said}", act.key));
    let mut session = Session::new(region, lane, host);
    let before = region.counters().get(Counter::Evictions);
    // Whatever had to make room may have been this very key.
    let evicted = || region.counters().get(Counter::Evictions) > before;
    for (mark, condition, expected) in [
        (77, Condition::Always, answer::DONE),
        (78, Condition::IfAbsent, answer::EXISTS),
        (79, Condition::IfPresent, answer::DONE),
    ] {
        let value = content::value(mark, len);
        let said = act::set(&mut session, &key, &value, condition, None);
        let excused = evicted() && matches!(said, answer::DONE | answer::ABSENT);
        if said != expected && !excused {
            return told("a store", said);
        }
    }
    let found = content::find(region, host, &key);
    let is_mine = found.is_some_and(|item| matches!(item.mark, 78 | 79));
    let was_evicted = found.is_none() && evicted();
    if !is_mine && !was_evicted {
        return Err(format!("key {} was set and shows {found:?}", act.key));
    }
    let deleted = session.delete(&key);
    if deleted != Ok(Deleted::Gone) && !was_evicted {
        return told("a delete", answer::ABSENT);
    }
    if let Some(item) = content::find(region, host, &key) {
        return Err(format!("key {} was deleted and shows {item:?}", act.key));
    }
    let spare = Keys::spare();
    match act::set(&mut session, &spare, b"1", Condition::Always, None) {
        answer::DONE => {}
        said => return told("a store of another key instead", said),
    }
    match session.delete(&spare) {
        Ok(Deleted::Gone) => Ok(()),
        _ => told("a delete of another key instead", answer::ABSENT),
    }
}

/// Every key but one shows the same, or was evicted.
pub(super) fn same(
    was: &View,
    now: &View,
    evicted: bool,
    except: usize,
    what: &str,
) -> Result<(), String> {
    for (key, (was, now)) in was.iter().zip(now).enumerate() {
        if key != except && was != now && !(evicted && now.is_none()) {
            return Err(format!("{what} key {key}: {was:?} became {now:?}"));
        }
    }
    Ok(())
}
