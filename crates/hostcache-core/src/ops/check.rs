//! The integrity walk: accounts for every byte of the arena and compares it with the index.
//!
//! Exact in a quiescent region; while others write, their steps half-way may look like problems.

use std::collections::HashMap;

use crate::layout::{ItemHead, SLOTS, record};
use crate::region::{Host, Region};
use crate::slab::{Hint, Kind};
use crate::table::{Position, Probe};
use crate::word::{BlockState, BlockWord, LaneId, PageState, SlotWord};

/// Where the bytes of the arena are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Items in the index, expired and cleared ones included.
    pub items: u64,
    /// Of those, expired or cleared.
    pub dead_items: u64,
    /// Bytes of blocks in the index.
    pub reachable: u64,
    /// Bytes of free chunks.
    pub free_chunks: u64,
    /// Bytes of free pages.
    pub free_pages: u64,
    /// Bytes held by living participants outside the index.
    pub held: u64,
    /// Bytes held by dead ones.
    pub dead_held: u64,
    /// Bytes of blocks outside the index that pins keep.
    pub pinned: u64,
    /// Bytes of blocks that lanes with a reservation hold.
    pub reserved: u64,
    /// Bytes at the ends of pages.
    pub tails: u64,
    /// Bytes held, by lane.
    pub held_by: HashMap<LaneId, u64>,
    /// What contradicts the invariants.
    pub problems: Vec<String>,
}

/// Problems that are told one by one; more are only counted.
const TOLD: usize = 50;

struct Walk<'a, F> {
    region: &'a Region,
    is_dead: F,
    account: Account,
    /// Linked locations and the short generations under which they are linked.
    linked: HashMap<u64, u64>,
}

impl Region {
    /// Walks over the whole region. `is_dead` tells whether an attached lane's owner is dead.
    pub fn check<H: Host>(&self, host: &H, is_dead: impl Fn(LaneId) -> bool) -> Account {
        let mut walk =
            Walk { region: self, is_dead, account: Account::default(), linked: HashMap::new() };
        walk.index(host);
        for page in 0..self.geometry.pages {
            walk.page(page);
        }
        let lost = walk.linked.len();
        if lost > 0 {
            walk.problem(format!("{lost} slots name locations that are no block"));
        }
        walk.account
    }
}

impl Region {
    /// Bytes of blocks that a lane holds outside the table, as its record names them.
    #[must_use]
    pub fn held_bytes_of(&self, lane: LaneId) -> u64 {
        let bytes_at = |location: u64| match self.kind_of(location) {
            Some(Kind::Chunk(class)) => self.chunks(class).map_or(0, |(_, words)| words * 8),
            Some(Kind::Run(pages)) => pages * self.geometry.shape.page_words * 8,
            None => 0,
        };
        (0..record::MAGAZINE_SLOTS)
            .map(|entry| {
                self.lane_word(lane, record::MAGAZINE + entry).load(crate::sync::Ordering::Relaxed)
            })
            .filter(|&location| {
                self.geometry.page_of(location).is_some()
                    && self.load_header(location).is_claimed_by(lane)
            })
            .map(bytes_at)
            .sum()
    }

    /// The same for all lanes, reservations included.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        (0..self.geometry.shape.lanes as LaneId)
            .filter(|&lane| self.is_attached(lane))
            .map(|lane| self.held_bytes_of(lane))
            .sum()
    }

    /// Bytes of free pages, by their hints.
    #[must_use]
    pub fn free_page_bytes(&self) -> u64 {
        self.count_hints(Hint::FreePages) * self.geometry.shape.page_words * 8
    }
}

