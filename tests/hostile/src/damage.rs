//! Damage that knows the layout: which words there are, and what would be worst in each.

use hostcache_core::layout::{Header, live, record};

use crate::guarded::Guarded;
use crate::images::Image;
use crate::input::{Input, mix};

/// Kinds of words.
const KINDS: u64 = 21;

/// A word of one kind.
fn place(image: &Image, kind: u64, index: u64) -> u64 {
    let g = &image.geometry;
    let lane = |from: u64, words: u64| {
        let lane = index / words % u64::from(g.shape.lanes);
        g.lanes_at + lane * record::WORDS + from + index % words
    };
    let bucket = index / 6 % g.shape.buckets;
    let page = index % g.pages;
    let section = |from: u64, to: u64| from + index % to.saturating_sub(from).max(1);
    let block = |word: u64| match image.blocks.len() as u64 {
        0 => section(g.arena_at, g.arena_end),
        blocks => (image.blocks[(index % blocks) as usize] + word).min(g.arena_end - 1),
    };
    match kind % KINDS {
        0 => index % 16,
        1 => [live::EPOCH, live::CLEARED, live::CLEARED + 1, live::SWEEP, live::RUN_HAND]
            [index as usize % 5],
        2 => live::PIN_LANES + index % live::PIN_LANE_WORDS,
        3 => lane(0, 8),
        4 => lane(record::NEW, 3),
        5 => lane(record::COUNTERS, record::COUNTER_SLOTS),
        6 => lane(record::MAGAZINE, record::MAGAZINE_SLOTS),
        7 => lane(record::PINS, record::PIN_SLOTS),
        8 => lane(record::QUOTA, 1),
        9 | 10 => g.buckets_at + bucket * 8 + index % 6,
        11 => g.buckets_at + bucket * 8 + 7,
        12 => g.buckets_at + bucket * 8 + 6,
        13 => section(g.classes_at, g.hints_at),
        14 => section(g.hints_at, g.pages_at),
        15 => g.pages_at + page * 4 + index / g.pages % 3,
        16 => section(g.chunk_hints_at, g.arena_at),
        17 => block(0),
        18 => block(1 + index / 64 % 4),
        19 => block(5 + index / 64 % 16),
        _ => index % g.words(),
    }
}

/// A location that somebody may have forgotten to check.
fn location(image: &Image, input: &mut Input<'_>) -> u64 {
    let g = &image.geometry;
    let how = input.byte();
    let small = u64::from(input.byte());
    let near = |at: u64| at.wrapping_add(small % 16).wrapping_sub(8) & ((1 << 34) - 1);
    match how % 10 {
        0 => near(g.arena_at),
        1 => near(g.arena_end),
        2 => near(g.words()),
        3 => near(g.page_start(small % g.pages)),
        4 => near(g.lanes_at),
        5 => near(g.buckets_at),
        6 => small,
        7 => (1 << 34) - 1 - small,
        8 => near(place(image, 17, small)),
        _ => place(image, 17, small),
    }
}

/// What the word becomes.
fn value(image: &Image, guarded: &Guarded, old: u64, kind: u64, input: &mut Input<'_>) -> u64 {
    const LOW34: u64 = (1 << 34) - 1;
    let load = |at: u64| guarded.load(at.min(guarded.words() - 1));
    match input.byte() % 16 {
        0 => old ^ 1 << (input.byte() % 64),
        1 => mix(input.short() << 16 | input.short()),
        2 => input.byte().into(),
        3 => u64::MAX - u64::from(input.byte()),
        4 => load(place(image, kind, input.short())),
        5 => load(place(image, input.byte().into(), input.short())),
        // A slot word, or what names one: with the generation that is found there.
        6 => {
            let at = location(image, input);
            let generation = load(at) & ((1 << image.geometry.shape.generation_bits) - 1);
            old & !(0xffff << 36 | LOW34) | generation << 36 | at
        }
        7 => old & !LOW34 | location(image, input),
        // A block's header: state, pin bit, owner; the generation stays, or nearly.
        8 => {
            let (state, owner) = (u64::from(input.byte()), u64::from(input.byte()));
            let drift = u64::from(input.byte() % 4).wrapping_sub(1);
            state << 61 | (owner % 10) << 48 | old.wrapping_add(drift) & ((1 << 48) - 1)
        }
        // A page: state, class, owner.
        9 => {
            let (state, class) = (u64::from(input.byte()), u64::from(input.byte()));
            state << 61
                | (class & 0x7f) << 54
                | u64::from(input.byte() % 8) << 41
                | old & ((1 << 41) - 1)
        }
        // An item's lengths.
        10 => {
            let lens = [0, 1, 7, 8, 100, 1000, 8 * guarded.words(), u64::from(u32::MAX)];
            let len = lens[input.byte() as usize % 8].wrapping_add(u64::from(input.byte() % 3));
            let keys = [0, 1, 4, 0xffff];
            (len & 0xffff_ffff) << 32
                | u64::from(input.byte()) << 24
                | keys[input.byte() as usize % 4]
        }
        // A control word: another slot pending, of a tag that is there.
        11 => {
            let tag = load(place(image, 9, input.short())) >> 52;
            old & !0xffff | u64::from(input.byte() % 16) << 12 | tag
        }
        12 => old.wrapping_add(1),
        13 => old.wrapping_sub(1),
        // A number of pages, of steps, of bits.
        14 => [0, 1, image.geometry.pages, image.geometry.pages + 1, u64::from(u32::MAX), 1 << 63]
            [input.byte() as usize % 6],
        _ => 0,
    }
}

/// A given word becomes another.
pub fn damage_at(image: &Image, guarded: &Guarded, at: u64, input: &mut Input<'_>) {
    let kind = u64::from(input.byte());
    guarded.store(at, value(image, guarded, guarded.load(at), kind, input));
}

/// One damage; says which word.
pub fn damage(image: &Image, guarded: &Guarded, input: &mut Input<'_>) -> u64 {
    let kind = u64::from(input.byte());
    let at = place(image, kind, input.short()).min(guarded.words() - 1);
    let word = value(image, guarded, guarded.load(at), kind, input);
    guarded.store(at, word);
    at
}

/// A header that is right in itself, of another shape: most are refused, some make a geometry that nobody formatted.
pub fn reshape(image: &Image, guarded: &Guarded, input: &mut Input<'_>) {
    let mut shape = image.geometry.shape;
    for _ in 0..=input.byte() % 3 {
        let field = input.byte();
        let (byte, exponent) = (u64::from(input.byte()), u64::from(input.byte()) % 64);
        let number = match byte % 4 {
            0 => byte,
            1 => 1 << exponent,
            2 => (1u64 << exponent).wrapping_sub(byte),
            _ => mix(byte | exponent << 8),
        };
        match field % 7 {
            0 => shape.capacity = number,
            1 => shape.lanes = number as u32,
            2 => shape.buckets = number,
            3 => shape.page_words = number,
            4 => shape.generation_bits = number as u32,
            5 => shape.epoch_bits = number as u32,
            _ => shape.seed = number,
        }
    }
    Header::plain(shape).write(&guarded.memory());
}
