//! + - * / DIV % on exact numbers.
//!
//! Scales: sum and difference take the larger scale, a product the sum of both (cut at 30 by the result type),
//! a quotient the dividend's scale plus `div_precision_increment`. MySQL computes a quotient in groups of nine
//! digits and only shows the declared scale, so `1/3*3` is 1.0000; `div` keeps those hidden digits.
//! `None` means the result does not fit 65 digits before and after the point as MySQL counts them.

use ethnum::I256;

use super::value::power_of_ten;
use super::{Decimal, MAX_PRECISION, MAX_SCALE};

/// MySQL's `DIG_PER_DEC1`: digits per internal word.
const DIGITS_PER_WORD: u32 = 9;

fn round_up_to_word(digits: u32) -> u32 {
    digits.div_ceil(DIGITS_PER_WORD) * DIGITS_PER_WORD
}

impl Decimal {
    pub fn checked_add(&self, other: &Decimal) -> Option<Decimal> {
        let scale = self.scale().max(other.scale());
        if self.scale() == other.scale()
            && let (Some(a), Some(b)) = (self.digits_i128(), other.digits_i128())
            && let Some(sum) = a.checked_add(b)
        {
            return Some(Decimal::from_i128(sum, scale)).filter(Decimal::fits);
        }
        let (a, b) = (self.round_to(scale)?, other.round_to(scale)?);
        Some(Decimal::new(a.digits().checked_add(b.digits())?, scale)).filter(Decimal::fits)
    }

    pub fn checked_sub(&self, other: &Decimal) -> Option<Decimal> {
        self.checked_add(&other.negated())
    }

    pub fn checked_mul(&self, other: &Decimal) -> Option<Decimal> {
        let scale = u32::from(self.scale()) + u32::from(other.scale());
        if let (Some(a), Some(b)) = (self.digits_i128(), other.digits_i128())
            && let (Some(product), true) = (a.checked_mul(b), scale <= u32::from(MAX_SCALE))
        {
            return Some(Decimal::from_i128(product, scale as u8)).filter(Decimal::fits);
        }
        self.wide_mul(other, scale)
    }

    /// A product of 65 by 65 digits has 130; MySQL keeps the integer part and as much fraction as there is room.
    fn wide_mul(&self, other: &Decimal, scale: u32) -> Option<Decimal> {
        let (mut a, mut b) = (self.without_trailing_zeros(), other.without_trailing_zeros());
        let mut have = u32::from(a.scale()) + u32::from(b.scale());
        let wanted = scale.min(u32::from(MAX_SCALE));
        while a.digit_count() + b.digit_count() > 76 {
            // Drop fraction digits that the result cannot show, from the finer operand.
            if have == 0 {
                return None;
            }
            if a.scale() >= b.scale() {
                a = a.truncate_to(a.scale() - 1)?
            } else {
                b = b.truncate_to(b.scale() - 1)?
            }
            have -= 1;
        }
        let digits = a.digits().checked_mul(b.digits())?;
        let product = Decimal::new(digits, have as u8);
        product.round_to(wanted as u8).or(Some(product)).filter(Decimal::fits)
    }

    /// Quotient with at least `scale + increment` digits after the point; `None` for division by zero or overflow.
    pub fn checked_div(&self, other: &Decimal, increment: u32) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let (from, by) = (u32::from(self.scale()), u32::from(other.scale()));
        let padding = (round_up_to_word(from) - from) + (round_up_to_word(by) - by);
        let extra = increment.saturating_sub(padding);
        let scale = round_up_to_word(round_up_to_word(from) + round_up_to_word(by) + extra);
        let visible = (from + increment).min(u32::from(MAX_SCALE));
        let room = 75u32.saturating_sub(self.integer_digits() + by);
        let scale = scale.min(room.max(visible)).min(72);
        self.divide_at(other, scale)
    }

    /// Quotient truncated at exactly `scale` digits after the point.
    fn divide_at(&self, other: &Decimal, scale: u32) -> Option<Decimal> {
        let shift = i64::from(scale) + i64::from(other.scale()) - i64::from(self.scale());
        let digits = if shift < 0 {
            (self.digits() / power_of_ten(shift.unsigned_abs() as u32)) / other.digits()
        } else {
            long_division(self.digits(), other.digits(), shift as u32)?
        };
        Some(Decimal::new(digits, scale as u8)).filter(|d| d.integer_digits() <= MAX_PRECISION)
    }

    /// Integer part of the quotient (the DIV operator).
    pub fn checked_div_integer(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() { None } else { self.divide_at(other, 0) }
    }

    /// Remainder with the sign of the dividend and the larger scale.
    pub fn checked_rem(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let scale = self.scale().max(other.scale());
        let (a, b) = (self.round_to(scale)?, other.round_to(scale)?);
        Some(Decimal::new(a.digits() % b.digits(), scale))
    }

    /// MySQL's own bound: 65 digits and, for results, 30 of them after the point.
    pub fn fits(&self) -> bool {
        self.digits_i128().is_some()
            || self.digit_count() <= MAX_PRECISION + u32::from(self.scale() > MAX_SCALE) * 11
    }
}

/// `dividend * 10^shift / divisor`, truncated, nine digits at a time so that nothing overflows on the way.
fn long_division(dividend: I256, divisor: I256, shift: u32) -> Option<I256> {
    if let Some(scaled) = I256::new(10).checked_pow(shift).and_then(|p| dividend.checked_mul(p)) {
        return Some(scaled / divisor);
    }
    let mut quotient = dividend / divisor;
    let mut rest = dividend % divisor;
    let mut left = shift;
    while left > 0 {
        // The remainder is below the divisor (at most 76 digits), so few digits at a time keep it in range.
        let step = left.min(1);
        rest = rest.checked_mul(power_of_ten(step))?;
        quotient = quotient.checked_mul(power_of_ten(step))?.checked_add(rest / divisor)?;
        rest %= divisor;
        left -= step;
    }
    Some(quotient)
}
