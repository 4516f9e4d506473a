//! Column definitions: type and attributes.

use super::{Parsed, Parser};
use crate::ast::{
    AutoRandom, Call, CheckDef, ColumnAttributes, ColumnDef, ColumnPosition, DataType, DefaultValue, Expr,
    ExprKind, Generated, Ident, MatchKind, References, ReferentialAction, UnaryOperator,
};
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    /// `name type attributes`
    pub(super) fn column_def(&mut self) -> Parsed<ColumnDef> {
        let start = self.token.start;
        let name = self.ident()?;
        self.column_def_named(name, start)
    }

    pub(super) fn column_def_named(&mut self, name: Ident, start: u32) -> Parsed<ColumnDef> {
        let parsed = self.data_type()?;
        let mut data_type = parsed.data_type;
        let mut attributes = ColumnAttributes::default();
        if parsed.serial {
            attributes.nullable = Some(false);
            attributes.auto_increment = true;
            attributes.unique = true;
        }
        while self.column_attribute(&mut data_type, &mut attributes)? {}
        Ok(ColumnDef { name, data_type, attributes, span: self.span_from(start) })
    }

    /// `FIRST`, `AFTER a`
    pub(super) fn column_position(&mut self) -> Parsed<Option<ColumnPosition>> {
        if self.accept_keyword(K::First) {
            return Ok(Some(ColumnPosition::First));
        }
        if self.accept_keyword(K::After) {
            return self.ident().map(|column| Some(ColumnPosition::After(column)));
        }
        Ok(None)
    }

    /// One attribute; false: none follows.
    fn column_attribute(
        &mut self,
        data_type: &mut DataType,
        attributes: &mut ColumnAttributes,
    ) -> Parsed<bool> {
        let Some(keyword) = self.keyword() else {
            return self.word_attribute(attributes);
        };
        match keyword {
            K::Null => {
                self.advance();
                attributes.nullable = Some(true);
            }
            K::Not => self.not_attribute(attributes)?,
            K::Default => {
                self.advance();
                attributes.default = Some(self.default_value()?);
            }
            K::On if self.next_is(K::Update) => {
                self.advance();
                self.advance();
                attributes.on_update = Some(self.now()?);
            }
            K::AutoIncrement => {
                self.advance();
                attributes.auto_increment = true;
            }
            K::Serial if self.next_is(K::Default) => self.key_attribute(keyword, attributes)?,
            K::Unique | K::Primary | K::Key => self.key_attribute(keyword, attributes)?,
            K::Comment => {
                self.advance();
                attributes.comment = Some(self.string()?);
            }
            K::Collate => {
                self.advance();
                data_type.collation = Some(self.charset_name()?);
            }
            K::Generated | K::As => self.generated_attribute(attributes)?,
            K::Constraint | K::Check => self.column_check(attributes)?,
            K::References => attributes.references = Some(self.references()?),
            K::Visible | K::Invisible => {
                self.advance();
                attributes.visible = Some(keyword == K::Visible);
            }
            K::Srid => {
                self.advance();
                attributes.srid = Some(self.integer()?);
            }
            K::ColumnFormat | K::Storage | K::EngineAttribute | K::SecondaryEngineAttribute => {
                self.storage_attribute(keyword, attributes)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `UNIQUE [KEY]`, `[PRIMARY] KEY`, `SERIAL DEFAULT VALUE`
    fn key_attribute(&mut self, keyword: K, attributes: &mut ColumnAttributes) -> Parsed<()> {
        self.advance();
        match keyword {
            K::Unique => {
                self.accept_keyword(K::Key);
                attributes.unique = true;
            }
            K::Serial => {
                self.expect_keywords(&[K::Default, K::Value])?;
                attributes.nullable = Some(false);
                attributes.auto_increment = true;
                attributes.unique = true;
            }
            _ => {
                if keyword == K::Primary {
                    self.expect_keyword(K::Key)?;
                }
                attributes.primary = true;
                attributes.clustered = self.clustered();
            }
        }
        Ok(())
    }

    /// Attributes for engines we are not: kept as written.
    fn storage_attribute(&mut self, keyword: K, attributes: &mut ColumnAttributes) -> Parsed<()> {
        self.advance();
        if matches!(keyword, K::EngineAttribute | K::SecondaryEngineAttribute) {
            self.accept(TokenKind::Equal);
            let text = Some(self.string()?);
            if keyword == K::EngineAttribute {
                attributes.engine_attribute = text;
            } else {
                attributes.secondary_engine_attribute = text;
            }
            return Ok(());
        }
        let word = if self.at_keyword(K::Default) {
            let token = self.advance();
            self.ident_of(token)?
        } else {
            self.ident()?
        };
        if keyword == K::Storage {
            attributes.storage = Some(word);
        } else {
            attributes.column_format = Some(word);
        }
        Ok(())
    }

    /// Attributes named by words that are no keywords: TiDB's AUTO_RANDOM.
    fn word_attribute(&mut self, attributes: &mut ColumnAttributes) -> Parsed<bool> {
        if !self.accept_word("AUTO_RANDOM") {
            return Ok(false);
        }
        let mut random = AutoRandom::default();
        if self.accept(TokenKind::OpenParen) {
            random.shard_bits = Some(self.integer()?);
            if self.accept(TokenKind::Comma) {
                random.range_bits = Some(self.integer()?);
            }
            self.expect(TokenKind::CloseParen)?;
        }
        attributes.auto_random = Some(random);
        Ok(true)
    }

    fn not_attribute(&mut self, attributes: &mut ColumnAttributes) -> Parsed<()> {
        self.advance();
        if self.accept_keyword(K::Secondary) {
            attributes.not_secondary = true;
            return Ok(());
        }
        if self.at_keyword(K::Enforced)
            && let Some(check) = attributes.checks.last_mut()
        {
            check.enforced = false;
            self.advance();
            return Ok(());
        }
        self.expect_keyword(K::Null)?;
        attributes.nullable = Some(false);
        Ok(())
    }

    /// `CLUSTERED` / `NONCLUSTERED` behind PRIMARY KEY
    pub(super) fn clustered(&mut self) -> Option<bool> {
        if self.accept_word("CLUSTERED") {
            Some(true)
        } else if self.accept_word("NONCLUSTERED") {
            Some(false)
        } else {
            None
        }
    }

    /// `[GENERATED ALWAYS] AS (expr) [VIRTUAL|STORED]`
    fn generated_attribute(&mut self, attributes: &mut ColumnAttributes) -> Parsed<()> {
        if self.accept_keyword(K::Generated) {
            self.expect_keyword(K::Always)?;
        }
        self.expect_keyword(K::As)?;
        let (expr, text) = self.parenthesized_source()?;
        let stored = self.accept_keyword(K::Stored);
        if !stored {
            self.accept_keyword(K::Virtual);
        }
        attributes.generated = Some(Generated { expr, text, stored });
        Ok(())
    }

    /// `(expr)` and the text between the parentheses.
    pub(super) fn parenthesized_source(&mut self) -> Parsed<(Expr, Box<str>)> {
        let start = self.expect(TokenKind::OpenParen)?.end;
        let expr = self.expr()?;
        let end = self.expect(TokenKind::CloseParen)?.start;
        Ok((expr, self.source(start, end).trim().into()))
    }

    fn column_check(&mut self, attributes: &mut ColumnAttributes) -> Parsed<()> {
        let name = self.optional_constraint()?;
        self.expect_keyword(K::Check)?;
        attributes.checks.push(self.check(name.flatten())?);
        Ok(())
    }

    /// `CONSTRAINT [name]`: `None` without the word.
    pub(super) fn optional_constraint(&mut self) -> Parsed<Option<Option<Ident>>> {
        if !self.accept_keyword(K::Constraint) {
            return Ok(None);
        }
        if self.at_ident() {
            return self.ident().map(|name| Some(Some(name)));
        }
        Ok(Some(None))
    }

    /// `(expr) [[NOT] ENFORCED]`
    pub(super) fn check(&mut self, name: Option<Ident>) -> Parsed<CheckDef> {
        let (expr, text) = self.parenthesized_source()?;
        Ok(CheckDef { name, expr, text, enforced: self.enforcement().unwrap_or(true) })
    }

    /// `[NOT] ENFORCED`
    pub(super) fn enforcement(&mut self) -> Option<bool> {
        if self.accept_keywords(K::Not, K::Enforced) {
            Some(false)
        } else if self.accept_keyword(K::Enforced) {
            Some(true)
        } else {
            None
        }
    }

    /// What follows DEFAULT: a literal, perhaps signed, NOW, or `(expr)`.
    pub(super) fn default_value(&mut self) -> Parsed<DefaultValue> {
        if self.at(TokenKind::OpenParen) {
            let (expr, text) = self.parenthesized_source()?;
            return Ok(DefaultValue::Expr { expr, text });
        }
        let start = self.token.start;
        let operator = match self.token.kind {
            TokenKind::Minus => UnaryOperator::Minus,
            TokenKind::Plus => UnaryOperator::Plus,
            _ => return self.unsigned_default().map(DefaultValue::Value),
        };
        self.advance();
        if !matches!(self.token.kind, TokenKind::Integer | TokenKind::Decimal | TokenKind::Float) {
            return self.unexpected();
        }
        let Some(number) = self.literal()? else {
            return self.unexpected();
        };
        let kind = ExprKind::Unary { operator, operand: Box::new(number) };
        Ok(DefaultValue::Value(Expr::new(kind, self.span_from(start))))
    }

    fn unsigned_default(&mut self) -> Parsed<Expr> {
        if let Some(literal) = self.literal()? {
            return Ok(literal);
        }
        match self.keyword() {
            Some(K::Date | K::Time | K::Timestamp) if self.next.is(TokenKind::String) => self.expr(),
            _ => self.now(),
        }
    }

    /// `CURRENT_TIMESTAMP[(n)]`, NOW(), LOCALTIME, LOCALTIMESTAMP: the call.
    fn now(&mut self) -> Parsed<Expr> {
        let start = self.token.start;
        let named = matches!(self.keyword(), Some(K::CurrentTimestamp | K::Localtime | K::Localtimestamp));
        let called = self.at_word("NOW") && self.next.is(TokenKind::OpenParen);
        if !named && !called {
            return self.unexpected();
        }
        let token = self.advance();
        let name = self.ident_of(token)?;
        let mut args = Vec::new();
        if self.accept(TokenKind::OpenParen) && !self.accept(TokenKind::CloseParen) {
            if !self.at(TokenKind::Integer) {
                return self.unexpected();
            }
            args.extend(self.literal()?);
            self.expect(TokenKind::CloseParen)?;
        }
        let call = Call { schema: None, name, args };
        Ok(Expr::new(ExprKind::Call(Box::new(call)), self.span_from(start)))
    }

    /// `REFERENCES t (a, b) [MATCH ...] [ON DELETE ...] [ON UPDATE ...]`
    pub(super) fn references(&mut self) -> Parsed<References> {
        self.expect_keyword(K::References)?;
        let table = self.object_name()?;
        let columns = self.optional_column_names()?;
        let match_kind = if self.accept_keyword(K::Match) { Some(self.match_kind()?) } else { None };
        let mut references = References { table, columns, match_kind, on_delete: None, on_update: None };
        while self.at_keyword(K::On) && (self.next_is(K::Delete) || self.next_is(K::Update)) {
            self.advance();
            let delete = self.advance().is(TokenKind::Keyword(K::Delete));
            let action = self.referential_action()?;
            let slot = if delete { &mut references.on_delete } else { &mut references.on_update };
            if slot.is_some() {
                return self.unexpected();
            }
            *slot = Some(action);
        }
        Ok(references)
    }

    fn match_kind(&mut self) -> Parsed<MatchKind> {
        let kind = match self.keyword() {
            Some(K::Full) => MatchKind::Full,
            Some(K::Partial) => MatchKind::Partial,
            Some(K::Simple) => MatchKind::Simple,
            _ => return self.unexpected(),
        };
        self.advance();
        Ok(kind)
    }

    fn referential_action(&mut self) -> Parsed<ReferentialAction> {
        if self.accept_keyword(K::Restrict) {
            return Ok(ReferentialAction::Restrict);
        }
        if self.accept_keyword(K::Cascade) {
            return Ok(ReferentialAction::Cascade);
        }
        if self.accept_keywords(K::No, K::Action) {
            return Ok(ReferentialAction::NoAction);
        }
        self.expect_keyword(K::Set)?;
        if self.accept_keyword(K::Default) {
            return Ok(ReferentialAction::SetDefault);
        }
        self.expect_keyword(K::Null)?;
        Ok(ReferentialAction::SetNull)
    }
}
