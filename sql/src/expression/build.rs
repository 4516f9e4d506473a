//! Builds calls: types inferred, constants brought to the type they are compared in, constants folded.

use std::sync::Arc;

use rutile_sql_functions::call::infer;
use rutile_sql_functions::{ArgInfo, CallInfo, Coercibility, InferContext, lookup};
use rutile_sql_types::convert::{to_datetime, to_duration};
use rutile_sql_types::temporal::DateFlags;
use rutile_sql_types::{Collation, ConvertContext, FieldType, MySqlError, TypeKind, Value};

use super::{Call, Evaluation, Expr};

pub use super::aggregate::aggregate;
pub use super::fold::{factor_or, fold};

/// A call of a function or operator, whose result depends on no mode of the session.
pub fn call(name: &str, args: Vec<Expr>) -> Result<Expr, MySqlError> {
    bind(name, args, &mut InferContext::default())
}

/// A call under the modes of a statement.
pub fn call_in(statement: &Evaluation, name: &str, args: Vec<Expr>) -> Result<Expr, MySqlError> {
    let args = if compares(name) { align_constants(args, statement) } else { args };
    bind(name, args, &mut statement.infer_context())
}

fn bind(name: &str, args: Vec<Expr>, context: &mut InferContext) -> Result<Expr, MySqlError> {
    let function = lookup(name).ok_or_else(|| MySqlError::internal(format!("no function {name}")))?;
    let infos: Vec<ArgInfo<'_>> = args.iter().map(arg_info).collect();
    let info = CallInfo::bind(function, context, &infos)?;
    Ok(Expr::Call(Box::new(Call { function, args, info: Arc::new(info) })))
}

/// What type inference may know of an expression.
pub fn arg_info(expr: &Expr) -> ArgInfo<'_> {
    let coercibility = match expr {
        Expr::Literal { value: Value::Null, .. } => Coercibility::Ignorable,
        Expr::Literal { .. } | Expr::Parameter { .. } => Coercibility::Coercible,
        Expr::Call(call) => call.info.coercibility,
        Expr::Column { .. }
        | Expr::Outer { .. }
        | Expr::Subquery { .. }
        | Expr::Aggregate { .. }
        | Expr::Window { .. } => Coercibility::Implicit,
    };
    ArgInfo { ty: expr.ty(), constant: expr.as_literal(), coercibility }
}

/// AND and OR of any number of terms.
pub fn chain(statement: &Evaluation, name: &str, mut terms: Vec<Expr>) -> Result<Expr, MySqlError> {
    match terms.len() {
        0 => Ok(boolean(name == "and")),
        1 => Ok(terms.remove(0)),
        _ => call_in(statement, name, terms),
    }
}

/// All terms together; `None` of none.
pub fn conjunction(mut terms: Vec<Expr>) -> Result<Option<Expr>, MySqlError> {
    match terms.len() {
        0 => Ok(None),
        1 => Ok(terms.pop()),
        _ => call("and", terms).map(Some),
    }
}

pub fn boolean(value: bool) -> Expr {
    Expr::literal(Value::bool(value), FieldType::boolean().with_not_null())
}

/// `-operand`
pub fn negative(statement: &Evaluation, operand: Expr) -> Result<Expr, MySqlError> {
    call_in(statement, "unary_minus", vec![operand])
}

/// `BINARY operand`
pub fn to_binary(statement: &Evaluation, operand: Expr) -> Result<Expr, MySqlError> {
    let target = FieldType::varbinary(operand.ty().length);
    cast(statement, operand, target)
}

/// `operand COLLATE collation`: the same text, compared otherwise and no matter what it meets.
pub fn collate(statement: &Evaluation, operand: Expr, collation: Collation) -> Result<Expr, MySqlError> {
    let charset = if operand.ty().is_string_like() {
        operand.ty().collation.charset()
    } else {
        statement.connection_collation().charset()
    };
    if charset != collation.charset() && operand.ty().kind != TypeKind::Null {
        return Err(MySqlError::collation_charset_mismatch(collation.name(), charset.name()));
    }
    let target = if operand.ty().kind.is_string() {
        operand.ty().clone().with_collation(collation)
    } else {
        FieldType::varchar(operand.ty().length, collation)
    };
    let mut collated = cast(statement, operand, target)?;
    if let Expr::Call(call) = &mut collated {
        Arc::make_mut(&mut call.info).coercibility = Coercibility::Explicit;
    }
    Ok(collated)
}

