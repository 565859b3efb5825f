//! Sanitizing input from outside.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use allocation_counter::measure;
use apptheory::observe::line::MAX_LINE_BYTES;
use apptheory::observe::profile::{LoggingProfile, ProfileConfig, ProfileEvent};
use apptheory::observe::{Fields, Level};
use apptheory::sanitize::{
    PAYMENT_XML, Policy, Profile, REDACTED, Sanitizer, XmlPattern, mask_first_last,
};
use apptheory::time::Timestamp;
use apptheory_proptests::cases;
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use serde_json::{Value, json};

static HIDDEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").unwrap()
});

/// A part of every secret here, so that any trace of one is found.
const SECRET: &str = "qzx7";

/// Names whose values must not be logged, without those whose last four characters are shown.
const NAMES: [&str; 24] = [
    "password",
    "cvv",
    "security_code",
    "access_token",
    "api-key",
    "Authorization",
    "clientSecret",
    "csrfToken",
    "x-authorization",
    "secrets",
    "userPassword1",
    "XAPIKey",
    "JWTToken",
    "token2",
    "set-cookie",
    "pwd",
    "user_pin",
    "otp",
    "session_id",
    "signingKey",
    "iban",
    "cardholder_name",
    "social_security_number",
    "authorization_id",
];

/// Generates pieces of messages, of which some mean something together.
fn piece() -> impl Strategy<Value = String> {
    let word = select(vec![
        "bearer ",
        "Bearer\t",
        "token",
        "password",
        "api_key",
        "secret",
        "authorization",
        "Cookie",
        "Basic",
        "card ",
        "number",
        "pin",
        "a@b.co",
        "@",
        ".tin",
        "eyJ",
        "eyJhbGciOi.eyJzdWIiOi.abcdefgh",
        "12345678",
        ".",
        "-",
        "=",
        ": ",
        ":",
        ";",
        ", ",
        "\"",
        "'",
        "\\\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        " ",
        "  ",
        "\n",
        "&",
        "%",
        "qzx7",
        "qzx7\u{a0}qzx7",
        "123-45-6789",
        "123",
        "6789",
        "4111111111111111",
        "4111 1111 ",
        "1111-1111",
        "0",
        "\u{202e}",
        "\u{200b}",
        "\u{ff11}",
        "é",
        "*",
        "...",
        "[REDACTED]",
        "<",
        ">",
        "</",
        "<CVV>",
        "</CVV>",
        "<CardNum a='1'>",
        "</cardnum>",
        "&lt;",
        "&gt;",
        "CVV",
        "/>",
        "<![CDATA[",
        "]]>",
        "<!--",
        "-->",
        "%3D",
        "%26",
        "https://",
        "user:",
        "(\"",
        "\", \"",
        " token=\"",
        " value",
        "name",
        "--pin",
        "\" \"",
        "pin>",
        "</pin>",
        "&#",
        "&#52;",
        "&#x3c;",
        "&amp;",
        "&quot;",
        "null",
        "body",
        "{\"body\":\"",
        "\"}",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "-----END",
    ]);
    prop_oneof![8 => word.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

fn message() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..16).prop_map(|pieces| pieces.concat())
}

/// Generates a value under many names, some of them sensitive, with JSON in some of its texts.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        message().prop_map(Value::from),
    ];
    let name = prop_oneof![
        select(&NAMES[..]).prop_map(str::to_owned),
        select(vec!["body", "card_number", "ssn", "mid", "card_bin", "", "ok"])
            .prop_map(str::to_owned),
        message(),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner.clone()), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            inner.clone().prop_map(|inner| json!({"body": inner.to_string()})),
            (name.clone(), inner.clone()).prop_map(|(name, value)| json!([name, value])),
            (name.clone(), inner).prop_map(|(name, value)| json!({"name": name, "value": value})),
        ]
    })
}

