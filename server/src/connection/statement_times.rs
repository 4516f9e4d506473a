//! How long statements take, by kind and outcome: from their arrival to the last row taken over by the network.

use rutile_kv_env::Histogram;
use rutile_sql::session::StatementClass;

use crate::metrics::{HistogramFamily, Reading};

/// One histogram per kind and outcome.
#[derive(Debug, Default)]
pub(crate) struct StatementTimes {
    by_class: [ByOutcome; StatementClass::ALL.len()],
}

#[derive(Debug, Default)]
struct ByOutcome {
    ok: Histogram,
    error: Histogram,
}

impl StatementTimes {
    pub(crate) fn of(&self, class: StatementClass, succeeded: bool) -> Option<&Histogram> {
        let outcomes = self.by_class.get(class as usize)?;
        Some(if succeeded { &outcomes.ok } else { &outcomes.error })
    }

    pub(crate) fn read(&self, reading: &mut Reading) {
        let mut samples = Vec::new();
        for (class, outcomes) in StatementClass::ALL.iter().zip(&self.by_class) {
            for (outcome, histogram) in [("ok", &outcomes.ok), ("error", &outcomes.error)] {
                let read = histogram.read();
                if read.count() > 0 {
                    samples.push((vec![("kind", class.name()), ("outcome", outcome)], read));
                }
            }
        }
        let help = "Time of statements, from their arrival to their last row";
        reading.histogram(HistogramFamily { name: "statement_seconds", help, samples });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_place() {
        let times = StatementTimes::default();
        for (at, class) in StatementClass::ALL.iter().enumerate() {
            assert_eq!(*class as usize, at);
            assert!(times.of(*class, true).is_some());
        }
    }
}