impl<F: Fn(LaneId) -> bool> Walk<'_, F> {
    fn problem(&mut self, what: String) {
        if self.account.problems.len() < TOLD {
            self.account.problems.push(what);
        } else if self.account.problems.len() == TOLD {
            self.account.problems.push("and more".into());
        }
    }

    fn index<H: Host>(&mut self, host: &H) {
        let mut keys: HashMap<Vec<u8>, Position> = HashMap::new();
        for bucket in 0..self.region.geometry.shape.buckets {
            for index in 0..SLOTS as u8 {
                let position = Position::new(bucket, index);
                let bits = self.region.slot(position).load(crate::sync::Ordering::Acquire);
                let word = SlotWord::from_bits(bits);
                if word.is_empty() {
                    continue;
                }
                // A tentative word is its owner's; pending ones are found through their block.
                let is_private = word.is_tentative() && !self.region.is_pending(position, word);
                let sound = match is_private {
                    true => self.private(position, word),
                    false => self.slot(host, position, word, &mut keys),
                };
                if let Err(what) = sound {
                    let at = format!("bucket {bucket} slot {index}");
                    self.problem(format!("{at}: {what}"));
                }
            }
        }
    }

    /// An uncommitted word is withdrawn before its block is unsealed or taken: else it would stay for ever.
    fn private(&self, position: Position, word: SlotWord) -> Result<(), String> {
        let region = self.region;
        let location = word.location();
        if !region.geometry.has_room_for_head(location) {
            return Err(format!("location {location} is outside the arena"));
        }
        let header = region.load_header(location);
        let is_owned = header.state() == BlockState::Published
            && region.geometry.short_generation_of(header) == word.generation()
            && u32::from(header.owner()) < region.geometry.shape.lanes
            && region.is_attached(header.owner());
        let now = region.slot(position).load(crate::sync::Ordering::Acquire);
        if is_owned || now != word.bits() {
            return Ok(());
        }
        Err("its uncommitted word is nobody's to commit or withdraw".into())
    }

    fn slot<H: Host>(
        &mut self,
        host: &H,
        position: Position,
        word: SlotWord,
        keys: &mut HashMap<Vec<u8>, Position>,
    ) -> Result<(), String> {
        let region = self.region;
        let location = word.location();
        if !region.geometry.has_room_for_head(location) {
            return Err(format!("location {location} is outside the arena"));
        }
        let header = region.load_header(location);
        if header.state() != BlockState::Published {
            return Err(format!("its block is {:?}, not published", header.state()));
        }
        if region.geometry.short_generation_of(header) != word.generation() {
            return Err("its generation is not its block's".into());
        }
        let head = ItemHead::load(region.memory.array(location));
        if location + head.sizes.words() > region.geometry.arena_end {
            return Err("its item is longer than the arena".into());
        }
        let mut key = vec![0; head.sizes.key_len];
        region.memory.copy_out(location + head.sizes.key_offset(), &mut key);
        if !region.still(location, header) {
            return Ok(());
        }
        let probe = Probe::new(&region.geometry, &key);
        let home = if word.is_alternate() { probe.alternate() } else { probe.primary };
        if home != position.bucket() || probe.tag != word.tag() {
            return Err("its key belongs elsewhere".into());
        }
        if let Some(other) = keys.insert(key, position) {
            return Err(format!(
                "its key is also in bucket {} slot {}",
                other.bucket(),
                other.index()
            ));
        }
        if self.linked.insert(location, word.generation()).is_some() {
            return Err(format!("location {location} is linked twice"));
        }
        let expired = head.deadline.is_some_and(|deadline| deadline <= host.now_ms());
        self.account.items += 1;
        if expired || region.is_cleared(head.stamp, region.epoch()) {
            self.account.dead_items += 1;
        }
        Ok(())
    }

    fn page(&mut self, page: u64) {
        let region = self.region;
        let bytes = region.geometry.shape.page_words * 8;
        let word = region.load_page(page);
        let start = region.geometry.page_start(page);
        match word.state() {
            PageState::Free => self.account.free_pages += bytes,
            PageState::Owned => self.hold(word.owner(), bytes),
            PageState::Slab | PageState::Drain => {
                let Some((chunks, words)) = region.chunks(word.class()) else {
                    self.problem(format!("page {page} is of class {}", word.class()));
                    return;
                };
                for chunk in 0..chunks {
                    let location = start + chunk * words;
                    self.block(location, region.load_header(location), words * 8);
                }
                self.account.tails += bytes - chunks * words * 8;
            }
            PageState::RunHead => {
                // While a run is freed its tails go before its head, and count for themselves again.
                let tails = (page + 1..page + region.run_length(page))
                    .filter(|&tail| region.is_tail_of(tail, page).is_some())
                    .count() as u64;
                self.block(start, region.load_header(start), (1 + tails) * bytes);
            }
            PageState::RunTail => {
                let head = page.wrapping_sub(region.run_distance(page));
                let joined = head < page
                    && region.load_page(head).state() == PageState::RunHead
                    && page - head < region.run_length(head);
                if !joined {
                    self.hold(word.owner(), bytes);
                }
            }
        }
    }

    fn block(&mut self, location: u64, header: BlockWord, bytes: u64) {
        let generation = self.region.geometry.short_generation_of(header);
        match header.state() {
            BlockState::Free => self.account.free_chunks += bytes,
            BlockState::Published if self.linked.remove(&location) == Some(generation) => {
                self.account.reachable += bytes;
            }
            BlockState::Orphan => self.pinned(location, bytes),
            BlockState::Claimed | BlockState::Published => self.hold(header.owner(), bytes),
        }
    }

    /// The holder of an ORPHAN adopts it when it lets go: without one it would stay for ever.
    fn pinned(&mut self, location: u64, bytes: u64) {
        self.account.pinned += bytes;
        if !self.region.is_awaited(location) {
            self.problem(format!("{bytes} bytes at {location} wait for a pin that nobody has"));
        }
    }

    fn hold(&mut self, lane: LaneId, bytes: u64) {
        *self.account.held_by.entry(lane).or_default() += bytes;
        if u32::from(lane) >= self.region.geometry.shape.lanes || !self.region.is_attached(lane) {
            self.problem(format!("{bytes} bytes are held by lane {lane}, which nobody has"));
            self.account.held += bytes;
        } else if (self.is_dead)(lane) {
            self.account.dead_held += bytes;
        } else if self.region.is_reserving(lane) {
            self.account.reserved += bytes;
        } else {
            self.account.held += bytes;
        }
    }
}
