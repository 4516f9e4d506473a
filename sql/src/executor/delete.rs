//! DELETE from one table.

use rutile_sql_parser::ast;

use super::dml::{self, Choice};
use super::write_row::RowWriter;
use crate::error::{Error, Result};
use crate::session::{Outcome, StatementContext};

fn refuse_unsupported(statement: &ast::Delete) -> Result<()> {
    if statement.with.is_some() {
        return Err(Error::unsupported("WITH in DELETE"));
    }
    if !statement.targets.is_empty() {
        return Err(Error::unsupported("multi-table DELETE"));
    }
    Ok(())
}

fn choice(statement: &ast::Delete) -> Choice<'_> {
    Choice {
        tables: &statement.tables,
        selection: statement.selection.as_ref(),
        order_by: &statement.order_by,
        limit: statement.limit.as_ref(),
    }
}

pub(super) fn check(context: &mut StatementContext<'_>, statement: &ast::Delete) -> Result<()> {
    refuse_unsupported(statement)?;
    let evaluation = context.evaluation(true);
    let view = context.view();
    let mut bind = context.bind_context(&view, &evaluation);
    bind.parameters = None;
    dml::bind_target(&bind, &choice(statement)).map(drop)
}

pub(super) async fn run(context: &mut StatementContext<'_>, statement: &ast::Delete) -> Result<Outcome> {
    refuse_unsupported(statement)?;
    let evaluation = context.evaluation(true);
    let target = {
        let view = context.view();
        let bind = context.bind_context(&view, &evaluation);
        dml::bind_target(&bind, &choice(statement))?
    };
    context.use_table_to_write(&target.table)?;
    let mut eval = evaluation.eval_context();
    eval.convert.ignore = statement.ignore;
    let writer = RowWriter::new(&target.table, context.settings().time_zone, context.row_locks());
    let rows = dml::chosen_rows(context, &target, &mut eval, &writer, true).await?;
    let transaction = context.writer().await?;
    for row in &rows {
        writer.delete(transaction, row).await?;
    }
    dml::keep(context, &evaluation, eval);
    Ok(Outcome::affected(rows.len() as u64))
}
