//! What is read, and what is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use windlass_yaml::{MAX_BYTES, MAX_DEPTH, Yaml, from_str, read};

fn refused(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn the_tree_knows_its_lines() {
    let tree = read("# first\na: 1\nlist:\n  - x\n  - 'null'\n  - null\n").unwrap();
    let list = tree.get("list").unwrap();
    assert_eq!((tree.line, tree.get("a").unwrap().line), (2, 2));
    assert_eq!(list.items().unwrap().iter().map(|item| item.line).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(
        list.items().unwrap().iter().map(Yaml::text).collect::<Vec<_>>(),
        [Some("x"), Some("null"), None]
    );
    assert_eq!(tree.entries().unwrap()[1].0, "list");
    assert_eq!((list.line, list.key_line), (4, 3));
}

#[test]
fn a_copied_value_knows_the_line_of_its_own_key() {
    let tree = read("a: &x\n  b: 1\nc:\n  d: *x\n").unwrap();
    let copy = tree.get("c").unwrap().get("d").unwrap();
    assert_eq!((copy.line, copy.key_line, copy.get("b").unwrap().key_line), (2, 4, 2));
}

#[test]
fn json_is_yaml() {
    let tree = read("{\"a\": [1, {\"b\": \"\\u00e9\\n\"}], \"c\": {}}").unwrap();
    assert_eq!(tree.get("a").unwrap().items().unwrap()[1].get("b").unwrap().text(), Some("é\n"));
}

#[test]
fn text_may_stand_without_quotes_where_text_is_expected() {
    let all: BTreeMap<String, Option<String>> =
        from_str("a: 12\nb: true\nc: '~'\nd:\n8080: !!str null\n").unwrap();
    let all: Vec<_> = all.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
    let expected =
        [("8080", Some("null")), ("a", Some("12")), ("b", Some("true")), ("c", Some("~")), ("d", None)];
    assert_eq!(all, expected);
    assert_eq!(from_str::<Vec<bool>>("[true, false]").unwrap(), [true, false]);
    assert_eq!(from_str::<Option<String>>("").unwrap(), None);
    assert_eq!(from_str::<Option<String>>("# nothing\n---\n").unwrap(), None);
}

#[test]
fn aliases_are_followed() {
    let all: BTreeMap<String, Vec<String>> = from_str("a: &x [one, two]\nb: *x\n").unwrap();
    assert_eq!(all["a"], all["b"]);
}

#[test]
fn errors_name_the_line() {
    for (text, says) in [
        ("a: 1\nb: 2\na: 3\n", "line 3: the key \"a\" is there twice"),
        ("a: 1\n---\nb: 2\n", "line 3: there is a second document"),
        ("a: 1\nb: !secret x\n", "line 2: the tag \"!secret\" isn't supported"),
        ("? [a]\n: b\n", "line 1: a key isn't a scalar"),
        ("a: &x [*x]\n", "line 1: an alias stands within what it names"),
        ("\n\n[", "line 3: "),
        ("a: *nobody", "line 1: "),
    ] {
        let error = refused(text);
        assert!(error.starts_with(says), "{text:?}: {error}");
    }
    let error = from_str::<BTreeMap<String, bool>>("a: true\nb: maybe\n").unwrap_err();
    assert_eq!((error.line(), error.to_string().contains("maybe")), (Some(2), true));
}

#[test]
fn depth_is_limited() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    for levels in [MAX_DEPTH + 1, 10_000, MAX_BYTES / 2] {
        assert_eq!(refused(&nested(levels)), "line 1: it is nested deeper than 64 levels");
    }
    for text in ["[", "{a: ", "- ", "? ", "{? ", "- - ? "] {
        let error = refused(&text.repeat(10_000));
        assert!(error.contains("nested"), "{text:?}: {error}");
    }
    let block: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert!(refused(&block).contains("nested"));
    // Each alias adds the levels of what it names.
    let chain: String = (1..40).map(|n| format!("a{n}: &x{n} [[*x{}]]\n", n - 1)).collect();
    assert!(refused(&format!("a0: &x0 []\n{chain}")).contains("line 33: it is nested deeper"));
}

#[test]
fn what_aliases_copy_is_limited() {
    let laughs: String =
        (1..30).map(|n| format!("a{n}: &x{n} [{}]\n", vec![format!("*x{}", n - 1); 9].join(", "))).collect();
    assert!(refused(&format!("a0: &x0 lol\n{laughs}")).contains("aliases copy more than"));
    let long = format!("a: &x {}\nb: [{}]\n", "y".repeat(100_000), vec!["*x"; 1000].join(", "));
    assert!(refused(&long).contains("aliases copy more than"));
    let anchors: String = (0..100).map(|n| format!("&a{n} [\n")).collect();
    assert_eq!(refused(&anchors), "line 65: it is nested deeper than 64 levels");
}

#[test]
fn length_is_limited() {
    assert!(refused(&" ".repeat(MAX_BYTES + 1)).contains("longer than 16777216 bytes"));
}
