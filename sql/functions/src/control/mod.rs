//! Control flow (IF, CASE, COALESCE, GREATEST ...) and CAST.

mod branch;
mod cast;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[branch::FUNCTIONS, cast::FUNCTIONS];
