//! GRANT and REVOKE of privileges and roles.

use super::{Parsed, Parser};
use crate::ast::{
    Account, Grant, GrantRoles, GrantTarget, Ident, ObjectName, Privilege, Revoke, RevokeRoles, StatementKind,
};
use crate::lexer::{Keyword as K, TokenKind};

/// Static privileges of several words, longest first where one starts another.
const LONG_PRIVILEGES: [&[&str]; 12] = [
    &["CREATE", "TEMPORARY", "TABLES"],
    &["CREATE", "ROUTINE"],
    &["CREATE", "TABLESPACE"],
    &["CREATE", "USER"],
    &["CREATE", "VIEW"],
    &["CREATE", "ROLE"],
    &["DROP", "ROLE"],
    &["ALTER", "ROUTINE"],
    &["LOCK", "TABLES"],
    &["SHOW", "DATABASES"],
    &["SHOW", "VIEW"],
    &["GRANT", "OPTION"],
];

/// Static privileges of one word; other single words are dynamic privileges or roles.
const SHORT_PRIVILEGES: [K; 18] = [
    K::Select,
    K::Insert,
    K::Update,
    K::Delete,
    K::Create,
    K::Drop,
    K::Alter,
    K::Index,
    K::References,
    K::Usage,
    K::Reload,
    K::Shutdown,
    K::Process,
    K::File,
    K::Super,
    K::Execute,
    K::Event,
    K::Trigger,
];

/// One entry of a GRANT or REVOKE list, before it is known whether privileges or roles are meant.
enum Entry {
    Privilege(Privilege),
    /// A dynamic privilege or a role.
    Name(Account),
}

