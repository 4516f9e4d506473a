//! Transactions, savepoints, table locks.

use super::{Parsed, Parser};
use crate::ast::{
    Begin, Completion, IsolationLevel, LockedTable, StatementKind, TableLockMode, TransactionCharacteristics,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn transaction_statement(&mut self) -> Parsed<StatementKind> {
        let keyword = self.keyword();
        self.advance();
        match keyword {
            Some(K::Begin) => {
                self.accept_keyword(K::Work);
                Ok(StatementKind::Begin(Begin::default()))
            }
            Some(K::Start) => self.start_transaction(),
            Some(K::Commit) => {
                self.accept_keyword(K::Work);
                self.completion().map(StatementKind::Commit)
            }
            Some(K::Rollback) => self.rollback(),
            Some(K::Savepoint) => self.ident().map(StatementKind::Savepoint),
            Some(K::Release) => {
                self.expect_keyword(K::Savepoint)?;
                self.ident().map(StatementKind::ReleaseSavepoint)
            }
            Some(K::Lock) => self.lock(),
            _ => self.unlock(),
        }
    }

    fn start_transaction(&mut self) -> Parsed<StatementKind> {
        if matches!(self.keyword(), Some(K::Replica | K::Slave | K::GroupReplication)) {
            let feature = if self.at_keyword(K::GroupReplication) {
                "START GROUP_REPLICATION"
            } else {
                "START REPLICA"
            };
            return self.unsupported(feature);
        }
        self.expect_keyword(K::Transaction)?;
        let mut begin = Begin::default();
        if !matches!(self.keyword(), Some(K::Read | K::With)) {
            return Ok(StatementKind::Begin(begin));
        }
        self.comma_separated(|parser| {
            if parser.accept_keyword(K::With) {
                begin.consistent_snapshot = true;
                return parser.expect_keywords(&[K::Consistent, K::Snapshot]);
            }
            let read_only = parser.access_mode()?;
            if begin.read_only.is_some_and(|earlier| earlier != read_only) {
                return parser.unexpected();
            }
            begin.read_only = Some(read_only);
            Ok(())
        })?;
        Ok(StatementKind::Begin(begin))
    }

    /// `READ ONLY` / `READ WRITE`
    fn access_mode(&mut self) -> Parsed<bool> {
        self.expect_keyword(K::Read)?;
        self.choose(&[("ONLY", true), ("WRITE", false)])
    }

    fn rollback(&mut self) -> Parsed<StatementKind> {
        self.accept_keyword(K::Work);
        if self.accept_keyword(K::To) {
            self.accept_keyword(K::Savepoint);
            return self.ident().map(StatementKind::RollbackToSavepoint);
        }
        self.completion().map(StatementKind::Rollback)
    }

    /// `[AND [NO] CHAIN] [[NO] RELEASE]`
    fn completion(&mut self) -> Parsed<Completion> {
        let mut completion = Completion::default();
        let end = self.token.start;
        if self.accept_keyword(K::And) {
            let no = self.accept_keyword(K::No);
            self.expect_keyword(K::Chain)?;
            completion.chain = Some(!no);
        }
        if self.accept_keywords(K::No, K::Release) {
            completion.release = Some(false);
        } else if self.accept_keyword(K::Release) {
            completion.release = Some(true);
        }
        if completion.chain == Some(true) && completion.release == Some(true) {
            return Err(self.syntax_error(end));
        }
        Ok(completion)
    }

    fn lock(&mut self) -> Parsed<StatementKind> {
        if self.accept_keyword(K::Instance) {
            self.expect_keywords(&[K::For, K::Backup])?;
            return Ok(StatementKind::LockInstance);
        }
        if !self.accept_keyword(K::Tables) {
            self.expect_keyword(K::Table)?;
        }
        let tables = self.comma_separated(|parser| {
            let table = parser.object_name()?;
            // READ and WRITE are reserved, LOW_PRIORITY too, so no alias can be one.
            let alias = parser.table_alias()?;
            let mode = if parser.accept_keyword(K::Read) {
                if parser.accept_keyword(K::Local) { TableLockMode::ReadLocal } else { TableLockMode::Read }
            } else {
                parser.accept_keyword(K::LowPriority);
                parser.expect_keyword(K::Write)?;
                TableLockMode::Write
            };
            Ok(LockedTable { table, alias, mode })
        })?;
        Ok(StatementKind::LockTables(tables))
    }

    fn unlock(&mut self) -> Parsed<StatementKind> {
        if self.accept_keyword(K::Instance) {
            return Ok(StatementKind::UnlockInstance);
        }
        if !self.accept_keyword(K::Tables) {
            self.expect_keyword(K::Table)?;
        }
        Ok(StatementKind::UnlockTables)
    }

    /// Behind `SET [scope] TRANSACTION`.
    pub(super) fn transaction_characteristics(&mut self) -> Parsed<TransactionCharacteristics> {
        let mut characteristics = TransactionCharacteristics::default();
        loop {
            if self.at_keyword(K::Isolation) && characteristics.isolation.is_none() {
                self.advance();
                self.expect_keyword(K::Level)?;
                characteristics.isolation = Some(self.isolation_level()?);
            } else if self.at_keyword(K::Read) && characteristics.read_only.is_none() {
                characteristics.read_only = Some(self.access_mode()?);
            } else {
                return self.unexpected();
            }
            if !self.accept(TokenKind::Comma) {
                return Ok(characteristics);
            }
        }
    }

    fn isolation_level(&mut self) -> Parsed<IsolationLevel> {
        if self.accept_keyword(K::Serializable) {
            return Ok(IsolationLevel::Serializable);
        }
        if self.accept_keyword(K::Repeatable) {
            self.expect_keyword(K::Read)?;
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect_keyword(K::Read)?;
        self.choose(&[
            ("UNCOMMITTED", IsolationLevel::ReadUncommitted),
            ("COMMITTED", IsolationLevel::ReadCommitted),
        ])
    }
}
