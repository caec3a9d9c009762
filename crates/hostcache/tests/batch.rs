//! Many keys in one call.

use hostcache::{Cache, SetOptions, SetOutcome, WriteError};

fn cache() -> Cache {
    Cache::private(8 << 20).expect("a cache")
}

#[test]
fn results_come_in_the_order_of_the_keys_however_many_there_are() {
    let cache = cache();
    for count in [0, 1, 2, 31, 32, 33, 64, 100, 1000] {
        cache.clear().unwrap();
        let items: Vec<(String, String)> =
            (0..count).map(|i| (format!("key-{i}"), format!("value-{i}"))).collect();
        assert!(cache.set_many(&items).into_iter().all(|result| result.is_ok()));
        // Every third key is absent, and the order is another one than that of the sets.
        let keys: Vec<String> = (0..count)
            .rev()
            .map(|i| if i % 3 == 0 { format!("absent-{i}") } else { format!("key-{i}") })
            .collect();
        let expected: Vec<Option<Vec<u8>>> = (0..count)
            .rev()
            .map(|i| (i % 3 != 0).then(|| format!("value-{i}").into_bytes()))
            .collect();
        assert_eq!(cache.get_many(&keys), expected);
        let deleted: Vec<bool> =
            cache.delete_many(&keys).into_iter().map(|r| r.expect("sound")).collect();
        assert!(deleted.iter().eq(expected.iter().map(Option::is_some).collect::<Vec<_>>().iter()));
        assert!(cache.get_many(&keys).iter().all(Option::is_none));
        assert_eq!(cache.keys().count(), (0..count).filter(|i| i % 3 == 0).count());
    }
}

#[test]
fn a_key_that_comes_twice_is_answered_twice() {
    let cache = cache();
    let set = cache.set_many(&[("a", "1"), ("b", "2"), ("a", "3")]);
    assert!(set.into_iter().all(|result| result.is_ok()));
    assert_eq!(cache.get_many(&["a", "a"]), [Some(b"3".to_vec()), Some(b"3".to_vec())]);
    let deleted: Vec<bool> =
        cache.delete_many(&["a", "a"]).into_iter().map(|r| r.expect("sound")).collect();
    assert_eq!(deleted, [true, false]);
}

#[test]
fn one_refused_key_does_not_hold_up_the_others() {
    let cache = cache();
    let too_large = vec![0; cache.max_value_len(1) + 1];
    let items: [(&str, &[u8]); 4] = [("a", b"1"), ("", b"2"), ("c", &too_large), ("d", b"4")];
    let results = cache.set_many(&items);
    assert!(results[0].is_ok() && results[3].is_ok());
    assert!(matches!(results[1], Err(WriteError::InvalidKey { len: 0, .. })));
    assert!(matches!(results[2], Err(WriteError::TooLarge { .. })));
    let keys = ["a", "", "c", "d"];
    assert_eq!(cache.get_many(&keys), [Some(b"1".to_vec()), None, None, Some(b"4".to_vec())]);
    let tried = cache.try_get_many(&keys);
    assert!(tried[1].is_err() && tried[2].as_ref().is_ok_and(Option::is_none));
    let tried = cache.try_get_many_items(&keys);
    assert!(tried[1].is_err() && tried[3].as_ref().is_ok_and(Option::is_some));
    let deleted = cache.delete_many(&keys);
    assert!(deleted[1].is_err() && deleted[2].as_ref().is_ok_and(|gone| !gone));
}

#[test]
fn conditions_and_metadata_go_with_each_item() {
    let cache = cache();
    cache.set("b", "old").unwrap();
    let options = SetOptions::new().flags(7).encoding(3).only_if_absent();
    let outcomes = cache.set_many_with(&[("a", "1"), ("b", "2")], &options);
    assert!(outcomes[0].as_ref().is_ok_and(|outcome| outcome.is_stored()));
    assert!(matches!(outcomes[1], Ok(SetOutcome::Exists)));
    let items = cache.get_many_items(&["a", "b", "c"]);
    let seen: Vec<_> =
        items.into_iter().map(|i| i.map(|i| (i.value, i.info.flags, i.info.encoding))).collect();
    assert_eq!(seen, [Some((b"1".to_vec(), 7, 3)), Some((b"old".to_vec(), 0, 0)), None]);
    let stats = cache.stats();
    assert_eq!((stats.cmd_get, stats.get_hits, stats.cmd_set), (3, 2, 3));
}
