//! WITH RECURSIVE: common tables that read themselves.
//!
//! The query is a UNION whose first blocks, the seed, do not mention the table, and whose other blocks, the step,
//! do. Names and types of the columns are the seed's.

use std::sync::Arc;

use rutile_sql_parser::ast::{self, QueryBody, SetOperator};
use rutile_sql_types::{MySqlError, Value};

use super::error::not_supported;
use super::query::{BoundQuery, CommonTable, table_mentions};
use super::relation::{Recursive, Relation};
use super::{Binder, OutputColumn, set_operation};

const DEPTH_VARIABLE: &str = "cte_max_recursion_depth";
/// Its default.
const DEPTH_MAX: u64 = 1000;

/// The blocks of a recursive common table.
struct Blocks<'a> {
    seed: Vec<&'a QueryBody>,
    /// The operators between the blocks of the seed.
    operators: Vec<(SetOperator, bool)>,
    step: Vec<&'a QueryBody>,
    distinct: bool,
}

impl Binder<'_> {
    /// A common table whose query mentions it.
    pub(super) fn bind_recursive(&mut self, table: &ast::CommonTable) -> Result<CommonTable, MySqlError> {
        let name = table.name.as_str();
        let blocks = split(&table.query, name)?;
        if table.query.with.is_some() || !table.query.order_by.is_empty() {
            return Err(not_supported("WITH and ORDER BY in a recursive common table"));
        }
        let limit = self.bind_limit(table.query.limit.as_ref())?;
        let seed = self.barred(|binder| {
            let operands =
                blocks.seed.iter().map(|body| binder.bind_operand(body)).collect::<Result<Vec<_>, _>>()?;
            set_operation::combine(operands, &blocks.operators)
        })?;
        // Whether a later row has a NULL is not for the seed to say.
        let output: Vec<OutputColumn> = seed
            .columns
            .into_iter()
            .map(|column| OutputColumn { ty: column.ty.with_nullable(), ..column })
            .collect();
        let columns = super::from::table_columns(&output, &table.columns)?;
        let types: Vec<_> = columns.iter().map(|(_, ty)| ty.clone()).collect();
        let id = self.next_work_table();
        let name: Arc<str> = Arc::from(name);
        let work = Relation::WorkTable { id, types: types.clone() };
        let itself = CommonTable { name: Arc::clone(&name), columns: columns.clone(), relation: work };
        self.push_common(itself);
        let step = self.bind_step(&name, &blocks.step, &output);
        self.common.pop();
        let recursive = Recursive {
            id,
            name: Arc::clone(&name),
            seed: seed.relation,
            step: step?,
            types,
            distinct: blocks.distinct,
            limit: limit.map(|limit| limit.offset.saturating_add(limit.count)),
            max_depth: self.recursion_depth(),
        };
        let relation = super::query::limited(Relation::Recursive(Box::new(recursive)), limit);
        Ok(CommonTable { name, columns, relation })
    }

    fn bind_step(
        &mut self,
        name: &str,
        blocks: &[&QueryBody],
        output: &[OutputColumn],
    ) -> Result<Relation, MySqlError> {
        let mut inputs = Vec::with_capacity(blocks.len());
        for body in blocks {
            let BoundQuery { relation, columns } = self.barred(|binder| binder.bind_operand(body))?;
            if columns.len() != output.len() {
                return Err(MySqlError::wrong_select_column_count());
            }
            if has_aggregation(&relation) {
                return Err(MySqlError::cte_recursive_forbids_aggregation(name));
            }
            inputs.push(set_operation::convert_columns(relation, &columns, output)?);
        }
        Ok(match inputs.pop() {
            Some(only) if inputs.is_empty() => only,
            last => {
                inputs.extend(last);
                Relation::Union { inputs }
            }
        })
    }

    fn recursion_depth(&self) -> u64 {
        match self.context.session.system_variable(None, DEPTH_VARIABLE) {
            Ok((Value::UInt(depth), _)) => depth,
            Ok((Value::Int(depth), _)) => u64::try_from(depth).unwrap_or(0),
            _ => DEPTH_MAX,
        }
    }
}

/// Seed and step; errors for what MySQL does not take.
fn split<'a>(query: &'a ast::Query, name: &str) -> Result<Blocks<'a>, MySqlError> {
    let QueryBody::SetOperation(operation) = &query.body else {
        return Err(MySqlError::cte_recursive_requires_union(name));
    };
    let mut blocks =
        Blocks { seed: vec![&operation.first], operators: Vec::new(), step: Vec::new(), distinct: false };
    if table_mentions(&operation.first, name) > 0 {
        return Err(MySqlError::cte_recursive_requires_nonrecursive_first(name));
    }
    for branch in &operation.rest {
        if branch.operator != SetOperator::Union {
            return Err(not_supported("INTERSECT and EXCEPT in a recursive common table"));
        }
        match table_mentions(&branch.body, name) {
            0 if blocks.step.is_empty() => {
                blocks.seed.push(&branch.body);
                blocks.operators.push((branch.operator, branch.all));
            }
            0 => return Err(MySqlError::cte_recursive_requires_nonrecursive_first(name)),
            1 => {
                check_step(&branch.body)?;
                blocks.step.push(&branch.body);
                blocks.distinct |= !branch.all;
            }
            _ => return Err(MySqlError::cte_recursive_not_single(name)),
        }
    }
    Ok(blocks)
}

fn check_step(body: &QueryBody) -> Result<(), MySqlError> {
    const REFUSED: &str =
        "ORDER BY / LIMIT / SELECT DISTINCT in recursive query block of Common Table Expression";
    let refused = match body {
        QueryBody::Select(select) => select.options.distinct,
        QueryBody::Parenthesized(query) => !query.order_by.is_empty() || query.limit.is_some(),
        _ => false,
    };
    if refused { Err(not_supported(REFUSED)) } else { Ok(()) }
}

/// Whether rows of the step are grouped, outside of its subqueries.
fn has_aggregation(relation: &Relation) -> bool {
    match relation {
        Relation::Aggregate { .. } | Relation::Window { .. } => true,
        Relation::Attach(attach) => has_aggregation(&attach.input),
        Relation::Apply(apply) => has_aggregation(&apply.input),
        other => other.inputs().into_iter().any(has_aggregation),
    }
}
