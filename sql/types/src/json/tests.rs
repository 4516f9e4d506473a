//! JSON text, order, paths and the stored form.

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).expect("valid JSON")
}

#[test]
fn text_is_printed_as_mysql_prints_it() {
    assert_eq!(
        json(r#"{"bb":1,"a":[1,2.0,"x\n"],"c":null,"a":true}"#).to_string(),
        r#"{"a": true, "c": null, "bb": 1}"#
    );
    assert_eq!(json("1.0").to_string(), "1.0");
    assert_eq!(json("1e20").to_string(), "1e20");
    assert_eq!(json(r#""😀\u00e9""#).unquoted(), "😀é");
}

#[test]
fn broken_text_names_reason_and_place() {
    let e = Json::parse(b"{\"a\" 1}").expect_err("no colon");
    assert_eq!((e.reason, e.position), ("Missing a colon after a name of object member.", 5));
    assert_eq!(Json::parse(b"").expect_err("empty").reason, "The document is empty.");
    assert!(Json::parse("[".repeat(200).as_bytes()).expect_err("deep").too_deep);
}

#[test]
fn paths_select_values() {
    let doc = json(r#"{"a": [1, {"b c": 2}, 3], "d": {"a": 4}}"#);
    let at = |p: &str| {
        JsonPath::parse(p.as_bytes())
            .expect("path")
            .seek(&doc)
            .iter()
            .map(|j| j.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(at("$.a[1].\"b c\""), ["2"]);
    assert_eq!(at("$.a[last]"), ["3"]);
    assert_eq!(at("$.a[0 to 1]").len(), 2);
    assert_eq!(at("$**.a"), [r#"[1, {"b c": 2}, 3]"#, "4"]);
    assert_eq!(at("$.d[0].a"), ["4"]);
    assert_eq!(JsonPath::parse(b"a").expect_err("no $").code, 3143);
}

#[test]
fn order_is_by_type_then_value() {
    let sorted = ["null", "1", "1.5", "2", "\"a\"", "{}", "[]", "[0]", "false", "true"].map(json);
    for pair in sorted.windows(2) {
        assert_eq!(pair[0].compare(&pair[1]), std::cmp::Ordering::Less, "{} {}", pair[0], pair[1]);
    }
}

#[test]
fn the_stored_form_round_trips() {
    for text in ["null", "[true, -1, 18446744073709551615, 1.5]", r#"{"a": {"b": "é"}}"#] {
        let value = json(text);
        assert_eq!(Json::from_binary(&value.to_binary()).expect("readable"), value);
    }
    assert!(Json::from_binary(&[1, 8, 200]).is_err());
}
