//! What MySQL 9.7's SHOW CREATE TABLE printed for these, as generated columns of a table with columns `a`, `s`, `d`, `j`.

use crate::{ParseOptions, Refusal, parse_expression, restore_column_expression, restore_expression};

const CASES: &[(&str, &str)] = &[
    ("a+1*2-3 div 4 % 5 mod 2", "((`a` + (1 * 2)) - (((3 DIV 4) % 5) % 2))"),
    ("not a", "(0 = `a`)"),
    ("!a", "(0 = `a`)"),
    (
        "a is null or a is not true and s is unknown xor a",
        "((`a` is null) or ((((0 <> `a`) is not true) and (`s` is null)) xor (0 <> `a`)))",
    ),
    ("case a when 1 then 2 else 3 end", "(case `a` when 1 then 2 else 3 end)"),
    ("case when a>1 then 'x' end", "(case when (`a` > 1) then _utf8mb4'x' end)"),
    ("s like 'a%' escape '|'", "(`s` like _utf8mb4'a%' escape _utf8mb4'|')"),
    ("s not like 'b'", "(not((`s` like _utf8mb4'b')))"),
    ("a not between 1 and 2", "(`a` not between 1 and 2)"),
    ("a in (1,2)", "(`a` in (1,2))"),
    ("s regexp 'a'", "regexp_like(`s`,_utf8mb4'a')"),
    ("s not regexp 'a'", "(not(regexp_like(`s`,_utf8mb4'a')))"),
    ("d + interval 1 day", "(`d` + interval 1 day)"),
    ("date_sub(d, interval '1:1' minute_second)", "(`d` - interval _utf8mb4'1:1' minute_second)"),
    ("cast(a as char)", "cast(`a` as char charset utf8mb4)"),
    ("convert(s using latin1)", "convert(`s` using latin1)"),
    ("s collate utf8mb4_bin", "(`s` collate utf8mb4_bin)"),
    ("trim(leading 'x' from s)", "trim(leading _utf8mb4'x' from `s`)"),
    ("substring(s from 1 for 2)", "substr(`s`,1,2)"),
    ("extract(year from d)", "extract(year from `d`)"),
    ("timestampdiff(day, d, d)", "timestampdiff(DAY,`d`,`d`)"),
    ("j->'$.a'", "json_extract(`j`,_utf8mb4'$.a')"),
    ("j->>'$.b'", "json_unquote(json_extract(`j`,_utf8mb4'$.b'))"),
    ("-a", "-(`a`)"),
    ("~a", "~(`a`)"),
    ("binary s", "cast(`s` as char charset binary)"),
    ("concat(upper(s), 'it''s\\n')", "concat(upper(`s`),_utf8mb4'it\\'s\\n')"),
    ("if(a, 1, null)", "if(`a`,1,NULL)"),
    ("a <=> 1", "(`a` <=> 1)"),
    ("a & 1 | 2 ^ 3 << 1 >> 2", "((`a` & 1) | (((2 ^ 3) << 1) >> 2))"),
    ("1.5e0 * .5", "(1.5e0 * 0.5)"),
    ("x'41' + 0b11", "(0x41 + 0x03)"),
    ("s sounds like 'x'", "(soundex(`s`) = soundex(_utf8mb4'x'))"),
    ("true and false", "(true and false)"),
    ("date '2020-01-01'", "DATE'2020-01-01'"),
    ("position('a' in s)", "locate(_utf8mb4'a',`s`)"),
    ("1 member of ('[1]')", "1 member of (_utf8mb4'[1]')"),
    ("left(s,1)", "left(`s`,1)"),
    ("mod(a,2)", "(`a` % 2)"),
    ("cast(s as decimal(10,2))", "cast(`s` as decimal(10,2))"),
    ("a = 1 and (a = 2 and a = 3) and a = 4", "((`a` = 1) and ((`a` = 2) and (`a` = 3)) and (`a` = 4))"),
    ("interval(1,2,3)", "interval(1,2,3)"),
    ("weight_string(s as char(3))", "weight_string(`s` as char(3))"),
    ("timestampadd(day,1,d)", "(`d` + interval 1 day)"),
    ("get_format(date,'usa')", "get_format(DATE, _utf8mb4'usa')"),
    ("_latin1'x'", "_latin1'x'"),
    ("N'x'", "_utf8mb3'x'"),
    ("json_value(j,'$.a' returning signed)", "json_value(`j`, _utf8mb4'$.a' returning signed)"),
    ("a is false", "((0 <> `a`) is false)"),
    ("((a or 1) or 2) or 3", "((0 <> `a`) or (0 <> 1) or (0 <> 2) or (0 <> 3))"),
    ("a and 1 xor 0", "(((0 <> `a`) and (0 <> 1)) xor (0 <> 0))"),
    ("adddate(d, 5)", "(`d` + interval 5 day)"),
    ("current_date", "curdate()"),
];

#[test]
fn expressions_read_as_in_show_create_table_and_parse_back() {
    let options = ParseOptions::default();
    for (source, expected) in CASES {
        let restored = restore(source);
        assert_eq!(restored.as_deref(), Some(*expected), "{source}");
        let again =
            parse_expression(expected.as_bytes(), &options).map(|expr| restore_expression(&expr, "utf8mb4"));
        assert_eq!(again, Ok(Some((*expected).to_string())), "{source}, read back");
    }
}

#[test]
fn what_tables_cannot_store_is_not_restored() {
    for source in
        ["(select 1)", "a + count(*)", "@x", "@@autocommit", "a = any (select 1)", "row_number() over ()"]
    {
        assert_eq!(restore(source), None, "{source}");
    }
}

fn restore(source: &str) -> Option<String> {
    let expr = parse_expression(source.as_bytes(), &ParseOptions::default()).expect(source);
    restore_expression(&expr, "utf8mb4")
}

#[test]
fn an_expression_of_a_column_says_what_it_reads() {
    let stored = |source: &str| {
        let expr = parse_expression(source.as_bytes(), &ParseOptions::default()).expect(source);
        restore_column_expression(&expr, "utf8mb4")
    };
    let expression = stored("concat(t.a, d.t.b, lcase(c), curdate())").expect("an expression");
    assert_eq!(expression.text, "concat(`a`,`b`,lower(`c`),curdate())");
    let columns: Vec<_> = expression.columns.iter().map(|name| name.column.as_str()).collect();
    assert_eq!(columns, ["a", "b", "c"]);
    let functions: Vec<_> = expression.functions.iter().map(|(name, args)| (name.as_str(), *args)).collect();
    assert_eq!(functions, [("concat", 4), ("lower", 1), ("curdate", 0)]);
    for (source, refusal) in [
        ("1 + (select 1)", Refusal::Subquery),
        ("a in (select 1)", Refusal::Subquery),
        ("sum(a)", Refusal::Aggregate),
        ("1 + row_number() over ()", Refusal::Window("row_number".to_owned())),
        ("@a", Refusal::Variable),
        ("@@sql_mode", Refusal::Variable),
        ("(a, 1)", Refusal::Row),
        ("match (a) against ('x')", Refusal::Function("match")),
    ] {
        assert_eq!(stored(source), Err(refusal), "{source}");
    }
}
