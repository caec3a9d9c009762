//! One shop on a small region of its own, and planted pages that it has to see through.

use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use super::*;
use crate::catalog;
use crate::scratch::{database_path, truth_path};

const PRODUCTS: u64 = 200;

/// A region, a database and a table of versions in one directory, removed with it.
struct Town {
    directory: TempDir,
    cache: Cache,
}

impl Town {
    fn new() -> Self {
        static TOWNS: AtomicU64 = AtomicU64::new(0);
        let directory = tempfile::tempdir().expect("a scratch directory");
        let number = TOWNS.fetch_add(1, Ordering::Relaxed);
        let region = format!("shop-{}-{number}", std::process::id());
        let cache = Cache::builder(&region)
            .directory(directory.path())
            .capacity(4 << 20)
            .create()
            .expect("a region");
        catalog::fill(&database_path(directory.path()), PRODUCTS, 1, |_| true)
            .expect("a catalogue");
        Truth::create(&truth_path(directory.path()), PRODUCTS).expect("a table of versions");
        Self { directory, cache }
    }

    fn shop(&self) -> Shop {
        let store = Store::open(&database_path(self.directory.path())).expect("a connection");
        let truth = Truth::open(&truth_path(self.directory.path()), PRODUCTS).expect("a mapping");
        Shop::new(self.cache.clone(), store, truth)
    }

    /// Stores these bytes as the page of a product.
    fn plant(&self, product: u64, bytes: &[u8]) {
        let mut key = String::new();
        write_key(product, &mut key);
        self.cache.set(&key, bytes).expect("room for a page");
    }
}

fn view(shop: &mut Shop, product: u64) -> Tally {
    serve(shop, Request::View { product })
}

fn update(shop: &mut Shop, product: u64, price_cents: u64) -> Tally {
    serve(shop, Request::Update { product, price_cents })
}

fn serve(shop: &mut Shop, request: Request) -> Tally {
    let mut tally = Tally::new();
    shop.serve(request, &mut tally).expect("an answer");
    tally
}

fn routes(tally: &Tally) -> (u64, u64, u64) {
    (tally.counters.hits, tally.counters.database, tally.counters.updates)
}

#[test]
fn the_first_view_loads_the_page_and_the_second_finds_it() {
    let town = Town::new();
    let mut shop = town.shop();
    assert_eq!(routes(&view(&mut shop, 7)), (0, 1, 0));
    let loaded = shop.page.clone();
    assert_eq!(routes(&view(&mut town.shop(), 7)), (1, 0, 0));
    view(&mut shop, 7);
    assert_eq!(shop.page, loaded);
}

#[test]
fn an_update_takes_the_page_away_and_the_next_view_has_the_new_price() {
    let town = Town::new();
    let (mut shop, mut other) = (town.shop(), town.shop());
    view(&mut shop, 7);
    assert_eq!(routes(&update(&mut other, 7, 4242)), (0, 0, 1));
    let tally = view(&mut shop, 7);
    assert_eq!(routes(&tally), (0, 1, 0));
    assert_eq!((tally.counters.wrong, tally.counters.stale()), (0, 0));
    let page = Page::decode(&shop.page, 7).expect("a sound page");
    assert_eq!((page.version, page.price_cents), (1, 4242));
}

#[test]
fn a_page_that_was_loaded_before_an_update_is_not_stored_after_it() {
    let town = Town::new();
    let (mut slow, mut other) = (town.shop(), town.shop());
    let mut tally = Tally::new();
    write_key(7, &mut slow.key);
    let lease = slow.take_lease(&mut tally).expect("an answer").expect("the lease");
    slow.store.load_page(7, &mut slow.page).expect("the old row");
    update(&mut other, 7, 4242);
    slow.fill(lease, &mut tally).expect("an answer");
    assert_eq!(tally.counters.fills_overtaken, 1);
    let tally = view(&mut other, 7);
    assert_eq!(routes(&tally), (0, 1, 0));
    assert_eq!(tally.counters.stale(), 0);
}

#[test]
fn whoever_meets_a_lease_asks_the_database_and_leaves_the_lease_alone() {
    let town = Town::new();
    let (mut holder, mut other) = (town.shop(), town.shop());
    let mut tally = Tally::new();
    write_key(7, &mut holder.key);
    let lease = holder.take_lease(&mut tally).expect("an answer").expect("the lease");
    for _ in 0..2 {
        assert_eq!(routes(&view(&mut other, 7)), (0, 1, 0));
    }
    holder.store.load_page(7, &mut holder.page).expect("a row");
    holder.fill(lease, &mut tally).expect("an answer");
    assert_eq!(tally.counters.fills_overtaken, 0);
    assert_eq!(routes(&view(&mut other, 7)), (1, 0, 0));
}

#[test]
fn planted_pages_that_are_torn_or_foreign_or_never_written_are_wrong() {
    let town = Town::new();
    let mut shop = town.shop();
    view(&mut shop, 7);
    let mut torn = shop.page.clone();
    let last = torn.len() - 1;
    torn[last] ^= 1;
    let mut future = Vec::new();
    let page = Page::decode(&shop.page, 7).expect("a sound page");
    Page { version: 1, ..page }.encode(&mut future);
    view(&mut shop, 8);
    let foreign = shop.page.clone();
    for (planted, reason) in [(torn, "torn"), (foreign, "page of product 8"), (future, "nobody")] {
        town.plant(7, &planted);
        let tally = view(&mut shop, 7);
        assert_eq!((tally.counters.hits, tally.counters.wrong), (1, 1), "{reason}");
        assert!(tally.examples()[0].contains(reason), "{:?}", tally.examples());
    }
}

#[test]
fn a_planted_old_page_is_stale_and_not_wrong() {
    let town = Town::new();
    let mut shop = town.shop();
    view(&mut shop, 7);
    let old = shop.page.clone();
    update(&mut shop, 7, 4242);
    town.plant(7, &old);
    let counters = view(&mut shop, 7).counters;
    assert_eq!((counters.wrong, counters.stale_outlived, counters.stale_under_way), (0, 1, 0));
}

#[test]
fn an_old_page_is_excused_until_its_update_has_deleted_it() {
    let town = Town::new();
    let mut shop = town.shop();
    view(&mut shop, 7);
    // As if another worker were between COMMIT and delete.
    shop.truth.announce(7, 1);
    shop.truth.commit(7, 1);
    let counters = view(&mut shop, 7).counters;
    assert_eq!((counters.wrong, counters.stale_under_way, counters.stale_outlived), (0, 1, 0));
}
