//! The expression that a table stores with one of its columns: its canonical text, and what it reads.
//!
//! Columns are written without their table, as MySQL does, whose definitions speak of their own table only.

use super::Restorer;
use super::call::canonical;
use crate::ast::{Call, ColumnRef, Expr, ExprKind};

/// What MySQL stores and prints of an expression, and what it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnExpression {
    pub text: String,
    /// The columns it names, in the order of the text.
    pub columns: Vec<ColumnRef>,
    /// The functions it calls, under the names MySQL prints, with their numbers of arguments.
    pub functions: Vec<(String, usize)>,
}

/// Why an expression cannot be stored with a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    Subquery,
    Aggregate,
    /// A window function, under this name.
    Window(String),
    /// A user or system variable.
    Variable,
    /// A row value other than a list to compare with.
    Row,
    /// A function that is no plain call, under this name.
    Function(&'static str),
    /// A form that has no canonical text.
    Other,
}

/// What was met on the way.
#[derive(Default)]
pub(super) struct Notes {
    pub columns: Vec<ColumnRef>,
    pub functions: Vec<(String, usize)>,
    pub refused: Option<Refusal>,
}

/// `charset` is the character set of plain string literals; it is printed as their introducer.
pub fn restore_column_expression(expr: &Expr, charset: &str) -> Result<ColumnExpression, Refusal> {
    let mut restorer = Restorer { notes: Some(Notes::default()), ..Restorer::new(charset) };
    if let ExprKind::Row(_) = expr.kind {
        return Err(Refusal::Row);
    }
    let printed = restorer.expr(expr);
    let notes = restorer.notes.unwrap_or_default();
    match (printed, notes.refused) {
        (Some(()), None) => {
            Ok(ColumnExpression { text: restorer.text, columns: notes.columns, functions: notes.functions })
        }
        (_, refused) => Err(refused.unwrap_or(Refusal::Other)),
    }
}

impl Restorer<'_> {
    pub(super) fn note_call(&mut self, call: &Call, lower: &str) {
        self.note_function(canonical(lower), call.args.len());
    }

    pub(super) fn note_function(&mut self, name: &str, args: usize) {
        if let Some(notes) = &mut self.notes {
            notes.functions.push((name.to_owned(), args));
        }
    }

    /// Remembers why the text ends here.
    pub(super) fn note_refused(&mut self, kind: &ExprKind) {
        let Some(notes) = &mut self.notes else {
            return;
        };
        notes.refused = Some(match kind {
            ExprKind::Subquery(_)
            | ExprKind::Exists(_)
            | ExprKind::InSubquery(_)
            | ExprKind::Quantified(_) => Refusal::Subquery,
            ExprKind::Aggregate(aggregate) if aggregate.over.is_some() => {
                Refusal::Window(aggregate.function.name().to_owned())
            }
            ExprKind::Aggregate(_) => Refusal::Aggregate,
            ExprKind::Window(call) => Refusal::Window(call.function.name().to_owned()),
            ExprKind::UserVariable(_) | ExprKind::SystemVariable(_) | ExprKind::Assign(_) => {
                Refusal::Variable
            }
            ExprKind::Match(_) => Refusal::Function("match"),
            ExprKind::InsertedValue(_) => Refusal::Function("values"),
            _ => Refusal::Other,
        });
    }
}
