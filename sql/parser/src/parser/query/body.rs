//! Query expressions around SELECT.

use super::{Parsed, Parser};
use crate::ast::{
    CommonTable, Query, QueryBody, SetBranch, SetOperation, SetOperator, Span, StatementKind, With,
};
use crate::error::ParseError;
use crate::lexer::{Keyword as K, TokenKind};

impl Parser<'_> {
    pub(in crate::parser) fn query_statement(&mut self) -> Parsed<StatementKind> {
        let query = self.query(None)?;
        Ok(StatementKind::Query(Box::new(query)))
    }

    /// A statement behind WITH: a query, UPDATE or DELETE.
    pub(in crate::parser) fn with_statement(&mut self) -> Parsed<StatementKind> {
        let with = self.with()?;
        match self.keyword() {
            Some(K::Update) => self.update_statement(Some(with)),
            Some(K::Delete) => self.delete_statement(Some(with)),
            _ => {
                let query = self.query(Some(with))?;
                Ok(StatementKind::Query(Box::new(query)))
            }
        }
    }

    fn with(&mut self) -> Parsed<With> {
        self.expect_keyword(K::With)?;
        let recursive = self.accept_keyword(K::Recursive);
        let tables = self.comma_separated(|parser| {
            let name = parser.ident()?;
            let columns = parser.optional_column_names()?;
            parser.expect_keyword(K::As)?;
            let query = Box::new(parser.subquery()?);
            Ok(CommonTable { name, columns, query })
        })?;
        Ok(With { recursive, tables })
    }

    /// `(a, b)`, if it is there; nothing otherwise.
    pub(in crate::parser) fn optional_column_names(&mut self) -> Parsed<Vec<crate::ast::Ident>> {
        if self.at(TokenKind::OpenParen) { self.parenthesized(Self::ident) } else { Ok(Vec::new()) }
    }

    /// A query expression that is not in parentheses, or starts with some; `with` has been parsed already.
    pub(in crate::parser) fn query(&mut self, with: Option<With>) -> Parsed<Query> {
        self.query_nesting += 1;
        if self.query_nesting > self.options.limits.query_nesting {
            return Err(Box::new(ParseError::QueryNesting));
        }
        let start = self.token.start;
        let with = match with {
            None if self.at_keyword(K::With) => Some(self.with()?),
            with => with,
        };
        let body = self.set_operations()?;
        let mut query = Query {
            with,
            body,
            order_by: Vec::new(),
            limit: None,
            locking: Vec::new(),
            into: None,
            span: Span::default(),
        };
        self.query_tail(&mut query)?;
        query.span = self.span_from(start);
        self.query_nesting -= 1;
        if self.query_nesting > 0 && query.into.is_some() {
            return Err(Box::new(ParseError::Other {
                code: 3954,
                sqlstate: "HY000",
                message: "Misplaced INTO clause, INTO is not allowed inside subqueries, and must be placed at end of \
                          UNION clauses."
                    .into(),
            }));
        }
        Ok(unwrap_parentheses(query))
    }

    pub(in crate::parser) fn boxed_subquery(&mut self) -> Parsed<Box<Query>> {
        self.subquery().map(Box::new)
    }

    /// `(query)`
    pub(in crate::parser) fn subquery(&mut self) -> Parsed<Query> {
        let outer = self.pending_into.take();
        self.expect(TokenKind::OpenParen)?;
        // A query is one level of the expression around it, whatever is inside.
        let query = self.query(None)?;
        self.expect(TokenKind::CloseParen)?;
        self.pending_into = outer;
        Ok(query)
    }

    fn set_operations(&mut self) -> Parsed<QueryBody> {
        let first = self.intersections()?;
        let mut rest = Vec::new();
        loop {
            let operator = match self.keyword() {
                Some(K::Union) => SetOperator::Union,
                Some(K::Except) => SetOperator::Except,
                _ => break,
            };
            self.set_branch(&mut rest, operator, Self::intersections)?;
        }
        Ok(chain(first, rest))
    }

    fn intersections(&mut self) -> Parsed<QueryBody> {
        let first = self.query_primary()?;
        let mut rest = Vec::new();
        while self.at_keyword(K::Intersect) {
            self.set_branch(&mut rest, SetOperator::Intersect, Self::query_primary)?;
        }
        Ok(chain(first, rest))
    }

    fn set_branch(
        &mut self,
        rest: &mut Vec<SetBranch>,
        operator: SetOperator,
        operand: fn(&mut Self) -> Parsed<QueryBody>,
    ) -> Parsed<()> {
        if rest.len() as u32 >= self.options.limits.branches {
            let limit = self.options.limits.branches;
            return Err(Box::new(ParseError::TooDeep { what: "set operations", limit }));
        }
        if self.pending_into.is_some() {
            return self.unexpected();
        }
        self.advance();
        let all = self.accept_keyword(K::All);
        if !all {
            self.accept_keyword(K::Distinct);
        }
        let body = operand(self)?;
        rest.push(SetBranch { operator, all, body });
        Ok(())
    }

    fn query_primary(&mut self) -> Parsed<QueryBody> {
        match self.token.kind {
            TokenKind::Keyword(K::Select) => Ok(QueryBody::Select(Box::new(self.select()?))),
            TokenKind::Keyword(K::Table) => {
                self.advance();
                Ok(QueryBody::Table(self.object_name()?))
            }
            TokenKind::Keyword(K::Values) => {
                self.advance();
                self.values_rows().map(QueryBody::Values)
            }
            TokenKind::OpenParen => {
                self.advance();
                let query = self.query(None)?;
                self.expect(TokenKind::CloseParen)?;
                Ok(QueryBody::Parenthesized(Box::new(query)))
            }
            _ => self.unexpected(),
        }
    }

    /// `ROW(...), ROW(...)`
    fn values_rows(&mut self) -> Parsed<Vec<Vec<crate::ast::Expr>>> {
        self.comma_separated(|parser| {
            parser.expect_keyword(K::Row)?;
            parser.expect(TokenKind::OpenParen)?;
            if parser.accept(TokenKind::CloseParen) {
                return Ok(Vec::new());
            }
            let row = parser.comma_separated(Self::value)?;
            parser.expect(TokenKind::CloseParen)?;
            Ok(row)
        })
    }

    /// Whether the parenthesis here opens a query rather than an expression or a join. `((SELECT 1) + 1)` does not,
    /// `((SELECT 1) UNION (SELECT 2))` and `((SELECT 1))` do: what follows the inner query decides, level by level.
    pub(in crate::parser) fn subquery_follows(&self) -> bool {
        if !self.at(TokenKind::OpenParen) {
            return false;
        }
        if !self.next.is(TokenKind::OpenParen) {
            return starts_query(self.next.kind, || self.peek(2).kind);
        }
        self.nested_subquery_follows()
    }

    fn nested_subquery_follows(&self) -> bool {
        let mut lexer = self.lexer;
        let mut opened = 2usize;
        let mut token = lexer.next();
        while token.is(TokenKind::OpenParen) {
            opened += 1;
            if opened > self.options.limits.nesting as usize {
                return false;
            }
            token = lexer.next();
        }
        let mut ahead = lexer;
        if !starts_query(token.kind, || ahead.next().kind) {
            return false;
        }
        // Level `opened` is a query. Walk outwards: each closing must be followed by what may follow a query.
        let mut depth = opened;
        let mut level = opened;
        loop {
            match lexer.next().kind {
                TokenKind::OpenParen => depth += 1,
                TokenKind::CloseParen => {
                    depth -= 1;
                    if depth >= level {
                        continue;
                    }
                    level = depth;
                    if level == 0 {
                        return true;
                    }
                    let mut ahead = lexer;
                    if !continues_query(ahead.next().kind) {
                        return false;
                    }
                }
                TokenKind::End | TokenKind::Invalid | TokenKind::Semicolon => return false,
                _ => {}
            }
        }
    }
}

