//! A call bound to its types.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use rutile_sql_types::compare::{ComparisonType, comparison_type};
use rutile_sql_types::{Collation, FieldType, MySqlError, Value};

use super::collate::comparison_collation;
use super::{ArgInfo, Coercibility, Function, InferContext};

/// One call of a function: argument types, result type, and what is compiled once per call.
#[derive(Debug)]
pub struct CallInfo {
    pub args: Vec<FieldType>,
    pub constants: Vec<Option<Value>>,
    pub result: FieldType,
    pub coercibility: Coercibility,
    /// Collation in which text arguments are compared.
    pub collation: Collation,
    /// How the first two arguments are compared.
    pub comparison: ComparisonType,
    /// The expression as MySQL prints it in messages (1690), if the binder has it.
    pub text: Option<Arc<str>>,
    prepared: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Clone for CallInfo {
    fn clone(&self) -> Self {
        Self {
            args: self.args.clone(),
            constants: self.constants.clone(),
            result: self.result.clone(),
            coercibility: self.coercibility,
            collation: self.collation,
            comparison: self.comparison,
            text: self.text.clone(),
            prepared: self.prepared.clone(),
        }
    }
}

impl CallInfo {
    /// Checks the number of arguments (1582) and infers the result.
    pub fn bind(
        function: &Function,
        ctx: &mut InferContext,
        args: &[ArgInfo<'_>],
    ) -> Result<CallInfo, MySqlError> {
        if !function.arity.accepts(args.len()) {
            return Err(MySqlError::wrong_parameter_count(function.name));
        }
        ctx.coercibility = Coercibility::Coercible;
        let result = (function.infer)(ctx, args)?;
        let comparison = match args {
            [a, b, ..] => comparison_type(a.ty, b.ty),
            _ => ComparisonType::Text,
        };
        Ok(CallInfo {
            args: args.iter().map(|a| a.ty.clone()).collect(),
            constants: args.iter().map(|a| a.constant.cloned()).collect(),
            coercibility: if result.is_string_like() { ctx.coercibility } else { Coercibility::Numeric },
            result,
            collation: comparison_collation(function.name, ctx, args)?,
            comparison,
            text: None,
            prepared: OnceLock::new(),
        })
    }

    pub fn constant(&self, index: usize) -> Option<&Value> {
        self.constants.get(index).and_then(Option::as_ref)
    }

    /// Something compiled from constant arguments, made on first use and kept for the life of the call.
    pub fn prepared<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> Result<T, MySqlError>,
    ) -> Result<Arc<T>, MySqlError> {
        if let Some(ready) = self.prepared.get()
            && let Ok(ready) = Arc::clone(ready).downcast::<T>()
        {
            return Ok(ready);
        }
        let made = Arc::new(make()?);
        // Another thread may have been faster; both made the same.
        let _ = self.prepared.set(made.clone());
        Ok(made)
    }
}
