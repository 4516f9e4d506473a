//! Operators, units and other closed word lists of expressions.

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    Plus,
    Minus,
    /// `~`
    BitNot,
    /// `NOT a` and `!a`; they differ in precedence only.
    Not,
    /// `BINARY a`: a cast to a binary string.
    Binary,
}

/// Infix operators with two plain operands. `AND`/`OR` are [`super::ExprKind::Logical`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOperator {
    Add,
    Subtract,
    Multiply,
    /// `/`
    Divide,
    /// `DIV`
    IntegerDivide,
    /// `%` and `MOD`
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    Equal,
    /// `<=>`
    NullSafeEqual,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// `XOR`
    Xor,
    /// `||` under `PIPES_AS_CONCAT`
    Concat,
    /// `SOUNDS LIKE`
    SoundsLike,
    /// `MEMBER OF`: value on the left, JSON array on the right
    MemberOf,
    /// `column->'path'`
    JsonExtract,
    /// `column->>'path'`
    JsonExtractUnquote,
}

impl BinaryOperator {
    /// `=`, `<=>`, `<>`, `<`, `<=`, `>`, `>=`.
    pub fn is_comparison(self) -> bool {
        use BinaryOperator::*;
        matches!(self, Equal | NullSafeEqual | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    /// The operator as MySQL prints it.
    pub fn symbol(self) -> &'static str {
        use BinaryOperator::*;
        match self {
            Add => "+",
            Subtract => "-",
            Multiply => "*",
            Divide => "/",
            IntegerDivide => "DIV",
            Modulo => "%",
            BitAnd => "&",
            BitOr => "|",
            BitXor => "^",
            ShiftLeft => "<<",
            ShiftRight => ">>",
            Equal => "=",
            NullSafeEqual => "<=>",
            NotEqual => "<>",
            Less => "<",
            LessOrEqual => "<=",
            Greater => ">",
            GreaterOrEqual => ">=",
            Xor => "xor",
            Concat => "||",
            SoundsLike => "sounds like",
            MemberOf => "member of ",
            JsonExtract => "->",
            JsonExtractUnquote => "->>",
        }
    }
}

/// The two operators whose chains are kept flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogicalOperator {
    And,
    Or,
}

/// The right side of `IS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IsTest {
    Null,
    True,
    False,
    Unknown,
}

/// `= ANY (...)` (also `SOME`) and `= ALL (...)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    Any,
    All,
}

/// Units of INTERVAL, EXTRACT, TIMESTAMPADD and TIMESTAMPDIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntervalUnit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    SecondMicrosecond,
    MinuteMicrosecond,
    MinuteSecond,
    HourMicrosecond,
    HourSecond,
    HourMinute,
    DayMicrosecond,
    DaySecond,
    DayMinute,
    DayHour,
    YearMonth,
}

impl IntervalUnit {
    /// The unit as MySQL prints it.
    pub fn name(self) -> &'static str {
        use IntervalUnit::*;
        match self {
            Microsecond => "microsecond",
            Second => "second",
            Minute => "minute",
            Hour => "hour",
            Day => "day",
            Week => "week",
            Month => "month",
            Quarter => "quarter",
            Year => "year",
            SecondMicrosecond => "second_microsecond",
            MinuteMicrosecond => "minute_microsecond",
            MinuteSecond => "minute_second",
            HourMicrosecond => "hour_microsecond",
            HourSecond => "hour_second",
            HourMinute => "hour_minute",
            DayMicrosecond => "day_microsecond",
            DaySecond => "day_second",
            DayMinute => "day_minute",
            DayHour => "day_hour",
            YearMonth => "year_month",
        }
    }

    /// The unit of that name, in any case, also with the `SQL_TSI_` prefix for the simple ones.
    pub fn from_name(name: &str) -> Option<IntervalUnit> {
        use IntervalUnit::*;
        const SIMPLE: usize = 9;
        const UNITS: [IntervalUnit; 20] = [
            Microsecond,
            Second,
            Minute,
            Hour,
            Day,
            Week,
            Month,
            Quarter,
            Year,
            SecondMicrosecond,
            MinuteMicrosecond,
            MinuteSecond,
            HourMicrosecond,
            HourSecond,
            HourMinute,
            DayMicrosecond,
            DaySecond,
            DayMinute,
            DayHour,
            YearMonth,
        ];
        let (name, units) = match name.get(..8) {
            // SQL_TSI_MICROSECOND is not among MySQL's names.
            Some(prefix) if prefix.eq_ignore_ascii_case("SQL_TSI_") => (&name[8..], &UNITS[1..SIMPLE]),
            _ => (name, &UNITS[..]),
        };
        units.iter().copied().find(|unit| unit.name().eq_ignore_ascii_case(name))
    }

    /// One of the units made of two, such as `DAY_HOUR`.
    pub fn is_compound(self) -> bool {
        self.name().contains('_')
    }
}
