//! One rule left out, or one order changed: the search must find what the rule is for.
//!
//! Each test explores the same program with the rule, where it must pass, and without.

use crate::config::Op::{Delete, Evict, Get, Set, Walk};
use crate::config::{Config, K, M, Mutations, Op, Recheck};
use crate::search;

/// Explores a program with and without a rule.
fn is_needed(config: &Config, expected: &str, mutate: impl FnOnce(&mut Mutations)) {
    crate::holds(config);
    let mutated = config.clone().but(mutate);
    let outcome = search::explore(&mutated);
    let Some((violation, path)) = outcome.violation else {
        panic!("{}: {} states without the rule, and nothing broke", config.name, outcome.states);
    };
    println!("{}: without the rule, after {} states: {violation}", config.name, outcome.states);
    assert_eq!(violation, expected, "{path}");
}

/// Short generations of one bit, and an item in the first slot from the start.
fn wrapping(name: &'static str, programs: &[&[Op]]) -> Config {
    Config::new(name, programs).item(0, K, 0, 1).generations(&[1; 3]).short_bits(1)
}

/// Takes block 0, where K lies, through a round of short generations and puts M there.
const ROUND: &[Op] = &[Delete(K), Set(K), Delete(K), Set(M)];

/// The same, and puts K there again.
const ROUND_TO_K: &[Op] = &[Delete(K), Set(K), Delete(K), Set(K)];

#[test]
fn rule_r_keeps_a_commit_from_passing_to_the_next_word() {
    // K is deleted and another word placed in its slot, with the control word still pending there.
    is_needed(
        &Config::new("rule R", &[&[Set(K)], &[Delete(K)], &[Set(K)]]),
        "a word is visible that its owner has not committed",
        |m| m.no_rule_r = true,
    );
}

#[test]
fn rule_h_keeps_a_helper_from_finishing_the_next_word() {
    // The helper's control word is old; the word it finds in the slot is another's, not committed.
    is_needed(
        &Config::new("rule H", &[&[Set(K), Delete(K), Set(M)], &[Set(K)]]),
        "a word is finished that its owner has not committed",
        |m| m.no_rule_h = true,
    );
}

