//! Comparison and hashing by numeric value.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Decimal;
use super::value::power_of_ten;

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale() == other.scale() {
            return match (self.digits_i128(), other.digits_i128()) {
                (Some(a), Some(b)) => a.cmp(&b),
                _ => self.digits().cmp(&other.digits()),
            };
        }
        if self.is_negative() != other.is_negative() {
            return other.is_negative().cmp(&self.is_negative());
        }
        let (fine, coarse, flipped) =
            if self.scale() > other.scale() { (self, other, false) } else { (other, self, true) };
        let factor = power_of_ten(u32::from(fine.scale() - coarse.scale()));
        let ordering = match coarse.digits().checked_mul(factor) {
            Some(scaled) => fine.digits().cmp(&scaled),
            // The coarse number does not even fit at the finer scale: it is the larger in magnitude.
            None if coarse.is_negative() => Ordering::Greater,
            None => Ordering::Less,
        };
        if flipped { ordering.reverse() } else { ordering }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let plain = self.without_trailing_zeros();
        let (high, low) = plain.digits().into_words();
        state.write_i128(high);
        state.write_i128(low);
        state.write_u8(plain.scale());
    }
}
