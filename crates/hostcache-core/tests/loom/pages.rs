//! Pages that change hands.

use crate::world::{KEY, Plan, explore, explore_in};
use hostcache_core::Condition;
use hostcache_core::word::{BlockState, PageState};

/// GENERATIONS-GROW: who takes a page that another let go cuts it above every generation it ever had, and its cut is
/// the last word on every header.
#[test]
fn a_page_let_go_is_cut_above_its_generations() {
    explore(2, |world| {
        let region = world.region.clone();
        let start = region.geometry().page_start(0);
        world.set(0, KEY, 1);
        let highest = (0..4).map(|at| region.block_word(start + 8 * at).generation()).max();
        let highest = highest.expect("four chunks");
        // Nothing but free chunks: the lane gives its magazine back when it empties the page.
        let emptier = world.spawn(0, |mut me| {
            me.delete(KEY);
            let owned = me.session().empty(0).expect("nobody else holds a block");
            me.session().release(0, owned);
        });
        let cutter = world.spawn(1, |mut me| {
            let Some((page, owned)) = me.session().take_page() else { return false };
            me.session().cut(page, owned, 0);
            true
        });
        emptier.join().expect("the emptier ends");
        let is_cut = cutter.join().expect("the cutter ends");
        if is_cut {
            assert_eq!(region.page_word(0).state(), PageState::Slab);
            for at in 0..4 {
                let header = region.block_word(start + 8 * at);
                assert_eq!(header.state(), BlockState::Free, "chunk {at} is cut");
                assert!(header.generation() > highest, "chunk {at} went back");
            }
        }
        world.verify();
    });
}

/// PAGE-CUT: a walker takes no word for a header that is none, be it the word from before the cut that it saw, which
/// comes again as data.
#[test]
fn a_walker_claims_no_data() {
    explore_in(Plan { is_cut: false, ..Plan::USUAL }, 2, |world| {
        let region = world.region.clone();
        let cutter = world.spawn(1, |mut me| {
            let (page, owned) = me.session().take_page().expect("the page is free");
            // Every word of the page is 0 so far, which reads as a free header; the cut makes it a later one.
            me.session().cut(page, owned, 0);
            let Some(owned) = me.session().empty(page) else { return false };
            me.session().cut(page, owned, 2);
            // In the second chunk of the first cut lies a word of this value.
            me.store_bytes(KEY, &[0; 40], 0, Condition::Always);
            true
        });
        let walker = world.spawn(2, |mut me| me.session().claim(0, 0, 1));
        let refilled = cutter.join().expect("the cutter ends");
        let claimed = walker.join().expect("the walker ends");
        if refilled {
            let mut value = [1; 40];
            let aim = region.aim(KEY).expect("just set");
            assert!(region.copy_aimed(&aim, &mut value), "it is still there");
            assert_eq!(value, [0; 40], "a walker wrote into an item (claimed: {claimed})");
            assert!(!claimed, "a claimed chunk keeps its page from being emptied");
        }
    });
}
