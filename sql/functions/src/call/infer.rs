//! Result types shared by many functions.

use rutile_sql_types::{Collation, FieldType, MySqlError, NOT_FIXED_DECIMALS, TypeKind};

use super::collate::concat_collation;
use super::{ArgInfo, InferContext};

type Inferred = Result<FieldType, MySqlError>;

fn nullable_like(ty: FieldType, args: &[ArgInfo<'_>]) -> FieldType {
    if args.iter().all(|a| a.ty.not_null) { ty.with_not_null() } else { ty }
}

/// An integer that is NULL only if an argument is.
pub fn integer(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    Ok(nullable_like(FieldType::bigint(), args))
}

/// An integer that may be NULL by itself.
pub fn nullable_integer(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType::bigint())
}

pub fn unsigned(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    Ok(nullable_like(FieldType::ubigint(), args))
}

pub fn boolean(_: &mut InferContext, args: &[ArgInfo<'_>]) -> Inferred {
    Ok(nullable_like(FieldType::boolean(), args))
}

pub fn never_null_boolean(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType::boolean().with_not_null())
}

pub fn double(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType::double())
}

pub fn date(_: &mut InferContext, _: &[ArgInfo<'_>]) -> Inferred {
    Ok(FieldType::date())
}

/// Text in the collation of all arguments, `length` characters.
pub fn text_of(ctx: &mut InferContext, args: &[ArgInfo<'_>], operation: &str, length: u32) -> Inferred {
    let collation = concat_collation(ctx, args, operation)?;
    Ok(nullable_like(sized_text(length, collation), args))
}

/// VARCHAR up to 65535 bytes, else a LOB, as MySQL types expressions.
pub fn sized_text(chars: u32, collation: Collation) -> FieldType {
    let bytes = u64::from(chars) * u64::from(collation.charset().max_len());
    let binary = collation.is_binary();
    let kind = match (bytes, binary) {
        (..=65_535, true) => return FieldType::varbinary(chars),
        (..=65_535, false) => return FieldType::varchar(chars, collation),
        (..=16_777_215, true) => TypeKind::MediumBlob,
        (..=16_777_215, false) => TypeKind::MediumText,
        (_, true) => TypeKind::LongBlob,
        (_, false) => TypeKind::LongText,
    };
    FieldType::new(kind).with_collation(collation)
}

/// Text in the connection's collation.
pub fn connection_text(ctx: &mut InferContext, args: &[ArgInfo<'_>], length: u32) -> Inferred {
    Ok(nullable_like(FieldType::varchar(length, ctx.connection_collation), args))
}

/// Characters the text form of a type takes.
pub fn display_length(ty: &FieldType) -> u32 {
    match ty.kind {
        TypeKind::Decimal => ty.length + 1 + u32::from(ty.decimals > 0),
        kind if kind.is_lob() => ty.length / ty.collation.charset().max_len(),
        _ => ty.length,
    }
}

/// Decimal digits before the point plus after, as MySQL's decimal_precision().
pub fn precision(ty: &FieldType) -> u32 {
    match ty.kind {
        TypeKind::Decimal => ty.length,
        TypeKind::Date => 8,
        TypeKind::Time => 7 + u32::from(ty.fsp()),
        TypeKind::Datetime | TypeKind::Timestamp => 14 + u32::from(ty.fsp()),
        TypeKind::Year => 4,
        TypeKind::Bit => 20,
        kind if kind.is_integer() => {
            let natural = match kind {
                TypeKind::TinyInt => 3,
                TypeKind::SmallInt => 5,
                TypeKind::MediumInt => 8,
                TypeKind::Int => 10,
                _ => 19 + u32::from(ty.unsigned),
            };
            // A literal or an expression is as long as its length says, sign not counted.
            let shown = ty.length.saturating_sub(u32::from(!ty.unsigned)).max(1);
            if kind == TypeKind::BigInt { shown.min(natural) } else { natural }
        }
        _ => 65,
    }
}

/// What an argument counts as in arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberClass {
    Integer { unsigned: bool },
    Decimal,
    Double,
}

pub fn number_class(ty: &FieldType) -> NumberClass {
    match ty.kind {
        TypeKind::Null => NumberClass::Integer { unsigned: false },
        TypeKind::Decimal => NumberClass::Decimal,
        kind if kind.is_integer_like() => NumberClass::Integer { unsigned: ty.unsigned },
        kind if kind.is_temporal() => {
            if ty.fsp() > 0 {
                NumberClass::Decimal
            } else {
                NumberClass::Integer { unsigned: false }
            }
        }
        _ => NumberClass::Double,
    }
}

/// Scale an argument has as an exact number.
pub fn scale(ty: &FieldType) -> u8 {
    match ty.kind {
        TypeKind::Decimal => ty.decimals,
        kind if kind.is_temporal() => ty.fsp(),
        _ => 0,
    }
}

/// The type of a decimal with this many digits, within MySQL's limits.
pub fn decimal(precision: u32, scale: u8) -> FieldType {
    let scale = scale.min(30);
    FieldType::decimal(precision.clamp(u32::from(scale).max(1), 65), scale)
}

/// The common type of branches (IF, CASE, COALESCE, IFNULL, GREATEST, UNION).
pub fn common_type(ctx: &mut InferContext, branches: &[ArgInfo<'_>], operation: &str) -> Inferred {
    let typed: Vec<ArgInfo<'_>> = branches.iter().filter(|b| b.ty.kind != TypeKind::Null).copied().collect();
    let Some(first) = typed.first() else {
        return Ok(FieldType::null());
    };
    let not_null = branches.iter().all(|b| b.ty.not_null);
    let result = if typed.iter().all(|b| b.ty == first.ty) {
        if first.ty.is_string_like() {
            concat_collation(ctx, &typed, operation)?;
        }
        let mut same = first.ty.clone();
        if matches!(same.kind, TypeKind::Enum | TypeKind::Set) && typed.len() > 1 {
            same = FieldType::varchar(same.length, same.collation);
        }
        same
    } else if typed.iter().all(|b| b.ty.kind.is_numeric()) {
        common_number(&typed)
    } else if typed.iter().all(|b| b.ty.kind.is_temporal()) {
        common_temporal(&typed)
    } else if typed.iter().all(|b| b.ty.kind == TypeKind::Json) {
        FieldType::json()
    } else {
        let length = typed.iter().map(|b| display_length(b.ty)).max().unwrap_or(0);
        let collation = concat_collation(ctx, &typed, operation)?;
        let lob = typed.iter().any(|b| b.ty.kind.is_lob() || b.ty.kind == TypeKind::Json);
        if lob { sized_text(length.max(65_536), collation) } else { sized_text(length, collation) }
    };
    Ok(FieldType { not_null, ..result })
}

fn common_number(typed: &[ArgInfo<'_>]) -> FieldType {
    let classes: Vec<NumberClass> = typed.iter().map(|b| number_class(b.ty)).collect();
    if classes.contains(&NumberClass::Double) {
        return if typed.iter().all(|b| b.ty.kind == TypeKind::Float) {
            FieldType::float()
        } else {
            FieldType::double()
        };
    }
    let signed = NumberClass::Integer { unsigned: false };
    let mixed_signs = classes.contains(&signed) && classes.contains(&NumberClass::Integer { unsigned: true });
    if classes.contains(&NumberClass::Decimal) || mixed_signs {
        let fraction = typed.iter().map(|b| scale(b.ty)).max().unwrap_or(0);
        let whole =
            typed.iter().map(|b| precision(b.ty).saturating_sub(u32::from(scale(b.ty)))).max().unwrap_or(1);
        return decimal(whole + u32::from(fraction), fraction);
    }
    let unsigned = !classes.contains(&signed);
    let length = typed.iter().map(|b| b.ty.length).max().unwrap_or(20);
    let widest =
        typed.iter().map(|b| b.ty.kind).max_by_key(|k| k.integer_bytes()).unwrap_or(TypeKind::BigInt);
    let kind = if widest.is_integer() { widest } else { TypeKind::BigInt };
    FieldType { unsigned, length, ..FieldType::new(kind) }
}

fn common_temporal(typed: &[ArgInfo<'_>]) -> FieldType {
    let fsp = typed.iter().map(|b| b.ty.fsp()).max().unwrap_or(0);
    let kinds: Vec<TypeKind> = typed.iter().map(|b| b.ty.kind).collect();
    if kinds.iter().all(|k| *k == TypeKind::Time) {
        FieldType::time(fsp)
    } else if kinds.iter().all(|k| *k == TypeKind::Date) {
        FieldType::date()
    } else if kinds.iter().all(|k| *k == TypeKind::Timestamp) {
        FieldType::timestamp(fsp)
    } else {
        FieldType::datetime(fsp)
    }
}

/// Fractional digits a text or number brings into a temporal result.
pub fn fsp_of(arg: &ArgInfo<'_>) -> u8 {
    match arg.ty.kind {
        kind if kind.is_temporal() => arg.ty.fsp(),
        TypeKind::Decimal => arg.ty.decimals.min(6),
        kind if kind.is_real() || kind.is_string() => match arg.constant {
            Some(rutile_sql_types::Value::Bytes(text)) => fraction_digits(text),
            _ => 6,
        },
        _ => 0,
    }
}

/// Digits after the last point of a text, at most 6.
fn fraction_digits(text: &[u8]) -> u8 {
    match text.iter().rposition(|b| *b == b'.') {
        Some(at) => text[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count().min(6) as u8,
        None => 0,
    }
}

/// The double without a fixed number of decimals; or with, for ROUND-like results.
pub fn double_with(decimals: u8) -> FieldType {
    FieldType { decimals: if decimals > 30 { NOT_FIXED_DECIMALS } else { decimals }, ..FieldType::double() }
}
