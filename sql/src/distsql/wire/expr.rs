//! Expressions as a list of nodes, operands first: no recursion in the bytes, so none in whoever reads them.

use std::sync::Arc;

use rutile_sql_functions::{CallInfo, Coercibility, Function, InferContext, lookup_pure};
use rutile_sql_types::{FieldType, MySqlError};
use serde::{Deserialize, Serialize};

use super::value::{TypesIn, TypesOut, WireValue};
use super::{DEPTH_MAX, refused};
use crate::expression::build::arg_info;
use crate::expression::datafusion::Form;
use crate::expression::pushed::PushedExpr;
use crate::expression::{Call, Expr};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Node {
    /// A column that the scan decodes, and its type.
    #[serde(rename = "c")]
    Column(usize, usize),
    #[serde(rename = "l")]
    Literal(WireValue, usize),
    #[serde(rename = "f")]
    Call(CallNode),
}

/// A call of the nodes before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CallNode {
    name: String,
    args: usize,
    /// Type of the result: the store must come to the same.
    ty: usize,
    coercibility: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WirePushed {
    expr: Vec<Node>,
    form: WireForm,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum WireForm {
    Value,
    Condition,
    Key,
}

/// The nodes of `expr`; `None` if it does not travel.
pub(super) fn encode(expr: &Expr, types: &mut TypesOut, infer: &InferContext) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    push(expr, types, &mut nodes, 0)?;
    // What the store would make of it must be what it is here.
    let list = TypesIn::new(types.list.clone()).ok()?;
    let again = decode(nodes.clone(), &list, infer).ok()?;
    is_same(expr, &again).then_some(nodes)
}

fn push(expr: &Expr, types: &mut TypesOut, nodes: &mut Vec<Node>, depth: usize) -> Option<()> {
    if depth > DEPTH_MAX {
        return None;
    }
    match expr {
        Expr::Column { index, ty } => nodes.push(Node::Column(*index, types.number(ty))),
        Expr::Literal { value, ty } => nodes.push(Node::Literal(WireValue::of(value), types.number(ty))),
        Expr::Call(call) => {
            for arg in &call.args {
                push(arg, types, nodes, depth + 1)?;
            }
            nodes.push(Node::Call(CallNode {
                name: call.function.name.to_owned(),
                args: call.args.len(),
                ty: types.number(&call.info.result),
                coercibility: call.info.coercibility as u8,
                text: call.info.text.as_deref().map(str::to_owned),
            }));
        }
        Expr::Parameter { .. }
        | Expr::Outer { .. }
        | Expr::Subquery { .. }
        | Expr::Aggregate { .. }
        | Expr::Window { .. } => return None,
    }
    Some(())
}

/// Equal, and evaluated in the same way.
fn is_same(a: &Expr, b: &Expr) -> bool {
    match (a, b) {
        (Expr::Call(a), Expr::Call(b)) => {
            a.function.name == b.function.name
                && a.info.args == b.info.args
                && a.info.result == b.info.result
                && a.info.collation == b.info.collation
                && a.info.comparison == b.info.comparison
                && a.info.constants == b.info.constants
                && a.args.len() == b.args.len()
                && a.args.iter().zip(&b.args).all(|(a, b)| is_same(a, b))
        }
        (Expr::Column { ty, .. }, Expr::Column { ty: again, .. }) => a == b && ty == again,
        _ => a == b,
    }
}

/// An expression on the stack, and how deep it is.
struct Built {
    expr: Expr,
    depth: usize,
}

pub(super) fn decode(nodes: Vec<Node>, types: &TypesIn, infer: &InferContext) -> Result<Expr, MySqlError> {
    let mut stack: Vec<Built> = Vec::new();
    for node in nodes {
        let built = match node {
            Node::Column(index, ty) => Built { expr: Expr::column(index, types.get(ty)?.clone()), depth: 0 },
            Node::Literal(value, ty) => {
                Built { expr: Expr::literal(value.value()?, types.get(ty)?.clone()), depth: 0 }
            }
            Node::Call(call) => {
                let first = stack
                    .len()
                    .checked_sub(call.args)
                    .ok_or_else(|| refused(format!("{} of more operands than there are", call.name)))?;
                let operands = stack.split_off(first);
                build_call(call, operands, types, infer)?
            }
        };
        stack.push(built);
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(built), true) => Ok(built.expr),
        _ => Err(refused("an expression in pieces")),
    }
}

fn build_call(
    node: CallNode,
    operands: Vec<Built>,
    types: &TypesIn,
    infer: &InferContext,
) -> Result<Built, MySqlError> {
    let function: &'static Function = lookup_pure(&node.name)
        .ok_or_else(|| refused(format!("function {:?} does not run at stores", node.name)))?;
    let depth = operands.iter().map(|operand| operand.depth + 1).max().unwrap_or(0);
    if depth > DEPTH_MAX {
        return Err(refused(format!("calls nested deeper than {DEPTH_MAX}")));
    }
    let args: Vec<Expr> = operands.into_iter().map(|operand| operand.expr).collect();
    let infos: Vec<_> = args.iter().map(arg_info).collect();
    let mut info = CallInfo::bind(function, &mut infer.clone(), &infos)?;
    let claimed: &FieldType = types.get(node.ty)?;
    if info.result != *claimed {
        return Err(refused(format!("{} is not of the type it claims", node.name)));
    }
    info.coercibility =
        coercibility(node.coercibility).ok_or_else(|| refused("a coercibility that is none"))?;
    info.text = node.text.map(Arc::from);
    Ok(Built { expr: Expr::Call(Box::new(Call { function, args, info: Arc::new(info) })), depth })
}

fn coercibility(number: u8) -> Option<Coercibility> {
    use Coercibility as C;
    let all = [C::Explicit, C::None, C::Implicit, C::SystemConstant, C::Coercible, C::Numeric, C::Ignorable];
    all.into_iter().find(|known| *known as u8 == number)
}

pub(super) fn encode_pushed(
    pushed: &PushedExpr,
    types: &mut TypesOut,
    infer: &InferContext,
) -> Option<WirePushed> {
    let form = match pushed.form {
        Form::Value => WireForm::Value,
        Form::Condition => WireForm::Condition,
        Form::Key => WireForm::Key,
    };
    Some(WirePushed { expr: encode(&pushed.expr, types, infer)?, form })
}

pub(super) fn decode_pushed(
    wire: WirePushed,
    types: &TypesIn,
    infer: &InferContext,
) -> Result<PushedExpr, MySqlError> {
    let form = match wire.form {
        WireForm::Value => Form::Value,
        WireForm::Condition => Form::Condition,
        WireForm::Key => Form::Key,
    };
    Ok(PushedExpr { expr: decode(wire.expr, types, infer)?, form })
}

/// Every column read is one that the scan decodes, as what it decodes it to.
pub(super) fn check_columns(expr: &Expr, decoded: &[&FieldType]) -> Result<(), MySqlError> {
    let fits = |index: usize, ty: &FieldType| decoded.get(index).is_some_and(|known| *known == ty);
    if expr.any(|node| matches!(node, Expr::Column { index, ty } if !fits(*index, ty))) {
        return Err(refused("a column that is not decoded, or not as this"));
    }
    Ok(())
}
