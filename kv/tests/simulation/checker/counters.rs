//! Counters that only grow and are read together: all reads lie on one line, and the line follows real time.
//!
//! Two reads of which each is ahead somewhere saw the increments in different orders: a long fork.

/// All counters as one transaction read them.
#[derive(Clone, Debug)]
pub struct Reading {
    pub begun: u64,
    pub ended: u64,
    pub counts: Vec<u64>,
}

/// An increment of one counter.
#[derive(Clone, Copy, Debug)]
pub struct Increment {
    pub begun: u64,
    /// `None` while its outcome is unknown.
    pub ended: Option<u64>,
    pub counter: usize,
    /// The value that it replaced by the next.
    pub from: u64,
}

pub fn check(readings: &[Reading], increments: &[Increment]) -> Result<(), String> {
    let mut by_sum: Vec<&Reading> = readings.iter().collect();
    by_sum.sort_by_key(|reading| reading.counts.iter().sum::<u64>());
    for pair in by_sum.windows(2) {
        if !pair[0].counts.iter().zip(&pair[1].counts).all(|(before, after)| before <= after) {
            return Err(format!("each is ahead somewhere: {pair:?}"));
        }
    }
    for reading in readings {
        let older =
            readings.iter().find(|other| other.ended < reading.begun && other.counts > reading.counts);
        if let Some(older) = older {
            return Err(format!("{reading:?} after {older:?}"));
        }
        for (counter, count) in reading.counts.iter().enumerate() {
            let of = increments.iter().filter(|increment| increment.counter == counter);
            let least = of.clone().filter(|one| one.ended.is_some_and(|ended| ended < reading.begun)).count();
            let most = of.filter(|one| one.begun < reading.ended).count();
            if !(least as u64..=most as u64).contains(count) {
                return Err(format!("counter {counter} of {reading:?} is not within {least} and {most}"));
            }
        }
    }
    let known: Vec<_> = increments.iter().filter(|increment| increment.ended.is_some()).collect();
    for (n, one) in known.iter().enumerate() {
        let same = |other: &&&Increment| other.counter == one.counter && other.from == one.from;
        if let Some(other) = known[..n].iter().find(same) {
            return Err(format!("one of these was lost: {one:?}, {other:?}"));
        }
    }
    Ok(())
}
