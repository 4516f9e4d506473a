//! PARTITION BY.

use super::{Expr, Ident};

#[derive(Clone, Debug, PartialEq)]
pub struct Partitioning {
    pub method: PartitionMethod,
    /// `PARTITIONS n`
    pub count: Option<u64>,
    pub sub: Option<SubPartitioning>,
    pub partitions: Vec<PartitionDef>,
    /// Source text from PARTITION on.
    pub text: Box<str>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionMethod {
    Range(Expr),
    RangeColumns(Vec<Ident>),
    List(Expr),
    ListColumns(Vec<Ident>),
    Hash {
        linear: bool,
        expr: Expr,
    },
    /// `algorithm` is `ALGORITHM = 1|2`; no columns: the primary key's
    Key {
        linear: bool,
        algorithm: Option<u64>,
        columns: Vec<Ident>,
    },
}

/// SUBPARTITION BY HASH or KEY.
#[derive(Clone, Debug, PartialEq)]
pub struct SubPartitioning {
    pub method: PartitionMethod,
    pub count: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionDef {
    pub name: Ident,
    pub values: PartitionValues,
    pub options: PartitionOptions,
    pub subpartitions: Vec<SubPartitionDef>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SubPartitionDef {
    pub name: Ident,
    pub options: PartitionOptions,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionValues {
    /// HASH and KEY
    None,
    /// `VALUES LESS THAN (...)`, and `LESS THAN MAXVALUE` as one `MaxValue`
    LessThan(Vec<PartitionValue>),
    /// `VALUES IN (...)`; a value of one column is a row of one
    In(Vec<Vec<PartitionValue>>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionValue {
    Expr(Expr),
    MaxValue,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionOptions {
    pub engine: Option<String>,
    pub comment: Option<String>,
    pub data_directory: Option<String>,
    pub index_directory: Option<String>,
    pub max_rows: Option<u64>,
    pub min_rows: Option<u64>,
    pub tablespace: Option<Ident>,
    pub nodegroup: Option<u64>,
}
