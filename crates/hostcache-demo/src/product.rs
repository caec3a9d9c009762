//! A product page as the cache holds it: self-describing and self-checking.
//!
//! A page says which product it is of and which version of the row it was made from, and a checksum
//! covers all of it. So a reader can tell from the bytes alone whether they are what one worker
//! once stored for exactly this product.
//!
//! ```text
//!  0   checksum: XXH3 of everything behind it
//!  8   product
//! 16   version
//! 24   price in cents
//! 32   number of reviews, u32
//! 36   sum of their stars, u32
//! 40   lengths of the four texts, u32 each
//! 56   name, category, description, reviews: UTF-8, one behind the other
//! ```

use std::fmt::{self, Write as _};

use xxhash_rust::xxh3::xxh3_64;

const CHECKSUM_LEN: usize = 8;
const HEADER_LEN: usize = 56;

/// A product page; the texts are borrowed from the database row or from the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    pub(crate) product: u64,
    pub(crate) version: u64,
    pub(crate) price_cents: u64,
    pub(crate) review_count: u32,
    pub(crate) star_sum: u32,
    pub(crate) name: &'a str,
    pub(crate) category: &'a str,
    pub(crate) description: &'a str,
    pub(crate) reviews: &'a str,
}

/// Why bytes are not the page that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Damage {
    /// Fewer or more bytes than the page says it has, or texts that are not UTF-8.
    Malformed { len: usize },
    /// The bytes are not the ones that the checksum was made of.
    Torn { stored: u64, computed: u64 },
    /// A whole page, but of another product.
    Foreign { wanted: u64, found: u64 },
}

impl Page<'_> {
    /// Replaces the contents of `out` with the page's bytes.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let texts = [self.name, self.category, self.description, self.reviews];
        out.clear();
        out.extend_from_slice(&[0; CHECKSUM_LEN]);
        out.extend_from_slice(&self.product.to_le_bytes());
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.price_cents.to_le_bytes());
        out.extend_from_slice(&self.review_count.to_le_bytes());
        out.extend_from_slice(&self.star_sum.to_le_bytes());
        for text in texts {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        }
        for text in texts {
            out.extend_from_slice(text.as_bytes());
        }
        let checksum = xxh3_64(&out[CHECKSUM_LEN..]);
        out[..CHECKSUM_LEN].copy_from_slice(&checksum.to_le_bytes());
    }
}

impl<'a> Page<'a> {
    /// Reads back what [`Page::encode`] wrote for `product`; anything else is a [`Damage`].
    pub(crate) fn decode(bytes: &'a [u8], product: u64) -> Result<Self, Damage> {
        let malformed = Damage::Malformed { len: bytes.len() };
        let (checked, checksummed) =
            bytes.split_first_chunk::<CHECKSUM_LEN>().ok_or(malformed.clone())?;
        let stored = u64::from_le_bytes(*checked);
        let computed = xxh3_64(checksummed);
        if stored != computed {
            return Err(Damage::Torn { stored, computed });
        }
        let page = Self::decode_fields(bytes).ok_or(malformed)?;
        if page.product != product {
            return Err(Damage::Foreign { wanted: product, found: page.product });
        }
        Ok(page)
    }

    fn decode_fields(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut texts) = bytes.split_at_checked(HEADER_LEN)?;
        let mut text = |at: usize| {
            let (text, rest) = texts.split_at_checked(u32_at(header, at)? as usize)?;
            texts = rest;
            std::str::from_utf8(text).ok()
        };
        let page = Self {
            product: u64_at(header, 8)?,
            version: u64_at(header, 16)?,
            price_cents: u64_at(header, 24)?,
            review_count: u32_at(header, 32)?,
            star_sum: u32_at(header, 36)?,
            name: text(40)?,
            category: text(44)?,
            description: text(48)?,
            reviews: text(52)?,
        };
        texts.is_empty().then_some(page)
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|b| u64::from_le_bytes(*b))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_le_bytes(*b))
}

/// Replaces the contents of `key` with the cache key of a product's page.
pub(crate) fn write_key(product: u64, key: &mut String) {
    key.clear();
    // Writing to a String can't fail.
    let _ = write!(key, "product:{product}");
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { len } => write!(f, "{len} bytes that are no page"),
            Self::Torn { stored, computed } => {
                write!(f, "torn: checksum {stored:016x} stored, {computed:016x} computed")
            }
            Self::Foreign { wanted, found } => {
                write!(f, "the page of product {found} instead of {wanted}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page<'static> {
        Page {
            product: 41,
            version: 3,
            price_cents: 1299,
            review_count: 2,
            star_sum: 9,
            name: "Copper kettle",
            category: "Kitchen",
            description: "Holds 1.5 litres. Größe: mittel.",
            reviews: "Ada: boils\nBob: shines",
        }
    }

    fn encoded() -> Vec<u8> {
        let mut bytes = b"left over".to_vec();
        page().encode(&mut bytes);
        bytes
    }

    #[test]
    fn a_page_comes_back_as_it_was() {
        assert_eq!(Page::decode(&encoded(), 41), Ok(page()));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = encoded();
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let damage = Page::decode(&bytes, 41).expect_err("a flipped bit");
            assert!(matches!(damage, Damage::Torn { .. }), "bit {bit}: {damage}");
        }
    }

    #[test]
    fn every_shortened_page_is_noticed() {
        let good = encoded();
        for len in 0..good.len() {
            assert!(Page::decode(&good[..len], 41).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn halves_of_two_versions_are_torn() {
        let old = encoded();
        let mut new = Vec::new();
        Page { version: 4, price_cents: 1399, ..page() }.encode(&mut new);
        let mixed = [&old[..24], &new[24..]].concat();
        assert!(matches!(Page::decode(&mixed, 41), Err(Damage::Torn { .. })));
    }

    #[test]
    fn a_foreign_page_is_told_from_a_torn_one() {
        assert_eq!(Page::decode(&encoded(), 42), Err(Damage::Foreign { wanted: 42, found: 41 }));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_malformed_even_with_a_right_checksum() {
        for (at, byte) in [(40, 255), (52, 0), (56, 0xFF)] {
            let mut bytes = encoded();
            bytes[at] = byte;
            let checksum = xxh3_64(&bytes[CHECKSUM_LEN..]);
            bytes[..CHECKSUM_LEN].copy_from_slice(&checksum.to_le_bytes());
            let len = bytes.len();
            assert_eq!(Page::decode(&bytes, 41), Err(Damage::Malformed { len }), "byte {at}");
        }
    }
}