#[test]
fn only_owners_commit() {
    // The owner does not know that it was done for it, and commits once more.
    is_needed(
        &Config::new("helpers commit", &[&[Set(K)], &[Set(K)]]),
        "an owner commits a slot that does not hold its tentative word",
        |m| m.helper_commits = true,
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn a_withdrawn_word_is_never_placed_again() {
    // The reader loads it before it is withdrawn and after it is placed again, and in between finds
    // the control word pending on that slot, for another item.
    is_needed(
        &Config::new(
            "same generation on retry",
            &[&[Set(K)], &[Set(K), Evict(1), Set(M), Evict(0)], &[Get(K)]],
        ),
        "a reader accepts an item that was not visible when it looked",
        |m| m.same_generation_on_retry = true,
    );
}

#[test]
fn a_name_counts_after_a_second_look() {
    is_needed(
        &wrapping("no second look", &[&[Delete(K)], ROUND]),
        "an expected slot word came round with another meaning",
        |m| m.recheck = Recheck::Nothing,
    );
}

#[test]
fn the_second_look_behind_a_name_is_at_the_header() {
    // The round is over before the name is stored: the slot word is the same, the item is not.
    for op in [Delete(K), Set(K)] {
        is_needed(
            &wrapping("a second look at the slot only", &[&[op], ROUND]),
            "an expected slot word came round with another meaning",
            |m| m.recheck = Recheck::SlotOnly,
        );
    }
}

#[test]
fn the_second_look_behind_a_name_is_at_the_whole_header() {
    // The first look was at a block not yet sealed, a round later than the slot was loaded: who unlinks that one
    // would retire what it never was.
    for op in [Delete(K), Set(K)] {
        is_needed(
            &wrapping("a second look at the generation only", &[&[op], ROUND_TO_K]),
            "a block is lost: not free, not linked, and in nobody's record",
            |m| m.recheck = Recheck::Generation,
        );
    }
}

#[test]
fn a_round_of_short_generations_ends_with_a_scan() {
    is_needed(
        &wrapping("no wrap scan", &[&[Delete(K)], ROUND]),
        "an expected slot word came round with another meaning",
        |m| m.no_wrap_scan = true,
    );
}

#[test]
fn a_helper_names_what_it_finishes() {
    is_needed(
        &Config::new(
            "helper without a name",
            &[&[Set(K)], &[Set(K), Delete(K), Set(M), Delete(M), Set(K)]],
        )
        .generations(&[0, 0])
        .short_bits(1),
        "a word is finished that its owner has not committed",
        |m| m.helper_names_nothing = true,
    );
}

#[test]
fn an_owner_names_what_it_places() {
    // Its own word is finished, deleted and recycled by others before it finishes it itself.
    is_needed(
        &Config::new("own word unnamed", &[&[Set(K)], &[Delete(K), Set(K), Delete(K), Set(K)]])
            .generations(&[0, 0])
            .short_bits(1),
        "a word is finished that its owner has not committed",
        |m| m.scan_ignores_new_blocks = true,
    );
}

#[test]
fn recovery_looks_for_a_reference() {
    is_needed(
        &Config::new("no reference check", &[&[Set(K)], &[]]).kills(1, &[0]),
        "a linked block is free",
        |m| m.no_reference_check = true,
    );
}

#[test]
fn recovery_looks_at_the_control_word() {
    is_needed(
        &Config::new("pending ignored", &[&[Set(K)], &[]]).kills(1, &[0]),
        "an item vanished that nobody removed",
        |m| m.recovery_ignores_pending = true,
    );
}

#[test]
fn recovery_names_what_it_withdraws() {
    // The dead one had replaced an item; its block has been unlinked and placed anew by another.
    is_needed(
        &wrapping(
            "recovery without a name",
            &[&[Set(K)], &[Delete(K), Set(M), Delete(M), Set(K)], &[]],
        )
        .kills(1, &[0]),
        "recovery withdraws another word than the dead one's",
        |m| m.recovery_names_nothing = true,
    );
}

#[test]
fn an_unlinker_may_lose_the_block() {
    // Its owner has died, and was recovered between the unlink and the retirement.
    is_needed(
        &Config::new("unlinker never loses", &[&[Set(K)], &[Delete(K)], &[Set(M)]]).kills(1, &[0]),
        "a process writes to a block that is not its own",
        |m| m.unlinker_never_loses = true,
    );
}

#[test]
fn a_block_is_sealed_before_it_is_linked() {
    is_needed(
        &Config::new("sealed late", &[&[Set(K)], &[]]).kills(1, &[0]),
        "a linked block is free",
        |m| m.seal_after_link = true,
    );
}

#[test]
fn a_block_to_unlink_is_named_after_it_was_seen_linked() {
    // The header that the dead one named is of a later round: sealed, and not linked yet.
    is_needed(
        &wrapping("named too early", &[&[Delete(K)], &[Delete(K), Set(M), Delete(M), Set(K)], &[]])
            .kills(1, &[0]),
        "a linked block is free",
        |m| m.named_before_seen_linked = true,
    );
}

#[test]
fn a_name_is_dropped_before_the_next_is_stored() {
    // Half of each name together are the name of a block that is sealed and not linked yet.
    is_needed(
        &Config::new("mixed names", &[&[Delete(K)], &[Set(K), Set(M)], &[]])
            .item(0, K, 1, 4)
            .generations(&[5, 4])
            .kills(1, &[0])
            .names_in_words(),
        "a linked block is free",
        |m| m.mixed_names = true,
    );
}

#[test]
#[cfg_attr(debug_assertions, ignore = "millions of states: run with --release")]
fn a_helper_does_not_name_a_victim() {
    // The helper dies before rule H tells it that the word is nobody's business.
    is_needed(
        &Config::new("a helper's victim", &[&[Set(M), Evict(0), Set(K)], &[Set(K)], &[Delete(K)]])
            .kills(1, &[2]),
        "a linked block is free",
        |m| m.helper_names_to_unlink = true,
    );
}

#[test]
fn an_item_is_read_behind_the_second_look_at_its_slot() {
    // Between header and second look, a round later, the block was filled: the key read is an old one.
    is_needed(
        &wrapping("read too early", &[&[Get(K)], ROUND]),
        "a reader accepts a torn or a wrong key's item",
        |m| m.read_before_second_look = true,
    );
}

#[test]
fn another_key_is_a_verdict_like_any_other() {
    // The key was replaced and its old block filled for another one: "not here" would be wrong.
    is_needed(
        &Config::new("mismatch unchecked", &[&[Set(K)], &[Set(K), Set(K), Set(M)]])
            .item(0, K, 0, 1),
        "two instances of one key are visible",
        |m| m.mismatch_unchecked = true,
    );
}

#[test]
fn a_block_that_went_round_is_looked_at_again() {
    // The key is replaced all the time; its first block comes round to the word that was loaded.
    is_needed(
        &wrapping("mismatch passed over", &[&[Get(K)], &[Set(K); 4]]),
        "a get or delete misses a key that was visible all the time",
        |m| m.mismatch_passed_over = true,
    );
}

#[test]
fn nothing_is_sealed_twice_in_one_generation() {
    // Sealed and given back for want of a slot; the walker meets that, and what another filled there since.
    is_needed(
        &Config::new("sealed twice", &[&[Set(K)], &[Set(M), Set(M)], &[Walk(0)]]).slots(1),
        "a walker takes one item's key for another's",
        |m| m.sealed_twice = true,
    );
}

#[test]
fn an_invisible_word_is_looked_at_twice() {
    // It was visible when it was loaded, and finished when the control word was.
    is_needed(
        &Config::new("invisible unchecked", &[&[Get(K)], &[Set(K)]]),
        "a get or delete misses a key that was visible all the time",
        |m| m.invisible_unchecked = true,
    );
}
