//! Templates: the key of a cached plan, made without parsing.
//!
//! Constants in WHERE, ON, HAVING, SET, VALUES and LIMIT leave the text; they are what differs between executions of one
//! statement. Constants between SELECT and FROM, behind ORDER BY, GROUP BY, and within window specifications stay: they
//! name columns, count positions, or choose the plan. Each constant that left is marked by its kind, because `id = 5` and
//! `id = '5'` are typed apart.
//!
//! A constant may leave from where the AST has no expression, such as the length in `CAST(a AS CHAR(5))`. Whoever plans
//! the statement matches [`Template::literals`] with the literals of the tree by span; if one has no match, the plan
//! must not be cached under this template.

use crate::ast::{Expr, ExprKind, Literal};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::ParseOptions;
use crate::parser::Parser;

#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Tokens joined by single blanks, constants as `?` and a letter for their kind.
    pub text: String,
    /// The constants that left, in text order; each is an [`ExprKind::Literal`].
    pub literals: Vec<Expr>,
}

/// `None` for statements other than SELECT, INSERT, REPLACE, UPDATE, DELETE and WITH, for several statements in one
/// text, and for texts that are not made of tokens.
pub fn template(sql: &[u8], options: &ParseOptions) -> Option<Template> {
    if u32::try_from(sql.len()).is_err() {
        return None;
    }
    let mut parser = Parser::new(sql, options);
    match parser.keyword() {
        Some(K::Select | K::Insert | K::Replace | K::Update | K::Delete | K::With) => {}
        _ => return None,
    }
    let mut template = Template { text: String::with_capacity(sql.len()), literals: Vec::new() };
    // Whether constants leave, here and in each parenthesis around.
    let mut leave = false;
    let mut around = Vec::new();
    loop {
        let token = parser.token();
        match token.kind {
            TokenKind::End => return Some(template),
            TokenKind::Semicolon => {
                parser.advance();
                return parser.at(TokenKind::End).then_some(template);
            }
            TokenKind::Invalid | TokenKind::Question => return None,
            TokenKind::OpenParen => around.push(leave),
            TokenKind::CloseParen => leave = around.pop()?,
            TokenKind::Keyword(keyword) => leave = leaves_behind(keyword).unwrap_or(leave),
            TokenKind::Integer
            | TokenKind::Decimal
            | TokenKind::Float
            | TokenKind::String
            | TokenKind::National
            | TokenKind::Hex
            | TokenKind::Bit
                if leave =>
            {
                let literal = parser.literal().ok()??;
                push(&mut template.text, mark(&literal));
                template.literals.push(literal);
                continue;
            }
            _ => {}
        }
        push(&mut template.text, std::str::from_utf8(parser.slice(token)).ok()?);
        parser.advance();
        if belongs_to_next_string(token.kind) && parser.at(TokenKind::String) {
            let string = parser.advance();
            push(&mut template.text, std::str::from_utf8(parser.slice(string)).ok()?);
        }
    }
}

fn push(text: &mut String, token: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(token);
}

/// Whether constants behind this word leave the text; `None`: as before.
fn leaves_behind(keyword: K) -> Option<bool> {
    match keyword {
        K::Where | K::On | K::Having | K::Set | K::Values | K::Value | K::Limit => Some(true),
        K::Select | K::From | K::Order | K::Group | K::Over | K::Window | K::Update | K::Partition => {
            Some(false)
        }
        _ => None,
    }
}

/// Words that a string behind them belongs to: it is no constant of its own.
fn belongs_to_next_string(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Introducer | TokenKind::Keyword(K::Date | K::Time | K::Timestamp | K::Collate))
}

fn mark(literal: &Expr) -> &'static str {
    match &literal.kind {
        ExprKind::Literal(Literal::Integer(_)) => "?i",
        ExprKind::Literal(Literal::Decimal(_)) => "?d",
        ExprKind::Literal(Literal::Float(_)) => "?f",
        ExprKind::Literal(Literal::Hex(_) | Literal::Bit(_)) => "?x",
        ExprKind::Literal(Literal::National(_)) => "?n",
        _ => "?s",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> Option<(String, usize)> {
        template(sql.as_bytes(), &ParseOptions::default())
            .map(|template| (template.text, template.literals.len()))
    }

    #[test]
    fn constants_of_conditions_leave_and_constants_that_shape_the_plan_stay() {
        let cases = [
            ("select c from t where id=5012", "select c from t where id = ?i", 1),
            ("select  c\nfrom t where id = '5012' -- x", "select c from t where id = ?s", 1),
            (
                "select 1, 'a' from t where a > 1.5 order by 2 limit 10, 20",
                "select 1 , 'a' from t where a > ?d order by 2 limit ?i , ?i",
                3,
            ),
            (
                "insert into t values (1, 'x' 'y', null), (-2, x'41', 1e0)",
                "insert into t values ( ?i , ?s , null ) , ( - ?i , ?x , ?f )",
                5,
            ),
            (
                "select a from t where d > date '2020-01-01' and s = _utf8mb4'x' collate 'utf8mb4_bin' and i = 5",
                "select a from t where d > date '2020-01-01' and s = _utf8mb4 'x' collate 'utf8mb4_bin' and i = ?i",
                1,
            ),
            (
                "select a between 1 and 2, 5 from t order by a and 1, 2",
                "select a between 1 and 2 , 5 from t order by a and 1 , 2",
                0,
            ),
            (
                "update t set a = a + 1 where b in (1, 2) and c = d",
                "update t set a = a + ?i where b in ( ?i , ?i ) and c = d",
                3,
            ),
            (
                "select (select 1 from u where x = 2) + 3 from t",
                "select ( select 1 from u where x = ?i ) + 3 from t",
                1,
            ),
            (
                "select a from t where b = (select 1 from u order by 1) and c = 2",
                "select a from t where b = ( select 1 from u order by 1 ) and c = ?i",
                1,
            ),
        ];
        for (sql, text, literals) in cases {
            assert_eq!(of(sql), Some((text.to_string(), literals)), "{sql}");
        }
    }

    #[test]
    fn literals_carry_value_and_place() {
        let sql = "select a from t where b = 'it''s' and c < 7";
        let template = template(sql.as_bytes(), &ParseOptions::default()).expect("a select");
        let places: Vec<&str> = template
            .literals
            .iter()
            .map(|literal| &sql[literal.span.start as usize..literal.span.end as usize])
            .collect();
        assert_eq!(places, ["'it''s'", "7"]);
        assert_eq!(template.literals[0].literal(), Some(&Literal::String(b"it's".as_slice().into())));
        assert_eq!(template.literals[1].literal(), Some(&Literal::Integer(7)));
    }

    #[test]
    fn other_statements_have_no_template() {
        for sql in [
            "show tables",
            "set a = 1",
            "select 1; select 2",
            "select ? from t",
            "select 'a",
            "create table t (a int)",
            "select 1)",
        ] {
            assert_eq!(of(sql), None, "{sql}");
        }
        assert!(of("select 1 from t where a = 1;").is_some());
    }
}
