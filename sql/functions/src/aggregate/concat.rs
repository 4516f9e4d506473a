//! GROUP_CONCAT. Rows come in the order of its ORDER BY; the text is cut at `group_concat_max_len` bytes with
//! warning 1260.

use bytes::Bytes;
use rutile_sql_types::convert::to_bytes;
use rutile_sql_types::{FieldType, MySqlError, Value};

use super::{Accumulator, Aggregate};
use crate::call::infer::sized_text;
use crate::call::{ArgInfo, Arity, EvalContext, InferContext, concat_collation};

pub(super) const AGGREGATES: &[Aggregate] = &[Aggregate {
    name: "group_concat",
    arity: Arity { min: 1, max: Arity::ANY },
    infer,
    state: |info| vec![info.result.clone()],
    new: |info| {
        Box::new(Concat {
            args: info.args.clone(),
            separator: info.separator.clone(),
            max_length: info.max_length,
            text: None,
            cut: false,
        })
    },
}];

/// MySQL's default of `group_concat_max_len`, in characters of the result type.
const TYPE_LENGTH: u32 = 1024;

fn infer(ctx: &mut InferContext, args: &[ArgInfo<'_>]) -> Result<FieldType, MySqlError> {
    let collation = concat_collation(ctx, args, "group_concat")?;
    Ok(sized_text(TYPE_LENGTH, collation))
}

#[derive(Debug)]
struct Concat {
    args: Vec<FieldType>,
    separator: Vec<u8>,
    max_length: usize,
    text: Option<Vec<u8>>,
    cut: bool,
}

impl Concat {
    fn append(&mut self, piece: &[u8]) {
        let text = match &mut self.text {
            Some(text) => {
                text.extend_from_slice(&self.separator);
                text
            }
            None => self.text.insert(Vec::new()),
        };
        text.extend_from_slice(piece);
        if text.len() > self.max_length {
            let mut end = self.max_length;
            // Never in the middle of a UTF-8 character.
            while end > 0 && text.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
                end -= 1;
            }
            text.truncate(end);
            self.cut = true;
        }
    }
}

impl Accumulator for Concat {
    fn accumulate(&mut self, context: &mut EvalContext, args: &[Value]) -> Result<(), MySqlError> {
        if self.cut || args.iter().any(Value::is_null) {
            return Ok(());
        }
        let mut piece = Vec::new();
        for (value, ty) in args.iter().zip(&self.args) {
            if let Some(bytes) = to_bytes(value, ty, &context.convert) {
                piece.extend_from_slice(&bytes);
            }
        }
        self.append(&piece);
        Ok(())
    }

    fn state(&self) -> Vec<Value> {
        vec![self.text.clone().map_or(Value::Null, |text| Value::Bytes(Bytes::from(text)))]
    }

    fn merge(&mut self, _: &mut EvalContext, state: &[Value]) -> Result<(), MySqlError> {
        if let [Value::Bytes(piece)] = state {
            self.append(piece);
        }
        Ok(())
    }

    fn result(&mut self, context: &mut EvalContext) -> Result<Value, MySqlError> {
        if self.cut {
            context.convert.warnings.warn(MySqlError::cut_by_group_concat(1));
        }
        Ok(self.text.take().map_or(Value::Null, |text| Value::Bytes(Bytes::from(text))))
    }

    fn size_bytes(&self) -> usize {
        size_of::<Self>() + self.text.as_ref().map_or(0, Vec::capacity)
    }
}
