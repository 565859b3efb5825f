use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{NANOS_PER_SECOND, Timestamp, nanos, parse_rfc3339, read_utc};

#[test]
fn the_ends_of_time_are_written_and_read() {
    assert_eq!(Timestamp::MIN.to_rfc3339(), "0001-01-01T00:00:00Z");
    assert_eq!(Timestamp::MAX.to_rfc3339(), "9999-12-31T23:59:59.999999999Z");
    for end in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(end.to_rfc3339().parse(), Ok(end));
    }
}

#[test]
fn offsets_are_applied_and_other_forms_refused() {
    let read = |text: &str| text.parse().map(Timestamp::to_rfc3339);
    assert_eq!(read("2026-01-01T05:30:00.120+05:30"), Ok("2026-01-01T00:00:00.12Z".into()));
    assert_eq!(read("1969-12-31T23:59:59.5-00:00"), Ok("1969-12-31T23:59:59.5Z".into()));
    assert_eq!(read("2026-01-01T00:00:00.123456789Z"), Ok("2026-01-01T00:00:00.123456789Z".into()));
    assert_eq!(read("2026-01-01T02:00:00,25+02:00"), Ok("2026-01-01T00:00:00.25Z".into()));
    for text in [
        "",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,Z",
        "2026-01-01T00:00:00;5Z",
        "2026-01-01T00:00:00,1234567890Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01t00:00:00Z",
        "2026-01-01T00:00:00z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T1:00:00Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+02",
        "2026-01-01T00:00:00+02:00:30",
        "2026-01-01T00:00:00 Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:0é",
        "2026-02-30T00:00:00Z",
        "2026-01-01T00:00:00Z[UTC]",
        "0000-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
}

/// Instants around the bounds of the range, of days, of seconds, and of 64-bit nanoseconds.
fn instants() -> Vec<Timestamp> {
    let (low, high) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let seconds: [i128; 8] =
        [-62_135_596_800, -62_135_510_400, -1, 0, 59, 86_399, 951_782_399, 253_402_300_799];
    let whole = seconds.map(|second| second.saturating_mul(NANOS_PER_SECOND));
    let around = whole.into_iter().chain([low, high]).flat_map(|nanos| {
        [-1_500_000_000, -1, 0, 1, 20_000_000, 999_999_999].map(|more| nanos.saturating_add(more))
    });
    around.filter_map(|nanos| Timestamp::from_unix_nanos(nanos).ok()).collect()
}

#[test]
fn rounding_is_that_of_whole_nanoseconds() {
    let periods = [(0, 0), (1, 0), (7, 0), (604_800, 0), (u64::MAX, 0), (0, 1), (1, 500_000_000)];
    for at in instants() {
        let seconds = at.unix_nanos().div_euclid(NANOS_PER_SECOND);
        assert_eq!(i128::from(at.unix_seconds()), seconds);
        let up = at.unix_nanos() > seconds * NANOS_PER_SECOND;
        assert_eq!(i128::from(at.unix_seconds_ceil()), seconds + i128::from(up));
        for (seconds, fraction) in periods {
            let period = Duration::new(seconds, fraction);
            let floor = |origin: Timestamp| {
                let since = at.unix_nanos() - origin.unix_nanos();
                let into = since.checked_rem_euclid(nanos(period)).unwrap_or(0);
                Timestamp::clamped_from_unix_nanos(at.unix_nanos() - into)
            };
            assert_eq!(at.floor_from_1970(period), floor(Timestamp::UNIX_EPOCH), "{at} {period:?}");
            assert_eq!(at.floor_from_year_one(period), floor(Timestamp::MIN), "{at} {period:?}");
        }
        for later in instants() {
            let between = u128::try_from(later.unix_nanos() - at.unix_nanos()).unwrap_or(0);
            assert_eq!(at.until(later).as_nanos(), between, "{at} {later}");
        }
    }
}

/// Written instants take the fast path. It agrees with the slow one about every text that
/// differs in one character or in the day.
#[test]
fn the_written_form_is_read_as_any_other() {
    for at in instants() {
        for text in [at.to_rfc3339(), at.to_rfc3339_fixed9()] {
            assert_eq!(read_utc(&text), Some(at.unix_nanos()), "{text}");
            assert_eq!(parse_rfc3339(&text), Some(at.unix_nanos()), "{text}");
        }
        let (whole, mut millis) = (at.to_rfc3339_fixed9(), String::new());
        at.write_rfc3339_millis(&mut millis);
        assert_eq!(millis, format!("{}Z", &whole[..23]));
        assert_eq!(at.to_rfc3339_seconds(), format!("{}Z", &whole[..19]));
        let shortest = whole.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
        assert_eq!(at.to_rfc3339(), format!("{shortest:0<19}Z"));
    }
    let agree = |text: &str| {
        if let Some(nanos) = read_utc(text) {
            assert_eq!(parse_rfc3339(text), Some(nanos), "{text}");
        }
    };
    let written = ["2024-02-29T23:59:59Z", "2023-12-31T00:10:09.000000001Z"];
    for text in written {
        for at in 0..text.len() {
            let (before, after) = (&text[..at], &text[at + 1..]);
            for c in "0123456789-+:.,TtZz ".chars() {
                agree(&format!("{before}{c}{after}"));
            }
            agree(&format!("{before}{after}"));
            agree(&format!("{before}0{}", &text[at..]));
        }
    }
    for year in [0, 1, 1900, 2000, 2023, 2024, 2100, 9999] {
        for (month, day) in (0..=13).flat_map(|month| (0..=32).map(move |day| (month, day))) {
            let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
            agree(&text);
            assert_eq!(read_utc(&text).is_some(), parse_rfc3339(&text).is_some(), "{text}");
        }
    }
}