/// `CAST(operand AS target)`
pub fn cast(statement: &Evaluation, operand: Expr, target: FieldType) -> Result<Expr, MySqlError> {
    call_in(statement, "cast", vec![operand, Expr::literal(Value::Null, target)])
}

/// The same where no mode of a statement is at hand; `None` if there is no such cast.
pub fn cast_constantless(operand: Expr, target: FieldType) -> Option<Expr> {
    call("cast", vec![operand, Expr::literal(Value::Null, target)]).ok()
}

/// `expr` as a value of type `ty`, of which all values of `expr` are.
pub fn convert(expr: Expr, ty: &FieldType) -> Result<Expr, MySqlError> {
    let from = expr.ty();
    let same_text = from.kind.is_string() && ty.kind.is_string();
    let same_class = from.kind == ty.kind
        || same_text
        || (from.kind.is_integer() && ty.kind.is_integer())
        || (from.kind.has_date() && ty.kind.has_date());
    let same_zone = (from.kind == TypeKind::Timestamp) == (ty.kind == TypeKind::Timestamp);
    if same_class && same_zone && from.arrow_type() == ty.arrow_type() {
        return Ok(expr);
    }
    if let Expr::Literal { value: Value::Null, .. } = expr {
        return Ok(Expr::literal(Value::Null, ty.clone().with_nullable()));
    }
    call("cast", vec![expr, Expr::literal(Value::Null, ty.clone())])
}

/// The type in which all of these fit: of UNION's columns, of VALUES.
pub fn common_type(exprs: &[&Expr]) -> Result<FieldType, MySqlError> {
    let infos: Vec<ArgInfo<'_>> = exprs.iter().map(|expr| arg_info(expr)).collect();
    infer::common_type(&mut InferContext::default(), &infos, "UNION")
}

fn compares(name: &str) -> bool {
    matches!(name, "=" | "<=>" | "<>" | "<" | "<=" | ">" | ">=" | "between" | "in")
}

/// Brings constants to the type of the columns they are compared with, where that changes no answer:
/// text that is a date to a date, text that is an integer to an integer. Done once instead of per
/// row, and key ranges see it.
fn align_constants(mut args: Vec<Expr>, statement: &Evaluation) -> Vec<Expr> {
    let Some(model) =
        args.iter().find(|arg| !matches!(arg, Expr::Literal { .. })).map(|arg| arg.ty().clone())
    else {
        return args;
    };
    if args.iter().any(|arg| !matches!(arg, Expr::Literal { .. }) && arg.ty().kind != model.kind) {
        return args;
    }
    for arg in &mut args {
        if let Expr::Literal { value, ty } = arg
            && let Some((aligned, aligned_ty)) = align(value, ty, &model, statement)
        {
            *arg = Expr::Literal { value: aligned, ty: aligned_ty };
        }
    }
    args
}

fn align(
    value: &Value,
    ty: &FieldType,
    model: &FieldType,
    statement: &Evaluation,
) -> Option<(Value, FieldType)> {
    let Value::Bytes(text) = value else {
        return None;
    };
    if !ty.kind.is_text() {
        return None;
    }
    let mut context: ConvertContext = statement.convert_context();
    let aligned = if model.kind.has_date() {
        let parsed = to_datetime(value, ty, DateFlags::FUZZY, &mut context)?;
        (Value::Datetime(parsed), FieldType::datetime(6).with_not_null())
    } else if model.kind == TypeKind::Time {
        let parsed = to_duration(value, ty, &mut context)?;
        (Value::Duration(parsed), FieldType::time(6).with_not_null())
    } else if model.kind.is_integer() {
        let number: i64 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
        // Beyond this the comparison as doubles, which is MySQL's, differs from that of integers.
        const EXACT: u64 = 1 << 53;
        if number.unsigned_abs() > EXACT {
            return None;
        }
        (Value::Int(number), FieldType::bigint().with_not_null())
    } else {
        return None;
    };
    context.warnings.is_empty().then_some(aligned)
}
