//! SET of variables.

use super::{Expr, Ident, TransactionCharacteristics, VariableScope};

/// One part of a SET list, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum SetItem {
    /// `name = v`, `SESSION name = v`, `@@GLOBAL.name = v`
    System {
        /// `None` means the session, or a local variable inside a routine. A scope written before one item of a list
        /// (`SET GLOBAL a=1, b=2`) holds for that item only.
        scope: Option<VariableScope>,
        /// Component, key cache, `NEW` or `OLD`, as in `SET NEW.a = 1`.
        component: Option<Ident>,
        name: Ident,
        value: SetValue,
    },
    /// `@name = v`, name without `@`
    User { name: Box<str>, value: Expr },
    /// `NAMES charset [COLLATE c]`; charset `None` is DEFAULT
    Names { charset: Option<String>, collation: Option<String> },
    /// `CHARACTER SET charset`; `None` is DEFAULT
    CharacterSet(Option<String>),
    /// `[scope] TRANSACTION ...`: alone in its statement; scope `None` is the next transaction only
    Transaction { scope: Option<VariableScope>, characteristics: TransactionCharacteristics },
}

#[derive(Clone, Debug, PartialEq)]
pub enum SetValue {
    Default,
    /// A single word: `ON`, `OFF`, `ANSI_QUOTES`, `utf8mb4`, `SYSTEM`: a string to a system variable, a name to a local.
    Word(Ident),
    Expr(Expr),
}
