//! Table maintenance, FLUSH, KILL, SHUTDOWN, ADMIN.

use super::{Parsed, Parser};
use crate::ast::{
    Admin, Flush, FlushTarget, Histogram, Kill, MaintenanceKind, ObjectName, StatementKind, TableMaintenance,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// ANALYZE, OPTIMIZE, CHECK, REPAIR, CHECKSUM TABLE
    pub(super) fn maintenance_statement(&mut self) -> Parsed<StatementKind> {
        let kind = match self.advance().kind {
            TokenKind::Keyword(K::Analyze) => MaintenanceKind::Analyze,
            TokenKind::Keyword(K::Optimize) => MaintenanceKind::Optimize,
            TokenKind::Keyword(K::Check) => MaintenanceKind::Check,
            TokenKind::Keyword(K::Repair) => MaintenanceKind::Repair,
            _ => MaintenanceKind::Checksum,
        };
        let local = match kind {
            MaintenanceKind::Check | MaintenanceKind::Checksum => false,
            _ => self.accept_keyword(K::NoWriteToBinlog) || self.accept_keyword(K::Local),
        };
        if !self.accept_keyword(K::Tables) {
            self.expect_keyword(K::Table)?;
        }
        let tables = self.comma_separated(Self::object_name)?;
        let mut options = Vec::new();
        while let Some(option) = self.maintenance_option(kind) {
            options.push(option);
        }
        let histogram = if kind == MaintenanceKind::Analyze { self.histogram()? } else { None };
        let maintenance = TableMaintenance { kind, local, tables, options, histogram };
        Ok(StatementKind::TableMaintenance(Box::new(maintenance)))
    }

    fn maintenance_option(&mut self, kind: MaintenanceKind) -> Option<String> {
        use MaintenanceKind::{Check, Checksum, Repair};
        if kind == Check && self.accept_keywords(K::For, K::Upgrade) {
            return Some("FOR UPGRADE".into());
        }
        let allowed: &[K] = match kind {
            Check => &[K::Quick, K::Fast, K::Medium, K::Extended, K::Changed],
            Repair => &[K::Quick, K::Extended, K::UseFrm],
            Checksum => &[K::Quick, K::Extended],
            _ => &[],
        };
        let keyword = self.keyword().filter(|keyword| allowed.contains(keyword))?;
        self.advance();
        Some(keyword.text().into())
    }

    /// `UPDATE HISTOGRAM ON columns [WITH n BUCKETS] [AUTO|MANUAL UPDATE] [USING DATA 'x']`, `DROP HISTOGRAM ON columns`
    fn histogram(&mut self) -> Parsed<Option<Histogram>> {
        if self.accept_keyword(K::Drop) {
            self.expect_keywords(&[K::Histogram, K::On])?;
            return self.comma_separated(Self::ident).map(|columns| Some(Histogram::Drop { columns }));
        }
        if !self.accept_keyword(K::Update) {
            return Ok(None);
        }
        self.expect_keywords(&[K::Histogram, K::On])?;
        let columns = self.comma_separated(Self::ident)?;
        let buckets = if self.accept_keyword(K::With) {
            let buckets = self.integer()?;
            self.expect_keyword(K::Buckets)?;
            Some(buckets)
        } else {
            None
        };
        let auto_update = match (self.at_word("AUTO"), self.at_word("MANUAL")) {
            (false, false) => None,
            (auto, _) => {
                self.advance();
                self.expect_keyword(K::Update)?;
                Some(auto)
            }
        };
        let data = if self.accept_keywords(K::Using, K::Data) { Some(self.string()?) } else { None };
        Ok(Some(Histogram::Update { columns, buckets, data, auto_update }))
    }

    pub(super) fn flush_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let local = self.accept_keyword(K::NoWriteToBinlog) || self.accept_keyword(K::Local);
        let what = if self.at_keyword(K::Tables) || self.at_keyword(K::Table) {
            self.flush_tables()?
        } else {
            FlushTarget::Options(self.comma_separated(Self::flush_option)?)
        };
        Ok(StatementKind::Flush(Box::new(Flush { local, what })))
    }

    fn flush_tables(&mut self) -> Parsed<FlushTarget> {
        self.advance();
        let tables: Vec<ObjectName> =
            if self.at_ident() { self.comma_separated(Self::object_name)? } else { Vec::new() };
        let read_lock = self.accept_keyword(K::With);
        if read_lock {
            self.expect_keywords(&[K::Read, K::Lock])?;
        }
        let for_export = !read_lock && self.at_keyword(K::For);
        if for_export {
            if tables.is_empty() {
                return self.unexpected();
            }
            self.expect_keywords(&[K::For, K::Export])?;
        }
        Ok(FlushTarget::Tables { tables, read_lock, for_export })
    }

    fn flush_option(&mut self) -> Parsed<String> {
        let Some(keyword) = self.keyword() else {
            return self.unexpected();
        };
        match keyword {
            K::Binary | K::Engine | K::Error | K::General | K::Slow | K::Relay if self.next_is(K::Logs) => {
                self.advance();
                self.advance();
                if keyword == K::Relay && self.accept_keywords(K::For, K::Channel) {
                    self.string()?;
                }
                Ok(format!("{} LOGS", keyword.text()))
            }
            K::Logs | K::Privileges | K::Status | K::UserResources | K::Hosts => {
                self.advance();
                Ok(keyword.text().into())
            }
            _ if self.accept_word("OPTIMIZER_COSTS") => Ok("OPTIMIZER_COSTS".into()),
            _ => self.unexpected(),
        }
    }

    pub(super) fn kill_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let query_only = self.accept_keyword(K::Query);
        if !query_only {
            self.accept_keyword(K::Connection);
        }
        Ok(StatementKind::Kill(Box::new(Kill { query_only, id: self.expr()? })))
    }

    pub(super) fn shutdown_statement(&mut self) -> Parsed<StatementKind> {
        let shutdown = self.advance().is(TokenKind::Keyword(K::Shutdown));
        Ok(if shutdown { StatementKind::Shutdown } else { StatementKind::Restart })
    }

    /// `ADMIN SHOW DDL [JOBS [n]]`, `ADMIN CANCEL|PAUSE|RESUME DDL JOBS n, ...`, `ADMIN CHECK TABLE|INDEX ...`,
    /// `ADMIN CHECKSUM TABLE ...`
    pub(super) fn admin_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let admin = if self.accept_keyword(K::Show) {
            self.expect_word("DDL")?;
            if self.accept_word("JOBS") {
                let limit = if self.at(TokenKind::Integer) { Some(self.integer()?) } else { None };
                Admin::ShowDdlJobs { limit }
            } else {
                Admin::ShowDdl
            }
        } else if self.accept_keyword(K::Check) {
            self.admin_check()?
        } else if self.accept_keyword(K::Checksum) {
            self.expect_keyword(K::Table)?;
            Admin::ChecksumTables(self.comma_separated(Self::object_name)?)
        } else {
            let jobs: fn(Vec<u64>) -> Admin = if self.accept_word("CANCEL") {
                Admin::CancelDdlJobs
            } else if self.accept_word("PAUSE") {
                Admin::PauseDdlJobs
            } else {
                self.expect_word("RESUME")?;
                Admin::ResumeDdlJobs
            };
            self.expect_word("DDL")?;
            self.expect_word("JOBS")?;
            jobs(self.comma_separated(Self::integer)?)
        };
        Ok(StatementKind::Admin(Box::new(admin)))
    }

    fn admin_check(&mut self) -> Parsed<Admin> {
        if self.accept_keyword(K::Index) {
            let table = self.object_name()?;
            return Ok(Admin::CheckIndex { table, index: self.index_name()? });
        }
        self.expect_keyword(K::Table)?;
        Ok(Admin::CheckTables(self.comma_separated(Self::object_name)?))
    }
}
