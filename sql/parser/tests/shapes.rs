//! Trees of statements whose shape is easy to get wrong: joins, set operations, titles, modes, accounts, errors.

use rutile_sql_parser::ast::{
    Account, Expr, ExprKind, InsertSource, JoinConstraint, JoinKind, Literal, Query, QueryBody, SelectItem,
    SetItem, SetOperator, SetValue, Show, ShowFilter, TableReference,
};
use rutile_sql_parser::{ParseError, ParseOptions, SqlMode, StatementKind, parse_statements};

fn statement(sql: &str) -> StatementKind {
    let mut statements = parse_statements(sql.as_bytes(), &ParseOptions::default()).expect(sql);
    assert_eq!(statements.len(), 1, "{sql}");
    statements.remove(0).kind
}

fn query(sql: &str) -> Query {
    match statement(sql) {
        StatementKind::Query(query) => *query,
        other => panic!("{sql}: {other:?}"),
    }
}

/// `(a J (b J c))`, with `?` for a join that has no condition.
fn joins(reference: &TableReference) -> String {
    match reference {
        TableReference::Table(table) => table.name.to_string(),
        TableReference::Derived(derived) => format!("<{}>", derived.alias),
        TableReference::JsonTable(table) => format!("<{}>", table.alias),
        TableReference::Join(join) => {
            let kind = match join.kind {
                JoinKind::Inner => "J",
                JoinKind::Left => "L",
                JoinKind::Right => "R",
                JoinKind::Straight => "S",
            };
            let mark = match join.constraint {
                JoinConstraint::None => "?",
                JoinConstraint::Natural => "N",
                JoinConstraint::On(_) | JoinConstraint::Using(_) => "",
            };
            format!("({} {kind}{mark} {})", joins(&join.left), joins(&join.right))
        }
    }
}

fn shape(body: &QueryBody) -> String {
    match body {
        QueryBody::Select(_) => "S".into(),
        QueryBody::Values(_) => "V".into(),
        QueryBody::Table(_) => "T".into(),
        QueryBody::Parenthesized(query) => format!("({})", body_of(query)),
        QueryBody::SetOperation(operation) => {
            let mut text = format!("[{}", shape(&operation.first));
            for branch in &operation.rest {
                let word = match branch.operator {
                    SetOperator::Union => "u",
                    SetOperator::Intersect => "i",
                    SetOperator::Except => "e",
                };
                text += &format!(" {word}{} {}", if branch.all { "a" } else { "" }, shape(&branch.body));
            }
            text + "]"
        }
    }
}

fn body_of(query: &Query) -> String {
    let tail = if query.limit.is_some() { " L" } else { "" };
    format!("{}{tail}", shape(&query.body))
}

#[test]
fn joins_associate_as_in_mysql() {
    let cases = [
        ("a JOIN b JOIN c ON 1", "((a J? b) J c)"),
        ("a JOIN b JOIN c ON 1 ON 2", "(a J (b J c))"),
        ("a LEFT JOIN b ON 1 JOIN c ON 2", "((a L b) J c)"),
        ("a LEFT JOIN b JOIN c ON 1 ON 2", "(a L (b J c))"),
        ("a LEFT JOIN (b, c) ON 1", "(a L (b J? c))"),
        ("a JOIN b JOIN c ON 1 JOIN d ON 2", "(((a J? b) J c) J d)"),
        ("a JOIN (b JOIN c ON 1)", "(a J? (b J c))"),
        ("a NATURAL LEFT JOIN b STRAIGHT_JOIN c", "((a LN b) S? c)"),
        ("a JOIN b NATURAL JOIN c", "((a J? b) JN c)"),
        ("{ OJ a RIGHT OUTER JOIN b USING (x) }", "(a R b)"),
        ("(a)", "a"),
        ("((SELECT 1) UNION (SELECT 2)) AS x", "<x>"),
        ("((SELECT 1) x JOIN y)", "(<x> J? y)"),
    ];
    for (from, expected) in cases {
        let QueryBody::Select(select) = query(&format!("SELECT 1 FROM {from}")).body else {
            panic!("{from}")
        };
        assert_eq!(joins(&select.from[0]), expected, "{from}");
    }
}

#[test]
fn set_operations_group_by_precedence_and_keep_their_parentheses() {
    let cases = [
        ("SELECT 1 UNION SELECT 2 EXCEPT ALL SELECT 3", "[S u S ea S]"),
        ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 3", "[S u [S i S]]"),
        ("SELECT 1 UNION SELECT 2 LIMIT 1", "[S u S] L"),
        ("(SELECT 1 LIMIT 2) UNION ALL (SELECT 2) LIMIT 1", "[(S L) ua (S)] L"),
        ("(SELECT 1)", "S"),
        ("((SELECT 1)) LIMIT 1", "S L"),
        ("(SELECT 1 LIMIT 2) LIMIT 1", "(S L) L"),
        ("TABLE t UNION VALUES ROW(1)", "[T u V]"),
    ];
    for (sql, expected) in cases {
        assert_eq!(body_of(&query(sql)), expected, "{sql}");
    }
}

