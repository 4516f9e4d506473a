//! Transactions that read and append to a few lists, whose values tell the order of their writers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Error;

use super::Workload;
use crate::checker::append::{Model, Outcome, Step, Transaction, check};
use crate::session::{Session, is_unknown};

const LISTS: u64 = 8;

pub struct ListAppend {
    model: Model,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_value: u64,
    transactions: Vec<Transaction>,
}

fn list_key(n: u64) -> Bytes {
    Bytes::from(format!("list-{n}"))
}

fn parse(value: &Option<Bytes>) -> Vec<u64> {
    let text = String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
    text.split(',').filter(|one| !one.is_empty()).map(|one| one.parse().expect("a number")).collect()
}

fn render(list: &[u64]) -> Bytes {
    Bytes::from(list.iter().map(u64::to_string).collect::<Vec<_>>().join(","))
}

/// Half of the transactions only read; others read or append to each of their keys.
#[derive(Clone, Copy)]
enum Plan {
    Read,
    Append,
    ReadAndAppend,
}

impl ListAppend {
    pub fn new(model: Model) -> ListAppend {
        ListAppend { model, state: Mutex::default() }
    }

    fn next_value(&self) -> u64 {
        let mut state = self.state.lock();
        state.next_value += 1;
        state.next_value
    }

    /// A transaction whose outcome is not known before it is.
    fn begun(&self, begun: u64, steps: Vec<Step>) -> usize {
        let transactions = &mut self.state.lock().transactions;
        transactions.push(Transaction { begun, ended: u64::MAX, outcome: Outcome::Unknown, steps });
        transactions.len() - 1
    }

    fn ended(&self, number: usize, ended: u64, outcome: Outcome) {
        let one = &mut self.state.lock().transactions[number];
        (one.ended, one.outcome) = (ended, outcome);
    }

    async fn read_only(&self, session: &Session, keys: Vec<u64>) -> Result<(), Error> {
        let attempt = session.begin_reading().await?;
        let found = attempt.read_snapshot(&keys.iter().map(|n| list_key(*n)).collect::<Vec<_>>()).await?;
        let lists = keys.into_iter().zip(found);
        let steps = lists.map(|(key, value)| Step::Read { key, list: parse(&value) }).collect();
        let number = self.begun(attempt.begun, steps);
        self.ended(number, session.moments.next(), Outcome::Committed);
        Ok(())
    }

    async fn read_and_append(&self, session: &Session, plans: BTreeMap<u64, Plan>) -> Result<(), Error> {
        let mut attempt = session.begin().await?;
        let mut keys: Vec<u64> = plans.keys().copied().collect();
        if session.random().one_in(2) {
            keys.reverse();
        }
        let found = attempt.read(&keys.iter().map(|n| list_key(*n)).collect::<Vec<_>>()).await?;
        let mut steps = Vec::new();
        for (key, value) in keys.into_iter().zip(found) {
            let mut list = parse(&value);
            if !matches!(plans[&key], Plan::Append) {
                steps.push(Step::Read { key, list: list.clone() });
            }
            if !matches!(plans[&key], Plan::Read) {
                let value = self.next_value();
                list.push(value);
                steps.push(Step::Append { key, value });
                attempt.put(list_key(key), render(&list));
            }
        }
        let number = self.begun(attempt.begun, steps);
        let verdict = attempt.commit().await;
        let outcome = match &verdict {
            Ok(()) => Outcome::Committed,
            Err(error) if is_unknown(error) => Outcome::Unknown,
            Err(_) => Outcome::Refused,
        };
        self.ended(number, session.moments.next(), outcome);
        verdict
    }
}

#[async_trait]
impl Workload for ListAppend {
    async fn step(&self, session: &Session) -> Result<(), Error> {
        let mut plans = BTreeMap::new();
        for _ in 0..session.random().range(1..5) {
            let plan = session.one_of(&[Plan::Read, Plan::Append, Plan::ReadAndAppend]);
            plans.insert(session.random().range(0..LISTS), plan);
        }
        if session.random().one_in(3) || plans.values().all(|plan| matches!(plan, Plan::Read)) {
            return self.read_only(session, plans.into_keys().collect()).await;
        }
        self.read_and_append(session, plans).await
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        self.read_only(session, (0..LISTS).collect()).await
    }

    fn judge(&self) {
        if let Err(anomaly) = check(&self.state.lock().transactions, self.model) {
            panic!("lists are not {:?}: {anomaly}", self.model);
        }
    }

    fn count(&self) -> u64 {
        let committed = |one: &&Transaction| one.outcome == Outcome::Committed;
        self.state.lock().transactions.iter().filter(committed).count() as u64
    }
}
