//! Single keys that are read, written blindly, and replaced: each must be linearizable.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Error;

use super::Workload;
use crate::checker::linearizable::{Action, Operation, check};
use crate::session::{Session, Style, is_unknown};

const REGISTERS: u64 = 5;

#[derive(Default)]
pub struct Registers {
    operations: Mutex<BTreeMap<u64, Vec<Operation>>>,
}

fn register_key(n: u64) -> Bytes {
    Bytes::from(format!("register-{n}"))
}

/// Values are "v" and a number.
fn number_of(value: &Bytes) -> u64 {
    String::from_utf8_lossy(value).trim_start_matches('v').parse().expect("a number")
}

impl Registers {
    fn note(&self, register: u64, operation: Operation) -> usize {
        let mut all = self.operations.lock();
        let operations = all.entry(register).or_default();
        operations.push(operation);
        operations.len() - 1
    }

    async fn read(&self, session: &Session, register: u64) -> Result<(), Error> {
        let attempt = session.begin_reading().await?;
        let found = attempt.read_snapshot(&[register_key(register)]).await?;
        let action = Action::Read(found.first().and_then(Option::as_ref).map(number_of));
        let returned = Some(session.moments.next());
        self.note(register, Operation { called: attempt.begun, returned, action });
        Ok(())
    }

    /// `blind`: what was there before does not matter.
    async fn write(&self, session: &Session, register: u64, blind: bool) -> Result<(), Error> {
        let style = if blind { Style::Optimistic } else { session.one_of(&session.styles) };
        let mut attempt = session.begin_as(style).await?;
        let key = register_key(register);
        let value = session.history.unique_value();
        let written = number_of(&value);
        let action = if blind {
            Action::Write(written)
        } else {
            let found = attempt.read(std::slice::from_ref(&key)).await?;
            Action::Replace(found.first().and_then(Option::as_ref).map(number_of), written)
        };
        attempt.put_unique(key, value, false);
        let number = self.note(register, Operation { called: attempt.begun, returned: None, action });
        let verdict = attempt.commit().await;
        let mut operations = self.operations.lock();
        let Some(operation) = operations.get_mut(&register).and_then(|all| all.get_mut(number)) else {
            return verdict;
        };
        match &verdict {
            Ok(()) => operation.returned = Some(session.moments.next()),
            Err(error) if is_unknown(error) => {}
            // It took no effect: what it read is no claim either, because a lock may have been lost since.
            Err(_) => operation.called = u64::MAX,
        }
        verdict
    }
}

#[async_trait]
impl Workload for Registers {
    async fn step(&self, session: &Session) -> Result<(), Error> {
        let register = session.random().range(0..REGISTERS);
        match session.random().range(0..4) {
            0 | 1 => self.read(session, register).await,
            2 => self.write(session, register, true).await,
            _ => self.write(session, register, false).await,
        }
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        for register in 0..REGISTERS {
            self.read(session, register).await?;
        }
        Ok(())
    }

    fn judge(&self) {
        for (register, operations) in &*self.operations.lock() {
            let happened: Vec<Operation> =
                operations.iter().filter(|one| one.called != u64::MAX).copied().collect();
            if let Err(anomaly) = check(&happened) {
                panic!("register {register}: {anomaly}");
            }
        }
    }

    fn count(&self) -> u64 {
        self.operations.lock().values().map(|all| all.len() as u64).sum()
    }
}
