//! One bound expression and its value.

use rutile_sql_functions::EvalContext;
use rutile_sql_types::{MySqlError, SqlMode, Value, store};

use crate::catalog::ColumnInfo;
use crate::executor::column_values::implicit_default;
use crate::executor::strict::strictly;
use crate::expression::{Expr, evaluate};

/// The expression of one generated column, over the row of all columns of its table.
#[derive(Debug)]
pub(super) struct Formula {
    pub offset: usize,
    pub expr: Expr,
    /// Offsets of the columns it reads.
    pub reads: Vec<usize>,
    pub stored: bool,
    pub depends_on_session: bool,
}

impl Formula {
    /// The value for a row that is written; what does not fit is an error or a warning as for any other column.
    pub fn written(
        &self,
        column: &ColumnInfo,
        row: &[Value],
        context: &mut EvalContext,
    ) -> Result<Value, MySqlError> {
        let value = strictly(context, |context| {
            let value = evaluate(&self.expr, row, context)?;
            store(&value, self.expr.ty(), &column.ty, &column.name, &mut context.convert)
        })?;
        if !value.is_null() || !column.ty.not_null {
            return Ok(value);
        }
        let error = MySqlError::column_not_null(&column.name);
        if !context.convert.ignore {
            return Err(error);
        }
        context.warn(error);
        Ok(implicit_default(&column.ty))
    }

    /// The value of a row that is there: as it was written, or, of a column that was added later and does not fit, as
    /// IGNORE would have written it. Only the expression warns, not the column.
    pub fn read(
        &self,
        column: &ColumnInfo,
        row: &[Value],
        context: &mut EvalContext,
    ) -> Result<Value, MySqlError> {
        let value = evaluate(&self.expr, row, context)?;
        let warnings = std::mem::take(&mut context.convert.warnings);
        let value = store(&value, self.expr.ty(), &column.ty, &column.name, &mut context.convert);
        context.convert.warnings = warnings;
        let value = value?;
        if value.is_null() && column.ty.not_null {
            return Ok(implicit_default(&column.ty));
        }
        Ok(value)
    }
}

/// Modes a session chooses: they decide what is an error, never a value.
const STRICT: [SqlMode; 2] = [SqlMode::STRICT_TRANS_TABLES, SqlMode::STRICT_ALL_TABLES];

/// Who asks for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
}

/// MySQL's default modes, with those that the session chooses.
fn fixed_mode(session: SqlMode, purpose: Purpose) -> SqlMode {
    let strict = if purpose == Purpose::Write { &STRICT[..] } else { &[] };
    let division = SqlMode::ERROR_FOR_DIVISION_BY_ZERO;
    let refused = STRICT.into_iter().fold(division, SqlMode::with);
    let chosen = strict.iter().chain([&division]).filter(|mode| session.contains(**mode));
    chosen.fold(SqlMode::default().without(refused), |all, mode| all.with(*mode))
}

/// Runs `work` with the modes that all values are computed with; the context keeps its zone and its warnings.
pub(super) fn with_fixed_modes<T>(
    context: &mut EvalContext,
    purpose: Purpose,
    work: impl FnOnce(&mut EvalContext) -> T,
) -> T {
    /// MySQL's defaults of what else decides values.
    const DIV_PRECISION_INCREMENT: u32 = 4;
    const DEFAULT_WEEK_FORMAT: i64 = 0;
    let session = (
        context.convert.sql_mode,
        context.changes_data,
        context.div_precision_increment,
        context.default_week_format,
    );
    context.convert.sql_mode = fixed_mode(session.0, purpose);
    context.changes_data &= purpose == Purpose::Write;
    context.div_precision_increment = DIV_PRECISION_INCREMENT;
    context.default_week_format = DEFAULT_WEEK_FORMAT;
    let result = work(context);
    (
        context.convert.sql_mode,
        context.changes_data,
        context.div_precision_increment,
        context.default_week_format,
    ) = session;
    result
}
