//! The root: one statement of any kind.

use super::*;

/// One statement of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub kind: StatementKind,
    /// Without surrounding blanks, comments and the closing `;`.
    pub span: Span,
    /// Number of `?` in this statement.
    pub parameter_count: u32,
    /// How many tokens its tree was read from: what that takes is in proportion to them.
    pub tokens: u32,
    /// Names, operators and calls in it: what its plan takes is in proportion to them.
    pub operators: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// SELECT, VALUES, TABLE, WITH
    Query(Box<Query>),
    /// INSERT and REPLACE
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    LoadData(Box<LoadData>),
    Call(Box<CallProcedure>),
    Do(Vec<Expr>),

    CreateDatabase(Box<CreateDatabase>),
    AlterDatabase(Box<AlterDatabase>),
    DropDatabase(Box<DropDatabase>),
    CreateTable(Box<CreateTable>),
    AlterTable(Box<AlterTable>),
    DropTable(Box<DropTable>),
    RenameTable(Box<RenameTable>),
    TruncateTable(Box<ObjectName>),
    CreateIndex(Box<CreateIndex>),
    DropIndex(Box<DropIndex>),
    /// CREATE VIEW and ALTER VIEW
    CreateView(Box<CreateView>),
    DropView(Box<DropView>),
    DropRoutine(Box<DropRoutine>),
    SplitTable(Box<SplitTable>),

    Begin(Begin),
    Commit(Completion),
    Rollback(Completion),
    Savepoint(Ident),
    RollbackToSavepoint(Ident),
    ReleaseSavepoint(Ident),
    LockTables(Vec<LockedTable>),
    UnlockTables,
    LockInstance,
    UnlockInstance,

    Set(Vec<SetItem>),
    SetPassword(Box<SetPassword>),
    SetRole(RoleSet),
    SetDefaultRole(Box<SetDefaultRole>),
    Use(Ident),
    Show(Box<Show>),
    Explain(Box<Explain>),
    Prepare {
        name: Ident,
        source: PrepareSource,
    },
    Execute {
        name: Ident,
        using: Vec<Box<str>>,
    },
    /// DEALLOCATE PREPARE and DROP PREPARE
    Deallocate(Ident),
    Help(String),

    TableMaintenance(Box<TableMaintenance>),
    Flush(Box<Flush>),
    Kill(Box<Kill>),
    Shutdown,
    /// `RESTART`
    Restart,
    Admin(Box<Admin>),

    CreateUser(Box<CreateUser>),
    AlterUser(Box<AlterUser>),
    DropUser {
        if_exists: bool,
        users: Vec<Account>,
    },
    RenameUser(Vec<(Account, Account)>),
    CreateRole {
        if_not_exists: bool,
        roles: Vec<Account>,
    },
    DropRole {
        if_exists: bool,
        roles: Vec<Account>,
    },
    Grant(Box<Grant>),
    GrantRoles(Box<GrantRoles>),
    Revoke(Box<Revoke>),
    RevokeRoles(Box<RevokeRoles>),

    /// MySQL knows it, Rutile does not model it: answer 1235 with this name.
    Unsupported {
        feature: &'static str,
    },
}
