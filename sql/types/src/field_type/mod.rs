//! `FieldType`: what a column or an expression is.
//!
//! `kind.rs` the kinds, `field_type.rs` the type with its constructors, `sql_text.rs` its SHOW CREATE TABLE
//! text, `elements.rs` the members of ENUM and SET, `wire.rs` its column definition on the wire.

mod elements;
#[expect(clippy::module_inception, reason = "the noun of the folder is the type itself")]
mod field_type;
mod kind;
mod sql_text;
mod wire;

pub use elements::Elements;
pub use field_type::{FieldType, NOT_FIXED_DECIMALS};
pub use kind::TypeKind;
pub use wire::{WireFlags, WireType};
