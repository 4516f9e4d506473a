//! SHOW.

use super::{Parsed, Parser};
use crate::ast::{EngineReport, Expr, Ident, Limit, ObjectName, Show, ShowFilter, ShowScope, StatementKind};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn show_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.at_word("COUNT") && self.next.is(TokenKind::OpenParen) {
            let show = self.show_count()?;
            return Ok(StatementKind::Show(Box::new(show)));
        }
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        let show = match keyword {
            K::Full => self.show_full()?,
            K::Extended => self.show_extended()?,
            K::Global | K::Session | K::Local => self.show_scoped(keyword)?,
            K::Create => self.show_create()?,
            K::Engine => self.show_engine()?,
            K::Table => self.show_table()?,
            K::Procedure | K::Function => self.show_routine(keyword)?,
            K::Binary | K::Master | K::Binlog | K::Relaylog | K::Replica | K::Replicas | K::Slave => {
                self.show_replication(keyword)?
            }
            K::Profile => self.show_profile()?,
            _ => self.show_plain(keyword)?,
        };
        Ok(StatementKind::Show(Box::new(show)))
    }

    /// Kinds that the first word decides.
    fn show_plain(&mut self, keyword: K) -> Parsed<Show> {
        self.advance();
        Ok(match keyword {
            K::Databases | K::Schemas => Show::Databases { filter: self.show_filter()? },
            K::Tables => self.show_tables(false, false)?,
            K::Columns | K::Fields => self.show_columns(false, false)?,
            K::Index | K::Indexes | K::Keys => self.show_index(false)?,
            K::Variables => Show::Variables { scope: ShowScope::Session, filter: self.show_filter()? },
            K::Status => Show::Status { scope: ShowScope::Session, filter: self.show_filter()? },
            K::Warnings => Show::Warnings { limit: self.optional_limit()? },
            K::Errors => Show::Errors { limit: self.optional_limit()? },
            K::Engines => Show::Engines,
            K::Storage => {
                self.expect_keyword(K::Engines)?;
                Show::Engines
            }
            K::Plugins => Show::Plugins,
            K::Processlist => Show::Processlist { full: false },
            K::Grants => self.show_grants()?,
            K::Privileges => Show::Privileges,
            K::Charset => Show::CharacterSet { filter: self.show_filter()? },
            K::Character | K::Char => {
                self.expect_keyword(K::Set)?;
                Show::CharacterSet { filter: self.show_filter()? }
            }
            K::Collation => Show::Collation { filter: self.show_filter()? },
            K::Triggers => {
                Show::Triggers { full: false, database: self.show_database()?, filter: self.show_filter()? }
            }
            K::Events => Show::Events { database: self.show_database()?, filter: self.show_filter()? },
            K::Open => {
                self.expect_keyword(K::Tables)?;
                Show::OpenTables { database: self.show_database()?, filter: self.show_filter()? }
            }
            K::Profiles => Show::Profiles,
            _ => return Err(self.syntax_error(self.previous_end - keyword.text().len() as u32)),
        })
    }

    fn show_full(&mut self) -> Parsed<Show> {
        self.advance();
        let keyword = self.keyword();
        match keyword {
            Some(K::Tables) => {
                self.advance();
                self.show_tables(false, true)
            }
            Some(K::Columns | K::Fields) => {
                self.advance();
                self.show_columns(false, true)
            }
            Some(K::Processlist) => {
                self.advance();
                Ok(Show::Processlist { full: true })
            }
            Some(K::Triggers) => {
                self.advance();
                Ok(Show::Triggers {
                    full: true,
                    database: self.show_database()?,
                    filter: self.show_filter()?,
                })
            }
            _ => self.unexpected(),
        }
    }

    fn show_extended(&mut self) -> Parsed<Show> {
        self.advance();
        let full = self.accept_keyword(K::Full);
        match self.keyword() {
            Some(K::Tables) => {
                self.advance();
                self.show_tables(true, full)
            }
            Some(K::Columns | K::Fields) => {
                self.advance();
                self.show_columns(true, full)
            }
            Some(K::Index | K::Indexes | K::Keys) if !full => {
                self.advance();
                self.show_index(true)
            }
            _ => self.unexpected(),
        }
    }

    fn show_scoped(&mut self, keyword: K) -> Parsed<Show> {
        self.advance();
        let scope = if keyword == K::Global { ShowScope::Global } else { ShowScope::Session };
        if self.accept_keyword(K::Variables) {
            return Ok(Show::Variables { scope, filter: self.show_filter()? });
        }
        self.expect_keyword(K::Status)?;
        Ok(Show::Status { scope, filter: self.show_filter()? })
    }

    /// `LIKE 'pattern'` or `WHERE expr`
    fn show_filter(&mut self) -> Parsed<Option<ShowFilter>> {
        if self.accept_keyword(K::Like) {
            return self.string().map(|pattern| Some(ShowFilter::Like(pattern)));
        }
        self.show_condition().map(|condition| condition.map(ShowFilter::Where))
    }

    fn show_condition(&mut self) -> Parsed<Option<Expr>> {
        if self.accept_keyword(K::Where) { self.expr().map(Some) } else { Ok(None) }
    }

    /// `FROM db` or `IN db`
    fn show_database(&mut self) -> Parsed<Option<Ident>> {
        if self.accept_keyword(K::From) || self.accept_keyword(K::In) {
            return self.ident().map(Some);
        }
        Ok(None)
    }

    /// `FROM t [FROM db]`
    fn show_of_table(&mut self) -> Parsed<ObjectName> {
        if !self.accept_keyword(K::From) {
            self.expect_keyword(K::In)?;
        }
        let mut table = self.object_name()?;
        if let Some(database) = self.show_database()? {
            table.database = Some(database);
        }
        Ok(table)
    }

    fn show_tables(&mut self, extended: bool, full: bool) -> Parsed<Show> {
        Ok(Show::Tables { extended, full, database: self.show_database()?, filter: self.show_filter()? })
    }

    fn show_columns(&mut self, extended: bool, full: bool) -> Parsed<Show> {
        Ok(Show::Columns { extended, full, table: self.show_of_table()?, filter: self.show_filter()? })
    }

    fn show_index(&mut self, extended: bool) -> Parsed<Show> {
        Ok(Show::Index { extended, table: self.show_of_table()?, condition: self.show_condition()? })
    }

    fn show_create(&mut self) -> Parsed<Show> {
        self.advance();
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        self.advance();
        Ok(match keyword {
            K::Table => Show::CreateTable(self.object_name()?),
            K::View => Show::CreateView(self.object_name()?),
            K::Database | K::Schema => {
                Show::CreateDatabase { if_not_exists: self.if_not_exists()?, name: self.ident()? }
            }
            K::User => Show::CreateUser(self.account()?),
            K::Trigger => Show::CreateTrigger(self.object_name()?),
            K::Procedure => Show::CreateProcedure(self.object_name()?),
            K::Function => Show::CreateFunction(self.object_name()?),
            K::Event => Show::CreateEvent(self.object_name()?),
            _ => return Err(self.syntax_error(self.previous_end - keyword.text().len() as u32)),
        })
    }

    /// `COUNT(*) WARNINGS` / `COUNT(*) ERRORS`
    fn show_count(&mut self) -> Parsed<Show> {
        self.advance();
        self.expect(TokenKind::OpenParen)?;
        self.expect(TokenKind::Star)?;
        self.expect(TokenKind::CloseParen)?;
        if self.accept_keyword(K::Warnings) {
            return Ok(Show::CountWarnings);
        }
        self.expect_keyword(K::Errors)?;
        Ok(Show::CountErrors)
    }

    fn show_engine(&mut self) -> Parsed<Show> {
        self.advance();
        let name = if self.accept_keyword(K::All) { "ALL".to_string() } else { self.ident_or_text()?.value };
        let what = self.choose(&[
            ("STATUS", EngineReport::Status),
            ("MUTEX", EngineReport::Mutex),
            ("LOGS", EngineReport::Logs),
        ])?;
        Ok(Show::Engine { name, what })
    }

    /// `TABLE STATUS`, `TABLE t REGIONS`
    fn show_table(&mut self) -> Parsed<Show> {
        self.advance();
        if self.at_keyword(K::Status) && !self.next_is_word("REGIONS") {
            self.advance();
            return Ok(Show::TableStatus { database: self.show_database()?, filter: self.show_filter()? });
        }
        let table = self.object_name()?;
        let index = if self.accept_keyword(K::Index) { Some(self.index_name()?) } else { None };
        self.expect_word("REGIONS")?;
        Ok(Show::TableRegions { table, index })
    }

    fn show_grants(&mut self) -> Parsed<Show> {
        let mut using = Vec::new();
        let account = if self.accept_keyword(K::For) {
            let account = self.account()?;
            if self.accept_keyword(K::Using) {
                using = self.comma_separated(Self::account)?;
            }
            Some(account)
        } else {
            None
        };
        Ok(Show::Grants { account, using })
    }

    fn show_routine(&mut self, keyword: K) -> Parsed<Show> {
        self.advance();
        let procedure = keyword == K::Procedure;
        if self.accept_keyword(K::Code) {
            let name = self.object_name()?;
            return Ok(if procedure { Show::ProcedureCode(name) } else { Show::FunctionCode(name) });
        }
        self.expect_keyword(K::Status)?;
        let filter = self.show_filter()?;
        Ok(if procedure { Show::ProcedureStatus { filter } } else { Show::FunctionStatus { filter } })
    }

    fn show_replication(&mut self, keyword: K) -> Parsed<Show> {
        self.advance();
        match keyword {
            K::Binary => {
                if self.accept_keywords(K::Log, K::Status) {
                    return Ok(Show::BinaryLogStatus);
                }
                self.expect_keyword(K::Logs)?;
                Ok(Show::BinaryLogs)
            }
            K::Master => {
                if self.accept_keyword(K::Status) {
                    return Ok(Show::BinaryLogStatus);
                }
                self.expect_keyword(K::Logs)?;
                Ok(Show::BinaryLogs)
            }
            K::Binlog | K::Relaylog => self.show_binlog_events(keyword == K::Relaylog),
            K::Replicas => Ok(Show::Replicas),
            _ => {
                if keyword == K::Slave && self.accept_keyword(K::Hosts) {
                    return Ok(Show::Replicas);
                }
                self.expect_keyword(K::Status)?;
                Ok(Show::ReplicaStatus { channel: self.optional_channel()? })
            }
        }
    }

    fn optional_channel(&mut self) -> Parsed<Option<String>> {
        if !self.accept_keywords(K::For, K::Channel) {
            return Ok(None);
        }
        self.string().map(Some)
    }

    fn show_binlog_events(&mut self, relay: bool) -> Parsed<Show> {
        self.expect_keyword(K::Events)?;
        let log = if self.accept_keyword(K::In) { Some(self.string()?) } else { None };
        let position = if self.accept_keyword(K::From) { Some(self.integer()?) } else { None };
        let limit: Option<Limit> = self.optional_limit()?;
        if relay {
            self.optional_channel()?;
        }
        Ok(Show::BinlogEvents { relay, log, position, limit })
    }

    fn show_profile(&mut self) -> Parsed<Show> {
        self.advance();
        // Which counters to show makes no difference to us: there are none.
        while matches!(
            self.keyword(),
            Some(
                K::All | K::Block | K::Context | K::Cpu | K::Ipc | K::Memory | K::Page | K::Source | K::Swaps
            )
        ) {
            if matches!(self.advance().kind, TokenKind::Keyword(K::Block | K::Context | K::Page)) {
                self.advance();
            }
            self.accept(TokenKind::Comma);
        }
        let query = if self.accept_keyword(K::For) {
            self.expect_keyword(K::Query)?;
            Some(self.integer()?)
        } else {
            None
        };
        Ok(Show::Profile { query, limit: self.optional_limit()? })
    }
}
