//! No text overflows the stack: deep nesting is refused, long chains are flat or refused. Tests run on the 2 MiB stack of
//! a test thread, in debug builds, and the trees that are built are dropped there too.

use rutile_sql_parser::ast::{ExprKind, QueryBody, SelectItem};
use rutile_sql_parser::{Limits, ParseError, ParseOptions, Statement, StatementKind, parse_statements};

const MANY: usize = 100_000;

fn parse(text: &str) -> Result<Vec<Statement>, ParseError> {
    parse_statements(text.as_bytes(), &ParseOptions { placeholders: true, ..ParseOptions::default() })
}

fn first_expr(statements: &[Statement]) -> &ExprKind {
    let StatementKind::Query(query) = &statements[0].kind else { panic!("a query") };
    let QueryBody::Select(select) = &query.body else { panic!("a select") };
    let SelectItem::Expr { expr, .. } = &select.items[0] else { panic!("an expression") };
    &expr.kind
}

#[test]
fn nesting_is_refused_with_stack_overrun() {
    let nested = [
        format!("SELECT {}1{}", "(".repeat(MANY), ")".repeat(MANY)),
        format!("SELECT {}1", "NOT ".repeat(MANY)),
        format!("SELECT {}1", "- ".repeat(MANY)),
        format!("SELECT {}1", "~".repeat(MANY)),
        format!("SELECT {}1", "BINARY ".repeat(MANY)),
        format!("SELECT {}1{}", "f(".repeat(MANY), ")".repeat(MANY)),
        format!("SELECT {}1{}", "IF(1,1,".repeat(MANY), ")".repeat(MANY)),
        format!("SELECT {}1{}", "CASE WHEN ".repeat(MANY), " THEN 1 END".repeat(MANY)),
        format!("SELECT {}1", "1 IN (".repeat(MANY)),
        format!("SELECT {}1", "1 BETWEEN 0 AND ".repeat(MANY)),
        format!("SELECT {}1", "@a := ".repeat(MANY)),
        format!("SELECT {}1", "INTERVAL 1 DAY + ".repeat(MANY)),
        format!("SELECT {}1", "INTERVAL (".repeat(MANY)),
        format!("SELECT {}1", "{d ".repeat(MANY)),
        format!("SELECT {}1", "CAST(".repeat(MANY)),
        format!("SELECT {}1", "GROUP_CONCAT(1 ORDER BY ".repeat(MANY)),
        format!("SELECT * FROM {}a", "(".repeat(MANY)),
        format!("SELECT * FROM {}a", "{OJ ".repeat(MANY)),
        format!("INSERT INTO t VALUES ({}", "(".repeat(MANY)),
        format!("CREATE TABLE t (a INT DEFAULT ({}", "(".repeat(MANY)),
        format!("SELECT * FROM JSON_TABLE('', '$' {}", "COLUMNS (NESTED PATH '$' ".repeat(MANY)),
    ];
    for text in nested {
        let error = parse(&text).expect_err(&text[..40]);
        assert_eq!((error.code(), error.sqlstate()), (1436, "HY000"), "{}: {error}", &text[..40]);
    }
}

#[test]
fn nested_queries_are_refused_as_mysql_does() {
    let nested = [
        format!("SELECT {}", "(SELECT ".repeat(MANY)),
        format!("SELECT 1 FROM {}", "(SELECT 1 FROM ".repeat(MANY)),
        format!("SELECT {}", "EXISTS (SELECT ".repeat(MANY)),
        format!("SELECT {}", "1 IN (SELECT ".repeat(MANY)),
        "(".repeat(MANY),
        format!("SELECT 1 UNION {}", "(".repeat(MANY)),
        "WITH a AS (".repeat(MANY),
    ];
    for text in nested {
        let error = parse(&text).expect_err(&text[..12]);
        assert_eq!(error.code(), 1473, "{}: {error}", &text[..12]);
    }
    let allowed = format!("SELECT {}1{}", "(SELECT ".repeat(60), ")".repeat(60));
    assert_eq!(parse(&allowed).map(|statements| statements.len()), Ok(1));
}

