//! A view in FROM: the query behind it, bound where the view's name stands.

use std::sync::Arc;

use rutile_sql_parser::{ParseOptions, StatementKind, parse_next};
use rutile_sql_types::MySqlError;

use super::relation::Relation;
use super::scope::{Scope, same_name};
use super::{BindContext, Binder};
use crate::catalog::{TableInfo, ViewInfo};
use crate::expression::Expr;

/// Views within views, which are bound by recursion; a circle has no end.
const DEPTH_MAX: usize = 64;

impl Binder<'_> {
    pub(super) fn bind_view(
        &self,
        database: &str,
        table: &TableInfo,
        view: &ViewInfo,
        alias: Arc<str>,
    ) -> Result<(Relation, Scope), MySqlError> {
        let invalid = || MySqlError::view_invalid(format_args!("{database}.{}", table.name));
        // As in MySQL, a view that is made anew is gone for the time being.
        let itself = self.defining.filter(|(place, name)| *place == database && same_name(name, &table.name));
        if let Some((place, name)) = itself {
            return Err(MySqlError::no_such_table(place, name));
        }
        if self.view_depth >= DEPTH_MAX {
            return Err(MySqlError::views_too_deep(DEPTH_MAX));
        }
        // The text was parsed once already, in the session that made the view.
        let parsed = parse_next(view.query.as_bytes(), 0, &ParseOptions::default()).ok().flatten();
        let Some(StatementKind::Query(query)) = parsed.map(|(statement, _)| statement.kind) else {
            return Err(invalid());
        };
        let context =
            BindContext { current_database: Some(database), parameters: None, ..self.context.clone() };
        let mut binder = Binder::new(&context);
        binder.view_depth = self.view_depth + 1;
        binder.defining = self.defining;
        let bound = binder.bind_query(&query).map_err(|error| match error.code {
            // A circle.
            1146 if self
                .defining
                .is_some_and(|(place, name)| error == MySqlError::no_such_table(place, name)) =>
            {
                error
            }
            // A table or column that is gone.
            1049 | 1054 | 1146 | 1356 => invalid(),
            _ => error,
        })?;
        let mut exprs = Vec::with_capacity(view.sources.len());
        for source in &view.sources {
            let found = bound.columns.iter().position(|column| same_name(&column.name, source));
            let index = found.ok_or_else(invalid)?;
            exprs.push(Expr::Column { index, ty: bound.relation.output_type(index) });
        }
        let columns: Vec<_> = table
            .public_columns()
            .zip(&exprs)
            .map(|(column, expr)| (Arc::from(column.name.as_str()), expr.ty().clone()))
            .collect();
        let scope = Scope::of_columns(Arc::from(database), Arc::from(table.name.as_str()), alias, columns);
        Ok((bound.relation.projected(exprs), scope))
    }
}
