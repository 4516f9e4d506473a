//! MySQL values: the types of columns and expressions, the values in them, conversions, comparison, collations.
//!
//! ```text
//!   FieldType  what a column or expression is: kind, length, decimals, collation, members
//!   Value      one value of such a type; Decimal, PackedDatetime, Duration and Json are the non-trivial ones
//!   convert    cast() for expressions, store() for INSERT/UPDATE; both report as MySQL does (1264 1265 1292 1366 1406)
//!   compare    MySQL's comparison matrix;   collation   text order as keys
//!   text       how a value is printed;      arrow       Value <-> Arrow arrays
//!   error      MySqlError, warnings
//! ```
//! Pure: no clock, no disk, no threads. What is missing on purpose: character sets other than utf8mb4,
//! utf8mb3, latin1, ascii and binary, and collations other than those in `collation/table.rs`.

pub mod arrow;
pub mod collation;
pub mod compare;
pub mod convert;
pub mod decimal;
pub mod error;
pub mod field_type;
pub mod json;
pub mod number;
pub mod sql_mode;
pub mod temporal;
pub mod text;
pub mod value;

pub use collation::{Charset, Collation};
pub use compare::{ComparisonType, compare, comparison_type};
pub use convert::{ConvertContext, cast, store};
pub use decimal::Decimal;
pub use error::{ErrorClass, Level, MySqlError, Warning, Warnings};
pub use field_type::{FieldType, NOT_FIXED_DECIMALS, TypeKind};
pub use json::Json;
pub use sql_mode::SqlMode;
pub use temporal::{Duration, PackedDatetime, TimeZone};
pub use text::format_text;
pub use value::Value;