/// Generates another spelling of a name.
fn spelled(name: &'static str) -> impl Strategy<Value = String> {
    prop::collection::vec(0..12_u8, name.len()).prop_map(|ways| {
        let spell = |(c, way): (char, u8)| match way {
            0 => c.to_ascii_uppercase().to_string(),
            1 => format!("{c}\u{200b}"),
            2 if c.is_ascii_alphanumeric() => {
                char::from_u32(u32::from(c) + 0xfee0).unwrap().to_string()
            }
            3 => format!("%{:02X}", u32::from(c)),
            4 => format!("\\u{:04x}", u32::from(c)),
            _ => c.to_string(),
        };
        name.chars().zip(ways).map(spell).collect()
    })
}

/// Generates a sensitive name in any spelling that keeps its words apart: some of them mean nothing
/// inside of others.
fn sensitive() -> impl Strategy<Value = String> {
    select(&NAMES[..]).prop_flat_map(|name| {
        let around =
            select(vec![("", ""), (" ", "\t"), ("_", ""), ("", "-"), ("x.", ""), ("", " x")]);
        let free = matches!(name, "cvv" | "pwd" | "otp" | "iban");
        (spelled(name), around).prop_map(move |(name, (before, after))| {
            if free {
                format!("{}{name}{}", before, after)
            } else {
                format!("{before}{name}{after}")
            }
        })
    })
}

/// Generates a number with the check digit of a card, and its digits with separators.
fn card_number() -> impl Strategy<Value = (String, String)> {
    let digits = prop::collection::vec(0..10_u32, 12..19);
    let gap =
        select(vec!["", "", "", " ", "-", ".", "\u{a0}", " - ", "\u{2011}", "/", "_", "\u{200b}"]);
    (digits, prop::collection::vec(gap, 18)).prop_map(|(mut digits, gaps)| {
        // The sum of the digits of the doubled digit.
        const DOUBLED: [u32; 10] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
        let place = |(place, digit): (usize, &u32)| {
            if place % 2 == 0 { DOUBLED[*digit as usize] } else { *digit }
        };
        let sum: u32 = digits.iter().rev().enumerate().map(place).sum();
        digits.push((10 - sum % 10) % 10);
        let plain: String = digits.iter().map(u32::to_string).collect();
        let gaps = gaps.into_iter().chain([""; 19]);
        let written =
            plain.chars().zip(gaps).flat_map(|(digit, gap)| [digit.to_string(), gap.to_owned()]);
        (plain.clone(), written.collect())
    })
}

/// Returns the digits of a text in a row, and `*` for hidden ones. Digits of escapes do not count.
fn digits(text: &str) -> String {
    let text = text.replace(REDACTED, "*").replace("\\u00", "*");
    text.chars().filter(|c| c.is_ascii_digit() || *c == '*').collect()
}

/// What lines of the profile below have, beside what is called safe.
const ALLOWED: [&str; 12] = [
    "error_code",
    "error_type",
    "event",
    "level",
    "message",
    "path",
    "request_id",
    "stack_hash",
    "stack_trace",
    "status",
    "timestamp",
    "user_id",
];

/// Generates fields that profiles know, and others.
fn field_name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&ALLOWED[..]).prop_map(str::to_owned),
        select(vec!["raw", "raw_payload", "body", "Level", "@timestamp"]).prop_map(str::to_owned),
        message().prop_map(|text| format!("safe_{text}")),
        message(),
    ]
}

