//! SET in all its forms.

use super::{Parsed, Parser};
use crate::ast::{
    AuthenticationSecret, Expr, ExprKind, RoleSet, SetDefaultRole, SetItem, SetPassword, SetValue,
    StatementKind, VariableScope,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn set_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        match self.keyword() {
            Some(K::Password) if !matches!(self.next.kind, TokenKind::Dot) => return self.set_password(),
            Some(K::Role) if !matches!(self.next.kind, TokenKind::Equal | TokenKind::Assign) => {
                self.advance();
                return self.role_set(true).map(StatementKind::SetRole);
            }
            Some(K::Default) if self.next_is(K::Role) => return self.set_default_role(),
            Some(K::Resource) if self.next_is(K::Group) => return self.unsupported("SET RESOURCE GROUP"),
            _ => {}
        }
        if let Some(item) = self.set_transaction()? {
            return Ok(StatementKind::Set(vec![item]));
        }
        self.comma_separated(Self::set_item).map(StatementKind::Set)
    }

    /// `[GLOBAL|SESSION] TRANSACTION ...`, which stands alone.
    fn set_transaction(&mut self) -> Parsed<Option<SetItem>> {
        let scope = self.variable_scope();
        match scope {
            Some(_) if self.next_is(K::Transaction) => {
                self.advance();
            }
            None if self.at_keyword(K::Transaction)
                && matches!(self.next.kind, TokenKind::Keyword(K::Isolation | K::Read)) => {}
            _ => return Ok(None),
        }
        self.advance();
        let characteristics = self.transaction_characteristics()?;
        Ok(Some(SetItem::Transaction { scope, characteristics }))
    }

    fn set_item(&mut self) -> Parsed<SetItem> {
        if self.at(TokenKind::UserVariable) {
            let name = self.expect_user_variable()?;
            self.assign_sign()?;
            return Ok(SetItem::User { name, value: self.expr()? });
        }
        if self.at(TokenKind::AtAt) {
            let variable = self.system_variable_name()?;
            self.assign_sign()?;
            let value = self.set_value()?;
            return Ok(SetItem::System {
                scope: variable.scope,
                component: variable.component,
                name: variable.name,
                value,
            });
        }
        if let Some(item) = self.charset_item()? {
            return Ok(item);
        }
        let scope = self.item_scope();
        let first = self.ident()?;
        let (component, name) =
            if self.accept(TokenKind::Dot) { (Some(first), self.ident()?) } else { (None, first) };
        self.assign_sign()?;
        Ok(SetItem::System { scope, component, name, value: self.set_value()? })
    }

    /// A scope word in front of a name; these words are no variable names.
    fn item_scope(&mut self) -> Option<VariableScope> {
        let scope = self.variable_scope()?;
        self.advance();
        Some(scope)
    }

    fn assign_sign(&mut self) -> Parsed<()> {
        if self.accept(TokenKind::Assign) {
            return Ok(());
        }
        self.expect(TokenKind::Equal).map(|_| ())
    }

    /// `NAMES ...`, `CHARACTER SET ...`, `CHARSET ...`
    fn charset_item(&mut self) -> Parsed<Option<SetItem>> {
        if self.at_keyword(K::Names) && !matches!(self.next.kind, TokenKind::Equal | TokenKind::Assign) {
            self.advance();
            if self.accept_keyword(K::Default) {
                return Ok(Some(SetItem::Names { charset: None, collation: None }));
            }
            let charset = Some(self.charset_name()?.value);
            let collation =
                if self.accept_keyword(K::Collate) { Some(self.charset_name()?.value) } else { None };
            return Ok(Some(SetItem::Names { charset, collation }));
        }
        let assigned =
            self.at_keyword(K::Charset) && matches!(self.next.kind, TokenKind::Equal | TokenKind::Assign);
        if assigned || !self.accept_charset_words() {
            return Ok(None);
        }
        let charset = if self.accept_keyword(K::Default) { None } else { Some(self.charset_name()?.value) };
        Ok(Some(SetItem::CharacterSet(charset)))
    }

    /// An expression, DEFAULT, or one of the words that are values only here.
    fn set_value(&mut self) -> Parsed<SetValue> {
        match self.keyword() {
            Some(K::Default) if !self.next.is(TokenKind::OpenParen) => {
                self.advance();
                return Ok(SetValue::Default);
            }
            Some(K::On | K::All | K::Row | K::System) if !self.next.is(TokenKind::OpenParen) => {
                let token = self.advance();
                return self.ident_of(token).map(SetValue::Word);
            }
            Some(K::Binary)
                if matches!(self.next.kind, TokenKind::Comma | TokenKind::End | TokenKind::Semicolon) =>
            {
                let token = self.advance();
                return self.ident_of(token).map(SetValue::Word);
            }
            _ => {}
        }
        Ok(match self.expr()? {
            Expr { kind: ExprKind::Column(column), .. } if column.table.is_none() => {
                SetValue::Word(column.column)
            }
            expr => SetValue::Expr(expr),
        })
    }

    /// `PASSWORD [FOR user] = 'x' | TO RANDOM [REPLACE 'y'] [RETAIN CURRENT PASSWORD]`
    fn set_password(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let account = if self.accept_keyword(K::For) { Some(self.account()?) } else { None };
        let secret = if self.accept_keywords(K::To, K::Random) {
            AuthenticationSecret::Random
        } else {
            self.assign_sign()?;
            AuthenticationSecret::Password(self.string()?)
        };
        let replace = if self.accept_keyword(K::Replace) { Some(self.string()?) } else { None };
        let retain_current = self.retain_current()?;
        let password = SetPassword { account, secret, replace, retain_current };
        Ok(StatementKind::SetPassword(Box::new(password)))
    }

    /// `RETAIN CURRENT PASSWORD`
    pub(super) fn retain_current(&mut self) -> Parsed<bool> {
        if !self.accept_keyword(K::Retain) {
            return Ok(false);
        }
        self.expect_keywords(&[K::Current, K::Password])?;
        Ok(true)
    }

    /// `DEFAULT`, `NONE`, `ALL [EXCEPT roles]`, or roles
    fn role_set(&mut self, default_allowed: bool) -> Parsed<RoleSet> {
        if default_allowed && self.accept_keyword(K::Default) {
            return Ok(RoleSet::Default);
        }
        if self.accept_keyword(K::None) {
            return Ok(RoleSet::None);
        }
        if self.accept_keyword(K::All) {
            if default_allowed && self.accept_keyword(K::Except) {
                return self.comma_separated(Self::account).map(RoleSet::AllExcept);
            }
            return Ok(RoleSet::All);
        }
        self.comma_separated(Self::account).map(RoleSet::Roles)
    }

    fn set_default_role(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let roles = self.role_set(false)?;
        self.expect_keyword(K::To)?;
        let to = self.comma_separated(Self::account)?;
        Ok(StatementKind::SetDefaultRole(Box::new(SetDefaultRole { roles, to })))
    }
}
