//! Users and roles: names, CREATE, ALTER, DROP, RENAME.

use super::{Parsed, Parser};
use crate::ast::{
    Account, AlterUser, Authentication, AuthenticationSecret, CreateUser, PasswordOption, StatementKind,
    TlsRequirement, UserOptions, UserSpec,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// `'user'@'host'`, `user`, `CURRENT_USER[()]`, also `USER()`
    pub(super) fn account(&mut self) -> Parsed<Account> {
        let user_call = self.at_keyword(K::User) && self.next.is(TokenKind::OpenParen);
        if user_call || self.at_keyword(K::CurrentUser) {
            self.advance();
            if self.accept(TokenKind::OpenParen) {
                self.expect(TokenKind::CloseParen)?;
            }
            return Ok(Account::CurrentUser);
        }
        let user = self.ident_or_text()?.value;
        if !self.at(TokenKind::UserVariable) {
            return Ok(Account::Named { user, host: None });
        }
        // `@'host'` is one token, as a user variable is.
        let token = self.advance();
        let mut host = self.user_variable_name(token)?.into_string();
        // A lone `@`: the host may stand apart, or be empty.
        if token.end == token.start + 1 && (self.at_ident() || self.at(TokenKind::String)) {
            host = self.ident_or_text()?.value;
        }
        Ok(Account::Named { user, host: Some(host.to_ascii_lowercase()) })
    }

    fn accounts(&mut self) -> Parsed<Vec<Account>> {
        self.comma_separated(Self::account)
    }

    pub(super) fn create_user_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let users = self.comma_separated(Self::user_spec)?;
        let mut options = UserOptions::default();
        if self.accept_keywords(K::Default, K::Role) {
            options.default_roles = self.accounts()?;
        }
        self.user_options(&mut options)?;
        Ok(StatementKind::CreateUser(Box::new(CreateUser { if_not_exists, users, options })))
    }

    pub(super) fn alter_user_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let if_exists = self.if_exists()?;
        let users = self.comma_separated(Self::user_spec)?;
        let mut options = UserOptions::default();
        if self.at_keyword(K::Default) && self.next_is(K::Role) {
            return self.unsupported("ALTER USER ... DEFAULT ROLE");
        }
        self.user_options(&mut options)?;
        Ok(StatementKind::AlterUser(Box::new(AlterUser { if_exists, users, options })))
    }

    /// `account [IDENTIFIED ...]`
    fn user_spec(&mut self) -> Parsed<UserSpec> {
        let account = self.account()?;
        let authentication =
            if self.accept_keyword(K::Identified) { Some(self.authentication()?) } else { None };
        Ok(UserSpec { account, authentication })
    }

    fn authentication(&mut self) -> Parsed<Authentication> {
        let plugin = if self.accept_keyword(K::With) { Some(self.ident_or_text()?.value) } else { None };
        let secret = if self.accept_keyword(K::By) {
            if self.accept_keywords(K::Random, K::Password) {
                AuthenticationSecret::Random
            } else {
                AuthenticationSecret::Password(self.string()?)
            }
        } else if plugin.is_some() && self.accept_keyword(K::As) {
            AuthenticationSecret::Hash(self.text_string()?.into_vec())
        } else if plugin.is_some() {
            AuthenticationSecret::None
        } else {
            return self.unexpected();
        };
        let replace = if self.accept_keyword(K::Replace) { Some(self.string()?) } else { None };
        let retain_current = self.retain_current()?;
        Ok(Authentication { plugin, secret, replace, retain_current })
    }

    fn user_options(&mut self, options: &mut UserOptions) -> Parsed<()> {
        if self.accept_keyword(K::Require) {
            options.require = Some(self.tls_requirement()?);
        }
        if self.accept_keyword(K::With) {
            while matches!(
                self.keyword(),
                Some(
                    K::MaxQueriesPerHour
                        | K::MaxUpdatesPerHour
                        | K::MaxConnectionsPerHour
                        | K::MaxUserConnections
                )
            ) {
                let name = self.ident()?;
                options.limits.push((name, self.integer()?));
            }
            if options.limits.is_empty() {
                return self.unexpected();
            }
        }
        loop {
            match self.keyword() {
                Some(K::Password) => {
                    self.advance();
                    let option = self.password_option()?;
                    options.password.push(option);
                }
                Some(K::FailedLoginAttempts) => {
                    self.advance();
                    options.password.push(PasswordOption::FailedLoginAttempts(self.integer()?));
                }
                Some(K::PasswordLockTime) => {
                    self.advance();
                    let days = if self.accept_keyword(K::Unbounded) { None } else { Some(self.integer()?) };
                    options.password.push(PasswordOption::LockDays(days));
                }
                Some(K::Account) => {
                    self.advance();
                    options.locked = Some(self.choose(&[("LOCK", true), ("UNLOCK", false)])?);
                }
                Some(K::Comment) => {
                    self.advance();
                    options.comment = Some(self.string()?);
                    return Ok(());
                }
                Some(K::Attribute) => {
                    self.advance();
                    options.attribute = Some(self.string()?);
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
    }

    fn tls_requirement(&mut self) -> Parsed<TlsRequirement> {
        if self.accept_keyword(K::None) {
            return Ok(TlsRequirement::None);
        }
        if self.accept_keyword(K::Ssl) {
            return Ok(TlsRequirement::Ssl);
        }
        if self.accept_keyword(K::X509) {
            return Ok(TlsRequirement::X509);
        }
        let (mut subject, mut issuer, mut cipher) = (None, None, None);
        loop {
            let slot = match self.keyword() {
                Some(K::Subject) => &mut subject,
                Some(K::Issuer) => &mut issuer,
                Some(K::Cipher) => &mut cipher,
                _ => break,
            };
            self.advance();
            *slot = Some(self.string()?);
            self.accept_keyword(K::And);
        }
        if subject.is_none() && issuer.is_none() && cipher.is_none() {
            return self.unexpected();
        }
        Ok(TlsRequirement::Specific { subject, issuer, cipher })
    }

    /// Behind PASSWORD.
    fn password_option(&mut self) -> Parsed<PasswordOption> {
        if self.accept_keyword(K::Expire) {
            if self.accept_keyword(K::Default) {
                return Ok(PasswordOption::ExpireDefault);
            }
            if self.accept_keyword(K::Never) {
                return Ok(PasswordOption::ExpireNever);
            }
            if self.accept_keyword(K::Interval) {
                let days = self.integer()?;
                self.expect_keyword(K::Day)?;
                return Ok(PasswordOption::ExpireDays(days));
            }
            return Ok(PasswordOption::Expire);
        }
        if self.accept_keyword(K::History) {
            return self.integer_or_default().map(PasswordOption::History);
        }
        if self.accept_keyword(K::Reuse) {
            self.expect_keyword(K::Interval)?;
            let days = self.integer_or_default()?;
            if days.is_some() {
                self.expect_keyword(K::Day)?;
            }
            return Ok(PasswordOption::ReuseDays(days));
        }
        self.expect_keywords(&[K::Require, K::Current])?;
        if self.accept_keyword(K::Default) {
            return Ok(PasswordOption::RequireCurrent(None));
        }
        let optional = self.accept_keyword(K::Optional);
        Ok(PasswordOption::RequireCurrent(Some(!optional)))
    }

    fn integer_or_default(&mut self) -> Parsed<Option<u64>> {
        if self.accept_keyword(K::Default) { Ok(None) } else { self.integer().map(Some) }
    }

    pub(super) fn drop_user_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let if_exists = self.if_exists()?;
        Ok(StatementKind::DropUser { if_exists, users: self.accounts()? })
    }

    pub(super) fn rename_user_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let pairs = self.comma_separated(|parser| {
            let from = parser.account()?;
            parser.expect_keyword(K::To)?;
            Ok((from, parser.account()?))
        })?;
        Ok(StatementKind::RenameUser(pairs))
    }

    pub(super) fn create_role_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        Ok(StatementKind::CreateRole { if_not_exists, roles: self.accounts()? })
    }

    pub(super) fn drop_role_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let if_exists = self.if_exists()?;
        Ok(StatementKind::DropRole { if_exists, roles: self.accounts()? })
    }
}
