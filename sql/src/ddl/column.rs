//! A column definition: from the parsed type and attributes to a `ColumnInfo`, with MySQL's checks.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, DataTypeKind, ExprKind};
use rutile_sql_types::{Charset, Collation, FieldType, MySqlError, NOT_FIXED_DECIMALS, TypeKind, Value};

use super::database::resolve_collation;
use super::default::{self, is_current_timestamp};
use super::generated;
use crate::catalog::{ColumnDefault, ColumnInfo, SchemaState};
use crate::error::{Error, Result};
use crate::session::StatementContext;

const CHAR_LENGTH_MAX: u64 = 255;
/// Bytes of the longest row and so of the longest VARCHAR.
const VARCHAR_BYTES_MAX: u64 = 65_535;
const DECIMAL_PRECISION_MAX: u64 = 65;
const DECIMAL_SCALE_MAX: u64 = 30;
const FSP_MAX: u64 = 6;
const BIT_LENGTH_MAX: u64 = 64;
const DISPLAY_WIDTH_MAX: u64 = 255;
const SET_MEMBERS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 64;

/// Builds a column; `table_collation` is what text columns inherit. Id and offset are the caller's.
pub(super) fn column_info(
    context: &mut StatementContext<'_>,
    definition: &ast::ColumnDef,
    table_collation: Collation,
) -> Result<ColumnInfo> {
    let name = definition.name.as_str();
    check_name(name)?;
    let attributes = &definition.attributes;
    refuse_unsupported(attributes)?;
    let mut ty = field_type(context, name, &definition.data_type, table_collation)?;
    ty.not_null = attributes.nullable == Some(false) || attributes.primary;
    if attributes.primary && attributes.nullable == Some(true) {
        return Err(MySqlError::primary_cannot_have_null().into());
    }
    if attributes.auto_increment {
        check_auto_increment(name, &ty, attributes)?;
        // An AUTO_INCREMENT column is never NULL, whatever was written.
        ty.not_null = true;
    }
    let generated = generated::parse(context, name, attributes)?;
    let on_update_now = on_update(name, &ty, attributes)?;
    let default = match &attributes.default {
        None => ColumnDefault::Absent,
        Some(value) => default::column_default(context, name, &ty, value)?,
    };
    Ok(ColumnInfo {
        id: 0,
        name: name.to_owned(),
        offset: 0,
        ty,
        default,
        on_update_now,
        auto_increment: attributes.auto_increment,
        comment: comment(name, attributes)?,
        state: SchemaState::Public,
        original_default: Value::Null,
        generated,
    })
}

