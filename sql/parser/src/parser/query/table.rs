//! FROM: tables, derived tables, joins.

use super::{Parsed, Parser};
use crate::ast::{
    DerivedTable, Expr, Ident, IndexHint, IndexHintKind, IndexHintScope, Join, JoinConstraint, JoinKind,
    TableFactor, TableReference,
};
use crate::error::ParseError;
use crate::lexer::{Keyword as K, TokenKind};

/// Tables MySQL can use in one join.
const JOINED_TABLES_MAX: u32 = 61;

/// Joins read so far, of which the lowest `left_depth` left links were made by this chain (not by parentheses).
struct Chain {
    tree: TableReference,
    left_depth: u32,
}

impl Chain {
    fn join(self, right: Chain, kind: JoinKind, constraint: JoinConstraint) -> Chain {
        Chain { tree: join(self.tree, right.tree, kind, constraint), left_depth: self.left_depth + 1 }
    }

    /// `left JOIN right` where no ON came: it binds to the first table of `right`, as `a JOIN b JOIN c ON x` is
    /// `(a JOIN b) JOIN c ON x`.
    fn join_unconstrained(self, mut right: Chain, kind: JoinKind) -> Chain {
        let left_depth = self.left_depth + 1 + right.left_depth;
        let mut leaf = &mut right.tree;
        for _ in 0..right.left_depth {
            match leaf {
                TableReference::Join(inner) => leaf = &mut inner.left,
                _ => break,
            }
        }
        // The placeholder lives only until the next line.
        let first = std::mem::replace(leaf, TableReference::Table(Box::default()));
        *leaf = join(self.tree, first, kind, JoinConstraint::None);
        Chain { tree: right.tree, left_depth }
    }
}

/// A join read so far: kind, and whether it is NATURAL.
struct JoinWords {
    kind: JoinKind,
    natural: bool,
}