#[test]
fn chains_of_operators_that_lean_are_bounded() {
    let tail = [" + 1", " ^ 1", " = 1", " XOR 1", " COLLATE x", " IS NULL", " - INTERVAL 1 DAY", " | 1"];
    for operator in tail {
        let allowed = format!("SELECT 1{}", operator.repeat(900));
        assert_eq!(parse(&allowed).map(|statements| statements.len()), Ok(1), "{operator}");
        let refused = format!("SELECT 1{}", operator.repeat(MANY));
        assert_eq!(parse(&refused).map_err(|error| error.code()), Err(1436), "{operator}");
    }
    // Chains within parentheses on the left of chains add up.
    let link = format!("{})", "+1".repeat(50));
    let stacked = format!("SELECT {}1{}", "(".repeat(100), link.repeat(100));
    assert_eq!(parse(&stacked).map_err(|error| error.code()), Err(1436));
    let beside = format!("SELECT {}", vec![format!("(1{link}"); 100].join(", "));
    assert_eq!(parse(&beside).map(|statements| statements.len()), Ok(1));
}

#[test]
fn and_and_or_chains_are_flat_however_long() {
    for operator in ["AND", "OR", "&&", "||"] {
        let statements =
            parse(&format!("SELECT a{}", format!(" {operator} a").repeat(MANY))).expect(operator);
        let ExprKind::Logical { operands, .. } = first_expr(&statements) else { panic!("a chain") };
        assert_eq!(operands.len(), MANY + 1);
    }
    let mixed = format!("SELECT a{}", " AND b OR c".repeat(MANY));
    assert_eq!(parse(&mixed).map(|statements| statements.len()), Ok(1));
}

#[test]
fn long_lists_are_fine() {
    let list = vec!["1"; MANY].join(",");
    for text in [
        format!("SELECT 1 IN ({list})"),
        format!("SELECT {list}"),
        format!("SELECT f({list})"),
        format!("INSERT INTO t VALUES ({list})"),
        format!("SELECT CASE {} END", "WHEN 1 THEN 2 ".repeat(MANY)),
        format!("SELECT {}", vec!["'a'"; MANY].join(" ")),
    ] {
        assert_eq!(parse(&text).map(|statements| statements.len()), Ok(1), "{}", &text[..20]);
    }
    assert_eq!(parse(&"SELECT 1;".repeat(MANY)).map(|statements| statements.len()), Ok(MANY));
}

#[test]
fn a_statement_of_too_many_tokens_is_refused_wherever_it_is_cut() {
    let limited = |text: &str, tokens: u32| {
        let limits = Limits { tokens, ..Limits::default() };
        let parsed = parse_statements(text.as_bytes(), &ParseOptions { limits, ..ParseOptions::default() });
        parsed.map(|statements| statements.iter().map(|statement| statement.tokens).collect::<Vec<_>>())
    };
    let text = "insert into t values (1), (2), (3); select 1";
    assert_eq!(limited(text, 16), Ok(vec![15, 2]));
    for tokens in 0..15 {
        assert_eq!(limited(text, tokens).map_err(|error| error.code()), Err(3170), "{tokens}");
    }
}

#[test]
fn set_operations_joins_and_placeholders_are_counted() {
    assert_eq!(
        parse(&format!("SELECT 1{}", " UNION SELECT 1".repeat(1000))).map(|statements| statements.len()),
        Ok(1)
    );
    let error = parse(&format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(MANY)));
    assert_eq!(error.map_err(|error| error.code()), Err(1436));
    let error = parse(&format!("SELECT 1 FROM a{}", " JOIN a".repeat(61)));
    assert_eq!(error.map_err(|error| error.code()), Err(1116));
    assert_eq!(
        parse(&format!("SELECT 1 FROM a{}", " JOIN a".repeat(60))).map(|statements| statements.len()),
        Ok(1)
    );
    let marks = |count: usize| format!("SELECT {}", vec!["?"; count].join(","));
    assert_eq!(parse(&marks(65_535)).map(|statements| statements[0].parameter_count), Ok(65_535));
    assert_eq!(parse(&marks(65_536)).map_err(|error| error.code()), Err(1390));
}
