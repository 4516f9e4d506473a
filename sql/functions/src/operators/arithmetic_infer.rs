//! Result types of + - * / DIV % and unary minus (item_func.cc, Item_num_op).

use rutile_sql_types::{FieldType, MySqlError, SqlMode};

use crate::call::infer::{NumberClass, decimal, number_class, precision, scale};
use crate::call::{ArgInfo, InferContext};

type Inferred = Result<FieldType, MySqlError>;

fn classes(args: &[ArgInfo<'_>]) -> (NumberClass, NumberClass) {
    (number_class(args[0].ty), number_class(args[1].ty))
}

fn with_nullability(ty: FieldType, args: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType { not_null: args.iter().all(|a| a.ty.not_null), ..ty })
}

fn integer(args: &[ArgInfo<'_>], unsigned: bool, length: u32) -> Inferred {
    let ty = FieldType { unsigned, length: length.min(21), ..FieldType::bigint() };
    with_nullability(ty, args)
}

fn additive(args: &[ArgInfo<'_>], unsigned: bool) -> Inferred {
    match classes(args) {
        (NumberClass::Double, _) | (_, NumberClass::Double) => with_nullability(FieldType::double(), args),
        (NumberClass::Integer { .. }, NumberClass::Integer { .. }) => {
            integer(args, unsigned, args[0].ty.length.max(args[1].ty.length) + 1)
        }
        _ => {
            let (a, b) = (args[0].ty, args[1].ty);
            let fraction = scale(a).max(scale(b));
            let whole = |t| precision(t).saturating_sub(u32::from(scale(t)));
            with_nullability(decimal(whole(a).max(whole(b)) + 1 + u32::from(fraction), fraction), args)
        }
    }
}

fn any_unsigned(args: &[ArgInfo<'_>]) -> bool {
    args.iter().any(|a| number_class(a.ty) == NumberClass::Integer { unsigned: true })
}

pub(super) fn plus(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    additive(args, any_unsigned(args))
}

pub(super) fn minus(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    additive(args, any_unsigned(args) && !ctx.sql_mode.contains(SqlMode::NO_UNSIGNED_SUBTRACTION))
}

pub(super) fn multiply(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    match classes(args) {
        (NumberClass::Double, _) | (_, NumberClass::Double) => with_nullability(FieldType::double(), args),
        (NumberClass::Integer { .. }, NumberClass::Integer { .. }) => {
            integer(args, any_unsigned(args), args[0].ty.length + args[1].ty.length)
        }
        _ => {
            let (a, b) = (args[0].ty, args[1].ty);
            let fraction = (scale(a) + scale(b)).min(30);
            with_nullability(decimal(precision(a) + precision(b), fraction), args)
        }
    }
}

/// Division is NULL for a zero divisor, so never NOT NULL.
pub(super) fn division(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    match classes(args) {
        (NumberClass::Double, _) | (_, NumberClass::Double) => Ok(FieldType::double()),
        _ => {
            let (a, b) = (args[0].ty, args[1].ty);
            let fraction = u32::from(scale(a)) + ctx.div_precision_increment;
            let digits = precision(a) + u32::from(scale(b)) + ctx.div_precision_increment;
            Ok(decimal(digits, fraction.min(30) as u8))
        }
    }
}

pub(super) fn integer_division(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType { unsigned: any_unsigned(args), ..FieldType::bigint() })
}

pub(super) fn modulo(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    match classes(args) {
        (NumberClass::Double, _) | (_, NumberClass::Double) => Ok(FieldType::double()),
        (NumberClass::Integer { unsigned }, NumberClass::Integer { .. }) => {
            Ok(FieldType { unsigned, ..FieldType::bigint() })
        }
        _ => {
            let (a, b) = (args[0].ty, args[1].ty);
            Ok(decimal(precision(a).max(precision(b)), scale(a).max(scale(b))))
        }
    }
}

pub(super) fn negation(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    let ty = match number_class(args[0].ty) {
        NumberClass::Double => FieldType::double(),
        NumberClass::Integer { .. } => {
            FieldType { length: args[0].ty.length.max(1) + 1, ..FieldType::bigint() }
        }
        NumberClass::Decimal => decimal(precision(args[0].ty), scale(args[0].ty)),
    };
    with_nullability(ty, args)
}
