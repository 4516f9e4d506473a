//! MySQL text to AST.
//!
//! [`parse_next`] turns the text of a `COM_QUERY` or `COM_STMT_PREPARE` into [`Statement`]s, one by one. The grammar is
//! MySQL 8.0's (version [`VERSION_ID`] for `/*!NNNNN */` comments) as a hand-written lexer and recursive-descent parser:
//! it depends on `sql_mode`, keeps source spans, reports errors in MySQL's words, and bounds depth, so no text can
//! overflow the stack of this package or of those that walk the tree (see [`Limits`]).
//!
//! ```text
//! bytes --lexer--> tokens (borrowing the bytes) --parser--> ast::Statement (owned)
//! ```
//!
//! Deliberately missing: name resolution, types and every check that needs a catalog. Statements MySQL knows but
//! Rutile does not model become [`ast::StatementKind::Unsupported`] with the feature's name.

pub mod ast;
mod digest;
mod error;
mod lexer;
mod options;
mod parser;
mod restore;

pub use ast::{Statement, StatementKind};
pub use digest::{Template, digest_text, template};
pub use error::{ErrorClass, ParseError};
pub use options::{Limits, ParseOptions, SqlMode, VERSION_ID};
pub use parser::{parse_expression, parse_next, parse_statements};
pub use restore::{ColumnExpression, Refusal, restore_column_expression, restore_expression};
