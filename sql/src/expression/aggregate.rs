//! A bound aggregate call: COUNT, SUM and their like over the rows of a group.

use rutile_sql_functions::aggregate::{Aggregate, lookup};
use rutile_sql_functions::call::infer;
use rutile_sql_types::{FieldType, MySqlError, TypeKind, Value};

use super::{Evaluation, Expr, build};

/// Digits SUM adds before the point, so that no number of rows overflows it (sql/item_sum.cc).
const SUM_EXTRA_DIGITS: u32 = 22;
const MAX_SCALE: u8 = 30;

/// An aggregate function applied to expressions of the input row.
#[derive(Debug, Clone, PartialEq)]
pub struct AggregateCall {
    pub kind: AggregateKind,
    pub args: Vec<Expr>,
    pub distinct: bool,
    /// Order of the rows inside GROUP_CONCAT, and whether it descends.
    pub order_by: Vec<(Expr, bool)>,
    /// SEPARATOR of GROUP_CONCAT.
    pub separator: Vec<u8>,
    /// Type of the result.
    pub ty: FieldType,
}

/// Which aggregate.
#[derive(Debug, Clone, Copy)]
pub enum AggregateKind {
    /// COUNT(*): the number of rows.
    CountRows,
    /// Rows in which no argument is NULL.
    Count,
    Sum,
    Avg,
    Min,
    Max,
    /// The value of any row: for columns that depend on the group's key.
    Any,
    /// The value of the only row; a second row is error 1242, no row is NULL.
    Single,
    /// Any other, with a state machine of its own.
    Function(&'static Aggregate),
}

impl AggregateKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::CountRows | Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Any => "any_value",
            Self::Single => "single_value",
            Self::Function(function) => function.name,
        }
    }
}

impl PartialEq for AggregateKind {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.name() == other.name()
    }
}

impl Eq for AggregateKind {}

impl AggregateCall {
    pub fn any(expr: Expr) -> Self {
        let ty = expr.ty().clone();
        Self {
            kind: AggregateKind::Any,
            args: vec![expr],
            distinct: false,
            order_by: Vec::new(),
            separator: Vec::new(),
            ty,
        }
    }

    pub fn single(expr: Expr) -> Self {
        let ty = expr.ty().clone().with_nullable();
        Self {
            kind: AggregateKind::Single,
            args: vec![expr],
            distinct: false,
            order_by: Vec::new(),
            separator: Vec::new(),
            ty,
        }
    }

    /// COUNT(*).
    pub fn count_rows() -> Self {
        Self {
            kind: AggregateKind::CountRows,
            args: Vec::new(),
            distinct: false,
            order_by: Vec::new(),
            separator: Vec::new(),
            ty: count_type(),
        }
    }

    /// Over no rows the value is NULL, or 0 if the type is NOT NULL: true of all but BIT_AND and its like.
    pub fn is_plain(&self) -> bool {
        !self.name().starts_with("bit_")
    }

    pub fn name(&self) -> &'static str {
        self.kind.name()
    }
}

/// Binds the aggregate called `name`; one that nobody has is error 1235.
pub fn aggregate(
    statement: &Evaluation,
    name: &str,
    mut args: Vec<Expr>,
    distinct: bool,
    order_by: Vec<(Expr, bool)>,
    separator: Option<Value>,
) -> Result<AggregateCall, MySqlError> {
    let (kind, ty) = match name {
        "count" => (AggregateKind::Count, count_type()),
        "sum" | "avg" => {
            let arg = number(statement, args)?;
            let average = name == "avg";
            let ty = if average { average_type(arg.ty(), statement) } else { sum_type(arg.ty()) };
            args = vec![arg];
            (if average { AggregateKind::Avg } else { AggregateKind::Sum }, ty)
        }
        "min" | "max" => {
            let arg = comparable(statement, args)?;
            let ty = arg.ty().clone().with_nullable();
            args = vec![arg];
            (if name == "min" { AggregateKind::Min } else { AggregateKind::Max }, ty)
        }
        other => {
            let function =
                lookup(other).ok_or_else(|| MySqlError::not_supported_yet(other.to_ascii_uppercase()))?;
            let infos: Vec<_> = args.iter().map(build::arg_info).collect();
            let ty = (function.infer)(&mut statement.infer_context(), &infos)?;
            (AggregateKind::Function(function), ty)
        }
    };
    let separator = match separator {
        Some(Value::Bytes(separator)) => separator.to_vec(),
        _ => Vec::new(),
    };
    Ok(AggregateCall { kind, args, distinct, order_by, separator, ty })
}

fn only(mut args: Vec<Expr>) -> Result<Expr, MySqlError> {
    match (args.pop(), args.is_empty()) {
        (Some(arg), true) => Ok(arg),
        _ => Err(MySqlError::internal("an aggregate of one argument was given another number")),
    }
}

/// The argument as a number that sums: text and what is no exact number become DOUBLE.
fn number(statement: &Evaluation, args: Vec<Expr>) -> Result<Expr, MySqlError> {
    let arg = only(args)?;
    match arg.ty().kind {
        kind if kind.is_numeric() => Ok(arg),
        kind if kind.is_temporal() || kind == TypeKind::Null => {
            let (precision, scale) = (infer::precision(arg.ty()).min(65), infer::scale(arg.ty()));
            build::cast(statement, arg, FieldType::decimal(precision, scale))
        }
        _ => build::cast(statement, arg, FieldType::double()),
    }
}

/// The argument in a type that orders: ENUM and SET order by their text in MIN and MAX.
fn comparable(statement: &Evaluation, args: Vec<Expr>) -> Result<Expr, MySqlError> {
    let arg = only(args)?;
    match arg.ty().kind {
        TypeKind::Json => Err(MySqlError::not_supported_yet("MIN and MAX of JSON")),
        TypeKind::Enum | TypeKind::Set => {
            let target = FieldType::varchar(arg.ty().length, arg.ty().collation);
            build::cast(statement, arg, target)
        }
        TypeKind::Null => build::cast(statement, arg, FieldType::varbinary(0)),
        _ => Ok(arg),
    }
}

fn count_type() -> FieldType {
    FieldType::bigint().with_length(21).with_not_null()
}

fn sum_type(arg: &FieldType) -> FieldType {
    if arg.kind.is_real() {
        return FieldType::double().with_length(23);
    }
    let scale = infer::scale(arg);
    FieldType::decimal((infer::precision(arg) + SUM_EXTRA_DIGITS).min(65), scale)
}

fn average_type(arg: &FieldType, statement: &Evaluation) -> FieldType {
    if arg.kind.is_real() {
        return FieldType::double().with_length(23);
    }
    let added = u8::try_from(statement.infer_context().div_precision_increment).unwrap_or(MAX_SCALE);
    let scale = infer::scale(arg).saturating_add(added).min(MAX_SCALE);
    let precision = (infer::precision(arg) + u32::from(added)).min(65);
    FieldType::decimal(precision, scale)
}
