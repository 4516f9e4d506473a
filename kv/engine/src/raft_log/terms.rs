//! Where in a log the term changes. A log of a million entries has a handful of terms.

/// Runs of equal terms, by first index, for the part of a log from `covered_from` on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    runs: Vec<(u64, u64)>,
}

impl Terms {
    /// Entry `index` has `term`; everything known from `index` on is replaced.
    pub(super) fn append(&mut self, index: u64, term: u64) {
        self.runs.retain(|(first, _)| *first < index);
        if self.runs.last().is_none_or(|(_, last)| *last != term) {
            self.runs.push((index, term));
        }
    }

    /// The term of an entry that exists; `None` when nothing is known that far back.
    pub(super) fn get(&self, index: u64) -> Option<u64> {
        self.runs.iter().rev().find(|(first, _)| *first <= index).map(|(_, term)| *term)
    }

    /// Nothing below `index` will be asked for.
    pub(super) fn compact_to(&mut self, index: u64) {
        if let Some(keep) = self.runs.iter().rposition(|(first, _)| *first <= index) {
            self.runs.drain(..keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overwritten_tail_takes_the_new_term() {
        let mut terms = Terms::default();
        for (index, term) in [(5, 5), (6, 5), (7, 6), (8, 6)] {
            terms.append(index, term);
        }
        terms.append(6, 7);
        assert_eq!([4, 5, 6, 7].map(|index| terms.get(index)), [None, Some(5), Some(7), Some(7)]);
        terms.compact_to(6);
        assert_eq!([5, 6].map(|index| terms.get(index)), [None, Some(7)]);
    }
}
