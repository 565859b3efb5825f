use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::MultiMap;

fn pairs(pairs: &[(&str, &str)]) -> MultiMap {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn values_keep_their_order_and_names_are_sorted() {
    let mut map = pairs(&[("b", "2"), ("a", "1"), ("b", "1")]);
    map.append("a", "0");
    map.append("B", "3");
    map.set("c", [""; 0]);
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(text, r#"{"B":["3"],"a":["1","0"],"b":["2","1"],"c":[]}"#);
    assert_eq!((map.get("a"), map.get("c"), map.get("d")), (Some("1"), None, None));
    assert!(map.contains("c") && !map.contains("d"));
    assert_eq!(map.remove("b"), ["2", "1"]);
    assert_eq!(map.len(), 3);
}

#[test]
fn of_names_that_are_pushed_twice_the_last_counts() {
    let mut map = MultiMap::new();
    map.push("b", ["1"]);
    map.push("a", ["1", "2"]);
    map.push("b", ["2", "3"]);
    map.push("a", [""; 0]);
    let text = serde_json::to_string(&map.clone().sorted_last()).unwrap();
    assert_eq!(text, r#"{"a":[],"b":["2","3"]}"#);
    let text = serde_json::to_string(&map.sorted()).unwrap();
    assert_eq!(text, r#"{"a":["1","2"],"b":["1","2","3"]}"#);
}

#[test]
fn renaming_merges_what_becomes_equal() {
    let map = pairs(&[("x", "low"), ("X", "up"), ("-", "gone")]);
    let map = map.renamed(|name| match name {
        "-" => Cow::Borrowed(""),
        _ => Cow::Owned(name.to_lowercase()),
    });
    assert_eq!(map, pairs(&[("x", "up"), ("x", "low")]));
}

#[test]
fn a_blank_name_stays_when_others_go() {
    let mut map = pairs(&[("", "blank"), ("a", "a long value"), ("b", "2")]);
    map.set("c", [""; 0]);
    assert_eq!(map.remove("a"), ["a long value"]);
    assert_eq!(map.unused, 0, "the text was written anew");
    let text = serde_json::to_string(&map).unwrap();
    assert_eq!(text, r#"{"":["blank"],"b":["2"],"c":[]}"#);
}

#[test]
fn a_multimap_behaves_like_a_map_of_lists_under_any_changes() {
    let mut seed = 7_u64;
    let mut draw = |end: u64| {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (seed >> 33) % end
    };
    let (mut map, mut model) = (MultiMap::new(), BTreeMap::<String, Vec<String>>::new());
    for _ in 0..5_000 {
        let name = ["", "a", "aa", "b", "\u{e9}", "long name"][draw(6) as usize].to_string();
        let value = "\u{2028}".repeat(draw(5) as usize);
        match draw(5) {
            4 => {
                map.set_one(&name, &value);
                model.insert(name, Vec::from([value]));
            }
            0 => {
                let values: Vec<String> = (0..draw(4)).map(|_| value.clone()).collect();
                map.set(&name, &values);
                model.insert(name, values);
            }
            1 => assert_eq!(map.remove(&name), model.remove(&name).unwrap_or_default()),
            _ => {
                map.append(&name, &value);
                model.entry(name).or_default().push(value);
            }
        }
        assert_eq!(serde_json::to_string(&map).unwrap(), serde_json::to_string(&model).unwrap());
        assert_eq!(map.len(), model.len());
        assert!(map.unused <= map.text.len());
        for (name, values) in &model {
            assert!(map.get_all(name) == *values && map.contains(name), "{name}");
        }
    }
}
