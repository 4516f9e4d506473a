//! Result types recorded from MySQL's result metadata: type, length in bytes, decimals, flags.
//!
//! Not compared: decimals of text (31 for every expression, set when a call is bound) and lengths of full-width
//! integers and doubles, where MySQL counts a sign that columns of these types do not have.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::field_type::WireType;
use rutile_sql_types::{Collation, FieldType};

use super::expression::evaluate;

fn shown(ty: &FieldType) -> String {
    let name = match ty.wire_type() {
        WireType::LongLong => "LONGLONG",
        WireType::NewDecimal => "NEWDECIMAL",
        WireType::VarString => "VAR_STRING",
        WireType::Blob => "BLOB",
        other => return named(&format!("{other:?}").to_uppercase(), ty),
    };
    named(name, ty)
}

fn named(name: &str, ty: &FieldType) -> String {
    let length = ty.wire_length(Collation::DEFAULT).to_string();
    let mut out = normal(name, &length, &ty.decimals.to_string());
    if ty.not_null {
        out.push_str(" not_null");
    }
    if ty.unsigned {
        out.push_str(" unsigned");
    }
    out
}

/// Drops what is not compared.
fn normal(name: &str, length: &str, decimals: &str) -> String {
    match (name, length) {
        ("VAR_STRING" | "STRING", _) => format!("{name} {length}"),
        ("JSON", _) => name.to_owned(),
        (name, _) if name.contains("BLOB") => "BLOB".to_owned(),
        ("LONGLONG", "20" | "21") | ("DOUBLE", "22" | "23") => format!("{name} {decimals}"),
        _ => format!("{name} {length} {decimals}"),
    }
}

#[test]
fn result_types_are_as_recorded() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for record in include_str!("types.txt").split("\n\n").filter(|r| !r.trim().is_empty()) {
        let (call, expected) = record.trim().split_once("\n  ").expect("a call and its type");
        let mut words = expected.split(' ');
        let mut word = || words.next().expect("type, length and decimals");
        let mut expected = normal(word(), word(), word());
        for flag in words {
            expected.push_str(&format!(" {flag}"));
        }
        count += 1;
        let (_, ty) = evaluate(call, &mut EvalContext::default()).expect("a call without error");
        let got = shown(&ty);
        if got != expected {
            wrong.push(format!("{call}\n  expected {expected}\n  got      {got}"));
        }
    }
    assert!(count > 100, "only {count} records");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}
