//! What a bound query is: a tree of relational operators over bound expressions.
//!
//! Every operator's output is a list of columns known by position; expressions of an operator are
//! positions in its input (for a join: left columns, then right columns). MySQL's names are gone
//! from here on and live in the result metadata only. Correlation is gone as well: a subquery has
//! become an `Attach` whose condition holds what used to refer to the outer query.

use std::sync::Arc;

use rutile_sql_types::FieldType;

use crate::catalog::TableInfo;
use crate::expression::{AggregateCall, Expr, WindowCall};

/// A relational operator and its inputs.
#[derive(Debug, Clone)]
pub enum Relation {
    /// One row without columns: what a query without FROM runs over.
    Dual,
    /// A stored table; all its columns, in table order.
    Table(TableScan),
    /// A table computed by the server.
    Virtual(VirtualScan),
    Join(Box<Join>),
    /// Rows for which every predicate is true.
    Filter {
        input: Box<Relation>,
        predicates: Vec<Expr>,
    },
    /// Exactly these expressions.
    Project {
        input: Box<Relation>,
        exprs: Vec<Expr>,
    },
    /// One row per distinct key, with the keys first and the aggregates after them; without keys
    /// exactly one row.
    Aggregate {
        input: Box<Relation>,
        keys: Vec<Expr>,
        calls: Vec<AggregateCall>,
    },
    /// The input with the value of each window function behind it.
    Window {
        input: Box<Relation>,
        calls: Vec<WindowCall>,
    },
    /// Rows that differ by MySQL's comparison, the first of each kept.
    Distinct {
        input: Box<Relation>,
    },
    Sort {
        input: Box<Relation>,
        keys: Vec<SortKey>,
    },
    Limit {
        input: Box<Relation>,
        offset: u64,
        count: Option<u64>,
    },
    /// All rows of all inputs; columns already have the same types.
    Union {
        inputs: Vec<Relation>,
    },
    /// The input with a subquery's answer beside it.
    Attach(Box<Attach>),
    /// A subquery that runs again for each row of the input.
    Apply(Box<Apply>),
    /// A recursive common table.
    Recursive(Box<Recursive>),
    /// Inside of a recursive common table: the rows its last step gave.
    WorkTable {
        id: usize,
        types: Vec<FieldType>,
    },
    /// Literal rows: VALUES ROW(...).
    Values {
        rows: Vec<Vec<Expr>>,
        types: Vec<FieldType>,
    },
}

/// One use of a stored table.
#[derive(Debug, Clone)]
pub struct TableScan {
    pub database: Arc<str>,
    pub table: Arc<TableInfo>,
    /// The name the query calls it by; for EXPLAIN.
    pub alias: Arc<str>,
    /// Columns in output order, as positions in `table.columns`.
    pub columns: Vec<usize>,
    pub types: Vec<FieldType>,
    /// USE, FORCE and IGNORE INDEX, in order.
    pub index_hints: Vec<IndexHint>,
}

/// What the query says about indexes of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexHint {
    pub kind: IndexHintKind,
    /// Index names; empty with `Use` means no index at all.
    pub indexes: Vec<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexHintKind {
    Use,
    Force,
    Ignore,
}

/// One use of a table that the server computes.
#[derive(Debug, Clone)]
pub struct VirtualScan {
    pub database: Arc<str>,
    pub name: Arc<str>,
    pub alias: Arc<str>,
    pub types: Vec<FieldType>,
    /// All rows, computed when the query was bound.
    pub rows: Arc<Vec<Vec<rutile_sql_types::Value>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
}

#[derive(Debug, Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub left: Relation,
    pub right: Relation,
    /// Conjunction over left columns, then right columns; empty for a cross join.
    pub on: Vec<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SortKey {
    pub expr: Expr,
    pub descending: bool,
}

/// How a subquery's rows meet the input's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachKind {
    /// Keep input rows that match at least one row: a true EXISTS or IN.
    Semi,
    /// Keep input rows that match no row.
    Anti,
    /// Keep input rows for which `NOT (value IN (rows))` is true; one key pair and nothing else.
    AntiNullAware,
    /// Append one column: 1 if some row matches, else 0.
    Mark,
    /// Append the subquery's columns of the one matching row, or NULLs.
    Scalar,
}

