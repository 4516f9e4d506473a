//! Statements whose verdict, and for wrong ones the place of the error, a MySQL server gave.
//!
//! `testdata/accepted.sql` holds one valid statement per line; `testdata/rejected.tsv` a statement that is a syntax
//! error, the text behind "near" with `\n` for a line feed, and the line number.

use rutile_sql_parser::{ParseError, ParseOptions, parse_statements};

const ACCEPTED: &str = include_str!("../testdata/accepted.sql");
const REJECTED: &str = include_str!("../testdata/rejected.tsv");

fn options() -> ParseOptions {
    ParseOptions { multi_statements: false, ..ParseOptions::default() }
}

#[test]
fn valid_statements_parse_to_one_statement_that_spans_its_text() {
    let mut count = 0;
    for line in ACCEPTED.lines() {
        let statements =
            parse_statements(line.as_bytes(), &options()).unwrap_or_else(|error| panic!("{line}\n{error}"));
        assert_eq!(statements.len(), 1, "{line}");
        let span = statements[0].span;
        assert!(span.start < span.end && span.end as usize <= line.len(), "{line}");
        count += 1;
    }
    assert!(count > 900, "{count} statements");
}

#[test]
fn a_semicolon_and_a_second_statement_change_nothing() {
    for line in ACCEPTED.lines() {
        // The line feed ends a comment the statement may end with.
        let text = format!("{}\n; SELECT 1", line.trim_end().trim_end_matches(';'));
        let statements = parse_statements(text.as_bytes(), &ParseOptions::default());
        assert_eq!(statements.map(|statements| statements.len()), Ok(2), "{line}");
    }
}

#[test]
fn wrong_statements_are_refused_where_mysql_refuses_them() {
    let mut count = 0;
    for line in REJECTED.lines() {
        let mut fields = line.split('\t');
        let (Some(statement), Some(near), Some(at)) = (fields.next(), fields.next(), fields.next()) else {
            panic!("three fields: {line}");
        };
        let statement = statement.replace("\\n", "\n");
        match parse_statements(statement.as_bytes(), &options()) {
            Err(ParseError::Syntax { near: found, line, .. }) => {
                assert_eq!(found.replace('\n', "\\n"), near, "{statement}");
                assert_eq!(line.to_string(), at, "{statement}");
            }
            other => panic!("{statement}\n{other:?}"),
        }
        count += 1;
    }
    assert!(count > 200, "{count} statements");
}

#[test]
fn every_prefix_of_a_valid_statement_ends_in_a_verdict() {
    // No panic and no endless loop, wherever the text is cut.
    for line in ACCEPTED.lines().step_by(7) {
        for end in 0..line.len() {
            let _verdict = parse_statements(&line.as_bytes()[..end], &options());
        }
    }
}
