//! From AST to bound query: names, MySQL types, MySQL rules.
//!
//! ```text
//! ast::Query --bind_query--> BoundQuery { Relation tree, column metadata }
//! ast::Expr  --ExpressionBinder--> expression::Expr over the row of a Scope
//! ```
//!
//! `query.rs` set operations, WITH and tails; `select.rs` one query block in MySQL's order of
//! resolution; `from.rs` tables and joins; `group.rs` GROUP BY and ONLY_FULL_GROUP_BY;
//! `order.rs` ORDER BY; `subquery.rs`
//! subqueries as joins; `expression.rs` and its siblings expressions; `relation.rs` the result.
//!
//! Subqueries are decorrelated here: uncorrelated ones of any form, EXISTS, IN and quantified
//! comparisons with any correlation in their WHERE, and scalar subqueries correlated by equalities.
//! Any other correlated subquery, and LATERAL, runs again for each row (`apply.rs`).
//! `window.rs` window functions, `view.rs` views, `rollup.rs` WITH ROLLUP, `recursive.rs` WITH RECURSIVE.
//! Missing, answered by 1235: row comparisons by order, JSON_TABLE.

mod apply;
mod block;
mod cast;
mod context;
pub mod error;
mod expression;
mod from;
mod function;
mod group;
pub mod hint;
mod literal;
mod operator;
mod order;
mod output;
mod print;
mod query;
mod recursive;
pub mod relation;
mod rollup;
pub mod scope;
mod select;
mod set_operation;
mod subquery;
#[cfg(test)]
mod tests;
mod view;
mod window;

pub use block::RowVariables;
pub use context::{BindContext, SessionValues, VirtualTable, VirtualTables};
pub use expression::ExpressionBinder;
pub use from::bind_tables;
pub use output::{OutputColumn, column_metas};
pub use query::{BoundQuery, bind_query, bind_view_query};
pub use relation::Relation;
pub use scope::{ColumnFlags, Scope, ScopeColumn, ScopeTable};

use block::Block;

/// Binds the blocks of one statement; the innermost block is the last.
pub(crate) struct Binder<'a> {
    context: &'a BindContext<'a>,
    blocks: Vec<Block>,
    /// Common tables by the WITH clauses that are in force, innermost last.
    common: Vec<query::CommonScope>,
    /// Terms that refer to outer blocks stay where they are: the subquery runs for each row.
    keeps_correlation: bool,
    /// How many views the query being bound is inside of.
    view_depth: usize,
    /// Database and name of the view whose query it is, while that is made.
    defining: Option<(&'a str, &'a str)>,
    /// Recursive common tables so far.
    work_tables: usize,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(context: &'a BindContext<'a>) -> Self {
        Self {
            context,
            blocks: Vec::new(),
            common: Vec::new(),
            keeps_correlation: false,
            view_depth: 0,
            defining: None,
            work_tables: 0,
        }
    }

    fn next_work_table(&mut self) -> usize {
        self.work_tables += 1;
        self.work_tables
    }
}
