//! ALTER TABLE.

use super::{
    CheckDef, ColumnDef, ColumnPosition, DefaultValue, ForeignKeyDef, Ident, IndexDef, ObjectName,
    OnlineOptions, OrderItem, PartitionDef, Partitioning, TableOption,
};

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTable {
    pub table: ObjectName,
    /// In the order written; may be empty.
    pub actions: Vec<AlterAction>,
    pub online: OnlineOptions,
    /// `WITH VALIDATION` / `WITHOUT VALIDATION`
    pub validation: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// `ADD [COLUMN] a INT FIRST`; the parenthesised form is one action per column
    AddColumn {
        column: ColumnDef,
        position: Option<ColumnPosition>,
    },
    AddIndex(IndexDef),
    AddForeignKey(ForeignKeyDef),
    AddCheck(CheckDef),
    DropColumn(Ident),
    DropIndex(Ident),
    DropPrimaryKey,
    DropForeignKey(Ident),
    DropCheck(Ident),
    /// `DROP CONSTRAINT name` of whatever kind
    DropConstraint(Ident),
    /// `CHANGE old new type`
    ChangeColumn {
        old: Ident,
        column: ColumnDef,
        position: Option<ColumnPosition>,
    },
    ModifyColumn {
        column: ColumnDef,
        position: Option<ColumnPosition>,
    },
    RenameColumn {
        from: Ident,
        to: Ident,
    },
    RenameIndex {
        from: Ident,
        to: Ident,
    },
    RenameTable(ObjectName),
    SetDefault {
        column: Ident,
        default: DefaultValue,
    },
    DropDefault(Ident),
    SetColumnVisible {
        column: Ident,
        visible: bool,
    },
    SetIndexVisible {
        index: Ident,
        visible: bool,
    },
    /// `ALTER CHECK|CONSTRAINT name [NOT] ENFORCED`; `check` says which word
    SetEnforced {
        name: Ident,
        enforced: bool,
        check: bool,
    },
    ConvertCharset {
        charset: Option<Ident>,
        collation: Option<Ident>,
    },
    Option(TableOption),
    OrderBy(Vec<OrderItem>),
    EnableKeys,
    DisableKeys,
    Force,
    DiscardTablespace,
    ImportTablespace,
    SecondaryLoad,
    SecondaryUnload,
    Partition(PartitionAction),
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionAction {
    /// `PARTITION BY ...`
    Repartition(Partitioning),
    Remove,
    Add(Vec<PartitionDef>),
    /// `ADD PARTITION PARTITIONS n`
    AddCount(u64),
    Drop(Vec<Ident>),
    Truncate(PartitionNames),
    Coalesce(u64),
    /// `None`: REORGANIZE PARTITION without a list
    Reorganize(Option<(Vec<Ident>, Vec<PartitionDef>)>),
    Exchange {
        partition: Ident,
        table: ObjectName,
        validation: Option<bool>,
    },
    Analyze(PartitionNames),
    Check(PartitionNames),
    Optimize(PartitionNames),
    Rebuild(PartitionNames),
    Repair(PartitionNames),
    Discard(PartitionNames),
    Import(PartitionNames),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionNames {
    All,
    Names(Vec<Ident>),
}
