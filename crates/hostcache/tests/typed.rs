//! Typed values: both codecs, what is no such value, and bytes that nobody wrote as one.

use std::collections::BTreeMap;

use hostcache::{
    Bincode, Cache, Codec, Json, ReadError, SetOptions, SetOutcome, TypedCache, TypedError,
    WriteError, encoding,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Product {
    name: String,
    price: u64,
    tags: Vec<String>,
    stock: Option<BTreeMap<String, u128>>,
}

fn product(number: u64) -> Product {
    Product {
        name: format!("product {number}"),
        price: number * 100,
        tags: (0..number % 4).map(|tag| tag.to_string()).collect(),
        stock: number.is_multiple_of(2).then(|| [("Berlin".to_owned(), u128::from(number))].into()),
    }
}

fn cache() -> Cache {
    Cache::private(2 << 20).expect("a cache")
}

/// The same for every codec.
fn values_come_back<C: Codec<Product>>() {
    let products: TypedCache<Product, C> = TypedCache::new(cache());
    assert_eq!(products.get("1").expect("the cache is sound"), None);
    assert!(!products.replace("1", &product(1)).expect("the cache is sound"));
    assert!(products.add("1", &product(1)).expect("the cache is sound"));
    assert!(!products.add("1", &product(2)).expect("the cache is sound"));
    assert_eq!(products.get("1").expect("the cache is sound"), Some(product(1)));
    assert!(products.replace("1", &product(3)).expect("the cache is sound"));
    let options = SetOptions::new().flags(5).encoding(99);
    let outcome = products.set_with("2", &product(2), &options).expect("the cache is sound");
    let (value, info) =
        products.get_with_info("2").expect("the cache is sound").expect("it was stored");
    assert_eq!((value, info.flags, info.encoding), (product(2), 5, C::ENCODING));
    assert_eq!(outcome, SetOutcome::Stored(info.cas_token));
    let many = products.get_many(&["2", "no", "1"]);
    let many: Vec<_> = many.into_iter().map(|r| r.expect("values")).collect();
    assert_eq!(many, [Some(product(2)), None, Some(product(3))]);
    assert_eq!(products.clone().take("2").expect("the cache is sound"), Some(product(2)));
    assert_eq!(products.take("2").expect("the cache is sound"), None);
    assert!(products.cache().delete("1").expect("the cache is sound"));
    for number in 0..100 {
        products.set(number.to_string(), &product(number)).expect("the cache is sound");
        assert_eq!(
            products.get(number.to_string()).expect("the cache is sound"),
            Some(product(number))
        );
    }
}

#[test]
fn values_come_back_from_bincode() {
    values_come_back::<Bincode>();
}

#[test]
fn values_come_back_from_json() {
    values_come_back::<Json>();
}

#[test]
fn json_is_text_that_others_read() {
    let numbers: TypedCache<Vec<u8>, Json> = TypedCache::new(cache());
    numbers.set("k", &vec![1, 2]).unwrap();
    let item = numbers.cache().get_item("k").expect("it was stored");
    assert_eq!((item.value.as_slice(), item.info.encoding), (&b"[1,2]"[..], encoding::JSON));
}

#[test]
fn what_is_no_such_value_is_told_apart_from_a_miss() {
    let products: TypedCache<Product> = TypedCache::new(cache());
    let json: TypedCache<Product, Json> = TypedCache::new(products.cache().clone());
    json.set("json", &product(1)).unwrap();
    let error = products.get("json").expect_err("another codec wrote it");
    assert!(
        matches!(
            error,
            TypedError::OtherEncoding { found: encoding::JSON, wanted: encoding::BINCODE, .. }
        ),
        "{error}"
    );
    products.cache().set("plain", "text").unwrap();
    assert!(matches!(products.get("plain"), Err(TypedError::OtherEncoding { found: 0, .. })));
    let raw = SetOptions::new().encoding(encoding::BINCODE);
    products.cache().set_with("cut", [9, b'a'], &raw).unwrap();
    let error = products.get("cut").expect_err("it ends too early");
    assert!(matches!(error, TypedError::Decode { len: 2, .. }), "{error}");
    // Bytes behind the value are no part of one either.
    products.set("long", &product(1)).unwrap();
    products.cache().append("long", [0]).unwrap();
    assert!(matches!(products.get("long"), Err(TypedError::Decode { .. })));
    assert!(matches!(products.get(""), Err(TypedError::Read(ReadError::InvalidKey { .. }))));
    assert!(matches!(products.take(""), Err(TypedError::Write(WriteError::InvalidKey { .. }))));
    assert_eq!(products.get("absent").unwrap(), None);
    let many = products.get_many(&["absent", "cut", "json"]);
    assert!(matches!(
        many[..],
        [Ok(None), Err(TypedError::Decode { .. }), Err(TypedError::OtherEncoding { .. })]
    ));
    assert!(products.take("cut").is_err());
    assert_eq!(products.take("cut").unwrap(), None, "taken is taken");
}

#[test]
fn a_value_that_json_cannot_say_is_not_stored() {
    let odd: TypedCache<BTreeMap<(u8, u8), u8>, Json> = TypedCache::new(cache());
    let error = odd.set("k", &[((1, 2), 3)].into()).expect_err("keys of JSON are strings");
    assert!(matches!(error, TypedError::Encode { .. }), "{error}");
    assert!(!odd.cache().contains("k"));
}

#[test]
fn lengths_in_the_bytes_are_not_believed() {
    let strings: TypedCache<String> = TypedCache::new(cache());
    let raw = SetOptions::new().encoding(encoding::BINCODE);
    // A string of so many bytes, says bincode's variable-length integer, in all its widths.
    for len in [251, 1 << 16, 1 << 32, u64::MAX >> 1, u64::MAX] {
        let mut bytes = vec![253];
        bytes.extend_from_slice(&len.to_le_bytes());
        bytes.extend_from_slice(b"short");
        strings.cache().set_with("k", &bytes, &raw).unwrap();
        assert!(matches!(strings.get("k"), Err(TypedError::Decode { .. })), "{len}");
    }
    let lists: TypedCache<Vec<Vec<u64>>> = TypedCache::new(strings.cache().clone());
    assert!(matches!(lists.get("k"), Err(TypedError::Decode { .. })));
}

#[test]
fn values_of_all_sizes_are_within_the_bounds_of_reading() {
    let numbers: TypedCache<(Vec<u128>, Vec<u64>, String)> = TypedCache::new(cache());
    for len in [0, 1, 7, 15, 16, 17, 100, 255, 256, 257, 1_000, 4_095, 4_096, 20_000, 65_536] {
        // Small numbers take one byte each, and are counted as sixteen and eight.
        let value = (vec![1; len], vec![2; len], "x".repeat(len));
        numbers.set("k", &value).unwrap();
        assert!(numbers.get("k").unwrap() == Some(value), "{len}");
    }
}

#[test]
fn any_bytes_are_a_value_or_an_error() {
    let products: TypedCache<Product> = TypedCache::new(cache());
    let mut state = 7u64;
    let mut errors = 0;
    for round in 0..20_000u64 {
        let mut bytes = Vec::new();
        Bincode::encode(&product(round), &mut bytes).unwrap();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
        let at = (state >> 33) as usize % bytes.len();
        bytes[at] ^= (state >> 20) as u8;
        errors += u32::from(<Bincode as Codec<Product>>::decode(&bytes).is_err());
        errors += u32::from(<Json as Codec<Product>>::decode(&bytes).is_err());
    }
    assert!(errors > 20_000, "{errors}");
    drop(products);
}
