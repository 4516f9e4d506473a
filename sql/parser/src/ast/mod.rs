//! The tree a statement becomes.
//!
//! Owned and `Send`, so it may outlive its text (prepared statements, plan cache). Nodes keep the exact kind of what was
//! written (an integer literal is not a decimal one, `x'41'` is not `'A'`), spans into the text, and names as typed;
//! case-insensitive comparison is the reader's duty ([`Ident::is`]). The height of every tree is bounded by
//! [`crate::Limits`], hence plain recursive walks and the derived `Drop` are safe.
//!
//! Deliberately missing: anything resolved (types, columns, collations).

mod account;
mod admin;
mod alter;
mod data_type;
mod ddl;
mod dml;
mod expression;
mod function;
mod literal;
mod load;
mod name;
mod operator;
mod partition;
mod query;
mod set;
mod show;
mod statement;
mod table_reference;
mod transaction;
mod value_lists;
mod window;

pub use account::*;
pub use admin::*;
pub use alter::*;
pub use data_type::*;
pub use ddl::*;
pub use dml::*;
pub use expression::*;
pub use function::*;
pub use literal::*;
pub use load::*;
pub use name::*;
pub use operator::*;
pub use partition::*;
pub use query::*;
pub use set::*;
pub use show::*;
pub use statement::*;
pub use table_reference::*;
pub use transaction::*;
pub(crate) use value_lists::BatchRows;
pub use value_lists::{ValueBatch, ValueList, ValueLists};
pub use window::*;
