//! What becomes of a block that was sealed and never linked, and of stores for which there is none.

use super::store::{Change, Draft, Present, Verdict};
use super::{Arithmetic, End, Initial, SetRequest};
use crate::fixture::{Fixture, Still, plain};
use crate::layout::Identity;
use crate::word::{BlockState, PageState};
use crate::{Counter, Failure, Lane, Region, Session};

/// A replacement under which another lane deletes the key while the new item is drafted.
struct Overtaken<'a> {
    region: &'a Region,
    other: std::cell::RefCell<Lane>,
}

impl Change for Overtaken<'_> {
    const READS_VALUE: bool = false;

    fn decide(&mut self, present: Option<Present<'_>>) -> Result<Verdict, Failure> {
        Ok(if present.is_some() { Verdict::Put { revised: false } } else { Verdict::Keep })
    }

    fn draft(&self) -> Draft<'_> {
        let mut other = self.other.borrow_mut();
        Session::new(self.region, &mut other, &Still).delete(b"key").expect("a sound region");
        Draft { value: b"new", flags: 0, encoding: 0, deadline: None, token: None }
    }
}

#[test]
fn a_block_sealed_and_not_linked_goes_on_to_the_next_generation() {
    let Fixture { region, .. } = &Fixture::new();
    let mut lane = Lane::attach(region, 0, &Identity::default());
    let mut other = Lane::attach(region, 1, &Identity::default());
    let request = plain(b"old", None);
    Session::new(region, &mut other, &Still).set(b"key", &request).expect("there is room");
    // Every chunk of the one page in use starts in the same generation.
    let headers = || {
        let (page, cut) = (0..region.geometry.pages)
            .map(|page| (page, region.load_page(page)))
            .find(|(_, word)| word.state() == PageState::Slab)
            .expect("a page is cut");
        let (chunks, words) = region.chunks(cut.class()).expect("a class");
        let start = region.geometry.page_start(page);
        (0..chunks).map(|chunk| region.load_header(start + chunk * words)).collect::<Vec<_>>()
    };
    let fresh = headers()[0].generation();
    assert!(headers().iter().all(|header| header.generation() == fresh));

    let mut overtaken = Overtaken { region, other: std::cell::RefCell::new(other) };
    let outcome = Session::new(region, &mut lane, &Still).apply(b"key", &mut overtaken);
    assert_eq!(outcome, Ok(None), "the key was gone when it was looked at again");
    let grown: u64 = headers().iter().map(|header| header.generation() - fresh).sum();
    assert_eq!(grown, 2, "one for the deletion, one for what was sealed in vain");
    assert!(headers().iter().all(|header| header.state() != BlockState::Published));
}

#[test]
fn every_store_that_finds_no_room_is_counted() {
    let Fixture { region, .. } = &Fixture::new();
    let mut hoarder = Lane::attach(region, 0, &Identity::default());
    let mut hoarder = Session::new(region, &mut hoarder, &Still);
    let request = plain(b"1", None);
    hoarder.set(b"there", &request).expect("there is room");
    while hoarder.take_free_page().is_some() {}
    let mut lane = Lane::attach(region, 1, &Identity::default());
    let mut session = Session::new(region, &mut lane, &Still);
    let long = [7; 20_000];
    let no_room = Err(Failure::NoRoom);
    let large = SetRequest { value: &long, ..request };
    assert_eq!(session.set(b"key", &large).map(|_| ()), no_room);
    assert_eq!(session.extend(b"there", &long, End::Back).map(|_| ()), no_room);
    // Of the key's length a counter is as large.
    let initial = Initial { value: 0, encoding: 0, deadline: None };
    assert_eq!(session.count(&long, Arithmetic::Increment(1), Some(initial)).map(|_| ()), no_room);
    assert!(session.reserve(3, 20_000, false).is_err());
    assert_eq!(region.counters().get(Counter::NoRoom), 4);
}
