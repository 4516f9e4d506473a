//! Counters that only grow, and reads of all of them: no two readers see the increments in different orders.

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use rutile_kv_client::Error;

use super::Workload;
use crate::checker::counters::{Increment, Reading, check};
use crate::session::{Session, is_unknown};

const COUNTERS: usize = 4;

#[derive(Default)]
pub struct Counters {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    readings: Vec<Reading>,
    increments: Vec<Increment>,
}

fn counter_key(n: usize) -> Bytes {
    Bytes::from(format!("counter-{n}"))
}

fn count_of(value: &Option<Bytes>) -> u64 {
    value.as_ref().map_or(0, |value| String::from_utf8_lossy(value).parse().expect("a count"))
}

impl Counters {
    async fn read_all(&self, session: &Session) -> Result<(), Error> {
        let attempt = session.begin_reading().await?;
        let found = attempt.read_snapshot(&(0..COUNTERS).map(counter_key).collect::<Vec<_>>()).await?;
        let counts = found.iter().map(count_of).collect();
        let reading = Reading { begun: attempt.begun, ended: session.moments.next(), counts };
        self.state.lock().readings.push(reading);
        Ok(())
    }

    async fn increment(&self, session: &Session) -> Result<(), Error> {
        let counter = session.random().range(0..COUNTERS as u64) as usize;
        let mut attempt = session.begin().await?;
        let found = attempt.read(&[counter_key(counter)]).await?;
        let from = found.first().map_or(0, count_of);
        attempt.put(counter_key(counter), Bytes::from((from + 1).to_string()));
        let number = {
            let increments = &mut self.state.lock().increments;
            increments.push(Increment { begun: attempt.begun, ended: None, counter, from });
            increments.len() - 1
        };
        let verdict = attempt.commit().await;
        let increment = &mut self.state.lock().increments[number];
        match &verdict {
            Ok(()) => increment.ended = Some(session.moments.next()),
            Err(error) if is_unknown(error) => {}
            // It never happens.
            Err(_) => increment.begun = u64::MAX,
        }
        verdict
    }
}

#[async_trait]
impl Workload for Counters {
    async fn step(&self, session: &Session) -> Result<(), Error> {
        if session.random().one_in(2) { self.read_all(session).await } else { self.increment(session).await }
    }

    async fn close(&self, session: &Session) -> Result<(), Error> {
        self.read_all(session).await
    }

    fn judge(&self) {
        let state = self.state.lock();
        if let Err(anomaly) = check(&state.readings, &state.increments) {
            panic!("counters: {anomaly}");
        }
    }

    fn count(&self) -> u64 {
        self.state.lock().increments.iter().filter(|one| one.ended.is_some()).count() as u64
    }
}
