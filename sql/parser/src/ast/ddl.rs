//! CREATE, DROP, RENAME and TRUNCATE of databases, tables, indexes and views.

use super::{Account, DataType, Expr, Ident, ObjectName, Partitioning, Query, Span};

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDatabase {
    pub if_not_exists: bool,
    pub name: Ident,
    pub options: DatabaseOptions,
}

/// `name` is `None` for the default database.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterDatabase {
    pub name: Option<Ident>,
    pub options: DatabaseOptions,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DatabaseOptions {
    pub charset: Option<Ident>,
    pub collation: Option<Ident>,
    pub encryption: Option<String>,
    /// `READ ONLY = 0|1` of ALTER DATABASE
    pub read_only: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropDatabase {
    pub if_exists: bool,
    pub name: Ident,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    pub temporary: bool,
    pub if_not_exists: bool,
    pub name: ObjectName,
    /// `LIKE other`; everything below is then empty.
    pub like: Option<ObjectName>,
    pub columns: Vec<ColumnDef>,
    pub indexes: Vec<IndexDef>,
    pub foreign_keys: Vec<ForeignKeyDef>,
    /// Table-level CHECKs; a column's own are in its attributes.
    pub checks: Vec<CheckDef>,
    pub options: Vec<TableOption>,
    pub partitioning: Option<Partitioning>,
    pub query: Option<CreateQuery>,
}

/// `[IGNORE|REPLACE] [AS] query`
#[derive(Clone, Debug, PartialEq)]
pub struct CreateQuery {
    pub ignore: bool,
    pub replace: bool,
    pub query: Box<Query>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    pub name: Ident,
    pub data_type: DataType,
    pub attributes: ColumnAttributes,
    pub span: Span,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColumnAttributes {
    /// `Some(true)` is NULL, `Some(false)` NOT NULL; the last one written.
    pub nullable: Option<bool>,
    pub default: Option<DefaultValue>,
    /// `ON UPDATE CURRENT_TIMESTAMP[(fsp)]`: the call
    pub on_update: Option<Expr>,
    pub auto_increment: bool,
    /// `AUTO_RANDOM[(shard bits[, range bits])]`
    pub auto_random: Option<AutoRandom>,
    pub unique: bool,
    pub primary: bool,
    /// `PRIMARY KEY /*T![clustered_index] CLUSTERED|NONCLUSTERED */`
    pub clustered: Option<bool>,
    pub comment: Option<String>,
    pub generated: Option<Generated>,
    pub checks: Vec<CheckDef>,
    /// `REFERENCES t (a)`: MySQL 8 parses and ignores it here.
    pub references: Option<References>,
    /// `VISIBLE` / `INVISIBLE`
    pub visible: Option<bool>,
    pub srid: Option<u64>,
    pub column_format: Option<Ident>,
    pub storage: Option<Ident>,
    pub engine_attribute: Option<String>,
    pub secondary_engine_attribute: Option<String>,
    /// `NOT SECONDARY`
    pub not_secondary: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AutoRandom {
    pub shard_bits: Option<u64>,
    pub range_bits: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// A literal, possibly signed, or NOW()/CURRENT_TIMESTAMP.
    Value(Expr),
    /// `DEFAULT (expr)`; `text` is the source between the parentheses.
    Expr { expr: Expr, text: Box<str> },
}

/// `[GENERATED ALWAYS] AS (expr) [VIRTUAL|STORED]`
#[derive(Clone, Debug, PartialEq)]
pub struct Generated {
    pub expr: Expr,
    /// Source between the parentheses.
    pub text: Box<str>,
    pub stored: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CheckDef {
    pub name: Option<Ident>,
    pub expr: Expr,
    /// Source between the parentheses.
    pub text: Box<str>,
    pub enforced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexKind {
    Primary,
    Unique,
    Plain,
    Fulltext,
    Spatial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexAlgorithm {
    Btree,
    Hash,
    Rtree,
}

/// An index in CREATE TABLE, ALTER TABLE or CREATE INDEX.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexDef {
    pub kind: IndexKind,
    /// `CONSTRAINT name` of PRIMARY and UNIQUE; the index takes it when it has no name of its own.
    pub constraint: Option<Ident>,
    pub name: Option<Ident>,
    pub parts: Vec<IndexPart>,
    pub options: IndexOptions,
}

#[derive(Clone, Debug, PartialEq)]
pub struct IndexPart {
    pub key: IndexKey,
    /// `DESC`; `None` when neither word was written.
    pub descending: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum IndexKey {
    Column {
        name: Ident,
        prefix: Option<u64>,
    },
    /// `((expr))`; `text` is the source between the inner parentheses.
    Expr {
        expr: Expr,
        text: Box<str>,
    },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexOptions {
    pub algorithm: Option<IndexAlgorithm>,
    pub key_block_size: Option<u64>,
    pub comment: Option<String>,
    pub visible: Option<bool>,
    /// `WITH PARSER name`
    pub parser: Option<Ident>,
    pub engine_attribute: Option<String>,
    pub secondary_engine_attribute: Option<String>,
    /// `CLUSTERED` / `NONCLUSTERED`
    pub clustered: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKeyDef {
    pub constraint: Option<Ident>,
    /// The index name, which MySQL ignores when a constraint name is given.
    pub index: Option<Ident>,
    pub columns: Vec<Ident>,
    pub references: References,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    pub table: ObjectName,
    /// Empty when no list was written (MySQL: error 1239 in foreign keys).
    pub columns: Vec<Ident>,
    pub match_kind: Option<MatchKind>,
    pub on_delete: Option<ReferentialAction>,
    pub on_update: Option<ReferentialAction>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchKind {
    Full,
    Partial,
    Simple,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferentialAction {
    Restrict,
    Cascade,
    SetNull,
    NoAction,
    SetDefault,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableOption {
    Engine(String),
    /// `SECONDARY_ENGINE = NULL` is `None`
    SecondaryEngine(Option<String>),
    AutoIncrement(u64),
    Charset(Ident),
    Collate(Ident),
    Comment(String),
    RowFormat(Ident),
    KeyBlockSize(u64),
    /// `0`, `1`; `None` is DEFAULT. Likewise below.
    StatsPersistent(Option<u64>),
    StatsAutoRecalc(Option<u64>),
    StatsSamplePages(Option<u64>),
    PackKeys(Option<u64>),
    AvgRowLength(u64),
    MaxRows(u64),
    MinRows(u64),
    Checksum(u64),
    DelayKeyWrite(u64),
    Compression(String),
    Encryption(String),
    Connection(String),
    Password(String),
    DataDirectory(String),
    IndexDirectory(String),
    Tablespace(Ident),
    Storage(Ident),
    Union(Vec<ObjectName>),
    InsertMethod(Ident),
    AutoextendSize(u64),
    EngineAttribute(String),
    SecondaryEngineAttribute(String),
    StartTransaction,
    /// TiDB's options, in `/*T! ... */` comments of its dumps and plain.
    ShardRowIdBits(u64),
    PreSplitRegions(u64),
    AutoIdCache(u64),
    AutoRandomBase(u64),
}

/// `LIKE` and `RESTRICT`/`CASCADE` (ignored, as in MySQL) leave no trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    pub temporary: bool,
    pub if_exists: bool,
    pub tables: Vec<ObjectName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropView {
    pub if_exists: bool,
    pub views: Vec<ObjectName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenameTable {
    /// From, to; applied from left to right.
    pub pairs: Vec<(ObjectName, ObjectName)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndex {
    /// Its `name` is always set.
    pub index: IndexDef,
    pub table: ObjectName,
    pub online: OnlineOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropIndex {
    pub name: Ident,
    pub table: ObjectName,
    pub online: OnlineOptions,
}

/// `ALGORITHM =` and `LOCK =` of DDL statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OnlineOptions {
    pub algorithm: Option<DdlAlgorithm>,
    pub lock: Option<DdlLock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DdlAlgorithm {
    Default,
    Instant,
    Inplace,
    Copy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DdlLock {
    Default,
    None,
    Shared,
    Exclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ViewAlgorithm {
    Undefined,
    Merge,
    Temptable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckOption {
    Cascaded,
    Local,
}

/// CREATE VIEW and ALTER VIEW.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateView {
    pub alter: bool,
    pub or_replace: bool,
    pub algorithm: Option<ViewAlgorithm>,
    pub definer: Option<Account>,
    /// `SQL SECURITY INVOKER`; DEFINER is the default.
    pub invoker_security: bool,
    pub name: ObjectName,
    pub columns: Vec<Ident>,
    pub query: Box<Query>,
    /// Source text of the query, to be stored.
    pub text: Box<str>,
    pub check_option: Option<CheckOption>,
}

/// A column position: `FIRST`, `AFTER a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnPosition {
    First,
    After(Ident),
}

/// `SPLIT TABLE t [INDEX i] BETWEEN (..) AND (..) REGIONS n` and `... BY (..), (..)`: cut regions by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitTable {
    pub table: ObjectName,
    pub index: Option<Ident>,
    pub at: SplitAt,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SplitAt {
    Between { low: Vec<Expr>, high: Vec<Expr>, regions: u64 },
    By(Vec<Vec<Expr>>),
}
