//! Function calls: by name to the special syntaxes, to aggregates and window functions, or plain.

use super::{Parsed, Parser, arity};
use crate::ast::{Aggregate, AggregateFunction, Call, Expr, ExprKind, Ident, OrderItem, WindowFunction};
use crate::lexer::{Keyword as K, TokenKind};
use crate::options::SqlMode;

/// A function whose arguments are not a plain list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Cast,
    Char,
    /// DATE_ADD, DATE_SUB, ADDDATE, SUBDATE
    DateShift {
        subtract: bool,
        days_allowed: bool,
    },
    Extract,
    GetFormat,
    JsonValue,
    Position,
    /// SUBSTRING, SUBSTR, MID
    Substring,
    TimestampAdd,
    TimestampDiff,
    Trim,
    WeightString,
}

/// What an identifier before a parenthesis means.
enum Callee {
    Special(Special),
    Aggregate(AggregateFunction),
    Plain,
}

/// Longest name with a meaning of its own.
const LONGEST_NAME: usize = 16;

/// The meaning, and whether the name counts only with its parenthesis directly behind it (unless IGNORE_SPACE).
fn callee(name: &[u8]) -> (Callee, bool) {
    use AggregateFunction as A;
    use Special::*;
    let mut buffer = [0u8; LONGEST_NAME];
    let Some(upper) = buffer.get_mut(..name.len()) else {
        return (Callee::Plain, false);
    };
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    let adjacent = |special| (Callee::Special(special), true);
    let anywhere = |special| (Callee::Special(special), false);
    let aggregate = |function| (Callee::Aggregate(function), true);
    match &*upper {
        b"CAST" => adjacent(Cast),
        b"DATE_ADD" => adjacent(DateShift { subtract: false, days_allowed: false }),
        b"DATE_SUB" => adjacent(DateShift { subtract: true, days_allowed: false }),
        b"ADDDATE" => adjacent(DateShift { subtract: false, days_allowed: true }),
        b"SUBDATE" => adjacent(DateShift { subtract: true, days_allowed: true }),
        b"EXTRACT" => adjacent(Extract),
        b"POSITION" => adjacent(Position),
        b"SUBSTRING" | b"SUBSTR" | b"MID" => adjacent(Substring),
        b"TRIM" => adjacent(Trim),
        b"GET_FORMAT" => anywhere(GetFormat),
        b"JSON_VALUE" => anywhere(JsonValue),
        b"TIMESTAMPADD" => anywhere(TimestampAdd),
        b"TIMESTAMPDIFF" => anywhere(TimestampDiff),
        b"WEIGHT_STRING" => anywhere(WeightString),
        b"COUNT" => aggregate(A::Count),
        b"SUM" => aggregate(A::Sum),
        b"AVG" => (Callee::Aggregate(A::Avg), false),
        b"MIN" => aggregate(A::Min),
        b"MAX" => aggregate(A::Max),
        b"BIT_AND" => aggregate(A::BitAnd),
        b"BIT_OR" => aggregate(A::BitOr),
        b"BIT_XOR" => aggregate(A::BitXor),
        b"STD" | b"STDDEV" | b"STDDEV_POP" => aggregate(A::StddevPop),
        b"STDDEV_SAMP" => aggregate(A::StddevSamp),
        b"VARIANCE" | b"VAR_POP" => aggregate(A::VarPop),
        b"VAR_SAMP" => aggregate(A::VarSamp),
        b"GROUP_CONCAT" => aggregate(A::GroupConcat),
        b"JSON_ARRAYAGG" => aggregate(A::JsonArrayAgg),
        b"JSON_OBJECTAGG" => aggregate(A::JsonObjectAgg),
        b"ST_COLLECT" => aggregate(A::StCollect),
        _ => (Callee::Plain, false),
    }
}

