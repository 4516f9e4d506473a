//! Functions, casts and the special syntaxes.

use super::Restorer;
use crate::ast::{Call, Cast, CastType, Expr, ExprKind, FormatKind, JsonReaction, JsonValue, TrimSide};

/// Names MySQL prints another way than they may be written.
const CANONICAL: [(&str, &str); 20] = [
    ("adddate", "date_add"),
    ("ceil", "ceiling"),
    ("character_length", "char_length"),
    ("current_date", "curdate"),
    ("current_time", "curtime"),
    ("current_timestamp", "now"),
    ("day", "dayofmonth"),
    ("lcase", "lower"),
    ("localtime", "now"),
    ("localtimestamp", "now"),
    ("mid", "substr"),
    ("octet_length", "length"),
    ("position", "locate"),
    ("power", "pow"),
    ("schema", "database"),
    ("session_user", "user"),
    ("subdate", "date_sub"),
    ("substring", "substr"),
    ("system_user", "user"),
    ("ucase", "upper"),
];

/// A function's name as MySQL prints it, of a name in lower case.
pub(super) fn canonical(lower: &str) -> &str {
    CANONICAL.iter().find(|(written, _)| *written == lower).map_or(lower, |pair| pair.1)
}

impl Restorer<'_> {
    /// `name(args)`
    pub(super) fn function(&mut self, name: &str, args: &[&Expr]) -> Option<()> {
        self.push(name);
        self.push("(");
        self.separated(args, ",", |restorer, arg| restorer.expr(arg))?;
        self.push(")");
        Some(())
    }

    /// Everything that is written as a call; `None` for what is not restored.
    pub(super) fn call(&mut self, kind: &ExprKind) -> Option<()> {
        match kind {
            ExprKind::Call(call) => self.plain_call(call)?,
            ExprKind::Cast(cast) => self.cast(cast)?,
            ExprKind::ConvertUsing { operand, charset } => {
                self.push("convert(");
                self.expr(operand)?;
                self.push(" using ");
                self.push(&charset.value);
                self.push(")");
            }
            ExprKind::DateArithmetic(sum) => {
                self.interval_sum(&sum.operand, &sum.amount, sum.unit.name(), sum.subtract)?
            }
            ExprKind::TimestampAdd(call) => {
                self.interval_sum(&call.second, &call.first, call.unit.name(), false)?
            }
            ExprKind::TimestampDiff(call) => {
                self.push("timestampdiff(");
                self.push(&call.unit.name().to_ascii_uppercase());
                self.push(",");
                self.expr(&call.first)?;
                self.push(",");
                self.expr(&call.second)?;
                self.push(")");
            }
            ExprKind::Extract { unit, operand } => {
                self.push("extract(");
                self.push(unit.name());
                self.push(" from ");
                self.expr(operand)?;
                self.push(")");
            }
            ExprKind::JsonValue(value) => self.json_value(value)?,
            ExprKind::IntervalIndex(args) => {
                self.push("interval(");
                self.separated(args, ",", Self::expr)?;
                self.push(")");
            }
            ExprKind::DefaultOf(column) => {
                self.note_function("default", 1);
                self.push("default(");
                self.column(column);
                self.push(")");
            }
            other => self.special(other)?,
        }
        Some(())
    }

    /// Functions with words between their arguments.
    fn special(&mut self, kind: &ExprKind) -> Option<()> {
        match kind {
            ExprKind::Trim(trim) => {
                self.push("trim(");
                match trim.side {
                    TrimSide::Both => {}
                    TrimSide::Leading => self.push("leading "),
                    TrimSide::Trailing => self.push("trailing "),
                }
                if let Some(what) = &trim.what {
                    self.expr(what)?;
                    self.push(" from ");
                } else if trim.side != TrimSide::Both {
                    self.push("from ");
                }
                self.expr(&trim.operand)?;
                self.push(")");
            }
            ExprKind::Char(call) => {
                self.push("char(");
                self.separated(&call.args, ",", Self::expr)?;
                if let Some(charset) = &call.charset {
                    self.push(" using ");
                    self.push(&charset.value);
                }
                self.push(")");
            }
            ExprKind::WeightString(call) => {
                self.push("weight_string(");
                self.expr(&call.operand)?;
                if let Some(cast) = &call.cast {
                    self.push(if cast.binary { " as binary(" } else { " as char(" });
                    self.push(&cast.length.to_string());
                    self.push(")");
                }
                self.push(")");
            }
            ExprKind::GetFormat(call) => {
                self.push(match call.kind {
                    FormatKind::Date => "get_format(DATE, ",
                    FormatKind::Time => "get_format(TIME, ",
                    FormatKind::Datetime => "get_format(DATETIME, ",
                });
                self.expr(&call.standard)?;
                self.push(")");
            }
            other => {
                self.note_refused(other);
                return None;
            }
        }
        Some(())
    }

    fn plain_call(&mut self, call: &Call) -> Option<()> {
        let lower = call.name.value.to_ascii_lowercase();
        let args: Vec<&Expr> = call.args.iter().collect();
        self.note_call(call, &lower);
        if let Some(schema) = &call.schema {
            self.name(&schema.value);
            self.push(".");
            self.name(&call.name.value);
            return self.function("", &args);
        }
        match (lower.as_str(), args.as_slice()) {
            ("mod", [left, right]) => {
                self.push("(");
                self.expr(left)?;
                self.push(" % ");
                self.expr(right)?;
                self.push(")");
                Some(())
            }
            ("adddate", [operand, days]) => self.interval_sum(operand, days, "day", false),
            ("subdate", [operand, days]) => self.interval_sum(operand, days, "day", true),
            _ => self.function(canonical(&lower), &args),
        }
    }

    fn interval_sum(&mut self, operand: &Expr, amount: &Expr, unit: &str, subtract: bool) -> Option<()> {
        self.push("(");
        self.expr(operand)?;
        self.push(if subtract { " - interval " } else { " + interval " });
        self.expr(amount)?;
        self.push(" ");
        self.push(unit);
        self.push(")");
        Some(())
    }

    fn cast(&mut self, cast: &Cast) -> Option<()> {
        self.push("cast(");
        self.expr(&cast.operand)?;
        if let Some(zone) = &cast.time_zone {
            self.push(" at time zone ");
            self.quoted(zone);
        }
        self.push(" as ");
        self.cast_type(&cast.target)?;
        if cast.array {
            self.push(" array");
        }
        self.push(")");
        Some(())
    }

    fn cast_type(&mut self, target: &CastType) -> Option<()> {
        match target {
            CastType::Signed => self.push("signed"),
            CastType::Unsigned => self.push("unsigned"),
            CastType::Char { length, charset, binary_collation } => {
                self.length("char", *length);
                self.push(" charset ");
                let default = self.charset;
                self.push(charset.as_ref().map_or(default, |charset| charset.value.as_str()));
                if *binary_collation {
                    self.push(" binary");
                }
            }
            CastType::NChar { length } => {
                self.length("char", *length);
                self.push(" charset utf8mb3");
            }
            CastType::Binary { length } => {
                self.length("char", *length);
                self.push(" charset binary");
            }
            CastType::Date => self.push("date"),
            CastType::Time { fsp } => self.length("time", *fsp),
            CastType::Datetime { fsp } => self.length("datetime", *fsp),
            CastType::Year => self.push("year"),
            CastType::Decimal { precision, scale } => {
                // MySQL's default for a bare DECIMAL.
                let (precision, scale) = (precision.unwrap_or(10), scale.unwrap_or(0));
                self.push(&format!("decimal({precision},{scale})"));
            }
            CastType::Float { precision } => {
                self.push(if precision.is_some_and(|precision| precision > 24) { "double" } else { "float" });
            }
            CastType::Double => self.push("double"),
            CastType::Json => self.push("json"),
            CastType::Vector { .. } | CastType::Geometry(_) => return None,
        }
        Some(())
    }

    fn length(&mut self, word: &str, length: Option<u64>) {
        self.push(word);
        if let Some(length) = length {
            self.push(&format!("({length})"));
        }
    }

    fn json_value(&mut self, value: &JsonValue) -> Option<()> {
        self.push("json_value(");
        self.expr(&value.document)?;
        self.push(", ");
        self.expr(&value.path)?;
        if let Some(returning) = &value.returning {
            self.push(" returning ");
            self.cast_type(returning)?;
        }
        for (reaction, event) in [(&value.on_empty, " on empty"), (&value.on_error, " on error")] {
            match reaction {
                None => continue,
                Some(JsonReaction::Null) => self.push(" null"),
                Some(JsonReaction::Error) => self.push(" error"),
                Some(JsonReaction::Default(default)) => {
                    self.push(" default ");
                    self.expr(default)?;
                }
            }
            self.push(event);
        }
        self.push(")");
        Some(())
    }
}
