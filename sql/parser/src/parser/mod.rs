//! Tokens to statements: recursive descent, one file per statement family.
//!
//! ```text
//! cursor        place in the text, small steps, errors, depth guards
//! statement     dispatch on the first words
//! expression/   operators by precedence, primaries, functions, windows, literals
//! query/        SELECT and its clauses, set operations, FROM, JSON_TABLE
//! insert value_lists update load          DML
//! database create_table column data_type index table_option partition alter_table view drop   DDL
//! set show explain transaction admin account grant routine                                    the rest
//! ```
//!
//! Recursion happens in three places only, each with a guard: expressions in expressions (`Limits::nesting`), queries in
//! queries (`Limits::query_nesting`), and parenthesised joins (nesting again). Chains are loops.

mod account;
mod admin;
mod alter_table;
mod column;
mod create_table;
mod cursor;
mod data_type;
mod database;
mod drop;
mod explain;
mod expression;
mod grant;
mod index;
mod insert;
mod load;
mod partition;
mod query;
mod routine;
mod set;
mod show;
mod statement;
mod table_option;
mod transaction;
mod update;
mod value_lists;
mod view;

use crate::ast::{Expr, IntoTarget, Statement};
use crate::error::ParseError;
use crate::lexer::{Lexer, Token, TokenKind};
use crate::options::ParseOptions;

pub(crate) use value_lists::value_rows;

/// Boxed because every expression is returned through it.
pub(crate) type Parsed<T> = Result<T, Box<ParseError>>;

/// Parameters MySQL allows in one statement.
const MAX_PLACEHOLDERS: u32 = 65_535;

pub(crate) struct Parser<'a> {
    text: &'a [u8],
    options: &'a ParseOptions,
    lexer: Lexer<'a>,
    /// The current token.
    token: Token,
    /// The one behind it.
    next: Token,
    /// End of the last token consumed.
    previous_end: u32,
    /// Where the current statement starts: lines are counted from here.
    statement_start: u32,
    /// `?` seen in the current statement.
    parameter_count: u32,
    /// Tokens consumed of the current statement.
    tokens: u32,
    /// Names, operators and calls seen in the current statement.
    operators: u32,
    /// In right operands; a level of nesting is several.
    nesting: u32,
    query_nesting: u32,
    /// Height of the highest expression finished since this was last set to 0.
    height: u32,
    /// INTO between the items and FROM of a SELECT, until its query is complete.
    pending_into: Option<IntoTarget>,
}

/// Parses a whole text. Empty statements between `;` are skipped; a text without any statement is
/// [`ParseError::Empty`].
///
/// ```
/// use rutile_sql_parser::{ParseOptions, parse_statements};
/// let statements = parse_statements(b"SELECT 1; SELECT 2", &ParseOptions::default())?;
/// assert_eq!(statements.len(), 2);
/// # Ok::<(), rutile_sql_parser::ParseError>(())
/// ```
pub fn parse_statements(sql: &[u8], options: &ParseOptions) -> Result<Vec<Statement>, ParseError> {
    let mut statements = Vec::new();
    let mut at = 0;
    while let Some((statement, end)) = parse_next(sql, at, options)? {
        statements.push(statement);
        at = end;
    }
    if statements.is_empty() {
        return Err(ParseError::Empty);
    }
    Ok(statements)
}

/// Parses the first statement at or behind the offset `at`, which is 0 or an offset this function answered; `None`
/// if only blanks, comments and `;` follow. Answers the statement and the offset behind its `;`, which is the
/// length of the text when no other statement follows.
///
/// A server runs one statement before it parses the next: `sql_mode` may have changed, and an error in a later
/// statement does not undo an earlier one. Without [`ParseOptions::multi_statements`] a second one is a syntax error.
pub fn parse_next(
    sql: &[u8],
    at: usize,
    options: &ParseOptions,
) -> Result<Option<(Statement, usize)>, ParseError> {
    check_length(sql)?;
    let mut parser = Parser::starting_at(sql, options, at);
    while parser.accept(TokenKind::Semicolon) {}
    if parser.at(TokenKind::End) {
        return Ok(None);
    }
    let parsed = parser.statement_until_semicolon();
    // What was read of such a statement looks like the whole of another one.
    if parser.is_too_large() {
        return Err(ParseError::TooManyTokens { limit: options.limits.tokens });
    }
    let statement = parsed.map_err(|error| *error)?;
    let end = parser.previous_end as usize;
    while parser.accept(TokenKind::Semicolon) {}
    if parser.at(TokenKind::End) {
        return Ok(Some((statement, sql.len())));
    }
    if !options.multi_statements {
        return Err(*parser.syntax_error(parser.token.start));
    }
    Ok(Some((statement, end)))
}

/// Parses the text of one expression, such as a stored default or generated column.
pub fn parse_expression(sql: &[u8], options: &ParseOptions) -> Result<Expr, ParseError> {
    check_length(sql)?;
    let mut parser = Parser::new(sql, options);
    let expr = parser.expr().map_err(|error| *error)?;
    if !parser.at(TokenKind::End) {
        return Err(*parser.syntax_error(parser.token.start));
    }
    Ok(expr)
}

/// Offsets are 32 bits wide; no packet is longer than 1 GiB, so only an embedding caller can meet this.
fn check_length(sql: &[u8]) -> Result<(), ParseError> {
    match u32::try_from(sql.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(ParseError::Other {
            code: 1153,
            sqlstate: "08S01",
            message: "Got a packet bigger than 'max_allowed_packet' bytes".into(),
        }),
    }
}
