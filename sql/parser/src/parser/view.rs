//! CREATE VIEW and ALTER VIEW, and the words they share with CREATE of routines.

use super::{Parsed, Parser};
use crate::ast::{Account, CheckOption, CreateView, StatementKind, ViewAlgorithm};
use crate::lexer::{Keyword as K, TokenKind};

/// `[OR REPLACE] [ALGORITHM = x] [DEFINER = y] [SQL SECURITY z]`
#[derive(Default)]
struct Prefix {
    or_replace: bool,
    algorithm: Option<ViewAlgorithm>,
    definer: Option<Account>,
    security: Option<bool>,
}

impl Parser<'_> {
    pub(super) fn create_view_or_routine(&mut self) -> Parsed<StatementKind> {
        let alter = self.advance().is(TokenKind::Keyword(K::Alter));
        let prefix = self.view_prefix(alter)?;
        if self.at_keyword(K::View) {
            return self.view(alter, prefix);
        }
        let only_definer = !prefix.or_replace && prefix.algorithm.is_none() && prefix.security.is_none();
        if prefix.definer.is_none() || !only_definer {
            return self.unexpected();
        }
        if alter { self.alter_routine() } else { self.create_routine() }
    }

    fn view_prefix(&mut self, alter: bool) -> Parsed<Prefix> {
        let mut prefix =
            Prefix { or_replace: !alter && self.accept_keywords(K::Or, K::Replace), ..Prefix::default() };
        if self.accept_keyword(K::Algorithm) {
            self.expect(TokenKind::Equal)?;
            prefix.algorithm = Some(self.choose(&[
                ("UNDEFINED", ViewAlgorithm::Undefined),
                ("MERGE", ViewAlgorithm::Merge),
                ("TEMPTABLE", ViewAlgorithm::Temptable),
            ])?);
        }
        if self.accept_keyword(K::Definer) {
            self.expect(TokenKind::Equal)?;
            prefix.definer = Some(self.account()?);
        }
        if self.accept_keywords(K::Sql, K::Security) {
            prefix.security = Some(self.choose(&[("INVOKER", true), ("DEFINER", false)])?);
        }
        Ok(prefix)
    }

    fn view(&mut self, alter: bool, prefix: Prefix) -> Parsed<StatementKind> {
        self.expect_keyword(K::View)?;
        let if_not_exists = !alter && self.at_keyword(K::If);
        if if_not_exists {
            // MySQL 9 has it, 8.0 does not.
            return self.unexpected();
        }
        let name = self.object_name()?;
        let columns = self.optional_column_names()?;
        self.expect_keyword(K::As)?;
        let start = self.token.start;
        let query = Box::new(self.query(None)?);
        let text = self.source(start, self.previous_end);
        let check_option = self.check_option()?;
        let view = CreateView {
            alter,
            or_replace: prefix.or_replace,
            algorithm: prefix.algorithm,
            definer: prefix.definer,
            invoker_security: prefix.security.unwrap_or(false),
            name,
            columns,
            query,
            text,
            check_option,
        };
        Ok(StatementKind::CreateView(Box::new(view)))
    }

    /// `WITH [CASCADED|LOCAL] CHECK OPTION`
    fn check_option(&mut self) -> Parsed<Option<CheckOption>> {
        if !self.accept_keyword(K::With) {
            return Ok(None);
        }
        let option = if self.accept_keyword(K::Local) {
            CheckOption::Local
        } else {
            self.accept_keyword(K::Cascaded);
            CheckOption::Cascaded
        };
        self.expect_keywords(&[K::Check, K::Option])?;
        Ok(Some(option))
    }
}
