//! RAND: MySQL's linear generator, so that RAND(seed) gives MySQL's sequence.

use std::sync::{Mutex, PoisonError};

use rutile_sql_types::{FieldType, MySqlError, Value};

use crate::call::argument::int;
use crate::call::{CallInfo, EvalContext, Function};

pub(super) const FUNCTIONS: &[Function] =
    &[Function::new("rand", 0, 1, |_, _| Ok(FieldType::double().with_not_null()), rand).volatile()];

/// my_rnd.cc
const MODULUS: u64 = 0x3FFF_FFFF;

struct Generator {
    first: u64,
    second: u64,
}

impl Generator {
    fn seeded(seed: i64) -> Generator {
        let seed = seed as u32;
        let first = seed.wrapping_mul(0x10001).wrapping_add(55_555_555);
        let second = seed.wrapping_mul(0x1000_0001);
        Generator { first: u64::from(first) % MODULUS, second: u64::from(second) % MODULUS }
    }

    fn next(&mut self) -> f64 {
        self.first = (self.first * 3 + self.second) % MODULUS;
        self.second = (self.first + self.second + 33) % MODULUS;
        self.first as f64 / MODULUS as f64
    }
}

/// A constant seed starts one sequence per call, any other starts anew in every row.
fn rand(ctx: &mut EvalContext, args: &[Value], call: &CallInfo) -> Result<Value, MySqlError> {
    if args.is_empty() {
        let bits = u64::from_le_bytes(ctx.random_bytes()) >> 11;
        return Ok(Value::Double(bits as f64 / (1u64 << 53) as f64));
    }
    let seed = int(ctx, args, call, 0).unwrap_or(0);
    if call.constant(0).is_none() {
        return Ok(Value::Double(Generator::seeded(seed).next()));
    }
    let generator = call.prepared(|| Ok(Mutex::new(Generator::seeded(seed))))?;
    let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Value::Double(generator.next()))
}
