//! CAST and CONVERT: their target types.

use rutile_sql_parser::ast::{self, CastType, Ident};
use rutile_sql_types::{Charset, Collation, FieldType, MySqlError, TypeKind};

use super::Binder;
use super::error::not_supported;
use crate::expression::{Expr, build};

const MAX_FSP: u64 = 6;
const MAX_DECIMAL_PRECISION: u64 = 65;
const MAX_DECIMAL_SCALE: u64 = 30;
/// FLOAT(p) up to this many bits is single precision.
const MAX_FLOAT_BITS: u64 = 24;

impl Binder<'_> {
    pub(super) fn bind_cast(&mut self, cast: &ast::Cast) -> Result<Expr, MySqlError> {
        if cast.array {
            return Err(not_supported("CAST(... AS ... ARRAY)"));
        }
        if cast.time_zone.is_some() {
            return Err(not_supported("AT TIME ZONE"));
        }
        let operand = self.bind_expr(&cast.operand)?;
        let target = self.cast_target(&cast.target, &operand)?;
        build::cast(&self.context.statement, operand, target)
    }

    pub(super) fn bind_convert_using(
        &mut self,
        operand: &ast::Expr,
        charset: &Ident,
    ) -> Result<Expr, MySqlError> {
        let charset = Charset::from_name(charset.as_str())?;
        let operand = self.bind_expr(operand)?;
        let length = text_length(operand.ty());
        let target = if charset == Charset::Binary {
            FieldType::varbinary(length)
        } else {
            FieldType::varchar(length, charset.default_collation())
        };
        build::cast(&self.context.statement, operand, target)
    }

    fn cast_target(&self, target: &CastType, operand: &Expr) -> Result<FieldType, MySqlError> {
        Ok(match target {
            CastType::Signed => FieldType::bigint(),
            CastType::Unsigned => FieldType::ubigint(),
            CastType::Char { length, charset, binary_collation } => {
                let collation = match charset {
                    Some(charset) => Charset::from_name(charset.as_str())?.default_collation(),
                    None => self.context.statement.connection_collation(),
                };
                let collation = if *binary_collation { bin_of(collation)? } else { collation };
                char_type(*length, collation, operand.ty())
            }
            CastType::NChar { length } => char_type(*length, Collation::UTF8MB3_GENERAL_CI, operand.ty()),
            CastType::Binary { length } => {
                let length = length.map_or_else(|| text_length(operand.ty()), clipped);
                FieldType::varbinary(length)
            }
            CastType::Date => FieldType::date(),
            CastType::Time { fsp } => FieldType::time(fraction(*fsp)?),
            CastType::Datetime { fsp } => FieldType::datetime(fraction(*fsp)?),
            CastType::Year => FieldType::year(),
            CastType::Decimal { precision, scale } => decimal(precision.unwrap_or(10), scale.unwrap_or(0))?,
            CastType::Float { precision } => match precision {
                Some(bits) if *bits > MAX_FLOAT_BITS => FieldType::double(),
                _ => FieldType::float(),
            },
            CastType::Double => FieldType::double(),
            CastType::Json => FieldType::json(),
            CastType::Vector { .. } => return Err(not_supported("VECTOR")),
            CastType::Geometry(_) => return Err(not_supported("spatial types")),
        })
    }
}

fn char_type(length: Option<u64>, collation: Collation, operand: &FieldType) -> FieldType {
    let length = length.map_or_else(|| text_length(operand), clipped);
    if collation.is_binary() { FieldType::varbinary(length) } else { FieldType::varchar(length, collation) }
}

fn bin_of(collation: Collation) -> Result<Collation, MySqlError> {
    Collation::from_name(&format!("{}_bin", collation.charset().name()))
}

/// Characters that any value of the type fits into.
fn text_length(ty: &FieldType) -> u32 {
    match ty.kind {
        TypeKind::Decimal => ty.length + 2,
        _ => ty.length,
    }
}

fn clipped(length: u64) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn fraction(fsp: Option<u64>) -> Result<u8, MySqlError> {
    match fsp {
        None => Ok(0),
        Some(fsp) if fsp <= MAX_FSP => Ok(u8::try_from(fsp).unwrap_or(0)),
        Some(fsp) => Err(MySqlError::too_big_precision(fsp, "CAST", MAX_FSP)),
    }
}

fn decimal(precision: u64, scale: u64) -> Result<FieldType, MySqlError> {
    if scale > MAX_DECIMAL_SCALE {
        return Err(MySqlError::too_big_scale(scale, "CAST", MAX_DECIMAL_SCALE));
    }
    if precision > MAX_DECIMAL_PRECISION {
        return Err(MySqlError::too_big_precision(precision, "CAST", MAX_DECIMAL_PRECISION));
    }
    if scale > precision {
        return Err(MySqlError::precision_below_scale(""));
    }
    // DECIMAL(0) is DECIMAL(10).
    let precision = if precision == 0 { 10 } else { precision };
    Ok(FieldType::decimal(clipped(precision), u8::try_from(scale).unwrap_or(0)))
}
