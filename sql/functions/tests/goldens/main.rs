//! Calls with their answers and warnings recorded from MySQL 9.7, one file per family of functions.
//!
//! A record is a call and, indented below it, `= answer` (as the mysql client prints it in batch mode) or
//! `error code text`, then the warnings in order. The session: time zone +00:00, default sql_mode, utf8mb4. Records are
//! separated by empty lines. A line `! reason` in a record says that the answer here differs from MySQL's and why.

mod expression;
mod types;

use expression::evaluate;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{TimeZone, Value, format_text};

/// What a call did, in the words of a record.
fn outcome(call: &str) -> Vec<String> {
    let mut ctx = EvalContext::default();
    let mut lines = match evaluate(call, &mut ctx) {
        Err(e) => return vec![format!("error {} {}", e.code, e.message)],
        Ok((Value::Null, _)) => vec!["= NULL".to_owned()],
        Ok((value, ty)) => {
            let mut text = Vec::new();
            format_text(&value, &ty, &mut text, TimeZone::UTC);
            vec![format!("= {}", escaped(&text))]
        }
    };
    lines.extend(
        ctx.convert
            .warnings
            .take()
            .iter()
            .map(|w| format!("{} {} {}", w.level.name().to_lowercase(), w.code, w.message)),
    );
    lines
}

/// As the mysql client escapes in batch mode.
fn escaped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\0', "\\0")
}

fn check(recorded: &str) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for record in recorded.split("\n\n").map(|r| r.trim_start_matches('\n')).filter(|r| !r.trim().is_empty())
    {
        let (call, rest) = record.split_once('\n').expect("a call and its answer");
        let expected: Vec<&str> = rest.lines().map(|l| &l[2..]).filter(|l| !l.starts_with("! ")).collect();
        let got = outcome(call);
        count += 1;
        if got != expected {
            wrong.push(format!("{call}\n  expected {expected:?}\n  got      {got:?}"));
        }
    }
    assert!(count > 10, "only {count} records");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn numeric_functions_answer_as_recorded() {
    check(include_str!("numeric.txt"));
}

#[test]
fn string_functions_answer_as_recorded() {
    check(include_str!("string.txt"));
}

#[test]
fn date_functions_answer_as_recorded() {
    check(include_str!("date.txt"));
}

#[test]
fn json_functions_answer_as_recorded() {
    check(include_str!("json.txt"));
}
