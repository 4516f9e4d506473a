//! How operators bind, as fully parenthesised text.
//!
//! Each line of `testdata/precedence.tsv` is a `sql_mode`, an expression, and its canonical form or `error`. MySQL
//! computes the same value for the expression and for the form, and refuses what is marked as an error.

use rutile_sql_parser::{ParseOptions, SqlMode, parse_expression, restore_expression};

const CASES: &str = include_str!("../testdata/precedence.tsv");

#[test]
fn operators_bind_as_in_mysql() {
    let mut count = 0;
    for line in CASES.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [mode, expression, expected] = fields[..] else { panic!("three fields: {line}") };
        let sql_mode = match mode {
            "PIPES_AS_CONCAT" => SqlMode::PIPES_AS_CONCAT,
            "HIGH_NOT_PRECEDENCE" => SqlMode::HIGH_NOT_PRECEDENCE,
            _ => SqlMode::default(),
        };
        let options = ParseOptions { sql_mode, ..ParseOptions::default() };
        let form = match parse_expression(expression.as_bytes(), &options) {
            Ok(expr) => restore_expression(&expr, "utf8mb4").expect("only operators and literals"),
            Err(error) => {
                assert_eq!(error.code(), 1064, "{expression}");
                "error".to_string()
            }
        };
        assert_eq!(form, expected, "{mode} {expression}");
        count += 1;
    }
    assert!(count > 200, "{count} expressions");
}
