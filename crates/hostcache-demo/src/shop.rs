//! Cache-aside: answers one request from the cache or the database, and checks the answer.
//!
//! A view asks the cache. On a miss it takes the *lease*: it adds an empty value, which no page is.
//! Then it loads the row and replaces exactly that lease by the page, by compare-and-swap on the
//! lease's token. An update commits first and deletes the key then, whatever is stored under it.
//!
//! LEASE INVARIANT: a page is stored only if no delete of its key happened since before its row was
//! loaded. So once an update has deleted the key, no page older than that update is stored any
//! more: a page loaded before the COMMIT either was stored before the delete and went with it, or
//! finds its lease gone.
//!
//! Who meets another's lease reads the database and stores nothing: nobody waits for anybody, and
//! the lease of a killed worker expires by itself.

use std::time::{Duration, Instant};

use hostcache::{Cache, CasToken, ReadError, SetOptions, SetOutcome, WriteError};

use crate::DemoError;
use crate::product::{Page, write_key};
use crate::store::Store;
use crate::tally::{Route, Tally};
use crate::traffic::Request;
use crate::truth::{Floor, Freshness, Truth, judge};

/// The lease: shorter than any page.
const LEASE: &[u8] = b"";
/// How long the lease of a killed worker keeps others from filling; far above any load of a row.
const LEASE_TTL: Duration = Duration::from_secs(2);
/// How long a page lives: bounds how long it stays stale if an updater dies before its delete.
const PAGE_TTL: Duration = Duration::from_secs(20);

/// One worker's view of cache, database and truth.
#[derive(Debug)]
pub(crate) struct Shop {
    cache: Cache,
    store: Store,
    truth: Truth,
    /// Buffers that every request reuses.
    key: String,
    page: Vec<u8>,
}

impl Shop {
    pub(crate) fn new(cache: Cache, store: Store, truth: Truth) -> Self {
        Self { cache, store, truth, key: String::new(), page: Vec::new() }
    }

    /// Answers a request, counts it and checks the answer. Gives the moment it was answered; the
    /// check comes later and is not part of the latency.
    pub(crate) fn serve(
        &mut self,
        request: Request,
        tally: &mut Tally,
    ) -> Result<Instant, DemoError> {
        match request {
            Request::View { product } => self.view(product, tally),
            Request::Update { product, price_cents } => self.update(product, price_cents, tally),
        }
    }

    fn view(&mut self, product: u64, tally: &mut Tally) -> Result<Instant, DemoError> {
        write_key(product, &mut self.key);
        let before = self.truth.floor(product);
        let began = Instant::now();
        let route = match self.cache.try_get_into(&self.key, &mut self.page) {
            Ok(true) if self.page != LEASE => Route::Hit,
            Ok(true) => {
                self.store.load_page(product, &mut self.page)?;
                Route::Database
            }
            Ok(false) => {
                self.load_and_fill(product, tally)?;
                Route::Database
            }
            Err(ReadError::Contended { .. }) => {
                tally.counters.contended += 1;
                self.store.load_page(product, &mut self.page)?;
                Route::Database
            }
            Err(e) => return Err(e.into()),
        };
        let answered = Instant::now();
        tally.answered(route, answered - began);
        self.check_answer(product, before, route, tally);
        Ok(answered)
    }

    fn load_and_fill(&mut self, product: u64, tally: &mut Tally) -> Result<(), DemoError> {
        let lease = self.take_lease(tally)?;
        self.store.load_page(product, &mut self.page)?;
        if let Some(token) = lease {
            self.fill(token, tally)?;
        }
        Ok(())
    }

    /// The right to store the page, unless another worker has it or there is no room.
    fn take_lease(&self, tally: &mut Tally) -> Result<Option<CasToken>, DemoError> {
        let options = SetOptions::new().only_if_absent().ttl(LEASE_TTL);
        match self.cache.set_with(&self.key, LEASE, &options) {
            Ok(SetOutcome::Stored(token)) => Ok(Some(token)),
            Ok(_) => Ok(None),
            Err(WriteError::NoRoom { .. }) => {
                tally.counters.fills_without_room += 1;
                Ok(None)
            }
            Err(e) => Err(e.into()),
        }
    }

    fn fill(&self, lease: CasToken, tally: &mut Tally) -> Result<(), DemoError> {
        let options = SetOptions::new().only_if_token(lease).ttl(PAGE_TTL);
        match self.cache.set_with(&self.key, &self.page, &options) {
            Ok(outcome) if outcome.is_stored() => {}
            Ok(_) => tally.counters.fills_overtaken += 1,
            Err(WriteError::NoRoom { .. }) => tally.counters.fills_without_room += 1,
            Err(e) => return Err(e.into()),
        }
        Ok(())
    }

    fn update(
        &mut self,
        product: u64,
        price_cents: u64,
        tally: &mut Tally,
    ) -> Result<Instant, DemoError> {
        write_key(product, &mut self.key);
        let truth = &self.truth;
        let began = Instant::now();
        let version = self.store.update_price(product, price_cents, |version| {
            truth.announce(product, version);
        })?;
        truth.commit(product, version);
        self.cache.delete(&self.key)?;
        let answered = Instant::now();
        truth.invalidate(product, version);
        tally.answered(Route::Update, answered - began);
        Ok(answered)
    }

    fn check_answer(&self, product: u64, before: Floor, route: Route, tally: &mut Tally) {
        let page = match Page::decode(&self.page, product) {
            Ok(page) => page,
            Err(damage) => {
                let source = route.label();
                tally.wrong(|| format!("product {product} ({source}): {damage}"));
                return;
            }
        };
        let announced = self.truth.announced(product);
        match judge(page.version, before, announced) {
            Freshness::Fresh => {}
            Freshness::UnderWay => tally.counters.stale_under_way += 1,
            Freshness::Outlived => tally.counters.stale_outlived += 1,
            Freshness::NeverWritten => tally.wrong(|| {
                format!(
                    "product {product} ({}): version {}, but nobody wrote more than {announced}",
                    route.label(),
                    page.version
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests;