/// Returns the line of an event with these texts: its message, its stack trace, its event, and a
/// path.
fn profile_line(texts: &[String; 4], fields: &Fields) -> String {
    let mut config = ProfileConfig::built_in("legacy").unwrap();
    config.error_capture.include_stack_trace = true;
    config.enrichment.context.insert("path".into(), "request.path".into());
    let profile = LoggingProfile::new(config, |_| None).unwrap();
    let [message, stack_trace, event, path] = texts;
    let plain = ProfileEvent::new(Timestamp::UNIX_EPOCH, Level::Error, message);
    let mut event = ProfileEvent { event, fields, ..plain };
    event.error.stack_trace = stack_trace;
    event.request.path = path;
    profile.encode(&event).unwrap()
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn messages_stay_as_they_are_once_sanitised(text in message()) {
        let sanitizer = Sanitizer::new();
        let once = sanitizer.free_text(&text);
        prop_assert!(!HIDDEN.is_match(&once), "{once:?}");
        prop_assert_eq!(sanitizer.free_text(&once), &*once);
    }

    #[test]
    fn xml_stays_as_it_is_once_sanitised(text in message()) {
        let sanitizer = Sanitizer::new();
        let once = sanitizer.xml(&text, PAYMENT_XML);
        prop_assert!(!HIDDEN.is_match(&once), "{once:?}");
        prop_assert_eq!(sanitizer.xml(&once, PAYMENT_XML), &*once);
    }

    #[test]
    fn values_stay_as_they_are_once_sanitised(value in value(), name in message()) {
        let sanitizer = Sanitizer::new();
        let text = sanitizer.json(value.to_string());
        prop_assert!(!HIDDEN.is_match(&text.replace('\n', "")), "{text:?}");
        prop_assert_eq!(&sanitizer.json(&text), &text);
        prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
        let once = sanitizer.json_value(value.to_string());
        prop_assert_eq!(sanitizer.json_value(once.to_string()), once);
        let once = sanitizer.field(&name, &value);
        prop_assert_eq!(sanitizer.field(&name, &once), once);
    }

    #[test]
    fn any_bytes_become_json(bytes in prop::collection::vec(any::<u8>(), 0..64), text in message()) {
        for text in [&*bytes, text.as_bytes()] {
            let once = Sanitizer::new().json(text);
            prop_assert!(serde_json::from_str::<Value>(&once).is_ok(), "{once}");
            prop_assert_eq!(&Sanitizer::new().json(&once), &once);
            let _ = Sanitizer::with_profile(Profile::Reference).json(text);
        }
    }

    #[test]
    fn no_spelling_of_a_name_shows_its_value(
        name in sensitive(),
        path in prop::collection::vec(0..4_u8, 0..6),
        secret in prop_oneof![Just(json!(SECRET)), Just(json!([SECRET])), Just(json!({"ok": SECRET}))],
    ) {
        let value = path.iter().fold(json!({name.clone(): secret}), |value, step| match step {
            0 => json!({"ok": value}),
            1 => json!([value, 1]),
            2 => json!({"body": value.to_string()}),
            _ => json!({"mid": {"panDetails": value}}),
        });
        let sanitizer = Sanitizer::new();
        // A text may escape any character of a name.
        let text = value.to_string();
        let escaped = text.replace('s', "\\u0073").replace('t', "\\u0074");
        for shown in [
            sanitizer.json(&text),
            sanitizer.json_value(&text).to_string(),
            sanitizer.field("event", &value).to_string(),
            sanitizer.field("message", &text).to_string(),
        ] {
            prop_assert!(!shown.contains(SECRET), "{shown}");
        }
        if !text.contains('\\') {
            let escaped = sanitizer.json(&escaped);
            prop_assert!(!escaped.contains(SECRET), "{escaped}");
        }
    }

    #[test]
    fn a_profiles_line_is_one_line_of_the_fields_it_allows(
        texts in prop::array::uniform4(message()),
        fields in prop::collection::btree_map(field_name(), value(), 0..6),
    ) {
        let line = profile_line(&texts, &fields);
        prop_assert!(!HIDDEN.is_match(&line) && line.len() < MAX_LINE_BYTES, "{line:?}");
        let members: Value = serde_json::from_str(&line).unwrap();
        for (name, value) in members.as_object().unwrap() {
            prop_assert!(ALLOWED.contains(&&**name) || name.starts_with("safe_"), "{name:?}");
            prop_assert!(!value.is_null() && !value.is_number() && !value.is_boolean(), "{value}");
        }
        prop_assert_eq!(&members["level"], "ERROR");
        prop_assert_eq!(&members["timestamp"], "1970-01-01T00:00:00Z");
    }

    #[test]
    fn a_profiles_line_shows_no_value_of_a_sensitive_name(name in sensitive(), deep in any::<bool>()) {
        let secret = json!(SECRET);
        let fields = match deep {
            true => Fields::from([("safe_x".to_owned(), json!([{"y": {name.clone(): secret}}]))]),
            false => Fields::from([(format!("safe_{name}"), secret)]),
        };
        let texts = [format!("password={SECRET}"), format!("a\nat token: {SECRET}\nb"), "".into(), "".into()];
        let line = profile_line(&texts, &fields);
        prop_assert!(!line.contains(SECRET), "{line}");
    }

    #[test]
    fn a_masked_value_is_never_shown_whole(
        name in select(vec!["ssn", "card_number", "pan", "account-number", "customerCardNumber"]),
        value in "[0-9A-Za-z]{1,20}",
    ) {
        let shown = Sanitizer::new().field(name, &value);
        prop_assert_ne!(shown.as_str().unwrap(), value);
    }

    #[test]
    fn card_numbers_never_survive(
        (plain, written) in card_number(),
        before in message(),
        after in message(),
    ) {
        let sanitizer = Sanitizer::new();
        let text = format!("{before}{written}{after}");
        for shown in [sanitizer.free_text(&text), sanitizer.xml(&text, PAYMENT_XML)] {
            prop_assert!(!digits(&shown).contains(&plain), "{text:?} as {shown:?}");
        }
        for value in [json!({"ok": text}), json!([text]), json!({text: 1})] {
            let shown = sanitizer.json(value.to_string());
            prop_assert!(!digits(&shown).contains(&plain), "{value} as {shown}");
        }
        if let Ok(number) = plain.parse::<u64>() && !plain.starts_with('0') {
            let shown = sanitizer.json(json!({"ok": number}).to_string());
            prop_assert!(!digits(&shown).contains(&plain), "{shown}");
        }
    }

    #[test]
    fn the_strict_rules_hide_what_the_portable_ones_hide(text in message(), value in value()) {
        let reference = Sanitizer::with_profile(Profile::Reference);
        let strict = Sanitizer::new();
        let count = |text: &str| text.matches(SECRET).count();
        let (theirs, ours) = (reference.free_text(&text), strict.free_text(&text));
        prop_assert!(count(&ours) <= count(&theirs), "{text:?} as {ours:?}, {theirs:?}");
        let (theirs, ours) = (reference.xml(&text, PAYMENT_XML), strict.xml(&text, PAYMENT_XML));
        prop_assert!(count(&ours) <= count(&theirs), "{text:?} as {ours:?}, {theirs:?}");
        let text = value.to_string();
        let (theirs, ours) = (reference.json(&text), strict.json(&text));
        prop_assert!(count(&ours) <= count(&theirs), "{text:?} as {ours:?}, {theirs:?}");
    }

    #[test]
    fn a_value_is_hidden_however_its_pair_is_written(
        name in select(&NAMES[..]),
        (before, joint, after) in select(vec![
            ("", "%3D", ""),
            ("", "%3a", "%26b%3D1"),
            ("/next?to=%2Fa%3Fb%3D1%26", "%3D", ""),
            ("q=a%253D1%2526", "%253D", "&c=1"),
            ("(\"", "\", \"", "\")"),
            ("[('", "' , '", "')]"),
            ("[[\"", "\",\"", "\"],[\"a\",\"b\"]]"),
            ("(\\\"", "\\\", \\\"", "\\\")"),
            ("{&quot;", "&quot;:&quot;a ", "&quot;}"),
            ("&amp;quot;", "&amp;quot; : ", "&amp;amp;"),
            ("{\\&#34;", "\\&#34;: \\&#34;a ", "\\&#34;}"),
            ("{\"name\":\"", "\",\"value\":\"a ", "\"}"),
            ("{\\\"Key\\\": \\\"", "\\\", \\\"Value\\\": \\\"a ", "\\\"}"),
            ("<a name='", "' value='a ", "'/>"),
            ("name: ", "\n  value: ", "\n"),
            ("\"a\", \"--", "\", \"a ", "\""),
            ("\"a\" \"--", "\" \"a ", "\""),
        ]),
        around in select(vec![("", ""), ("failed: ", " (twice)"), ("a=1, ", ", b=2")]),
    ) {
        let text = format!("{}{before}{name}{joint}{SECRET}{after}{}", around.0, around.1);
        let shown = Sanitizer::new().free_text(&text).into_owned();
        prop_assert!(!shown.contains(SECRET), "{text:?} as {shown:?}");
    }

    #[test]
    fn an_element_is_hidden_in_a_message(
        name in select(&NAMES[..]),
        prefix in select(vec!["", "p:"]),
        attributes in select(vec!["", " ", " a='1'", " a=\"b c\" d='/'"]),
        content in select(vec!["qzx7", "a qzx7\n", "1&gt;qzx7&amp;", "<![CDATA[</a>qzx7]]>"]),
        escapes in 0..4_usize,
        is_numeric in any::<bool>(),
        (before, after) in select(vec![("", ""), ("failed: ", " (twice)"), ("<a>1</a>", ", b=2")]),
    ) {
        let text = format!("{before}<{prefix}{name}{attributes}>{content}</{prefix}{name}>{after}");
        let text = (0..escapes).fold(text, |text, _| escape(&text, is_numeric));
        let shown = Sanitizer::new().free_text(&text).into_owned();
        prop_assert!(!shown.contains(SECRET), "{text:?} as {shown:?}");
    }

    #[test]
    fn a_value_is_hidden_beside_its_name_in_a_pair(name in sensitive(), text in message()) {
        let value = json!({"of": [SECRET, text]});
        for pair in [
            json!([name, SECRET]),
            json!([name, value]),
            json!({"name": name, "value": SECRET}),
            json!({"Key": name, "Value": value, "n": 1}),
        ] {
            let shown = Sanitizer::new().field("headers", json!([pair])).to_string();
            prop_assert!(!shown.contains(SECRET), "{pair} as {shown}");
        }
    }

    #[test]
    fn private_keys_are_hidden(
        before in message(),
        label in select(vec!["", "RSA ", "OPENSSH "]),
        breaks in select(vec!["\n", "\r\n", "\\n", ""]),
        end in select(vec!["-----END PRIVATE KEY-----", ""]),
    ) {
        let text = format!("{before}-----BEGIN {label}PRIVATE KEY-----{breaks}MII{SECRET}/+={breaks}{end}");
        let shown = Sanitizer::new().free_text(&text).into_owned();
        prop_assert!(!shown.contains(&format!("MII{SECRET}")), "{text:?} as {shown:?}");
    }

    #[test]
    fn credentials_in_urls_are_hidden(
        scheme in select(vec!["https://", "postgres://", "a: amqp://", "https:\\/\\/", "X=mongodb+srv://"]),
        user in select(vec!["qzx7", "u:qzx7", ":qzx7", "qzx7:", "a@qzx7:p", "u:p,qzx7;x"]),
        rest in select(vec!["@h", "@h:1/x?y#z", "@[::1]/", "@h, then", "@h\"}"]),
    ) {
        let text = format!("{scheme}{user}{rest}");
        let shown = Sanitizer::new().free_text(&text).into_owned();
        prop_assert!(!shown.contains(SECRET), "{text} as {shown}");
    }

    #[test]
    fn an_element_is_hidden_however_it_is_written(
        name in prop_oneof![select(vec!["CVV", "Password", "TrackData"]), select(&NAMES[..])],
        prefix in select(vec!["", "p:", "a.b-c:"]),
        attributes in select(vec!["", " ", " a='qzx7'", " a=\"<\" b='/'"]),
        content in select(vec!["qzx7", "<![CDATA[</CVV>qzx7]]>", "<a>qzx7</a>", "1&gt;qzx7&amp;", "<!-- </CVV> -->qzx7"]),
        is_open in any::<bool>(),
        escapes in 0..5_usize,
        is_numeric in any::<bool>(),
    ) {
        let close = if is_open { String::new() } else { format!("</{prefix}{name} >") };
        let text = format!("<{prefix}{name}{attributes}>{content}{close}");
        let text = (0..escapes).fold(text, |text, _| escape(&text, is_numeric));
        let shown = Sanitizer::new().xml(&text, PAYMENT_XML).into_owned();
        prop_assert!(!shown.contains(SECRET), "{text} as {shown}");
    }

    #[test]
    fn an_attribute_is_hidden_however_it_is_written(
        name in prop_oneof![select(vec!["CVV", "ExpDate"]), select(&NAMES[..])],
        prefix in select(vec!["", "p:"]),
        equals in select(vec!["=", " = ", "=\n"]),
        (quote, value) in select(vec![('"', "qzx7"), ('\'', "qzx7"), ('"', "a 'b' qzx7"), ('\'', "a=\"<qzx7>")]),
        escapes in 0..5_usize,
        is_numeric in any::<bool>(),
    ) {
        let text = format!("<a b=\"c\" {prefix}{name}{equals}{quote}{value}{quote} d='e'/>");
        let text = (0..escapes).fold(text, |text, _| escape(&text, is_numeric));
        let shown = Sanitizer::new().xml(&text, PAYMENT_XML).into_owned();
        prop_assert!(!shown.contains(SECRET), "{text} as {shown}");
        prop_assert!(shown.contains("d="), "{text} as {shown}");
    }

    #[test]
    fn card_numbers_in_entities_do_not_survive((plain, _) in card_number(), ways in prop::collection::vec(0..4_u8, 19)) {
        let write = |(c, way): (char, &u8)| match way {
            0 => format!("&#{};", u32::from(c)),
            1 => format!("&#x{:x};", u32::from(c)),
            2 => format!("&amp;#0{};", u32::from(c)),
            _ => c.to_string(),
        };
        let text: String = plain.chars().zip(&ways).map(write).collect();
        let shown = Sanitizer::new().xml(&text, PAYMENT_XML).into_owned();
        prop_assert!(!digits(&shown).contains(&plain), "{text} as {shown}");
    }

    #[test]
    fn what_is_shown_of_two_ends_hides_the_middle(text in message(), first in 0..9_usize, last in 0..9_usize) {
        let masked = mask_first_last(&text, first, last);
        prop_assert!(!HIDDEN.is_match(&masked));
        prop_assert!(masked.chars().count() <= first + last + 12);
    }

    #[test]
    fn policies_are_read_or_refused(text in message(), keys in prop::collection::vec(message(), 0..3)) {
        let _ = Policy::from_json(&text);
        let policy = json!({"fully_redact_fields": keys}).to_string();
        if let Ok(policy) = Policy::from_json(&policy) {
            let sanitizer = Sanitizer::new().with_policy(policy);
            for key in keys {
                prop_assert_eq!(sanitizer.field(&key, SECRET), json!(REDACTED));
                // `ß` has two capitals, which are another name.
                if key.chars().all(|c| c.to_uppercase().len() == 1) {
                    prop_assert_eq!(sanitizer.field(&key.to_uppercase(), SECRET), json!(REDACTED));
                }
            }
        }
    }
}

