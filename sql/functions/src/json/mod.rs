//! The JSON functions.
//!
//! `document.rs` reads arguments; `make.rs` JSON_ARRAY JSON_OBJECT JSON_QUOTE; `read.rs` JSON_EXTRACT JSON_UNQUOTE;
//! `describe.rs` JSON_TYPE JSON_LENGTH JSON_KEYS ...; `contain.rs` JSON_CONTAINS JSON_OVERLAPS MEMBER OF; `change.rs`
//! JSON_SET JSON_REMOVE ...; `merge.rs`; `search.rs` JSON_SEARCH.
//! Missing: JSON_TABLE, JSON_VALUE, JSON_SCHEMA_VALID.

mod change;
mod contain;
mod describe;
mod document;
mod make;
mod merge;
mod read;
mod search;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[
    make::FUNCTIONS,
    read::FUNCTIONS,
    describe::FUNCTIONS,
    contain::FUNCTIONS,
    change::FUNCTIONS,
    merge::FUNCTIONS,
    search::FUNCTIONS,
];
