//! Statements without their constants: for grouping statistics, and for finding a cached plan without parsing.
//!
//! [`digest_text`] is for people and statistics: MySQL's `DIGEST_TEXT`, with lists of constants folded to `...`.
//! [`template`] is for the plan cache: nothing is folded, constants that may vary come out beside the text, and those
//! that shape the plan or the titles of its columns stay in it.
//!
//! Both work on tokens alone. Deliberately missing: hashing (the caller's map or SHA-256 does that).

mod template;
mod text;

pub use template::{Template, template};
pub use text::digest_text;