/// For each value, exactly one last digit makes a card number of thirteen digits.
#[test]
fn digits_of_every_script_are_digits() {
    let decimal = Regex::new(r"\p{Nd}").unwrap();
    for c in '\0'..=char::MAX {
        if decimal.is_match(c.encode_utf8(&mut [0; 4])) {
            let masked = |last: &u32| {
                let text = format!("{c}12345678901{last}");
                Sanitizer::new().free_text(&text) != text
            };
            assert_eq!((0..10).filter(masked).count(), 1, "U+{:04X}", u32::from(c));
        }
    }
}

/// Escapes a text for another XML text.
fn escape(text: &str, is_numeric: bool) -> String {
    let amp = text.replace('&', if is_numeric { "&#38;" } else { "&amp;" });
    let lt = amp.replace('<', if is_numeric { "&#x3C;" } else { "&lt;" });
    let gt = lt.replace('>', if is_numeric { "&#62;" } else { "&gt;" });
    gt.replace('"', "&quot;").replace('\'', "&#39;")
}

/// Returns texts that take very long to parse if the parser backtracks.
fn hostile() -> Vec<String> {
    let many = |piece: &str| piece.repeat(15_000 / piece.len());
    let mut texts: Vec<String> = [
        "eyJ-",
        "eyJaaaaaaaa.",
        "bearer ",
        "bearer",
        "a@",
        "a.b@c.d",
        "password",
        "password=",
        "password:\"",
        "\\\"token\\\":",
        "token={",
        "token=[\"",
        "a ",
        "1",
        "1 ",
        "1-",
        "4111111111111111",
        "authorization: a, b=",
        "<",
        "<CVV>",
        "<CVV ",
        "&lt;CVV",
        "&amp;",
        "&amp;lt;CVV&amp;gt;",
        "&#60;",
        "&#52;",
        "&#",
        "a=",
        "token=\"",
        "<a token='",
        "://",
        "://a:b@",
        "://a@",
        "token%3D",
        "a%3D",
        "%3D",
        "%25",
        "(\"token\",",
        "\",",
        "\"\"",
        "<CVV/>",
        "<a><CVV>",
        "pin>",
        "pin&gt;",
        ";pin ",
        ":pin a",
        "<pin ",
        "<pin>a",
        "<pin></a>",
        "pin><![CDATA[",
        "a><![CDATA[",
        "<a b><![CDATA[",
        "pin&quot;",
        "pin=&quot;",
        "pin=&amp;",
        "pin=a&b;",
        "\"pin\" ",
        "\"--pin\" ",
        "pin, value",
        "\"pin\", \"value\": ",
        "<![CDATA[",
        "\u{202e}",
        "\\",
        "%",
        "x",
        "=",
        ":",
        ".",
        "a.",
        "{",
        "[",
        "\"",
        "\r\n",
        "\u{ff11}",
    ]
    .into_iter()
    .map(many)
    .collect();
    texts.push(format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)));
    texts.push(json!([many("token=\"")]).to_string());
    texts
}

