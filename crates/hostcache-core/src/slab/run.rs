//! Runs: large items in neighbouring pages.

use super::Hint;
use super::page::RUN;
use crate::fault::{Fault, planted};
use crate::region::{Host, Region};
use crate::session::Session;
use crate::sync::Ordering;
use crate::table::Removal;
use crate::word::{BlockState, LaneId, PageState, PageWord};

impl Region {
    /// Pages of the run that starts here, never more than there are.
    pub(crate) fn run_length(&self, head: u64) -> u64 {
        let length = self.page_entry(head, RUN).load(Ordering::Relaxed);
        if planted(Fault::RunLengthTrusted) {
            return length;
        }
        length.clamp(1, self.geometry.pages - head)
    }

    /// Distance of a tail page to its head.
    pub(crate) fn run_distance(&self, page: u64) -> u64 {
        self.page_entry(page, RUN).load(Ordering::Relaxed)
    }

    /// Whether a tail page belongs to a run that starts at `head`.
    pub(crate) fn is_tail_of(&self, page: u64, head: u64) -> Option<PageWord> {
        let word = self.load_page(page);
        let distance = self.run_distance(page);
        (word.state() == PageState::RunTail
            && page - head == distance
            && self.load_page(page) == word)
            .then_some(word)
    }

    /// Gives a run's pages away. Its header is CLAIMED by `lane` in a generation that was never linked; the head page
    /// goes last, so that who repeats this after a death still finds the run.
    pub(crate) fn free_run(&self, location: u64, lane: LaneId) {
        let Some(head) = self.geometry.page_of(location) else { return };
        let word = self.load_page(head);
        let header = self.load_header(location);
        if word.state() != PageState::RunHead || !header.is_claimed_by(lane) {
            return;
        }
        if planted(Fault::HeadReleasedFirst) {
            self.raise_base(head, header.generation());
            self.release_page(head, word);
        }
        for page in head + 1..head + self.run_length(head) {
            if let Some(tail) = self.is_tail_of(page, head) {
                self.clear_hint(Hint::Runs, page);
                self.release_page(page, tail);
            }
        }
        self.raise_base(head, header.generation());
        self.clear_hint(Hint::Runs, head);
        self.release_page(head, word);
    }
}

impl<H: Host> Session<'_, H> {
    /// Ends the item of a run and gives its pages away.
    pub(crate) fn evict_run(&mut self, head: u64) -> bool {
        let region = self.region;
        let word = region.load_page(head);
        if word.state() != PageState::RunHead {
            return false;
        }
        let location = region.geometry.page_start(head);
        if self.lane.spared == Some(location) {
            return false;
        }
        let Some(header) = region.header_in(head, word, location) else { return false };
        let owned = match header.state() {
            BlockState::Orphan => self.adopt(location, header),
            BlockState::Published if header.is_pinned() && region.is_pinned(location) => None,
            BlockState::Published => self
                .locate(location, header)
                .and_then(|found| self.unlink(&found, Removal::Evicted)),
            BlockState::Free | BlockState::Claimed => None,
        };
        let Some(owned) = owned else { return false };
        self.free_block(owned, true);
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, Still, plain};
    use crate::layout::Identity;
    use crate::{Deleted, Lane};

    #[test]
    fn a_run_that_says_it_goes_beyond_the_last_page_is_cut_off_there() {
        let Fixture { region, .. } = &Fixture::new();
        let mut lane = Lane::attach(region, 0, &Identity::default());
        let mut session = Session::new(region, &mut lane, &Still);
        let request = plain(&[7; 20_000], None);
        session.set(b"key", &request).expect("there is room");
        let pages = region.geometry.pages;
        let head = (0..pages).find(|&page| region.load_page(page).state() == PageState::RunHead);
        let head = head.expect("a run");
        for length in [pages, 1 << 40, u64::MAX] {
            region.page_entry(head, RUN).store(length, Ordering::Relaxed);
            assert_eq!(region.run_length(head), pages - head);
            let account = region.check(&Still, |_| false);
            assert_eq!(account.items, 1);
        }
        assert_eq!(session.delete(b"key"), Ok(Deleted::Gone));
        assert_eq!(region.load_page(head).state(), PageState::Free);
    }
}
