//! Writes of raw keys as commands: the latch of a key orders them.

use bytes::Bytes;
use rutile_kv_types::{Cf, Key, TimeStamp};

use super::stored_key;
use super::value::RawValue;
use crate::concurrency_manager::ConcurrencyManager;
use crate::error::Result;
use crate::mvcc::Reader;
use crate::txn::{Command, Decision};
use crate::write_set::WriteSet;

/// Sets and removes keys. A key named twice ends as its last mention says.
pub struct RawWrite {
    keys: Vec<Key>,
    /// A value for each key, or none to remove it.
    values: Vec<Option<RawValue>>,
}

impl RawWrite {
    /// Sets keys.
    pub fn put(pairs: impl IntoIterator<Item = (Bytes, RawValue)>) -> RawWrite {
        let (keys, values) = pairs.into_iter().map(|(key, value)| (Key::from_raw(&key), Some(value))).unzip();
        RawWrite { keys, values }
    }

    /// Removes keys.
    pub fn delete(keys: &[Bytes]) -> RawWrite {
        RawWrite { keys: keys.iter().map(|key| Key::from_raw(key)).collect(), values: vec![None; keys.len()] }
    }
}

impl Command for RawWrite {
    type Outcome = ();

    fn keys(&self) -> &[Key] {
        &self.keys
    }

    fn decide(self, _: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<()>> {
        let mut writes = WriteSet::default();
        for (key, value) in self.keys.iter().zip(self.values) {
            write(&mut writes, key, value.as_ref());
        }
        Ok(Decision::of_writes(writes, ()))
    }
}

fn write(writes: &mut WriteSet, key: &Key, value: Option<&RawValue>) {
    let key = stored_key(key);
    match value {
        Some(value) => writes.put(Cf::Default, key.as_encoded(), &value.encode()),
        None => writes.delete(Cf::Default, key.as_encoded()),
    }
}

/// Sets a key when it holds what the caller thinks.
pub struct CompareAndSwap {
    key: [Key; 1],
    expected: Option<Bytes>,
    value: RawValue,
    now_s: u64,
}

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub swapped: bool,
    pub previous: Option<Bytes>,
}

impl CompareAndSwap {
    /// `expected` is `None` for a key that must not exist.
    pub fn new(key: &[u8], expected: Option<Bytes>, value: RawValue, now_s: u64) -> CompareAndSwap {
        CompareAndSwap { key: [Key::from_raw(key)], expected, value, now_s }
    }
}

impl Command for CompareAndSwap {
    type Outcome = Compared;

    fn keys(&self) -> &[Key] {
        &self.key
    }

    fn decide(self, reader: &mut Reader<'_>, _: &ConcurrencyManager) -> Result<Decision<Compared>> {
        let [key] = &self.key;
        let found = reader.long_value(key, TimeStamp::ZERO)?.map(RawValue::decode).transpose()?;
        let previous = found.filter(|found| found.is_alive(self.now_s)).map(|found| found.data);
        let swapped = previous == self.expected;
        let mut writes = WriteSet::default();
        if swapped {
            write(&mut writes, key, Some(&self.value));
        }
        Ok(Decision::of_writes(writes, Compared { swapped, previous }))
    }
}
