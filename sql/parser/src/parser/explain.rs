//! EXPLAIN, DESCRIBE; PREPARE, EXECUTE, DEALLOCATE; HELP.

use super::{Parsed, Parser};
use crate::ast::{Explain, ExplainTarget, PrepareSource, Show, ShowFilter, Statement, StatementKind};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(super) fn explain_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        if self.describes_table() {
            return self.describe_table();
        }
        let analyze = self.accept_keyword(K::Analyze);
        let format = if self.at_keyword(K::Format) && self.next.is(TokenKind::Equal) {
            self.advance();
            self.advance();
            Some(self.ident_or_text()?.value.to_ascii_uppercase())
        } else {
            None
        };
        let into = if self.accept_keyword(K::Into) { Some(self.expect_user_variable()?) } else { None };
        let mut explain =
            Explain { analyze, format, into, schema: None, target: ExplainTarget::Connection(0) };
        if self.at_keyword(K::For) && self.next_is(K::Connection) && !analyze {
            self.advance();
            self.advance();
            explain.target = ExplainTarget::Connection(self.integer()?);
            return Ok(StatementKind::Explain(Box::new(explain)));
        }
        if self.accept_keyword(K::For) {
            if !self.accept_keyword(K::Schema) {
                self.expect_keyword(K::Database)?;
            }
            explain.schema = Some(self.ident()?);
        }
        explain.target = ExplainTarget::Statement(Box::new(self.explainable()?));
        Ok(StatementKind::Explain(Box::new(explain)))
    }

    /// `DESCRIBE t`: a name that starts no explainable statement.
    fn describes_table(&self) -> bool {
        if self.at_keyword(K::Format) && self.next.is(TokenKind::Equal) {
            return false;
        }
        self.at_ident()
    }

    fn describe_table(&mut self) -> Parsed<StatementKind> {
        let table = self.object_name()?;
        // A column's name or a pattern of names; both filter alike.
        let filter = match self.token.kind {
            TokenKind::String => Some(ShowFilter::Like(self.string()?)),
            _ if self.at_ident() => Some(ShowFilter::Like(self.ident()?.value)),
            _ => None,
        };
        let show = Show::Columns { extended: false, full: false, table, filter };
        Ok(StatementKind::Show(Box::new(show)))
    }

    fn explainable(&mut self) -> Parsed<Statement> {
        let start = self.token.start;
        let kind = match self.token.kind {
            TokenKind::OpenParen | TokenKind::Keyword(K::Select | K::Table | K::Values) => {
                self.query_statement()?
            }
            TokenKind::Keyword(K::With) => self.with_statement()?,
            TokenKind::Keyword(K::Insert | K::Replace) => self.insert_statement()?,
            TokenKind::Keyword(K::Update) => self.update_statement(None)?,
            TokenKind::Keyword(K::Delete) => self.delete_statement(None)?,
            _ => return self.unexpected(),
        };
        Ok(self.finished(kind, start))
    }

    pub(super) fn prepared_statement(&mut self) -> Parsed<StatementKind> {
        let keyword = self.keyword();
        self.advance();
        match keyword {
            Some(K::Prepare) => {
                let name = self.ident()?;
                self.expect_keyword(K::From)?;
                let source = if self.at(TokenKind::UserVariable) {
                    PrepareSource::UserVariable(self.expect_user_variable()?)
                } else {
                    PrepareSource::Text(self.string()?)
                };
                Ok(StatementKind::Prepare { name, source })
            }
            Some(K::Execute) => {
                let name = self.ident()?;
                let using = if self.accept_keyword(K::Using) {
                    self.comma_separated(Self::expect_user_variable)?
                } else {
                    Vec::new()
                };
                Ok(StatementKind::Execute { name, using })
            }
            _ => {
                self.expect_keyword(K::Prepare)?;
                Ok(StatementKind::Deallocate(self.ident()?))
            }
        }
    }

    pub(super) fn help_statement(&mut self) -> Parsed<StatementKind> {
        self.advance();
        Ok(StatementKind::Help(self.ident_or_text()?.value))
    }
}
