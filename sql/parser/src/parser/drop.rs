//! DROP, RENAME TABLE, TRUNCATE, SPLIT.

use super::{Parsed, Parser};
use crate::ast::{
    DropDatabase, DropIndex, DropRoutine, DropTable, DropView, OnlineOptions, RenameTable, RoutineKind,
    SplitAt, SplitTable, StatementKind,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn drop_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        match keyword {
            K::Table | K::Tables | K::Temporary => self.drop_table(),
            K::Database | K::Schema => {
                self.advance();
                let if_exists = self.if_exists()?;
                let name = self.ident()?;
                Ok(StatementKind::DropDatabase(Box::new(DropDatabase { if_exists, name })))
            }
            K::View => {
                self.advance();
                let if_exists = self.if_exists()?;
                let views = self.comma_separated(Self::object_name)?;
                self.accept_drop_behaviour();
                Ok(StatementKind::DropView(Box::new(DropView { if_exists, views })))
            }
            K::Index => {
                self.advance();
                let name = self.index_name()?;
                self.expect_keyword(K::On)?;
                let table = self.object_name()?;
                let mut online = OnlineOptions::default();
                while self.online_option(&mut online)? {}
                Ok(StatementKind::DropIndex(Box::new(DropIndex { name, table, online })))
            }
            K::Procedure => self.drop_routine(RoutineKind::Procedure),
            K::Function => self.drop_routine(RoutineKind::Function),
            K::Trigger => self.drop_routine(RoutineKind::Trigger),
            K::Event => self.drop_routine(RoutineKind::Event),
            K::Prepare => {
                self.advance();
                Ok(StatementKind::Deallocate(self.ident()?))
            }
            K::User => self.drop_user_statement(),
            K::Role => self.drop_role_statement(),
            _ => self.drop_other(keyword),
        }
    }

    fn drop_table(&mut self) -> Parsed<StatementKind> {
        let temporary = self.accept_keyword(K::Temporary);
        if !self.accept_keyword(K::Tables) {
            self.expect_keyword(K::Table)?;
        }
        let if_exists = self.if_exists()?;
        let tables = self.comma_separated(Self::object_name)?;
        self.accept_drop_behaviour();
        Ok(StatementKind::DropTable(Box::new(DropTable { temporary, if_exists, tables })))
    }

    /// RESTRICT and CASCADE mean nothing in MySQL.
    fn accept_drop_behaviour(&mut self) {
        if !self.accept_keyword(K::Restrict) {
            self.accept_keyword(K::Cascade);
        }
    }

    fn drop_routine(&mut self, kind: RoutineKind) -> Parsed<StatementKind> {
        self.advance();
        let if_exists = self.if_exists()?;
        let name = self.object_name()?;
        Ok(StatementKind::DropRoutine(Box::new(DropRoutine { kind, if_exists, name })))
    }

    fn drop_other(&mut self, keyword: K) -> Parsed<StatementKind> {
        let feature = match keyword {
            K::Tablespace => "DROP TABLESPACE",
            K::Undo => "DROP UNDO TABLESPACE",
            K::Logfile => "DROP LOGFILE GROUP",
            K::Server => "DROP SERVER",
            K::Resource => "DROP RESOURCE GROUP",
            K::Spatial => "DROP SPATIAL REFERENCE SYSTEM",
            _ => return self.unexpected(),
        };
        self.advance();
        if self.at(TokenKind::End) || self.at(TokenKind::Semicolon) {
            return self.unexpected();
        }
        self.unsupported(feature)
    }

    pub(super) fn rename_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.at_keyword(K::User) {
            return self.rename_user_statement();
        }
        if !self.accept_keyword(K::Tables) {
            self.expect_keyword(K::Table)?;
        }
        let pairs = self.comma_separated(|parser| {
            let from = parser.object_name()?;
            parser.expect_keyword(K::To)?;
            Ok((from, parser.object_name()?))
        })?;
        Ok(StatementKind::RenameTable(Box::new(RenameTable { pairs })))
    }

    pub(super) fn truncate_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.accept_keyword(K::Table);
        Ok(StatementKind::TruncateTable(Box::new(self.object_name()?)))
    }

    /// `SPLIT TABLE t [INDEX i] BETWEEN (..) AND (..) REGIONS n` or `... BY (..), (..)`
    pub(super) fn split_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        self.expect_keyword(K::Table)?;
        let table = self.object_name()?;
        let index = if self.accept_keyword(K::Index) { Some(self.index_name()?) } else { None };
        let at = if self.accept_keyword(K::Between) {
            let low = self.parenthesized_exprs()?;
            self.expect_keyword(K::And)?;
            let high = self.parenthesized_exprs()?;
            self.expect_word("REGIONS")?;
            SplitAt::Between { low, high, regions: self.integer()? }
        } else {
            self.expect_keyword(K::By)?;
            SplitAt::By(self.comma_separated(Self::parenthesized_exprs)?)
        };
        Ok(StatementKind::SplitTable(Box::new(SplitTable { table, index, at })))
    }
}
