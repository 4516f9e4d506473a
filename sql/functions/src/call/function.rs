//! The descriptor of a function or operator.

use arrow::array::ArrayRef;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::{CallInfo, Coercibility, ColumnarArg, EvalContext, InferContext};

/// Number of arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    pub min: usize,
    pub max: usize,
}

impl Arity {
    pub const ANY: usize = usize::MAX;

    pub fn accepts(self, count: usize) -> bool {
        (self.min..=self.max).contains(&count)
    }
}

/// What the binder knows of an argument.
#[derive(Clone, Copy, Debug)]
pub struct ArgInfo<'a> {
    pub ty: &'a FieldType,
    pub constant: Option<&'a Value>,
    pub coercibility: Coercibility,
}

pub type InferFn = fn(&mut InferContext, &[ArgInfo<'_>]) -> Result<FieldType, MySqlError>;
pub type EvalFn = fn(&mut EvalContext, &[Value], &CallInfo) -> Result<Value, MySqlError>;
pub type VectorFn =
    fn(&mut EvalContext, &[ColumnarArg], &CallInfo, usize) -> Result<Option<ArrayRef>, MySqlError>;

/// One function or operator. `vector` answers `None` for argument types it has no fast path for.
#[derive(Clone, Copy)]
pub struct Function {
    pub name: &'static str,
    pub arity: Arity,
    pub infer: InferFn,
    pub eval: EvalFn,
    pub vector: Option<VectorFn>,
    /// Must be evaluated for every row and never folded to a constant.
    pub volatile: bool,
    /// Not all arguments are needed for every row (IF, CASE, COALESCE, AND ...): an evaluator that walks a
    /// tree should evaluate arguments on demand, so that a branch not taken neither warns nor fails.
    pub lazy: bool,
}

impl Function {
    pub(crate) const fn new(
        name: &'static str,
        min: usize,
        max: usize,
        infer: InferFn,
        eval: EvalFn,
    ) -> Function {
        Function { name, arity: Arity { min, max }, infer, eval, vector: None, volatile: false, lazy: false }
    }

    pub(crate) const fn volatile(mut self) -> Function {
        self.volatile = true;
        self
    }

    pub(crate) const fn lazy(mut self) -> Function {
        self.lazy = true;
        self
    }

    pub(crate) const fn vector(mut self, vector: VectorFn) -> Function {
        self.vector = Some(vector);
        self
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
