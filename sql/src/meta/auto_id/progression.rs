//! Which ids a session takes.

/// `auto_increment_increment` and `auto_increment_offset` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progression {
    pub increment: u64,
    pub offset: u64,
}

impl Default for Progression {
    fn default() -> Self {
        Self { increment: 1, offset: 1 }
    }
}

impl Progression {
    /// The least member of `offset + n * increment` that is at least `id`; `None` beyond u64.
    ///
    /// An offset above the increment is ignored (MySQL manual, `auto_increment_offset`).
    pub fn at_or_above(self, id: u64) -> Option<u64> {
        let increment = self.increment.max(1);
        let offset = if self.offset > increment { 1 } else { self.offset.max(1) };
        if id <= offset {
            return Some(offset);
        }
        let steps = (id - offset).div_ceil(increment);
        steps.checked_mul(increment)?.checked_add(offset)
    }
}