/// Recorded from a MySQL server.
#[test]
fn columns_are_titled_as_in_mysql() {
    let sql = "select 'abc', 'a' 'b', N'x', _utf8mb4'y', null, true, (1), +1, - 1, 1 + /* c */ 2, \"dq\", ('abc'), \
               'it''s', 0x41, b'1', date '2020-01-01', @a, @@session.autocommit, '  lead', '', \
               'a' collate utf8mb4_bin, 1 /*! +1 */, ((2)), (select 1), t.id, `db`.`t`.`x y`, now( ), 1 as z, 2 'q'";
    let expected = [
        "abc",
        "a",
        "x",
        "y",
        "null",
        "true",
        "1",
        "+1",
        "- 1",
        "1 + /* c */ 2",
        "dq",
        "abc",
        "it's",
        "0x41",
        "b'1'",
        "date '2020-01-01'",
        "@a",
        "@@session.autocommit",
        "lead",
        "",
        "'a' collate utf8mb4_bin",
        "1  +1",
        "2",
        "(select 1)",
        "id",
        "x y",
        "now( )",
        "z",
        "q",
    ];
    let QueryBody::Select(select) = query(sql).body else { panic!("a select") };
    let titles: Vec<&str> = select
        .items
        .iter()
        .map(|item| match item {
            SelectItem::Expr { title, .. } => &**title,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(titles, expected);
}

#[test]
fn literals_keep_their_kind() {
    let sql =
        "SELECT 18446744073709551615, 18446744073709551616, 1., .5, 1e0, 0x1, x'0102', b'100000001', 'a\\nb'";
    let QueryBody::Select(select) = query(sql).body else { panic!("a select") };
    let literals: Vec<&Literal> = select
        .items
        .iter()
        .map(|item| match item {
            SelectItem::Expr { expr, .. } => expr.literal().expect("a literal"),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        Literal::Integer(u64::MAX),
        Literal::Decimal("18446744073709551616".into()),
        Literal::Decimal("1.".into()),
        Literal::Decimal(".5".into()),
        Literal::Float("1e0".into()),
        Literal::Hex([1].into()),
        Literal::Hex([1, 2].into()),
        Literal::Bit([1, 1].into()),
        Literal::String(b"a\nb".as_slice().into()),
    ];
    assert_eq!(literals, expected.iter().collect::<Vec<_>>());
}

#[test]
fn sql_mode_decides_quotes_and_backslashes() {
    let sql_mode = SqlMode::ANSI_QUOTES | SqlMode::NO_BACKSLASH_ESCAPES;
    let options = ParseOptions { sql_mode, ..ParseOptions::default() };
    let statements =
        parse_statements(b"INSERT INTO \"t\" VALUES ('a\\')", &options).expect("valid in this mode");
    let StatementKind::Insert(insert) = &statements[0].kind else { panic!("an insert") };
    assert_eq!(insert.table.to_string(), "t");
    let InsertSource::Values(lists) = &insert.source else { panic!("values") };
    let rows = lists.rows(&lists.batches()[0], b"").expect("kept");
    assert_eq!(rows[0][0].kind, ExprKind::Literal(Literal::String(b"a\\".as_slice().into())));
}

#[test]
fn placeholders_count_per_statement_and_need_permission() {
    let options = ParseOptions { placeholders: true, ..ParseOptions::default() };
    let statements =
        parse_statements(b"SELECT ? FROM t WHERE a = ? LIMIT ?; DELETE FROM t WHERE a = ?", &options);
    let counts: Vec<u32> =
        statements.expect("valid").iter().map(|statement| statement.parameter_count).collect();
    assert_eq!(counts, [3, 1]);
    let refused = parse_statements(b"SELECT ?", &ParseOptions::default());
    assert_eq!(refused.map_err(|error| error.code()), Err(1064));
}

#[test]
fn set_lists_mix_all_forms() {
    let sql = "SET sql_mode=(SELECT 1), @a := 1, GLOBAL x.y = ON, @@session.z = DEFAULT, NAMES utf8mb4 COLLATE utf8mb4_bin";
    let StatementKind::Set(items) = statement(sql) else { panic!("a set") };
    assert_eq!(items.len(), 5);
    assert!(matches!(&items[1], SetItem::User { name, .. } if &**name == "a"));
    assert!(
        matches!(&items[2], SetItem::System { component: Some(part), value: SetValue::Word(word), .. } if part.is("x") && word.is("on"))
    );
    assert!(matches!(&items[3], SetItem::System { value: SetValue::Default, .. }));
    assert!(
        matches!(&items[4], SetItem::Names { collation: Some(collation), .. } if collation == "utf8mb4_bin")
    );
}

#[test]
fn show_and_describe_keep_their_filters() {
    let StatementKind::Show(show) = statement("DESC db.t 'a%'") else { panic!("a show") };
    let Show::Columns { table, filter, .. } = *show else { panic!("columns") };
    assert_eq!((table.to_string(), filter), ("db.t".to_string(), Some(ShowFilter::Like("a%".into()))));
    let StatementKind::Show(show) = statement("SHOW GRANTS FOR 'a'@'B.example'") else { panic!("a show") };
    let account = Account::Named { user: "a".into(), host: Some("b.example".into()) };
    assert_eq!(*show, Show::Grants { account: Some(account), using: Vec::new() });
}

#[test]
fn unmodelled_statements_are_named_and_end_at_their_own_semicolon() {
    let text = "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; END IF; SELECT CASE 1 WHEN 1 THEN 2 END; END; XA START 'x'";
    let statements = parse_statements(text.as_bytes(), &ParseOptions::default()).expect("two statements");
    let features: Vec<&StatementKind> = statements.iter().map(|statement| &statement.kind).collect();
    let unsupported = |feature| StatementKind::Unsupported { feature };
    assert_eq!(features, [&unsupported("CREATE PROCEDURE"), &unsupported("XA")]);
}

#[test]
fn errors_have_numbers_states_and_lines_counted_per_statement() {
    let error = |text: &str| parse_statements(text.as_bytes(), &ParseOptions::default()).expect_err(text);
    let syntax = error("SELECT 1;\n\nSELECT\n 2 FROM FROM t");
    assert_eq!((syntax.code(), syntax.sqlstate()), (1064, "42000"));
    assert!(matches!(&syntax, ParseError::Syntax { line: 2, near, .. } if near == "FROM t"), "{syntax}");
    let long = error(&format!("SELECT 1 FROM FROM {}", "é".repeat(100)));
    assert!(
        matches!(&long, ParseError::Syntax { near, .. } if near.len() == 79 && near.ends_with('é')),
        "{long}"
    );
    assert_eq!((error("").code(), error(" ;; -- x").code()), (1065, 1065));
    assert_eq!(
        (error("SELECT 1 FROM (SELECT 1)").code(), error("SELECT ALL DISTINCT 1").code()),
        (1248, 1221)
    );
    assert_eq!(error("SELECT (SELECT 1 INTO @a)").code(), 3954);
    let broken = parse_statements(b"SELECT `\xff`", &ParseOptions::default()).expect_err("no text");
    assert_eq!(broken.code(), 1300);
    let bytes = parse_statements(b"SELECT '\xff', _binary '\xfe'", &ParseOptions::default());
    assert!(bytes.is_ok(), "strings may hold any bytes");
}

fn without_spans(tree: &str) -> String {
    let parts = tree.split("Span {");
    parts
        .map(|part| {
            part.split_once('}').filter(|(span, _)| span.starts_with(" start")).map_or(part, |(_, rest)| rest)
        })
        .collect()
}

/// The rows of the only INSERT of a text, batch by batch.
fn value_batches(text: &str, options: &ParseOptions) -> Vec<Vec<Vec<String>>> {
    let statements = parse_statements(text.as_bytes(), options).expect("valid");
    let Some(StatementKind::Insert(insert)) = statements.last().map(|statement| &statement.kind) else {
        panic!("an insert")
    };
    let InsertSource::Values(lists) = &insert.source else { panic!("values") };
    assert_eq!(lists.len(), lists.batches().iter().map(|batch| batch.len()).sum::<usize>());
    let rows = |batch| lists.rows(batch, text.as_bytes()).expect("was read before").into_owned();
    let show = |row: &Vec<Expr>| row.iter().map(|value| without_spans(&format!("{value:?}"))).collect();
    lists.batches().iter().map(|batch| rows(batch).iter().map(show).collect()).collect()
}

#[test]
fn rows_that_are_read_again_are_what_they_were() {
    let options = ParseOptions { placeholders: true, ..ParseOptions::default() };
    let row = |n: usize| match n % 4 {
        0 => format!("({n}, ?, 'it''s')"),
        1 => format!("(1 + ({n}), DEFAULT, now())"),
        2 => "()".to_owned(),
        _ => format!("( /*!40000 {n}, */ -1, ? /* , */ )"),
    };
    let list = |rows: std::ops::Range<usize>| rows.map(row).collect::<Vec<_>>().join(",");
    let whole = value_batches(&format!("select 1; insert into t values {}", list(0..5000)), &options);
    assert_eq!(whole.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 1024, 1024, 1024, 904]);
    let placeholders = |n: usize| n.div_ceil(4) + n / 4;
    for (n, value) in whole.concat().into_iter().enumerate().step_by(167) {
        let before = "?,".repeat(placeholders(n));
        let alone = value_batches(&format!("insert into t values ({before} 1), {}", row(n)), &options);
        assert_eq!(value, alone[0][1], "{n}");
    }
}

#[test]
fn rows_in_a_comment_of_a_version_are_kept() {
    let rows = |from: usize| (from..from + 1024).map(|n| format!("({n})")).collect::<Vec<_>>().join(",");
    let text =
        format!("insert into t values {}, /*!40000 {},{},(*/ 1), {}", rows(0), rows(0), rows(0), rows(0));
    let batches = value_batches(&text, &ParseOptions::default());
    assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [1024, 1024, 1024, 1024, 1]);
    assert!(batches.concat().iter().all(|row| row.len() == 1));
}
