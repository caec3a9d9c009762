//! Fills the database: categories, products, prices and reviews, all decided by the seed.
//!
//! One transaction without a journal: the file is worthless until it is complete, so there is
//! nothing to protect while it is being filled. Only then is it switched to the write-ahead log
//! that the workers need.

use std::path::Path;

use rusqlite::{Connection, Transaction};

use crate::DemoError;
use crate::random::Random;

const SCHEMA: &str = "
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE categories (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL
    );
    CREATE TABLE products (
        id INTEGER PRIMARY KEY,
        category_id INTEGER NOT NULL REFERENCES categories (id),
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        version INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE prices (
        product_id INTEGER PRIMARY KEY REFERENCES products (id),
        cents INTEGER NOT NULL
    );
    CREATE TABLE reviews (
        product_id INTEGER NOT NULL REFERENCES products (id),
        number INTEGER NOT NULL,
        stars INTEGER NOT NULL,
        author TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (product_id, number)
    ) WITHOUT ROWID;
";

const CATEGORIES: [&str; 12] = [
    "Kitchen", "Garden", "Books", "Lighting", "Tools", "Toys", "Music", "Travel", "Office",
    "Sports", "Bath", "Textiles",
];
const ADJECTIVES: [&str; 16] = [
    "copper", "folding", "quiet", "sturdy", "striped", "compact", "heavy", "bright", "woven",
    "oiled", "curved", "plain", "double", "tall", "round", "light",
];
const NOUNS: [&str; 16] = [
    "kettle", "lamp", "bench", "notebook", "drill", "puzzle", "guitar", "suitcase", "stapler",
    "racket", "towel", "blanket", "basket", "clock", "ladder", "mirror",
];
const WORDS: [&str; 24] = [
    "made", "of", "beech", "and", "steel", "with", "a", "handle", "that", "stays", "cool", "for",
    "daily", "use", "easy", "to", "clean", "fits", "every", "shelf", "two", "years", "warranty",
    "included",
];
const AUTHORS: [&str; 8] = ["Ada", "Bao", "Chidi", "Dana", "Emre", "Freja", "Goran", "Hana"];

/// The most reviews that a product has.
const MAX_REVIEWS: u64 = 6;
/// Products between two reports of progress.
const REPORT_EVERY: u64 = 2_000;

/// Makes the database at `path` with so many products. `goes_on` hears how many are in and may
/// stop the work by `false`.
pub(crate) fn fill(
    path: &Path,
    products: u64,
    seed: u64,
    mut goes_on: impl FnMut(u64) -> bool,
) -> Result<(), DemoError> {
    let mut connection =
        Connection::open(path).map_err(DemoError::store("creating the database", path))?;
    connection.execute_batch(SCHEMA).map_err(DemoError::store("creating the tables", path))?;
    let transaction =
        connection.transaction().map_err(DemoError::store("beginning to fill it", path))?;
    let mut random = Random::new(seed, u64::MAX);
    insert_categories(&transaction).map_err(DemoError::store("filling categories", path))?;
    for product in 0..products {
        insert_product(&transaction, product, &mut random)
            .map_err(DemoError::store("filling products", path))?;
        if (product + 1).is_multiple_of(REPORT_EVERY) && !goes_on(product + 1) {
            return Err(DemoError::Interrupted);
        }
    }
    transaction.commit().map_err(DemoError::store("committing the catalogue", path))?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL;")
        .map_err(DemoError::store("switching to the write-ahead log", path))
}

fn insert_categories(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare("INSERT INTO categories (id, name) VALUES (?1, ?2)")?;
    for (id, name) in CATEGORIES.iter().enumerate() {
        insert.execute((id, name))?;
    }
    Ok(())
}

fn insert_product(
    transaction: &Transaction<'_>,
    product: u64,
    random: &mut Random,
) -> rusqlite::Result<()> {
    let name = format!("{} {} {product}", random.pick(&ADJECTIVES), random.pick(&NOUNS));
    let description = sentence(40, 120, random);
    transaction
        .prepare_cached(
            "INSERT INTO products (id, category_id, name, description) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((product, random.below(CATEGORIES.len() as u64), name, description))?;
    transaction
        .prepare_cached("INSERT INTO prices (product_id, cents) VALUES (?1, ?2)")?
        .execute((product, 100 + random.below(50_000)))?;
    let mut insert_review = transaction.prepare_cached(
        "INSERT INTO reviews (product_id, number, stars, author, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for number in 0..random.below(MAX_REVIEWS + 1) {
        let stars = 1 + random.below(5);
        insert_review.execute((
            product,
            number,
            stars,
            random.pick(&AUTHORS),
            sentence(8, 24, random),
        ))?;
    }
    Ok(())
}

/// A text of `least` to `most` words.
fn sentence(least: u64, most: u64, random: &mut Random) -> String {
    let words = least + random.below(most - least + 1);
    let mut text = String::with_capacity(words as usize * 6);
    for _ in 0..words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(random.pick(&WORDS));
    }
    text.push('.');
    text
}