impl Parser<'_> {
    pub(super) fn grant_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.accept_keyword(K::Proxy) {
            return self.unsupported("GRANT PROXY");
        }
        let entries = self.grant_entries()?;
        if self.accept_keyword(K::On) {
            let privileges = self.as_privileges(entries)?;
            let on = self.grant_target()?;
            self.expect_keyword(K::To)?;
            let to = self.comma_separated(Self::account)?;
            let grant_option = self.accept_keyword(K::With);
            if grant_option {
                self.expect_keywords(&[K::Grant, K::Option])?;
            }
            if self.at_keyword(K::As) {
                return self.unsupported("GRANT ... AS");
            }
            return Ok(StatementKind::Grant(Box::new(Grant { privileges, on, to, grant_option })));
        }
        let roles = self.as_roles(entries)?;
        self.expect_keyword(K::To)?;
        let to = self.comma_separated(Self::account)?;
        let admin_option = self.accept_keyword(K::With);
        if admin_option {
            self.expect_keywords(&[K::Admin, K::Option])?;
        }
        Ok(StatementKind::GrantRoles(Box::new(GrantRoles { roles, to, admin_option })))
    }

    pub(super) fn revoke_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let if_exists = self.if_exists()?;
        if self.accept_keyword(K::Proxy) {
            return self.unsupported("REVOKE PROXY");
        }
        let entries = self.grant_entries()?;
        if self.accept_keyword(K::On) {
            let privileges = self.as_privileges(entries)?;
            let on = Some(self.grant_target()?);
            return self.revoke_tail(if_exists, privileges, on);
        }
        if entries.iter().any(|entry| matches!(entry, Entry::Privilege(_))) {
            let privileges = self.as_privileges(entries)?;
            let names: Vec<&str> = privileges.iter().map(|privilege| privilege.name.as_str()).collect();
            if names != ["ALL", "GRANT OPTION"] {
                return self.unexpected();
            }
            return self.revoke_tail(if_exists, privileges, None);
        }
        let roles = self.as_roles(entries)?;
        self.expect_keyword(K::From)?;
        let from = self.comma_separated(Self::account)?;
        let ignore_unknown_user = self.ignore_unknown_user()?;
        let revoke = RevokeRoles { if_exists, roles, from, ignore_unknown_user };
        Ok(StatementKind::RevokeRoles(Box::new(revoke)))
    }

    fn revoke_tail(
        &mut self,
        if_exists: bool,
        privileges: Vec<Privilege>,
        on: Option<GrantTarget>,
    ) -> Parsed<StatementKind> {
        self.expect_keyword(K::From)?;
        let from = self.comma_separated(Self::account)?;
        let ignore_unknown_user = self.ignore_unknown_user()?;
        let revoke = Revoke { if_exists, privileges, on, from, ignore_unknown_user };
        Ok(StatementKind::Revoke(Box::new(revoke)))
    }

    fn ignore_unknown_user(&mut self) -> Parsed<bool> {
        if !self.accept_keyword(K::Ignore) {
            return Ok(false);
        }
        self.expect_keywords(&[K::Unknown, K::User])?;
        Ok(true)
    }

    fn grant_entries(&mut self) -> Parsed<Vec<Entry>> {
        self.comma_separated(|parser| {
            let Some(name) = parser.static_privilege() else {
                return parser.account().map(Entry::Name);
            };
            let columns = parser.optional_column_names()?;
            Ok(Entry::Privilege(Privilege { name, columns }))
        })
    }

    fn static_privilege(&mut self) -> Option<String> {
        if self.accept_keyword(K::All) {
            self.accept_keyword(K::Privileges);
            return Some("ALL".into());
        }
        for words in LONG_PRIVILEGES {
            let third = words.get(2);
            let matches = self.at_word(words[0]) && self.next_is_word(words[1]);
            if matches
                && third.is_none_or(|word| self.slice(self.peek(2)).eq_ignore_ascii_case(word.as_bytes()))
            {
                for _ in words {
                    self.advance();
                }
                return Some(words.join(" "));
            }
        }
        if self.at_keyword(K::Replication) {
            for second in ["CLIENT", "SLAVE"] {
                if self.next_is_word(second) {
                    self.advance();
                    self.advance();
                    return Some(format!("REPLICATION {second}"));
                }
            }
        }
        let keyword = self.keyword().filter(|keyword| SHORT_PRIVILEGES.contains(keyword))?;
        if matches!(self.next.kind, TokenKind::UserVariable) {
            return None;
        }
        self.advance();
        Some(keyword.text().into())
    }

    fn as_privileges(&self, entries: Vec<Entry>) -> Parsed<Vec<Privilege>> {
        entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Privilege(privilege) => Ok(privilege),
                Entry::Name(Account::Named { user, host: None }) => {
                    Ok(Privilege { name: user.to_ascii_uppercase(), columns: Vec::new() })
                }
                Entry::Name(_) => self.unexpected(),
            })
            .collect()
    }

    fn as_roles(&self, entries: Vec<Entry>) -> Parsed<Vec<Account>> {
        entries
            .into_iter()
            .map(|entry| match entry {
                Entry::Name(account) => Ok(account),
                Entry::Privilege(_) => self.unexpected(),
            })
            .collect()
    }

    /// `*`, `*.*`, `db.*`, `[db.]t`, `PROCEDURE p`, `FUNCTION f`, `TABLE t`
    fn grant_target(&mut self) -> Parsed<GrantTarget> {
        if self.accept_keyword(K::Procedure) {
            return self.object_name().map(GrantTarget::Procedure);
        }
        if self.accept_keyword(K::Function) {
            return self.object_name().map(GrantTarget::Function);
        }
        self.accept_keyword(K::Table);
        if self.accept(TokenKind::Star) {
            if self.accept(TokenKind::Dot) {
                self.expect(TokenKind::Star)?;
                return Ok(GrantTarget::Global);
            }
            return Ok(GrantTarget::DefaultDatabase);
        }
        let first: Ident = self.ident()?;
        if !self.accept(TokenKind::Dot) {
            return Ok(GrantTarget::Table(ObjectName { database: None, name: first }));
        }
        if self.accept(TokenKind::Star) {
            return Ok(GrantTarget::Database(first));
        }
        Ok(GrantTarget::Table(ObjectName { database: Some(first), name: self.ident()? }))
    }
}
