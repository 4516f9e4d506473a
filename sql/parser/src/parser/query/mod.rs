//! Queries.
//!
//! ```text
//! body         WITH, set operations, parentheses, VALUES, TABLE
//! tail         ORDER BY, LIMIT, INTO, FOR UPDATE
//! select       SELECT: options, items with their titles, WHERE, GROUP BY, HAVING, WINDOW
//! table        FROM: tables, joins, derived tables, index hints
//! json_table   JSON_TABLE
//! hint         /*+ ... */
//! ```

mod body;
mod hint;
mod json_table;
mod select;
mod table;
mod tail;

use super::{Parsed, Parser};