/// What an applied subquery appends to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyForm {
    /// Its one column of its one row, NULL without a row; a second row is error 1242.
    Scalar,
    /// Whether some row matches, or none if `negated`: 1, 0 or NULL.
    Match { negated: bool },
    /// All its rows: LATERAL. Without any, NULLs if `keeps_input`.
    Rows { keeps_input: bool },
}

/// A correlated subquery that no join can stand for.
#[derive(Debug, Clone)]
pub struct Apply {
    pub form: ApplyForm,
    pub input: Relation,
    /// Refers to binding `i` as `Expr::Outer { depth: 1, index: i }`.
    pub subquery: Relation,
    /// Over the input's columns.
    pub bindings: Vec<Expr>,
    /// Conjunction over input columns, then the subquery's columns.
    pub on: Vec<Expr>,
}

/// `WITH RECURSIVE`: the rows of `seed`, then what `step` makes of the rows before, until there are none.
#[derive(Debug, Clone)]
pub struct Recursive {
    /// What `step` calls the rows before: its `WorkTable`.
    pub id: usize,
    pub name: Arc<str>,
    pub seed: Relation,
    pub step: Relation,
    pub types: Vec<FieldType>,
    /// Rows that are there already are not added again.
    pub distinct: bool,
    /// No more rows than this are asked for.
    pub limit: Option<u64>,
    /// `cte_max_recursion_depth`
    pub max_depth: u64,
}

#[derive(Debug, Clone)]
pub struct Attach {
    pub kind: AttachKind,
    pub input: Relation,
    pub subquery: Relation,
    /// Conjunction over input columns, then the subquery's columns.
    pub on: Vec<Expr>,
}

/// Operators that each window function becomes in the plan: it is sorted for, computed and projected.
const WINDOW_OPERATORS: usize = 4;

impl Relation {
    /// Number of output columns.
    pub fn width(&self) -> usize {
        match self {
            Self::Dual => 0,
            Self::Table(scan) => scan.types.len(),
            Self::Virtual(scan) => scan.types.len(),
            Self::Join(join) => join.left.width() + join.right.width(),
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => input.width(),
            Self::Project { exprs, .. } => exprs.len(),
            Self::Aggregate { keys, calls, .. } => keys.len() + calls.len(),
            Self::Window { input, calls } => input.width() + calls.len(),
            Self::Union { inputs } => inputs.first().map_or(0, Relation::width),
            Self::Attach(attach) => {
                attach.input.width()
                    + match attach.kind {
                        AttachKind::Semi | AttachKind::Anti | AttachKind::AntiNullAware => 0,
                        AttachKind::Mark => 1,
                        AttachKind::Scalar => attach.subquery.width(),
                    }
            }
            Self::Apply(apply) => {
                apply.input.width()
                    + match apply.form {
                        ApplyForm::Scalar | ApplyForm::Match { .. } => 1,
                        ApplyForm::Rows { .. } => apply.subquery.width(),
                    }
            }
            Self::Recursive(recursive) => recursive.types.len(),
            Self::WorkTable { types, .. } => types.len(),
            Self::Values { types, .. } => types.len(),
        }
    }

