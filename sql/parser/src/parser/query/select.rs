//! SELECT proper.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, GroupBy, Ident, Literal, ObjectName, Select, SelectItem, Span};
use crate::lexer::{Keyword as K, Lexer, TokenKind};

/// Longest column title, in characters.
const TITLE_LENGTH: usize = 256;

impl Parser<'_> {
    pub(super) fn select(&mut self) -> Parsed<Select> {
        self.expect_keyword(K::Select)?;
        let mut select = Select { hints: self.optional_hints()?, ..Select::default() };
        self.select_options(&mut select)?;
        select.items = self.select_items()?;
        if self.at_keyword(K::Into) && self.pending_into.is_none() {
            self.pending_into = Some(self.target_of_into()?);
        }
        if self.accept_keyword(K::From) {
            // DUAL is no table: as if FROM was not there.
            if !self.accept_keyword(K::Dual) {
                select.from = self.table_references()?;
            }
        }
        if self.accept_keyword(K::Where) {
            select.selection = Some(self.expr()?);
        }
        if self.accept_keyword(K::Group) {
            self.expect_keyword(K::By)?;
            select.group_by = Some(self.group_by()?);
        }
        if self.accept_keyword(K::Having) {
            select.having = Some(self.expr()?);
        }
        if self.accept_keyword(K::Window) {
            select.windows = self.comma_separated(Self::named_window)?;
        }
        Ok(select)
    }

    fn select_options(&mut self, select: &mut Select) -> Parsed<()> {
        let options = &mut select.options;
        let mut all = false;
        loop {
            let flag = match self.keyword() {
                Some(K::All) => &mut all,
                Some(K::Distinct | K::Distinctrow) => &mut options.distinct,
                Some(K::HighPriority) => &mut options.high_priority,
                Some(K::StraightJoin) => &mut options.straight_join,
                Some(K::SqlSmallResult) => &mut options.small_result,
                Some(K::SqlBigResult) => &mut options.big_result,
                Some(K::SqlBufferResult) => &mut options.buffer_result,
                Some(K::SqlNoCache) => &mut options.no_cache,
                Some(K::SqlCalcFoundRows) => &mut options.calc_found_rows,
                _ => break,
            };
            *flag = true;
            self.advance();
        }
        if all && options.distinct {
            return Err(Box::new(crate::ParseError::WrongUsage { first: "ALL", second: "DISTINCT" }));
        }
        Ok(())
    }

    fn select_items(&mut self) -> Parsed<Vec<SelectItem>> {
        // `*` may only stand first.
        let mut items = Vec::new();
        if self.at(TokenKind::Star) {
            items.push(SelectItem::Wildcard(self.advance().span()));
            if !self.accept(TokenKind::Comma) {
                return Ok(items);
            }
        }
        items.extend(self.comma_separated(Self::select_item)?);
        Ok(items)
    }

    fn select_item(&mut self) -> Parsed<SelectItem> {
        if self.at_ident()
            && self.next.is(TokenKind::Dot)
            && let Some(name) = self.qualified_wildcard()?
        {
            return Ok(SelectItem::QualifiedWildcard(name));
        }
        let start = self.token.start;
        let expr = self.expr()?;
        let end = self.previous_end;
        let alias = self.select_alias()?;
        let title = match &alias {
            Some(alias) => alias.value.as_str().into(),
            None => self.title(&expr, start, end),
        };
        Ok(SelectItem::Expr { expr, alias, title })
    }

    /// `t.*` and `db.t.*`
    fn qualified_wildcard(&mut self) -> Parsed<Option<ObjectName>> {
        let name = match (self.peek(2).kind, self.peek(3).kind, self.peek(4).kind) {
            (TokenKind::Star, _, _) => {
                let name = self.ident()?;
                ObjectName { database: None, name }
            }
            (_, TokenKind::Dot, TokenKind::Star) => {
                let database = Some(self.ident()?);
                self.advance();
                ObjectName { database, name: self.ident()? }
            }
            _ => return Ok(None),
        };
        self.advance();
        self.advance();
        Ok(Some(name))
    }

    fn select_alias(&mut self) -> Parsed<Option<Ident>> {
        if self.accept_keyword(K::As) {
            return self.ident_or_text().map(Some);
        }
        if (self.at_ident() && !self.at_adjacent_function()) || self.at(TokenKind::String) {
            return self.ident_or_text().map(Some);
        }
        Ok(None)
    }

    /// The title of a column without alias. MySQL titles a bare column by its name, a string literal by its (first)
    /// value, other constants by their own text, and everything else by the whole source text.
    fn title(&self, expr: &Expr, start: u32, end: u32) -> Box<str> {
        let text = match &expr.kind {
            ExprKind::Column(column) => column.column.value.clone(),
            ExprKind::Literal(Literal::String(_) | Literal::National(_) | Literal::Introduced(_)) => {
                self.string_title(expr.span).unwrap_or_else(|| self.source_title(expr.span))
            }
            ExprKind::Literal(_) => self.source_title(expr.span),
            _ => self.source_title(Span::new(start, end)),
        };
        let trimmed = text
            .trim_start_matches(|character: char| character.is_ascii_whitespace() || character.is_control());
        match trimmed.char_indices().nth(TITLE_LENGTH) {
            Some((cut, _)) => trimmed[..cut].into(),
            None => trimmed.into(),
        }
    }

    /// The value of the first string of a literal; `None` if it is a number behind an introducer.
    fn string_title(&self, span: Span) -> Option<String> {
        let mut lexer = Lexer::starting_at(self.text, self.options.sql_mode, span.start);
        let mut token = lexer.next();
        if token.is(TokenKind::Introducer) {
            token = lexer.next();
        }
        let prefix = match token.kind {
            TokenKind::String => 0,
            TokenKind::National => 1,
            _ => return None,
        };
        let bytes = self.bytes_of(crate::lexer::Token { start: token.start + prefix, ..token });
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Source text, with the markers of version comments (not their content) left out as MySQL does.
    fn source_title(&self, span: Span) -> String {
        let source = String::from_utf8_lossy(span.slice(self.text));
        if !source.contains("/*!") {
            return source.into_owned();
        }
        let mut title = String::with_capacity(source.len());
        let mut rest = &*source;
        while let Some(open) = rest.find("/*!") {
            title.push_str(&rest[..open]);
            let body = rest[open + 3..].trim_start_matches(|character: char| character.is_ascii_digit());
            match body.split_once("*/") {
                Some((inside, behind)) => {
                    title.push_str(inside);
                    rest = behind;
                }
                None => {
                    title.push_str(body);
                    rest = "";
                }
            }
        }
        title.push_str(rest);
        title.trim_end().to_string()
    }

    /// `a, b [WITH ROLLUP]` and `ROLLUP (a, b)`
    fn group_by(&mut self) -> Parsed<GroupBy> {
        if self.at_keyword(K::Rollup) && self.next.is(TokenKind::OpenParen) {
            self.advance();
            return Ok(GroupBy { items: self.parenthesized_exprs()?, rollup: true });
        }
        let items = self.comma_separated(Self::expr)?;
        let rollup = self.accept_keywords(K::With, K::Rollup);
        Ok(GroupBy { items, rollup })
    }
}
