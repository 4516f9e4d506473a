//! Which statement it is, by its first words.

use super::{Parsed, Parser};
use crate::ast::{Statement, StatementKind};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// One statement with its `;`, if it has one.
    pub(super) fn statement_until_semicolon(&mut self) -> Parsed<Statement> {
        self.statement_start = self.first_text_byte(self.previous_end);
        let statement = self.statement()?;
        if !self.accept(TokenKind::Semicolon) && !self.at(TokenKind::End) {
            return self.unexpected();
        }
        Ok(statement)
    }

    /// MySQL numbers lines from the first byte that is not blank.
    fn first_text_byte(&self, from: u32) -> u32 {
        let rest = self.text.get(from as usize..).unwrap_or(&[]);
        let blanks = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b';').count();
        from + blanks as u32
    }

    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        let start = self.token.start;
        (self.parameter_count, self.tokens, self.operators) = (0, 0, 0);
        let kind = self.statement_kind()?;
        Ok(self.finished(kind, start))
    }

    /// The statement that began at `start`, with what was counted on the way.
    pub(super) fn finished(&self, kind: StatementKind, start: u32) -> Statement {
        Statement {
            kind,
            span: self.span_from(start),
            parameter_count: self.parameter_count,
            tokens: self.tokens,
            operators: self.operators,
        }
    }

    fn statement_kind(&mut self) -> Parsed<StatementKind> {
        if self.at(TokenKind::OpenParen) {
            return self.query_statement();
        }
        let Some(keyword) = self.keyword() else {
            return self.extension_statement();
        };
        match keyword {
            K::Select | K::Values | K::Table => self.query_statement(),
            K::With => self.with_statement(),
            K::Insert | K::Replace => self.insert_statement(),
            K::Update => self.update_statement(None),
            K::Delete => self.delete_statement(None),
            K::Load => self.load_statement(),
            K::Call => self.call_statement(),
            K::Do => self.do_statement(),
            K::Create => self.create_statement(),
            K::Alter => self.alter_statement(),
            K::Drop => self.drop_statement(),
            K::Rename => self.rename_statement(),
            K::Truncate => self.truncate_statement(),
            K::Begin
            | K::Start
            | K::Commit
            | K::Rollback
            | K::Savepoint
            | K::Release
            | K::Lock
            | K::Unlock => self.transaction_statement(),
            K::Set => self.set_statement(),
            K::Show => self.show_statement(),
            K::Use => self.use_statement(),
            K::Explain | K::Desc | K::Describe => self.explain_statement(),
            K::Prepare | K::Execute | K::Deallocate => self.prepared_statement(),
            K::Analyze | K::Optimize | K::Check | K::Repair | K::Checksum => self.maintenance_statement(),
            K::Flush => self.flush_statement(),
            K::Kill => self.kill_statement(),
            K::Help => self.help_statement(),
            K::Shutdown | K::Restart => self.shutdown_statement(),
            K::Grant => self.grant_statement(),
            K::Revoke => self.revoke_statement(),
            K::Admin => self.admin_statement(),
            _ => self.unmodelled_statement(keyword),
        }
    }

    /// Statements whose first word is no keyword of MySQL.
    fn extension_statement(&mut self) -> Parsed<StatementKind> {
        if self.at_word("SPLIT") {
            return self.split_statement();
        }
        let feature = if self.at_word("BATCH") {
            "BATCH"
        } else if self.at_word("TRACE") {
            "TRACE"
        } else if self.at_word("FLASHBACK") {
            "FLASHBACK"
        } else {
            return self.unexpected();
        };
        // Only with something behind it: a lone word is a syntax error like any other.
        if self.next.is(TokenKind::End) || self.next.is(TokenKind::Semicolon) {
            return self.unexpected();
        }
        self.unsupported(feature)
    }

    fn create_statement(&mut self) -> Parsed<StatementKind> {
        let TokenKind::Keyword(second) = self.next.kind else {
            return self.create_other();
        };
        match second {
            K::Table | K::Temporary => self.create_table_statement(),
            K::Database | K::Schema => self.create_database_statement(),
            K::Index | K::Unique | K::Fulltext => self.create_index_statement(),
            K::Spatial if self.peek(2).is(TokenKind::Keyword(K::Index)) => self.create_index_statement(),
            K::Or | K::Algorithm | K::Definer | K::Sql | K::View => self.create_view_or_routine(),
            K::User => self.create_user_statement(),
            K::Role => self.create_role_statement(),
            _ => self.create_other(),
        }
    }

    fn alter_statement(&mut self) -> Parsed<StatementKind> {
        let TokenKind::Keyword(second) = self.next.kind else {
            self.advance();
            return self.unexpected();
        };
        match second {
            K::Table => self.alter_table_statement(),
            K::Database | K::Schema => self.alter_database_statement(),
            K::Algorithm | K::Definer | K::Sql | K::View => self.create_view_or_routine(),
            K::User => self.alter_user_statement(),
            _ => self.alter_other(),
        }
    }

    /// Skips to the end of the statement: MySQL knows it, we do not model it.
    pub(super) fn unsupported(&mut self, feature: &'static str) -> Parsed<StatementKind> {
        while !self.at(TokenKind::End) && !self.at(TokenKind::Semicolon) {
            if self.at(TokenKind::Invalid) {
                return self.unexpected();
            }
            self.advance();
        }
        Ok(StatementKind::Unsupported { feature })
    }
}