    /// The type of an output column; NULL's type for a column that does not exist.
    pub fn output_type(&self, column: usize) -> FieldType {
        let found = match self {
            Self::Dual => None,
            Self::Table(scan) => scan.types.get(column).cloned(),
            Self::Virtual(scan) => scan.types.get(column).cloned(),
            Self::Values { types, .. } | Self::WorkTable { types, .. } => types.get(column).cloned(),
            Self::Recursive(recursive) => recursive.types.get(column).cloned(),
            Self::Window { input, calls } => match column.checked_sub(input.width()) {
                None => Some(input.output_type(column)),
                Some(call) => calls.get(call).map(|call| call.ty.clone()),
            },
            Self::Apply(apply) => {
                let width = apply.input.width();
                Some(match apply.form {
                    _ if column < width => apply.input.output_type(column),
                    ApplyForm::Match { .. } => FieldType::boolean(),
                    ApplyForm::Rows { keeps_input: false } => apply.subquery.output_type(column - width),
                    ApplyForm::Scalar | ApplyForm::Rows { .. } => {
                        apply.subquery.output_type(column - width).with_nullable()
                    }
                })
            }
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. } => Some(input.output_type(column)),
            Self::Project { exprs, .. } => exprs.get(column).map(|expr| expr.ty().clone()),
            Self::Aggregate { keys, calls, .. } => match keys.get(column) {
                Some(key) => Some(key.ty().clone()),
                None => calls.get(column - keys.len()).map(|call| call.ty.clone()),
            },
            Self::Union { inputs } => {
                inputs.iter().map(|input| input.output_type(column)).reduce(|mut ty, other| {
                    ty.not_null &= other.not_null;
                    ty
                })
            }
            Self::Join(join) => {
                let left = join.left.width();
                let (ty, nullable) = if column < left {
                    (join.left.output_type(column), join.kind == JoinKind::Right)
                } else {
                    (join.right.output_type(column - left), join.kind == JoinKind::Left)
                };
                Some(if nullable { ty.with_nullable() } else { ty })
            }
            Self::Attach(attach) => {
                let width = attach.input.width();
                Some(match attach.kind {
                    _ if column < width => attach.input.output_type(column),
                    AttachKind::Mark => FieldType::boolean().with_not_null(),
                    _ => attach.subquery.output_type(column - width).with_nullable(),
                })
            }
        };
        found.unwrap_or_else(FieldType::null)
    }

    /// Visits the inputs of this operator.
    pub fn inputs(&self) -> Vec<&Relation> {
        match self {
            Self::Dual | Self::Table(_) | Self::Virtual(_) | Self::Values { .. } | Self::WorkTable { .. } => {
                Vec::new()
            }
            Self::Join(join) => vec![&join.left, &join.right],
            Self::Apply(apply) => vec![&apply.input, &apply.subquery],
            Self::Recursive(recursive) => vec![&recursive.seed, &recursive.step],
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Project { input, .. }
            | Self::Window { input, .. }
            | Self::Aggregate { input, .. } => vec![input],
            Self::Union { inputs } => inputs.iter().collect(),
            Self::Attach(attach) => vec![&attach.input, &attach.subquery],
        }
    }

    /// The inputs of this operator, to be changed.
    pub fn inputs_mut(&mut self) -> Vec<&mut Relation> {
        match self {
            Self::Dual | Self::Table(_) | Self::Virtual(_) | Self::Values { .. } | Self::WorkTable { .. } => {
                Vec::new()
            }
            Self::Join(join) => vec![&mut join.left, &mut join.right],
            Self::Apply(apply) => vec![&mut apply.input, &mut apply.subquery],
            Self::Recursive(recursive) => vec![&mut recursive.seed, &mut recursive.step],
            Self::Filter { input, .. }
            | Self::Distinct { input }
            | Self::Sort { input, .. }
            | Self::Limit { input, .. }
            | Self::Project { input, .. }
            | Self::Window { input, .. }
            | Self::Aggregate { input, .. } => vec![input],
            Self::Union { inputs } => inputs.iter_mut().collect(),
            Self::Attach(attach) => vec![&mut attach.input, &mut attach.subquery],
        }
    }

    /// The expressions of this operator itself, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Filter { predicates: exprs, .. } | Self::Project { exprs, .. } => {
                exprs.iter_mut().collect()
            }
            Self::Join(join) => join.on.iter_mut().collect(),
            Self::Attach(attach) => attach.on.iter_mut().collect(),
            Self::Apply(apply) => apply.bindings.iter_mut().chain(&mut apply.on).collect(),
            Self::Sort { keys, .. } => keys.iter_mut().map(|key| &mut key.expr).collect(),
            Self::Values { rows, .. } => rows.iter_mut().flatten().collect(),
            Self::Window { calls, .. } => calls.iter_mut().flat_map(WindowCall::exprs_mut).collect(),
            Self::Aggregate { keys, calls, .. } => {
                let mut exprs: Vec<&mut Expr> = keys.iter_mut().collect();
                for call in calls {
                    exprs.extend(&mut call.args);
                    exprs.extend(call.order_by.iter_mut().map(|(expr, _)| expr));
                }
                exprs
            }
            Self::Dual
            | Self::Table(_)
            | Self::Virtual(_)
            | Self::WorkTable { .. }
            | Self::Recursive(_)
            | Self::Distinct { .. }
            | Self::Limit { .. }
            | Self::Union { .. } => Vec::new(),
        }
    }

    /// Visits every expression of this operator and of all below it, those of applied subqueries aside.
    pub fn visit_exprs(&self, visitor: &mut impl FnMut(&Expr)) {
        let mut pending = vec![self];
        while let Some(relation) = pending.pop() {
            match relation {
                Self::Filter { predicates: exprs, .. } | Self::Project { exprs, .. } => {
                    exprs.iter().for_each(&mut *visitor)
                }
                Self::Join(join) => join.on.iter().for_each(&mut *visitor),
                Self::Attach(attach) => attach.on.iter().for_each(&mut *visitor),
                Self::Apply(apply) => apply.bindings.iter().chain(&apply.on).for_each(&mut *visitor),
                Self::Window { calls, .. } => {
                    calls.iter().flat_map(WindowCall::exprs).for_each(&mut *visitor);
                }
                Self::Sort { keys, .. } => keys.iter().map(|key| &key.expr).for_each(&mut *visitor),
                Self::Values { rows, .. } => rows.iter().flatten().for_each(&mut *visitor),
                Self::Aggregate { keys, calls, .. } => {
                    keys.iter().for_each(&mut *visitor);
                    for call in calls {
                        call.args.iter().for_each(&mut *visitor);
                        call.order_by.iter().map(|(expr, _)| expr).for_each(&mut *visitor);
                    }
                }
                Self::Dual
                | Self::Table(_)
                | Self::Virtual(_)
                | Self::WorkTable { .. }
                | Self::Recursive(_)
                | Self::Distinct { .. }
                | Self::Limit { .. }
                | Self::Union { .. } => {}
            }
            match relation {
                // What runs for each row refers to the row by number, not to a block.
                Self::Apply(apply) => pending.push(&apply.input),
                other => pending.extend(other.inputs()),
            }
        }
    }

    /// Whether exactly one row comes out whatever the data.
    pub fn is_single_row(&self) -> bool {
        match self {
            Self::Dual => true,
            Self::Aggregate { keys, .. } => keys.is_empty(),
            Self::Project { input, .. } | Self::Sort { input, .. } => input.is_single_row(),
            Self::Values { rows, .. } => rows.len() == 1,
            _ => false,
        }
    }

    /// Puts a filter on top unless there is nothing to filter.
    pub fn filtered(self, predicates: Vec<Expr>) -> Relation {
        if predicates.is_empty() { self } else { Self::Filter { input: Box::new(self), predicates } }
    }

    pub fn projected(self, exprs: Vec<Expr>) -> Relation {
        Self::Project { input: Box::new(self), exprs }
    }

    /// Whether more than so many tables, stored or not, are read below.
    pub fn has_more_tables_than(&self, max: usize) -> bool {
        let (mut pending, mut tables) = (vec![self], 0);
        while let Some(relation) = pending.pop() {
            let inputs = relation.inputs();
            tables += usize::from(inputs.is_empty());
            if tables > max {
                return true;
            }
            pending.extend(inputs);
        }
        false
    }

    /// Whether more than so many operators are on top of one another.
    pub fn is_higher_than(&self, max: usize) -> bool {
        let mut pending = vec![(self, 1)];
        while let Some((relation, height)) = pending.pop() {
            if height > max {
                return true;
            }
            let own = match relation {
                Self::Window { calls, .. } => WINDOW_OPERATORS * calls.len(),
                _ => 1,
            };
            pending.extend(relation.inputs().into_iter().map(|input| (input, height + own)));
        }
        false
    }

    /// Whether any table below is stored (so that the answer needs a snapshot).
    pub fn reads_storage(&self) -> bool {
        matches!(self, Self::Table(_)) || self.inputs().into_iter().any(Relation::reads_storage)
    }
}