impl Parser<'_> {
    /// Comma-separated references.
    pub(in crate::parser) fn table_references(&mut self) -> Parsed<Vec<TableReference>> {
        self.comma_separated(Self::table_reference)
    }

    /// One reference with the joins that follow it.
    pub(in crate::parser) fn table_reference(&mut self) -> Parsed<TableReference> {
        let first = self.table_factor()?;
        self.joins(first)
    }

    /// Joins are left-deep, but an ON belongs to the last join that still lacks one: `a JOIN b JOIN c ON x ON y` is
    /// `a JOIN (b JOIN c ON x) ON y`. Joins that wait for their ON are kept on a stack, so depth costs no recursion.
    fn joins(&mut self, first: TableReference) -> Parsed<TableReference> {
        let mut waiting: Vec<(Chain, JoinKind)> = Vec::new();
        let mut current = Chain { tree: first, left_depth: 0 };
        let mut count = 1;
        loop {
            if let Some(words) = self.join_words()? {
                count += 1;
                if count > JOINED_TABLES_MAX {
                    return Err(Box::new(ParseError::TooManyTables { limit: JOINED_TABLES_MAX }));
                }
                let right = Chain { tree: self.table_factor()?, left_depth: 0 };
                let constraint =
                    if words.natural { Some(JoinConstraint::Natural) } else { self.join_constraint()? };
                match constraint {
                    Some(constraint) => current = current.join(right, words.kind, constraint),
                    None => {
                        waiting.push((current, words.kind));
                        current = right;
                    }
                }
            } else if let Some((left, kind)) = waiting.pop() {
                current = match self.join_constraint()? {
                    Some(constraint) => left.join(current, kind, constraint),
                    None if matches!(kind, JoinKind::Left | JoinKind::Right) => return self.unexpected(),
                    None => left.join_unconstrained(current, kind),
                };
            } else {
                return Ok(current.tree);
            }
        }
    }

    fn join_words(&mut self) -> Parsed<Option<JoinWords>> {
        let mut natural = false;
        let kind = match self.keyword() {
            Some(K::Join) => JoinKind::Inner,
            Some(K::Inner | K::Cross) => {
                self.advance();
                JoinKind::Inner
            }
            Some(K::StraightJoin) => JoinKind::Straight,
            Some(K::Left | K::Right) => self.outer_words()?,
            Some(K::Natural) => {
                natural = true;
                self.advance();
                match self.keyword() {
                    Some(K::Left | K::Right) => self.outer_words()?,
                    _ => {
                        self.accept_keyword(K::Inner);
                        JoinKind::Inner
                    }
                }
            }
            _ => return Ok(None),
        };
        if kind == JoinKind::Straight {
            self.advance();
        } else {
            self.expect_keyword(K::Join)?;
        }
        Ok(Some(JoinWords { kind, natural }))
    }

    fn outer_words(&mut self) -> Parsed<JoinKind> {
        let left = self.advance().is(TokenKind::Keyword(K::Left));
        self.accept_keyword(K::Outer);
        Ok(if left { JoinKind::Left } else { JoinKind::Right })
    }

    fn join_constraint(&mut self) -> Parsed<Option<JoinConstraint>> {
        if self.accept_keyword(K::On) {
            return Ok(Some(JoinConstraint::On(self.expr()?)));
        }
        if self.accept_keyword(K::Using) {
            return Ok(Some(JoinConstraint::Using(self.parenthesized(Self::ident)?)));
        }
        Ok(None)
    }

    fn table_factor(&mut self) -> Parsed<TableReference> {
        match self.token.kind {
            TokenKind::OpenParen if self.subquery_follows() => self.derived_table(false),
            TokenKind::OpenParen => self.parenthesized_join(),
            TokenKind::OpenBrace => self.odbc_join(),
            TokenKind::Keyword(K::Lateral) => {
                self.advance();
                self.derived_table(true)
            }
            TokenKind::Keyword(K::JsonTable) => self.json_table(),
            _ => self.plain_table().map(|table| TableReference::Table(Box::new(table))),
        }
    }

    /// `(a JOIN b ...)`, `(a, b)`, `(a)`
    fn parenthesized_join(&mut self) -> Parsed<TableReference> {
        self.advance();
        self.enter()?;
        let references = self.table_references()?;
        self.leave();
        self.expect(TokenKind::CloseParen)?;
        let mut references = references.into_iter();
        let Some(first) = references.next() else {
            return self.unexpected();
        };
        if references.len() as u32 >= JOINED_TABLES_MAX {
            return Err(Box::new(ParseError::TooManyTables { limit: JOINED_TABLES_MAX }));
        }
        Ok(references.fold(first, |left, right| join(left, right, JoinKind::Inner, JoinConstraint::None)))
    }

    /// `{OJ a LEFT JOIN b ON ...}`
    fn odbc_join(&mut self) -> Parsed<TableReference> {
        self.advance();
        self.ident()?;
        self.enter()?;
        let reference = self.table_reference()?;
        self.leave();
        self.expect(TokenKind::CloseBrace)?;
        Ok(reference)
    }

    fn derived_table(&mut self, lateral: bool) -> Parsed<TableReference> {
        let query = self.subquery()?;
        let explicit = self.accept_keyword(K::As);
        if !self.at_ident() {
            if explicit {
                return self.unexpected();
            }
            return Err(Box::new(ParseError::Other {
                code: 1248,
                sqlstate: "42000",
                message: "Every derived table must have its own alias".into(),
            }));
        }
        let alias = self.ident()?;
        let columns = self.optional_column_names()?;
        Ok(TableReference::Derived(Box::new(DerivedTable { lateral, query, alias, columns })))
    }

    fn plain_table(&mut self) -> Parsed<TableFactor> {
        let start = self.token.start;
        let name = self.object_name()?;
        let partitions = self.optional_partitions()?;
        let as_of = self.optional_as_of()?;
        let alias = self.table_alias()?;
        let mut index_hints = Vec::new();
        while let Some(hint) = self.index_hint()? {
            index_hints.push(hint);
        }
        Ok(TableFactor { name, partitions, as_of, alias, index_hints, span: self.span_from(start) })
    }

    /// `PARTITION (p0, p1)`
    pub(in crate::parser) fn optional_partitions(&mut self) -> Parsed<Vec<Ident>> {
        if self.accept_keyword(K::Partition) { self.parenthesized(Self::ident) } else { Ok(Vec::new()) }
    }

    /// `AS OF TIMESTAMP expr`
    fn optional_as_of(&mut self) -> Parsed<Option<Expr>> {
        if !self.accept_keywords(K::As, K::Of) {
            return Ok(None);
        }
        self.expect_keyword(K::Timestamp)?;
        self.expr().map(Some)
    }

    pub(in crate::parser) fn table_alias(&mut self) -> Parsed<Option<Ident>> {
        if self.accept_keyword(K::As) || self.at_ident() {
            return self.ident().map(Some);
        }
        Ok(None)
    }

    /// `USE|FORCE|IGNORE INDEX|KEY [FOR ...] (names)`
    fn index_hint(&mut self) -> Parsed<Option<IndexHint>> {
        let kind = match self.keyword() {
            Some(K::Use) => IndexHintKind::Use,
            Some(K::Force) => IndexHintKind::Force,
            Some(K::Ignore) => IndexHintKind::Ignore,
            _ => return Ok(None),
        };
        // `IGNORE` may belong to what follows the table.
        if !self.next_is(K::Index) && !self.next_is(K::Key) {
            return Ok(None);
        }
        self.advance();
        self.advance();
        let scope = if self.accept_keyword(K::For) { self.index_hint_scope()? } else { IndexHintScope::All };
        self.expect(TokenKind::OpenParen)?;
        let empty = kind == IndexHintKind::Use && self.at(TokenKind::CloseParen);
        let indexes = if empty { Vec::new() } else { self.comma_separated(Self::index_name)? };
        self.expect(TokenKind::CloseParen)?;
        Ok(Some(IndexHint { kind, scope, indexes }))
    }

    fn index_hint_scope(&mut self) -> Parsed<IndexHintScope> {
        if self.accept_keyword(K::Join) {
            return Ok(IndexHintScope::Join);
        }
        if self.accept_keywords(K::Order, K::By) {
            return Ok(IndexHintScope::OrderBy);
        }
        self.expect_keywords(&[K::Group, K::By])?;
        Ok(IndexHintScope::GroupBy)
    }

    /// An index's name, which may be the reserved word PRIMARY.
    pub(in crate::parser) fn index_name(&mut self) -> Parsed<Ident> {
        if self.at_keyword(K::Primary) {
            let token = self.advance();
            return self.ident_of(token);
        }
        self.ident()
    }
}

fn join(
    left: TableReference,
    right: TableReference,
    kind: JoinKind,
    constraint: JoinConstraint,
) -> TableReference {
    TableReference::Join(Box::new(Join { left, right, kind, constraint }))
}