impl Parser<'_> {
    /// Whether the name here is a built-in function that counts only right before its parenthesis: no alias then.
    pub(in crate::parser) fn at_adjacent_function(&self) -> bool {
        self.next.is(TokenKind::OpenParen)
            && self.token.end == self.next.start
            && self.token.is(TokenKind::Ident)
            && callee(self.slice(self.token)).1
    }

    /// `name(...)`, the name being current.
    pub(super) fn call(&mut self) -> Parsed<Expr> {
        let token = self.token;
        let adjacent = token.end == self.next.start || self.mode(SqlMode::IGNORE_SPACE);
        let callee = match callee(self.slice(token)) {
            _ if token.is(TokenKind::QuotedIdent) => Callee::Plain,
            (_, true) if !adjacent => Callee::Plain,
            (callee, _) => callee,
        };
        let start = token.start;
        let kind = match callee {
            Callee::Plain => {
                let name = self.ident()?;
                return self.plain_call(None, name, start);
            }
            Callee::Special(special) => {
                let token = self.advance();
                let name = self.ident_of(token)?;
                self.special(special, name)?
            }
            Callee::Aggregate(function) => {
                self.advance();
                ExprKind::Aggregate(Box::new(self.aggregate(function)?))
            }
        };
        Ok(Expr::new(kind, self.span_from(start)))
    }

    /// `schema.name(...)`, the name being current.
    pub(super) fn qualified_call(&mut self, schema: Ident) -> Parsed<Expr> {
        let start = schema.span.start;
        let token = self.advance();
        let name = self.ident_of(token)?;
        self.plain_call(Some(schema), name, start)
    }

    fn plain_call(&mut self, schema: Option<Ident>, name: Ident, start: u32) -> Parsed<Expr> {
        let arity = if schema.is_none() && !name.quoted { arity::of(&name.value) } else { None };
        let args = match arity {
            Some((least, most)) => self.counted_args(least, most)?,
            None => self.call_args()?,
        };
        Ok(Expr::new(ExprKind::Call(Box::new(Call { schema, name, args })), self.span_from(start)))
    }

    /// `(args)`, possibly none.
    fn call_args(&mut self) -> Parsed<Vec<Expr>> {
        self.expect(TokenKind::OpenParen)?;
        if self.accept(TokenKind::CloseParen) {
            return Ok(Vec::new());
        }
        let args = self.comma_separated(Self::expr)?;
        self.expect(TokenKind::CloseParen)?;
        Ok(args)
    }

    /// `(args)`, between `least` and `most` of them.
    fn counted_args(&mut self, least: usize, most: usize) -> Parsed<Vec<Expr>> {
        self.expect(TokenKind::OpenParen)?;
        let mut args = Vec::with_capacity(least);
        while args.len() < most {
            if args.len() >= least && self.at(TokenKind::CloseParen) {
                break;
            }
            if !args.is_empty() {
                self.expect(TokenKind::Comma)?;
            }
            args.push(self.expr()?);
        }
        self.expect(TokenKind::CloseParen)?;
        Ok(args)
    }

    /// Functions whose names are reserved words.
    pub(super) fn reserved_call(&mut self, keyword: K, before_paren: bool) -> Parsed<Expr> {
        let start = self.token.start;
        if let Some(function) = window_function(keyword) {
            return self.window_call(function);
        }
        match keyword {
            K::Char if before_paren => {
                let token = self.advance();
                let name = self.ident_of(token)?;
                let kind = self.special(Special::Char, name)?;
                Ok(Expr::new(kind, self.span_from(start)))
            }
            K::CurrentDate
            | K::CurrentTime
            | K::CurrentTimestamp
            | K::CurrentUser
            | K::Localtime
            | K::Localtimestamp
            | K::UtcDate
            | K::UtcTime
            | K::UtcTimestamp => {
                let token = self.advance();
                let name = self.ident_of(token)?;
                let args = if before_paren { self.call_args()? } else { Vec::new() };
                Ok(Expr::new(
                    ExprKind::Call(Box::new(Call { schema: None, name, args })),
                    self.span_from(start),
                ))
            }
            K::If
            | K::Left
            | K::Right
            | K::Mod
            | K::Repeat
            | K::Replace
            | K::Insert
            | K::Database
            | K::Schema
            | K::Grouping
                if before_paren =>
            {
                let token = self.advance();
                let name = self.ident_of(token)?;
                self.plain_call(None, name, start)
            }
            _ => self.unexpected(),
        }
    }

    fn aggregate(&mut self, function: AggregateFunction) -> Parsed<Aggregate> {
        self.expect(TokenKind::OpenParen)?;
        let star = function == AggregateFunction::Count && self.accept(TokenKind::Star);
        let mut aggregate = Aggregate {
            function,
            distinct: false,
            star,
            args: Vec::new(),
            order_by: Vec::new(),
            separator: None,
            over: None,
        };
        if !star {
            aggregate.distinct = self.accept_keyword(K::Distinct);
            if !aggregate.distinct && function != AggregateFunction::GroupConcat {
                self.accept_keyword(K::All);
            }
            self.aggregate_args(&mut aggregate)?;
        }
        if function == AggregateFunction::GroupConcat {
            if self.accept_keyword(K::Order) {
                self.expect_keyword(K::By)?;
                aggregate.order_by = self.comma_separated(Self::order_item)?;
            }
            if self.accept_keyword(K::Separator) {
                aggregate.separator = Some(self.separator()?);
            }
        }
        self.expect(TokenKind::CloseParen)?;
        aggregate.over = self.optional_over()?;
        Ok(aggregate)
    }

    /// One argument, but for COUNT(DISTINCT a, b), GROUP_CONCAT(a, b) and JSON_OBJECTAGG(a, b); and DISTINCT only where
    /// MySQL's grammar has it.
    fn aggregate_args(&mut self, aggregate: &mut Aggregate) -> Parsed<()> {
        use AggregateFunction as A;
        let distinct_fits = !aggregate.distinct
            || matches!(
                aggregate.function,
                A::Count | A::Sum | A::Avg | A::Min | A::Max | A::GroupConcat | A::StCollect
            );
        if !distinct_fits {
            return Err(self.syntax_error(self.previous_end - "DISTINCT".len() as u32));
        }
        aggregate.args.push(self.expr()?);
        match aggregate.function {
            A::JsonObjectAgg => {
                self.expect(TokenKind::Comma)?;
                aggregate.args.push(self.expr()?);
            }
            A::GroupConcat | A::Count if aggregate.distinct || aggregate.function == A::GroupConcat => {
                while self.accept(TokenKind::Comma) {
                    aggregate.args.push(self.expr()?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A string or a hexadecimal literal.
    fn separator(&mut self) -> Parsed<Box<[u8]>> {
        if !matches!(self.token.kind, TokenKind::String | TokenKind::Hex | TokenKind::Bit) {
            return self.unexpected();
        }
        use crate::ast::Literal::{Bit, Hex, String};
        match self.literal()?.map(|literal| literal.kind) {
            Some(ExprKind::Literal(String(bytes) | Hex(bytes) | Bit(bytes))) => Ok(bytes),
            _ => self.unexpected(),
        }
    }

    /// `expr [ASC|DESC]`
    pub(in crate::parser) fn order_item(&mut self) -> Parsed<OrderItem> {
        let expr = self.expr()?;
        let descending = self.accept_keyword(K::Desc);
        if !descending {
            self.accept_keyword(K::Asc);
        }
        Ok(OrderItem { expr, descending })
    }
}

fn window_function(keyword: K) -> Option<WindowFunction> {
    Some(match keyword {
        K::RowNumber => WindowFunction::RowNumber,
        K::Rank => WindowFunction::Rank,
        K::DenseRank => WindowFunction::DenseRank,
        K::PercentRank => WindowFunction::PercentRank,
        K::CumeDist => WindowFunction::CumeDist,
        K::Ntile => WindowFunction::Ntile,
        K::Lead => WindowFunction::Lead,
        K::Lag => WindowFunction::Lag,
        K::FirstValue => WindowFunction::FirstValue,
        K::LastValue => WindowFunction::LastValue,
        K::NthValue => WindowFunction::NthValue,
        _ => return None,
    })
}
