//! Names of the functions that operators are.

use rutile_sql_parser::ast::{BinaryOperator, LogicalOperator};

/// The function behind an infix operator.
pub(super) fn binary_name(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::IntegerDivide => "div",
        BinaryOperator::Modulo => "%",
        BinaryOperator::BitAnd => "&",
        BinaryOperator::BitOr => "|",
        BinaryOperator::BitXor => "^",
        BinaryOperator::ShiftLeft => "<<",
        BinaryOperator::ShiftRight => ">>",
        BinaryOperator::Equal => "=",
        BinaryOperator::NullSafeEqual => "<=>",
        BinaryOperator::NotEqual => "<>",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Xor => "xor",
        BinaryOperator::Concat => "concat",
        BinaryOperator::SoundsLike => "sounds like",
        BinaryOperator::MemberOf => "member of",
        BinaryOperator::JsonExtract => "json_extract",
        BinaryOperator::JsonExtractUnquote => "json_unquote_extract",
    }
}

pub(super) fn logical_name(operator: LogicalOperator) -> &'static str {
    match operator {
        LogicalOperator::And => "and",
        LogicalOperator::Or => "or",
    }
}
