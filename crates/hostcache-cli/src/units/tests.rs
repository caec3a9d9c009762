use super::*;

#[test]
fn sizes_are_bytes_or_name_their_unit() {
    for (text, bytes) in [
        ("0", 0),
        ("1048576", 1 << 20),
        ("18446744073709551615", u64::MAX),
        ("7B", 7),
        ("64KiB", 64 << 10),
        ("256MiB", 256 << 20),
        ("256mib", 256 << 20),
        ("1GiB", 1 << 30),
        ("1.5GiB", 3 << 29),
        ("2TiB", 2 << 40),
        ("1KB", 1_000),
        ("1GB", 1_000_000_000),
        ("0.5 MB", 500_000),
        ("1TB", 1_000_000_000_000),
    ] {
        assert_eq!(parse_size(text), Ok(bytes), "{text}");
    }
}

#[test]
fn a_wrong_size_is_refused_with_what_would_be_right() {
    for text in ["", "MiB", "-1", "+1", "1.", ".5", "1.2.3", "1M", "256MiBs", "1e9", "0x10", "१MiB"]
    {
        let problem = parse_size(text).expect_err(text);
        assert!(problem.contains("256MiB"), "{text}: {problem}");
    }
    for text in ["18446744073709551615KiB", "16777216TiB"] {
        assert!(parse_size(text).expect_err(text).contains("64 bits"));
    }
}

#[test]
fn durations_are_seconds_or_name_their_unit() {
    for (text, millis) in [
        ("0", 0),
        ("30", 30_000),
        ("1.5", 1_500),
        ("1500ms", 1_500),
        ("30s", 30_000),
        ("0.1s", 100),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
        ("0.25h", 900_000),
    ] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
}

#[test]
fn a_duration_that_is_not_zero_does_not_become_zero() {
    for text in ["0.1ms", "0.0001", "0.000000001s"] {
        assert_eq!(parse_duration(text), Ok(Duration::from_millis(1)), "{text}");
    }
    assert!(parse_interval("0").is_err());
    assert_eq!(parse_interval("0.0001"), Ok(Duration::from_millis(1)));
}

#[test]
fn a_wrong_duration_is_refused_with_what_would_be_right() {
    for text in ["", "s", "-1s", "1S", "1 minute", "5us", "forever", "1h30m"] {
        let problem = parse_duration(text).expect_err(text);
        assert!(problem.contains("1500ms"), "{text}: {problem}");
    }
    assert!(parse_duration("18446744073709551615d").expect_err("overflow").contains("64 bits"));
}

#[test]
fn a_lifetime_may_be_forever() {
    assert_eq!(parse_lifetime("forever"), Ok(Lifetime::Forever));
    assert_eq!(parse_lifetime("1m"), Ok(Lifetime::Ttl(Duration::from_secs(60))));
    assert!(parse_lifetime("never").expect_err("no unit").contains("forever"));
}

#[test]
fn sizes_are_printed_in_the_largest_unit_with_one_decimal() {
    for (bytes, text) in [
        (0, "0B"),
        (1023, "1023B"),
        (1024, "1KiB"),
        (1536, "1.5KiB"),
        (256 << 20, "256MiB"),
        ((1 << 30) - 1, "1023.9MiB"),
        (3 << 29, "1.5GiB"),
        (u64::MAX, "16777215.9TiB"),
    ] {
        assert_eq!(format_size(bytes), text);
    }
}

#[test]
fn durations_are_printed_as_whole_numbers_of_a_unit_that_parses_again() {
    for text in ["1ms", "1500ms", "30s", "90s", "5m", "2h", "36h", "7d"] {
        let duration = parse_duration(text).expect(text);
        assert_eq!(format_duration(duration), text);
    }
    assert_eq!(format_duration(Duration::ZERO), "0s");
    assert_eq!(format_remaining(Duration::from_millis(29_873)), "29.873s");
    assert_eq!(format_remaining(Duration::from_millis(5)), "0.005s");
    assert_eq!(parse_duration("29.873s"), Ok(Duration::from_millis(29_873)));
}

#[test]
fn instants_follow_the_calendar() {
    for (secs, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_000_000_000, "2001-09-09T01:46:40Z"),
        (1_735_689_599, "2024-12-31T23:59:59Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (13_569_465_600, "2400-01-01T00:00:00Z"),
    ] {
        assert_eq!(format_instant(secs), text);
    }
    assert!(format_instant(u64::MAX).ends_with('Z'), "a nonsense time ends too");
}

#[test]
fn one_is_no_plural() {
    assert_eq!([0, 1, 2].map(|n| counted(n, "item")), ["no items", "1 item", "2 items"]);
}