/// A nullable column without a DEFAULT clause has `DEFAULT NULL`, unless it is generated. Called once its nullability is settled; a default
/// that ALTER TABLE drops later stays absent.
pub(super) fn settle_default(column: &mut ColumnInfo) {
    if !column.ty.not_null && column.default == ColumnDefault::Absent && column.generated.is_none() {
        column.default = ColumnDefault::Null;
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.chars().count() > NAME_CHARS_MAX {
        return Err(MySqlError::identifier_too_long(name).into());
    }
    if name.is_empty() || name.ends_with(' ') {
        return Err(MySqlError::wrong_column_name(name).into());
    }
    Ok(())
}

/// Clauses whose meaning is missing are refused, never dropped.
fn refuse_unsupported(attributes: &ast::ColumnAttributes) -> Result<()> {
    let refused = [
        (!attributes.checks.is_empty(), "CHECK constraints"),
        (attributes.references.is_some(), "REFERENCES in a column definition"),
        (attributes.auto_random.is_some(), "AUTO_RANDOM"),
        (attributes.visible == Some(false), "INVISIBLE columns"),
        (attributes.srid.is_some(), "SRID"),
        (attributes.column_format.is_some(), "COLUMN_FORMAT"),
        (attributes.storage.is_some(), "STORAGE"),
        (attributes.engine_attribute.is_some(), "ENGINE_ATTRIBUTE"),
        (attributes.secondary_engine_attribute.is_some(), "SECONDARY_ENGINE_ATTRIBUTE"),
        (attributes.not_secondary, "NOT SECONDARY"),
    ];
    match refused.into_iter().find(|(present, _)| *present) {
        Some((_, feature)) => Err(Error::unsupported(feature)),
        None => Ok(()),
    }
}

fn comment(name: &str, attributes: &ast::ColumnAttributes) -> Result<String> {
    const COMMENT_CHARS_MAX: usize = 1024;
    let comment = attributes.comment.clone().unwrap_or_default();
    if comment.chars().count() > COMMENT_CHARS_MAX {
        return Err(MySqlError::new(
            1629,
            "HY000",
            format!("Comment for field '{name}' is too long (max = {COMMENT_CHARS_MAX})"),
        )
        .into());
    }
    Ok(comment)
}

fn check_auto_increment(name: &str, ty: &FieldType, attributes: &ast::ColumnAttributes) -> Result<()> {
    if !ty.kind.is_integer() && !ty.kind.is_real() {
        return Err(MySqlError::wrong_field_spec(name).into());
    }
    if attributes.default.is_some() {
        return Err(MySqlError::invalid_default(name).into());
    }
    if ty.kind.is_real() {
        return Err(Error::unsupported("AUTO_INCREMENT on FLOAT and DOUBLE"));
    }
    Ok(())
}

fn on_update(name: &str, ty: &FieldType, attributes: &ast::ColumnAttributes) -> Result<bool> {
    let Some(expression) = &attributes.on_update else {
        return Ok(false);
    };
    let fits = matches!(ty.kind, TypeKind::Datetime | TypeKind::Timestamp)
        && is_current_timestamp(expression) == Some(ty.decimals);
    if fits { Ok(true) } else { Err(MySqlError::invalid_on_update(name).into()) }
}

/// The type of a column.
pub(super) fn field_type(
    context: &mut StatementContext<'_>,
    name: &str,
    parsed: &ast::DataType,
    table_collation: Collation,
) -> Result<FieldType> {
    use DataTypeKind as K;
    let mut ty = match parsed.kind {
        K::TinyInt => integer(name, TypeKind::TinyInt, parsed)?,
        K::SmallInt => integer(name, TypeKind::SmallInt, parsed)?,
        K::MediumInt => integer(name, TypeKind::MediumInt, parsed)?,
        K::Int => integer(name, TypeKind::Int, parsed)?,
        K::BigInt => integer(name, TypeKind::BigInt, parsed)?,
        K::Decimal => decimal(name, parsed)?,
        K::Float => real(name, TypeKind::Float, parsed)?,
        K::Double => real(name, TypeKind::Double, parsed)?,
        K::Bit => FieldType::bit(bounded(parsed.length.unwrap_or(1), BIT_LENGTH_MAX, || {
            MySqlError::too_big_display_width(name, BIT_LENGTH_MAX)
        })?),
        K::Year => year(parsed)?,
        K::Date => FieldType::date(),
        K::Time => FieldType::time(fsp(name, parsed)?),
        K::Datetime => FieldType::datetime(fsp(name, parsed)?),
        K::Timestamp => FieldType::timestamp(fsp(name, parsed)?),
        K::Char | K::VarChar | K::Binary | K::VarBinary => string(name, parsed, table_collation)?,
        K::TinyText | K::Text | K::MediumText | K::LongText => {
            let collation = text_collation(parsed, table_collation)?;
            let kind =
                if collation.is_binary() { blob_kind(parsed, 1) } else { text_kind(parsed, collation) };
            FieldType { collation, ..FieldType::new(kind) }
        }
        K::TinyBlob | K::Blob | K::MediumBlob | K::LongBlob => FieldType::new(blob_kind(parsed, 1)),
        K::Enum | K::Set => members(name, parsed, table_collation)?,
        K::Json => FieldType::json(),
        K::Vector => return Err(Error::unsupported("VECTOR")),
        K::Geometry
        | K::Point
        | K::LineString
        | K::Polygon
        | K::MultiPoint
        | K::MultiLineString
        | K::MultiPolygon
        | K::GeometryCollection => return Err(Error::unsupported("spatial types")),
    };
    if parsed.unsigned || parsed.zerofill {
        ty.unsigned = true;
        ty.zerofill |= parsed.zerofill;
    }
    deprecations(context, parsed);
    Ok(ty)
}

/// MySQL's deprecation warnings (1681) for what still works.
fn deprecations(context: &mut StatementContext<'_>, parsed: &ast::DataType) {
    use DataTypeKind as K;
    let integer = matches!(parsed.kind, K::TinyInt | K::SmallInt | K::MediumInt | K::Int | K::BigInt);
    let boolean = parsed.kind == K::TinyInt && parsed.length == Some(1);
    let real = matches!(parsed.kind, K::Float | K::Double);
    if parsed.zerofill {
        context.warn(MySqlError::new(
            1681,
            "HY000",
            "The ZEROFILL attribute is deprecated and will be removed in a future release. Use the LPAD \
             function to zero-pad numbers, or store the formatted numbers in a CHAR column.",
        ));
    }
    if integer && parsed.length.is_some() && !boolean {
        context.warn(MySqlError::new(
            1681,
            "HY000",
            "Integer display width is deprecated and will be removed in a future release.",
        ));
    }
    if real && parsed.length.is_some() {
        context.warn(MySqlError::new(
            1681,
            "HY000",
            "Specifying number of digits for floating point data types is deprecated and will be removed in a \
             future release.",
        ));
    }
    if parsed.binary_collation {
        context.warn(MySqlError::deprecated(
            "BINARY as attribute of a type",
            "a CHARACTER SET clause with _bin collation",
        ));
    }
    if parsed.kind == K::Year && parsed.length.is_some() {
        context.warn(MySqlError::deprecated("YEAR(4)", "YEAR"));
    }
    if parsed.charset.as_ref().is_some_and(|charset| charset.is("utf8")) {
        context.warn(MySqlError::new(3719, "HY000", UTF8_ALIAS));
    }
    if parsed.unsigned && (real || parsed.kind == K::Decimal) {
        context.warn(MySqlError::new(
            1681,
            "HY000",
            "UNSIGNED for decimal and floating point data types is deprecated and support for it will be \
             removed in a future release.",
        ));
    }
}

/// Warning 3719.
const UTF8_ALIAS: &str = "'utf8' is currently an alias for the character set UTF8MB3, but will be an alias for UTF8MB4 in a future release. Please consider using UTF8MB4 in order to be unambiguous.";

fn bounded(value: u64, max: u64, error: impl FnOnce() -> MySqlError) -> Result<u32> {
    if value > max {
        return Err(error().into());
    }
    u32::try_from(value).map_err(|_| Error::internal("a checked length does not fit 32 bits"))
}

fn integer(name: &str, kind: TypeKind, parsed: &ast::DataType) -> Result<FieldType> {
    let mut ty = FieldType::new(kind);
    if parsed.unsigned || parsed.zerofill {
        // The sign needs no column any more; BIGINT keeps 20 (MySQL manual, "Numeric Type Attributes").
        ty.length = match kind {
            TypeKind::TinyInt => 3,
            TypeKind::SmallInt => 5,
            TypeKind::MediumInt => 8,
            TypeKind::Int => 10,
            _ => 20,
        };
    }
    if let Some(width) = parsed.length {
        ty.length =
            bounded(width, DISPLAY_WIDTH_MAX, || MySqlError::too_big_display_width(name, DISPLAY_WIDTH_MAX))?;
    }
    Ok(ty)
}

fn decimal(name: &str, parsed: &ast::DataType) -> Result<FieldType> {
    let mut precision = parsed.length.unwrap_or(10);
    let scale = parsed.decimals.unwrap_or(0);
    if precision == 0 && scale == 0 {
        precision = 10;
    }
    if scale > DECIMAL_SCALE_MAX {
        return Err(MySqlError::too_big_scale(scale, name, DECIMAL_SCALE_MAX).into());
    }
    let precision = bounded(precision, DECIMAL_PRECISION_MAX, || {
        MySqlError::too_big_precision(precision, name, DECIMAL_PRECISION_MAX)
    })?;
    let scale = u8::try_from(scale).map_err(|_| Error::internal("a checked scale does not fit"))?;
    if precision < u32::from(scale) {
        return Err(MySqlError::precision_below_scale(name).into());
    }
    Ok(FieldType::decimal(precision, scale))
}

fn real(name: &str, kind: TypeKind, parsed: &ast::DataType) -> Result<FieldType> {
    let mut ty = FieldType::new(kind);
    let (Some(length), Some(decimals)) = (parsed.length, parsed.decimals) else {
        return Ok(ty);
    };
    if decimals > DECIMAL_SCALE_MAX {
        return Err(MySqlError::too_big_scale(decimals, name, DECIMAL_SCALE_MAX).into());
    }
    ty.length =
        bounded(length, DISPLAY_WIDTH_MAX, || MySqlError::too_big_display_width(name, DISPLAY_WIDTH_MAX))?;
    if length < decimals {
        return Err(MySqlError::precision_below_scale(name).into());
    }
    ty.decimals = u8::try_from(decimals).unwrap_or(NOT_FIXED_DECIMALS);
    Ok(ty)
}

fn year(parsed: &ast::DataType) -> Result<FieldType> {
    match parsed.length {
        None | Some(4) => Ok(FieldType::year()),
        Some(_) => Err(MySqlError::new(1818, "HY000", "Invalid display width. Use YEAR instead.").into()),
    }
}

fn fsp(name: &str, parsed: &ast::DataType) -> Result<u8> {
    let digits = parsed.length.unwrap_or(0);
    if digits > FSP_MAX {
        return Err(MySqlError::too_big_precision(digits, name, FSP_MAX).into());
    }
    u8::try_from(digits).map_err(|_| Error::internal("a checked precision does not fit"))
}

fn string(name: &str, parsed: &ast::DataType, table_collation: Collation) -> Result<FieldType> {
    use DataTypeKind as K;
    let text = matches!(parsed.kind, K::Char | K::VarChar);
    let collation = if text { text_collation(parsed, table_collation)? } else { Collation::BINARY };
    let varying = matches!(parsed.kind, K::VarChar | K::VarBinary);
    // CHARACTER SET binary turns the text types into their binary twins.
    let kind = match (varying, collation.is_binary()) {
        (true, true) => TypeKind::VarBinary,
        (true, false) => TypeKind::VarChar,
        (false, true) => TypeKind::Binary,
        (false, false) => TypeKind::Char,
    };
    let max =
        if varying { VARCHAR_BYTES_MAX / u64::from(collation.charset().max_len()) } else { CHAR_LENGTH_MAX };
    let length = bounded(parsed.length.unwrap_or(1), max, || MySqlError::column_length_too_big(name, max))?;
    Ok(FieldType { length, collation, ..FieldType::new(kind) })
}

/// `CHARACTER SET`, `COLLATE` and `BINARY` of a text type over what the table says.
fn text_collation(parsed: &ast::DataType, table: Collation) -> Result<Collation> {
    let charset = parsed.charset.as_ref().map(|name| name.as_str());
    let collation = parsed.collation.as_ref().map(|name| name.as_str());
    let resolved = resolve_collation(charset, collation, table)?;
    if parsed.binary_collation && collation.is_none() {
        return Ok(resolved.charset().bin_collation());
    }
    Ok(resolved)
}

/// `TEXT(n)` is the smallest TEXT type that holds n characters.
fn text_kind(parsed: &ast::DataType, collation: Collation) -> TypeKind {
    let charset: Charset = collation.charset();
    match lob_size(parsed, u64::from(charset.max_len())) {
        0 => TypeKind::TinyText,
        1 => TypeKind::Text,
        2 => TypeKind::MediumText,
        _ => TypeKind::LongText,
    }
}

fn blob_kind(parsed: &ast::DataType, bytes_per_char: u64) -> TypeKind {
    match lob_size(parsed, bytes_per_char) {
        0 => TypeKind::TinyBlob,
        1 => TypeKind::Blob,
        2 => TypeKind::MediumBlob,
        _ => TypeKind::LongBlob,
    }
}

/// 0 tiny, 1 plain, 2 medium, 3 long.
fn lob_size(parsed: &ast::DataType, bytes_per_char: u64) -> u8 {
    use DataTypeKind as K;
    match (parsed.kind, parsed.length) {
        (K::TinyText | K::TinyBlob, _) => 0,
        (K::MediumText | K::MediumBlob, _) => 2,
        (K::LongText | K::LongBlob, _) => 3,
        (_, None) => 1,
        (_, Some(length)) => match length.saturating_mul(bytes_per_char) {
            0..=255 => 0,
            256..=65_535 => 1,
            65_536..=16_777_215 => 2,
            _ => 3,
        },
    }
}

fn members(name: &str, parsed: &ast::DataType, table_collation: Collation) -> Result<FieldType> {
    let collation = text_collation(parsed, table_collation)?;
    let is_set = parsed.kind == DataTypeKind::Set;
    let mut elements: Vec<Arc<str>> = Vec::with_capacity(parsed.elements.len());
    for bytes in &parsed.elements {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| MySqlError::invalid_character_string(collation.charset().name(), "?"))?;
        // Trailing spaces of members are removed when the table is created.
        let text = text.trim_end_matches(' ');
        if is_set && text.contains(',') {
            return Err(MySqlError::illegal_value_parse("set", text).into());
        }
        if let Some(seen) = elements.iter().find(|seen| same_member(seen, text, collation)) {
            let kind = if is_set { "SET" } else { "ENUM" };
            return Err(MySqlError::duplicated_value_in_type(name, seen, kind).into());
        }
        elements.push(Arc::from(text));
    }
    if is_set && elements.len() > SET_MEMBERS_MAX {
        return Err(MySqlError::too_big_set(name).into());
    }
    let elements: Arc<[Arc<str>]> = elements.into();
    Ok(if is_set { FieldType::set(elements, collation) } else { FieldType::enumeration(elements, collation) })
}

fn same_member(a: &str, b: &str, collation: Collation) -> bool {
    collation.compare(a.as_bytes(), b.as_bytes()).is_eq()
}

/// The literal an expression is, also behind a sign; used by defaults.
pub(super) fn signed_literal(expression: &ast::Expr) -> Option<(bool, &ast::Literal)> {
    match &expression.kind {
        ExprKind::Literal(literal) => Some((false, literal)),
        ExprKind::Unary { operator: ast::UnaryOperator::Minus, operand } => {
            operand.literal().map(|literal| (true, literal))
        }
        ExprKind::Unary { operator: ast::UnaryOperator::Plus, operand } => {
            operand.literal().map(|literal| (false, literal))
        }
        _ => None,
    }
}
