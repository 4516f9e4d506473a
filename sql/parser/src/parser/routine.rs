//! Statements MySQL knows and Rutile does not model: routines, triggers, events, replication, plugins, XA, ...
//!
//! They are recognised by their first words and skipped to the end of the statement, so that the answer can be 1235
//! with the feature's name instead of 1064. The bodies of routines hold semicolons of their own: BEGIN ... END is
//! skipped as a block.

use super::{Parsed, Parser};
use crate::ast::StatementKind;
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// CREATE of anything else, at CREATE.
    pub(super) fn create_other(&mut self) -> Parsed<StatementKind> {
        self.advance();
        let Some(keyword) = self.keyword() else {
            if self.at_word("SEQUENCE") {
                return self.some_more("CREATE SEQUENCE");
            }
            if self.at_word("PLACEMENT") {
                return self.some_more("CREATE PLACEMENT POLICY");
            }
            return self.unexpected();
        };
        match keyword {
            K::Procedure | K::Function | K::Trigger | K::Event => self.create_routine(),
            K::Aggregate => self.some_more("CREATE AGGREGATE FUNCTION"),
            K::Tablespace => self.some_more("CREATE TABLESPACE"),
            K::Undo => self.some_more("CREATE UNDO TABLESPACE"),
            K::Logfile => self.some_more("CREATE LOGFILE GROUP"),
            K::Server => self.some_more("CREATE SERVER"),
            K::Resource => self.some_more("CREATE RESOURCE GROUP"),
            K::Spatial => self.some_more("CREATE SPATIAL REFERENCE SYSTEM"),
            _ => self.unexpected(),
        }
    }

    /// ALTER of anything else, at ALTER.
    pub(super) fn alter_other(&mut self) -> Parsed<StatementKind> {
        self.advance();
        match self.keyword() {
            Some(K::Procedure | K::Function | K::Event) => self.alter_routine(),
            Some(K::Instance) => self.some_more("ALTER INSTANCE"),
            Some(K::Tablespace) => self.some_more("ALTER TABLESPACE"),
            Some(K::Undo) => self.some_more("ALTER UNDO TABLESPACE"),
            Some(K::Logfile) => self.some_more("ALTER LOGFILE GROUP"),
            Some(K::Server) => self.some_more("ALTER SERVER"),
            Some(K::Resource) => self.some_more("ALTER RESOURCE GROUP"),
            _ => self.unexpected(),
        }
    }

    /// Behind CREATE and DEFINER.
    pub(super) fn create_routine(&mut self) -> Parsed<StatementKind> {
        let feature = match self.keyword() {
            Some(K::Procedure) => "CREATE PROCEDURE",
            Some(K::Function) => "CREATE FUNCTION",
            Some(K::Trigger) => "CREATE TRIGGER",
            Some(K::Event) => "CREATE EVENT",
            _ => return self.unexpected(),
        };
        self.advance();
        if !self.at_ident() && !self.at_keyword(K::If) {
            return self.unexpected();
        }
        self.skip_body(feature)
    }

    pub(super) fn alter_routine(&mut self) -> Parsed<StatementKind> {
        match self.keyword() {
            Some(K::Procedure) => self.some_more("ALTER PROCEDURE"),
            Some(K::Function) => self.some_more("ALTER FUNCTION"),
            Some(K::Event) => self.some_more("ALTER EVENT"),
            _ => self.unexpected(),
        }
    }

    /// To the `;` that is outside of BEGIN ... END, IF ... END IF and the like.
    fn skip_body(&mut self, feature: &'static str) -> Parsed<StatementKind> {
        let mut depth = 0usize;
        let mut in_block = false;
        loop {
            match self.token.kind {
                TokenKind::End if depth > 0 => return self.unexpected(),
                TokenKind::Invalid => return self.unexpected(),
                TokenKind::End => return Ok(StatementKind::Unsupported { feature }),
                TokenKind::Semicolon if depth == 0 => return Ok(StatementKind::Unsupported { feature }),
                TokenKind::Keyword(keyword) => {
                    in_block |= keyword == K::Begin;
                    if self.opens_block(keyword, in_block) {
                        depth += 1;
                    }
                    if keyword == K::End {
                        depth = depth.saturating_sub(1);
                        if let TokenKind::Keyword(K::If | K::Case | K::Loop | K::While | K::Repeat) =
                            self.next.kind
                        {
                            self.advance();
                        }
                    }
                }
                _ => {}
            }
            self.advance();
        }
    }

    /// Words that an END closes. Outside of a block IF and REPEAT are functions or attributes; CASE needs END always.
    fn opens_block(&mut self, keyword: K, in_block: bool) -> bool {
        let before_paren = self.next.is(TokenKind::OpenParen);
        match keyword {
            K::Begin | K::Case => true,
            K::Loop | K::While => in_block,
            K::Repeat => in_block && !before_paren,
            K::If if !in_block || self.next_is(K::Exists) => false,
            K::If => !before_paren || self.if_opens_statement(),
            _ => false,
        }
    }

    /// `IF (condition) THEN`, as opposed to the function `IF(a, b, c)`: told by THEN behind the parenthesis.
    fn if_opens_statement(&mut self) -> bool {
        let mark = self.mark();
        let mut depth = 0usize;
        let opens = loop {
            match self.advance().kind {
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen => depth = depth.saturating_sub(1),
                TokenKind::Keyword(K::Then) if depth == 0 => break true,
                TokenKind::Comma if depth <= 1 => break false,
                TokenKind::Semicolon | TokenKind::End | TokenKind::Invalid => break false,
                _ => {}
            }
        };
        self.reset(mark);
        opens
    }

    /// Unsupported, if at least one more token follows the current one.
    fn some_more(&mut self, feature: &'static str) -> Parsed<StatementKind> {
        self.advance();
        if self.at(TokenKind::End) || self.at(TokenKind::Semicolon) {
            return self.unexpected();
        }
        self.unsupported(feature)
    }

    /// Statements whose first word decides, or first two.
    pub(super) fn unmodelled_statement(&mut self, keyword: K) -> Parsed<StatementKind> {
        let feature = match keyword {
            K::Handler => "HANDLER",
            K::Xa => "XA",
            K::Binlog => "BINLOG",
            K::Cache => "CACHE INDEX",
            K::Change => "CHANGE REPLICATION SOURCE",
            K::Clone => "CLONE",
            K::Get => "GET DIAGNOSTICS",
            K::Import => "IMPORT",
            K::Install => "INSTALL",
            K::Uninstall => "UNINSTALL",
            K::Purge => "PURGE BINARY LOGS",
            K::Recover => "RECOVER TABLE",
            K::Reset => "RESET",
            K::Signal => "SIGNAL",
            K::Stop => "STOP REPLICA",
            K::Resignal => {
                self.advance();
                return self.unsupported("RESIGNAL");
            }
            _ => return self.unexpected(),
        };
        self.some_more(feature)
    }
}