#[test]
fn work_grows_with_the_text_and_not_faster() {
    for profile in [Profile::Default, Profile::Reference] {
        let sanitizer = Sanitizer::with_profile(profile);
        for text in hostile() {
            let patterns: &[XmlPattern<'_>] = PAYMENT_XML;
            for run in [
                &(|text: &str| drop(sanitizer.free_text(text).into_owned())) as &dyn Fn(&str),
                &|text| drop(sanitizer.xml(text, patterns).into_owned()),
                &|text| drop(sanitizer.json(text)),
                &|text| drop(sanitizer.json_value(text)),
                &|text| drop(sanitizer.field(text, "x")),
                &|text| drop(sanitizer.field("ok", text)),
            ] {
                let most = text.len() as u64 * 100;
                let counted = measure(|| run(&text));
                assert!(counted.bytes_total <= most, "{:.20}: {counted:?}", text);
            }
        }
    }
}

/// A body in a body in a body: each level is cheap to write, and could double what is shown.
#[test]
fn bodies_in_bodies_do_not_grow_without_bound() {
    let mut text = json!({"ok": "<<<<"}).to_string();
    while text.len() < 200_000 {
        let inner: String = text
            .chars()
            .map(|c| {
                if matches!(c, '"' | '\\') { format!("\\u{:04x}", u32::from(c)) } else { c.into() }
            })
            .collect();
        text = format!("{{\"body\":\"{inner}\"}}");
    }
    let shown = Sanitizer::new().json(&text);
    assert!(shown.len() <= 20 * text.len(), "{} of {}", shown.len(), text.len());
}

/// A body of 4 KB in an event, as in the benchmark.
#[test]
fn four_kilobytes_of_json() {
    let item = |n: u32| json!({"id": format!("item-{n}"), "amount": n * 100, "note": "two cups of tea", "token": "t"});
    let order =
        json!({"card_number": "4111111111111111", "items": (0..48).map(item).collect::<Vec<_>>()});
    let text = json!({"path": "/orders", "headers": {"authorization": "Bearer x"}, "body": order.to_string()}).to_string();
    assert!((3_500..4_500).contains(&text.len()), "{}", text.len());
    let sanitizer = Sanitizer::new();
    let counted = measure(|| drop(sanitizer.json(&text)));
    assert!(counted.count_total <= 1_000, "{counted:?}");
}
