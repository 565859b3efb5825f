use alloc::format;
use alloc::string::ToString;
use core::cmp::Ordering;

use super::Number;

#[test]
fn text_is_kept_and_value_is_compared() {
    for (text, same) in [("1.50", "1.5"), ("007.10", "7.1"), ("-0", "0"), ("1E3", "1000")] {
        let number = Number::from_text(text);
        assert_eq!(number.to_string(), text);
        assert_eq!(number.compare(&Number::from_text(same)), Some(Ordering::Equal), "{text}");
    }
    let order = ["-1E125", "-10", "-9.5", "-1E-130", "0", "1E-130", "0.1", "9", "10", "1E125"];
    for pair in order.windows(2) {
        let [low, high] = [pair[0], pair[1]].map(Number::from_text);
        assert_eq!(low.compare(&high), Some(Ordering::Less), "{low} < {high}");
    }
}

#[test]
fn sums_are_exact_or_refused() {
    let add = |a: &str, b: &str| Number::from_text(a).checked_add(&Number::from_text(b));
    assert_eq!(add("1", "-3"), Some(Number::from(-2)));
    assert_eq!(add("1.5", "1.5"), Some(Number::from(3)));
    assert_eq!(
        add("0.1", "0.2").and_then(|n| n.compare(&Number::from_text("0.3"))),
        Some(Ordering::Equal)
    );
    let nines = "99999999999999999999999999999999999999";
    // One significant digit, whatever its magnitude.
    assert_eq!(add(nines, "1"), Some(Number::from(10_i128.pow(38))));
    assert_eq!(add(nines, "2"), None);
    assert_eq!(add(nines, nines), None);
    assert_eq!(add("1E100", "1"), None);
    assert!(add("1E100", "0").is_some());
    assert_eq!(add("x", "1"), None);
}

#[test]
fn the_normal_form_is_plain_decimals() {
    for (text, plain) in [
        ("-0.0", "0"),
        ("+007.10", "7.1"),
        ("-1.5E3", "-1500"),
        ("12E-1", "1.2"),
        ("-12E-2", "-0.12"),
        ("12E-4", "0.0012"),
        ("1E40", "10000000000000000000000000000000000000000"),
    ] {
        let normal = Number::from_text(text).normalized().map(|number| number.to_string());
        assert_eq!(normal.as_deref(), Some(plain), "{text}");
    }
    assert_eq!(Number::from_text("x").normalized(), None);
}

#[test]
fn size_is_half_a_byte_per_digit_on_either_side_of_the_point() {
    for (text, size) in
        [("0", 1), ("-0", 1), ("7", 2), ("-42", 3), ("123", 3), ("1.5", 3), ("1E100", 2)]
    {
        assert_eq!(Number::from_text(text).size(), size, "{text}");
    }
    let long = [10, 99, 100, 12_345, 1_000_001, -1_767_225_600, i64::MAX, i64::MIN + 8];
    for integer in (-1_100..1_100).chain(long) {
        // With a decimal point, the number takes the slow path.
        let spelled = Number::from_text(&format!("{integer}.0"));
        assert_eq!(Number::from(integer).size(), spelled.size(), "{integer}");
    }
}

#[test]
fn what_dynamodb_refuses_is_not_valid() {
    for text in ["", "-", ".", "1e", "1e999999999999", "0x1", "1E126", "1E-131", "NaN", "1_0"] {
        assert!(!Number::from_text(text).is_valid(), "{text}");
    }
}
