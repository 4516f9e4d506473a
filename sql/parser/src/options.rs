//! What the caller decides about parsing: `sql_mode`, placeholders, several statements, limits.
//!
//! Only the `sql_mode` flags that change the grammar are named here; the bits are MySQL's own, so a full `sql_mode`
//! value can be passed unmasked.

/// The server version that `/*!NNNNN ... */` comments are compared with: 8.0.36.
pub const VERSION_ID: u32 = 80036;

/// The `sql_mode` bits, at MySQL's positions (`sql/sql_const.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SqlMode(pub u64);

impl SqlMode {
    /// `REAL` is `FLOAT` instead of `DOUBLE`.
    pub const REAL_AS_FLOAT: SqlMode = SqlMode(1);
    /// `||` concatenates, at the precedence above `^`, instead of being `OR`.
    pub const PIPES_AS_CONCAT: SqlMode = SqlMode(1 << 1);
    /// `"x"` is an identifier.
    pub const ANSI_QUOTES: SqlMode = SqlMode(1 << 2);
    /// Blanks may stand between a built-in function's name and its parenthesis.
    pub const IGNORE_SPACE: SqlMode = SqlMode(1 << 3);
    /// Backslash is an ordinary character in strings.
    pub const NO_BACKSLASH_ESCAPES: SqlMode = SqlMode(1 << 20);
    /// `NOT` binds like `!`.
    pub const HIGH_NOT_PRECEDENCE: SqlMode = SqlMode(1 << 29);

    pub fn contains(self, other: SqlMode) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for SqlMode {
    type Output = SqlMode;
    fn bitor(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 | other.0)
    }
}

/// Bounds on the shape of a statement; whoever walks the tree by recursion may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Parentheses, function calls, unary operators and the like inside one another.
    pub nesting: u32,
    /// Height of an expression tree. `AND` and `OR` chains are flat ([`crate::ast::ExprKind::Logical`]) and count as
    /// one level whatever their length; `1+1+...` is one level per operator.
    pub height: u32,
    /// Queries inside one another; MySQL's own limit is 63.
    pub query_nesting: u32,
    /// Set operation branches and tables joined in one chain.
    pub branches: u32,
    /// Tokens of one statement: the tree takes memory for each of them, and no other part of it grows.
    pub tokens: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { nesting: 200, height: 1000, query_nesting: 63, branches: 1000, tokens: u32::MAX }
    }
}

/// See the fields. `Default` is one plain statement text: no placeholders, several statements allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseOptions {
    pub sql_mode: SqlMode,
    /// `?` is a parameter (the text of a PREPARE); otherwise it is a syntax error, as in MySQL.
    pub placeholders: bool,
    /// Several statements separated by `;`; otherwise anything after the first `;` is a syntax error.
    pub multi_statements: bool,
    pub limits: Limits,
}

impl Default for ParseOptions {
    fn default() -> ParseOptions {
        ParseOptions {
            sql_mode: SqlMode::default(),
            placeholders: false,
            multi_statements: true,
            limits: Limits::default(),
        }
    }
}
