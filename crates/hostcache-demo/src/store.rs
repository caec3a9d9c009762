//! The primary store as one process uses it: loads product pages and updates prices.
//!
//! The file is in write-ahead mode, so readers never wait for the one writer, and writers wait for
//! each other inside SQLite's busy time-out. All statements are prepared once per connection.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};

use crate::DemoError;
use crate::product::Page;

/// How long a writer waits for the writers before it.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// One statement, hence one snapshot: name, price and reviews belong to the same version.
const LOAD_PAGE: &str = "
    SELECT p.version, p.name, c.name, p.description, pr.cents,
           count(r.number), coalesce(sum(r.stars), 0),
           coalesce(group_concat(r.author || ': ' || r.body, char(10)), '')
    FROM products p
    JOIN categories c ON c.id = p.category_id
    JOIN prices pr ON pr.product_id = p.id
    LEFT JOIN reviews r ON r.product_id = p.id
    WHERE p.id = ?1
    GROUP BY p.id";
const RAISE_VERSION: &str =
    "UPDATE products SET version = version + 1 WHERE id = ?1 RETURNING version";
const SET_PRICE: &str = "UPDATE prices SET cents = ?2 WHERE product_id = ?1";
const READ_VERSION: &str = "SELECT version FROM products WHERE id = ?1";

/// A connection to the database.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the database that [`catalog::fill`](crate::catalog::fill) made.
    pub(crate) fn open(path: &Path) -> Result<Self, DemoError> {
        // A worker uses its connection from one thread, so SQLite needs no mutex of its own.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            // As most applications run SQLite: a page cache of 16 MiB, no fsync at each commit.
            connection.execute_batch("PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384;")?;
            Ok(connection)
        };
        let connection = connect().map_err(DemoError::store("opening it", path))?;
        Ok(Self { connection, path: path.to_path_buf() })
    }

    /// Replaces the contents of `out` with the product's page as it is now in the database.
    pub(crate) fn load_page(&self, product: u64, out: &mut Vec<u8>) -> Result<(), DemoError> {
        let mut load = || {
            let mut statement = self.connection.prepare_cached(LOAD_PAGE)?;
            statement.query_row((product,), |row| encode_row(product, row, out))
        };
        load().map_err(DemoError::store("loading a product page", &self.path))
    }

    /// Changes a price and raises the row's version, both or neither. `before_commit` hears the new
    /// version while no other process can see it yet.
    pub(crate) fn update_price(
        &mut self,
        product: u64,
        price_cents: u64,
        before_commit: impl FnOnce(u64),
    ) -> Result<u64, DemoError> {
        let update = || {
            // Immediate: a transaction that reads first and writes then could meet a newer snapshot
            // and would have to start again.
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let version = transaction
                .prepare_cached(RAISE_VERSION)?
                .query_row((product,), |row| row.get(0))?;
            transaction.prepare_cached(SET_PRICE)?.execute((product, price_cents))?;
            before_commit(version);
            transaction.commit()?;
            Ok(version)
        };
        update().map_err(DemoError::store("updating a price", &self.path))
    }

    /// The row's version now.
    pub(crate) fn version(&self, product: u64) -> Result<u64, DemoError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(READ_VERSION)?;
            statement.query_row((product,), |row| row.get(0))
        };
        read().map_err(DemoError::store("reading a version", &self.path))
    }
}

fn encode_row(product: u64, row: &Row<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    let page = Page {
        product,
        version: row.get(0)?,
        name: row.get_ref(1)?.as_str()?,
        category: row.get_ref(2)?.as_str()?,
        description: row.get_ref(3)?.as_str()?,
        price_cents: row.get(4)?,
        review_count: row.get(5)?,
        star_sum: row.get(6)?,
        reviews: row.get_ref(7)?.as_str()?,
    };
    page.encode(out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    const PRODUCTS: u64 = 300;

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let path = directory.path().join("shop.sqlite");
        catalog::fill(&path, PRODUCTS, 5, |_| true).expect("a full catalogue");
        let store = Store::open(&path).expect("a connection");
        (directory, store)
    }

    #[test]
    fn every_product_has_a_page_at_version_0() {
        let (_directory, store) = store();
        let mut bytes = Vec::new();
        let mut without_reviews = 0;
        for product in 0..PRODUCTS {
            store.load_page(product, &mut bytes).expect("a page");
            let page = Page::decode(&bytes, product).expect("a sound page");
            assert_eq!(page.version, 0);
            assert!(page.name.ends_with(&product.to_string()) && page.price_cents > 0);
            assert_eq!(page.reviews.lines().count(), page.review_count as usize);
            assert!(page.star_sum >= page.review_count && page.star_sum <= 5 * page.review_count);
            without_reviews += u32::from(page.review_count == 0);
        }
        assert!(without_reviews > 0, "the outer join is exercised too");
    }

    #[test]
    fn an_update_raises_the_version_and_the_price_together() {
        let (_directory, mut store) = store();
        let mut announced = None;
        let version = store.update_price(17, 4242, |v| announced = Some(v)).expect("an update");
        assert_eq!((version, announced), (1, Some(1)));
        assert_eq!(store.version(17).expect("a version"), 1);
        let mut bytes = Vec::new();
        store.load_page(17, &mut bytes).expect("a page");
        let page = Page::decode(&bytes, 17).expect("a sound page");
        assert_eq!((page.version, page.price_cents), (1, 4242));
    }

    #[test]
    fn nobody_else_sees_a_version_before_its_commit() {
        let (_directory, mut store) = store();
        let other = Store::open(&store.path).expect("a second connection");
        let mut seen = None;
        store.update_price(3, 1, |_| seen = other.version(3).ok()).expect("an update");
        assert_eq!(seen, Some(0));
        assert_eq!(other.version(3).expect("a version"), 1);
    }

    #[test]
    fn a_product_that_is_not_in_the_store_is_an_error_that_names_the_database() {
        let (_directory, store) = store();
        let error = store.load_page(PRODUCTS, &mut Vec::new()).expect_err("no such row");
        assert!(error.to_string().contains("shop.sqlite"), "{error}");
    }

    #[test]
    fn filling_stops_when_told_to() {
        let directory = tempfile::tempdir().expect("a scratch directory");
        let path = directory.path().join("shop.sqlite");
        let mut calls = 0;
        let outcome = catalog::fill(&path, 1_000_000, 5, |_| {
            calls += 1;
            calls < 2
        });
        assert!(matches!(outcome, Err(DemoError::Interrupted)));
        assert_eq!(calls, 2);
    }
}
