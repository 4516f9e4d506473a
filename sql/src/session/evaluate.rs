//! Constants of utility statements, and values the session itself knows.

use rutile_sql_parser::ast::{Expr, ExprKind, UnaryOperator};
use rutile_sql_types::convert::store;
use rutile_sql_types::{ConvertContext, FieldType, PackedDatetime, TimeZone, TypeKind, Value};

use super::session::Session;
use super::session_values::SessionView;
use super::state::SessionState;
use crate::binder::SessionValues as _;
use crate::ddl::literal_value;
use crate::error::Result;

/// The value of an expression that reads no table.
///
/// Literals and variables, nine of ten of what SET carries, are answered here without planning anything; the
/// rest is bound and evaluated like a SELECT without FROM.
pub(super) async fn constant(
    session: &mut Session,
    expression: &Expr,
    text: &[u8],
    parameters: &[(Value, FieldType)],
) -> Result<(Value, FieldType)> {
    match &expression.kind {
        ExprKind::Literal(literal) => {
            if let Some(value) = literal_value(false, literal) {
                return Ok(value);
            }
        }
        ExprKind::Unary { operator: UnaryOperator::Minus, operand } => {
            if let Some(value) = operand.literal().and_then(|literal| literal_value(true, literal)) {
                return Ok(value);
            }
        }
        ExprKind::UserVariable(name) => return Ok(session.state.user_variable(name)),
        ExprKind::SystemVariable(variable) if variable.component.is_none() => {
            let view = SessionView::new(&session.instance, &session.state);
            return Ok(view.system_variable(variable.scope, variable.name.as_str())?);
        }
        ExprKind::Placeholder(position) => {
            if let Some(value) = parameters.get(*position as usize) {
                return Ok(value.clone());
            }
        }
        _ => {}
    }
    session.transaction.start_statement();
    let (schema, _schema_use) = session.enter();
    let mut context = session.context(schema, parameters, text);
    crate::executor::evaluate_expression(&mut context, expression).await
}

/// The statement's NOW() in a DATETIME or TIMESTAMP column's precision; a TIMESTAMP is kept in UTC.
pub(super) fn current_timestamp(state: &SessionState, ty: &FieldType) -> Value {
    let unit = 10_i64.pow(u32::from(6_u8.saturating_sub(ty.fsp())));
    let micros = i64::try_from(state.statement_micros).unwrap_or(i64::MAX) / unit * unit;
    let zone = match ty.kind {
        TypeKind::Timestamp => TimeZone::UTC,
        _ => state.settings().time_zone,
    };
    Value::Datetime(zone.from_unix_micros(micros).unwrap_or(PackedDatetime::ZERO))
}

/// Converts a constant to a column's type under the session's modes; `None` unless it fits without loss.
pub(super) fn store_exactly(
    state: &SessionState,
    value: &Value,
    from: &FieldType,
    ty: &FieldType,
) -> Option<Value> {
    let settings = state.settings();
    let mut convert = ConvertContext {
        sql_mode: settings.sql_mode,
        time_zone: settings.time_zone,
        ..ConvertContext::default()
    };
    let stored = store(value, from, ty, "default", &mut convert).ok()?;
    convert.warnings.is_empty().then_some(stored)
}
