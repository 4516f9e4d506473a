//! LOAD DATA, and the field and line format it shares with INTO OUTFILE.

use super::{Assignment, ColumnRef, Ident, ObjectName};

/// FIELDS and LINES clauses; `None` is MySQL's default for that part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldFormat {
    pub fields_terminated_by: Option<Box<[u8]>>,
    pub enclosed_by: Option<Box<[u8]>>,
    pub optionally_enclosed: bool,
    pub escaped_by: Option<Box<[u8]>>,
    pub lines_starting_by: Option<Box<[u8]>>,
    pub lines_terminated_by: Option<Box<[u8]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadDuplicates {
    /// Neither word: an error (LOCAL: as IGNORE).
    Error,
    Ignore,
    Replace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadPriority {
    Normal,
    Low,
    Concurrent,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LoadData {
    pub priority: LoadPriority,
    pub local: bool,
    pub path: Box<[u8]>,
    pub duplicates: LoadDuplicates,
    pub table: ObjectName,
    pub partitions: Vec<Ident>,
    pub charset: Option<Ident>,
    pub format: FieldFormat,
    pub ignore_lines: u64,
    /// Empty: all columns.
    pub fields: Vec<LoadField>,
    pub set: Vec<Assignment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadField {
    Column(ColumnRef),
    /// `@name`, without `@`
    Variable(Box<str>),
}