fn starts_query(kind: TokenKind, second: impl FnOnce() -> TokenKind) -> bool {
    match kind {
        TokenKind::Keyword(K::Select | K::With | K::Table) => true,
        // `VALUES(a)` is a function.
        TokenKind::Keyword(K::Values) => second() == TokenKind::Keyword(K::Row),
        _ => false,
    }
}

/// What may follow a parenthesised query within the next parentheses.
fn continues_query(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::CloseParen
            | TokenKind::Keyword(
                K::Union | K::Except | K::Intersect | K::Order | K::Limit | K::For | K::Lock | K::Into
            )
    )
}

fn chain(first: QueryBody, rest: Vec<SetBranch>) -> QueryBody {
    if rest.is_empty() { first } else { QueryBody::SetOperation(Box::new(SetOperation { first, rest })) }
}

/// `(SELECT 1)` as a whole query is the inner query; with a tail outside, the inner one must have none to be merged.
fn unwrap_parentheses(mut query: Query) -> Query {
    let QueryBody::Parenthesized(inner) = query.body else {
        return query;
    };
    let bare = query.with.is_none()
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.locking.is_empty()
        && query.into.is_none();
    if bare {
        return Query { span: query.span, ..*inner };
    }
    let inner_bare = inner.with.is_none()
        && inner.order_by.is_empty()
        && inner.limit.is_none()
        && inner.locking.is_empty()
        && inner.into.is_none();
    query.body = if inner_bare { inner.body } else { QueryBody::Parenthesized(inner) };
    query
}
