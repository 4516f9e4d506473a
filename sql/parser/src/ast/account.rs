//! Users, roles, privileges.

use super::{Expr, Ident, ObjectName};

/// A user or role.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// `CURRENT_USER[()]`; in ALTER USER also `USER()`
    CurrentUser,
    /// `'user'@'host'`; host `None` is `%`
    Named { user: String, host: Option<String> },
}

/// One user of CREATE USER or ALTER USER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSpec {
    pub account: Account,
    pub authentication: Option<Authentication>,
}

/// IDENTIFIED ...
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// `WITH plugin`
    pub plugin: Option<String>,
    pub secret: AuthenticationSecret,
    /// `REPLACE 'old'`
    pub replace: Option<String>,
    pub retain_current: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationSecret {
    None,
    /// `BY 'clear text'`
    Password(String),
    /// `BY RANDOM PASSWORD`
    Random,
    /// `AS 'stored form'`
    Hash(Vec<u8>),
}

/// What follows the user list of CREATE USER and ALTER USER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserOptions {
    pub default_roles: Vec<Account>,
    pub require: Option<TlsRequirement>,
    /// Limit names (MAX_USER_CONNECTIONS, ...) and values.
    pub limits: Vec<(Ident, u64)>,
    pub password: Vec<PasswordOption>,
    /// `ACCOUNT LOCK` / `UNLOCK`
    pub locked: Option<bool>,
    pub comment: Option<String>,
    pub attribute: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsRequirement {
    None,
    Ssl,
    X509,
    Specific { subject: Option<String>, issuer: Option<String>, cipher: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordOption {
    Expire,
    ExpireDefault,
    ExpireNever,
    ExpireDays(u64),
    /// `None` is DEFAULT. Likewise below.
    History(Option<u64>),
    ReuseDays(Option<u64>),
    /// `PASSWORD REQUIRE CURRENT [DEFAULT|OPTIONAL]`
    RequireCurrent(Option<bool>),
    FailedLoginAttempts(u64),
    /// `None` is UNBOUNDED
    LockDays(Option<u64>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateUser {
    pub if_not_exists: bool,
    pub users: Vec<UserSpec>,
    pub options: UserOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterUser {
    pub if_exists: bool,
    pub users: Vec<UserSpec>,
    pub options: UserOptions,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub privileges: Vec<Privilege>,
    pub on: GrantTarget,
    pub to: Vec<Account>,
    pub grant_option: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    pub if_exists: bool,
    pub privileges: Vec<Privilege>,
    /// `None`: `REVOKE ALL PRIVILEGES, GRANT OPTION FROM`
    pub on: Option<GrantTarget>,
    pub from: Vec<Account>,
    pub ignore_unknown_user: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Privilege {
    /// Upper case, words joined by one blank: `CREATE TEMPORARY TABLES`, `ALL`, `BACKUP_ADMIN`.
    pub name: String,
    pub columns: Vec<Ident>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantTarget {
    /// `*.*`
    Global,
    /// `*`: the default database
    DefaultDatabase,
    /// `db.*`
    Database(Ident),
    Table(ObjectName),
    Procedure(ObjectName),
    Function(ObjectName),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRoles {
    pub roles: Vec<Account>,
    pub to: Vec<Account>,
    pub admin_option: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeRoles {
    pub if_exists: bool,
    pub roles: Vec<Account>,
    pub from: Vec<Account>,
    pub ignore_unknown_user: bool,
}

/// `SET PASSWORD [FOR user] = 'x'` and `TO RANDOM`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPassword {
    pub account: Option<Account>,
    pub secret: AuthenticationSecret,
    pub replace: Option<String>,
    pub retain_current: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleSet {
    Default,
    None,
    All,
    AllExcept(Vec<Account>),
    Roles(Vec<Account>),
}

/// `SET DEFAULT ROLE ... TO users`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDefaultRole {
    pub roles: RoleSet,
    pub to: Vec<Account>,
}

/// `KILL [CONNECTION|QUERY] id`
#[derive(Clone, Debug, PartialEq)]
pub struct Kill {
    pub query_only: bool,
    pub id: Expr,
}
