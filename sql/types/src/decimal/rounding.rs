//! Changing the scale: rounding half away from zero, truncation, floor and ceiling.

use ethnum::I256;

use super::Decimal;
use super::value::power_of_ten;

impl Decimal {
    /// Rounds half away from zero to `scale` digits after the point; a larger scale pads with zeros.
    /// Returns `None` only if padding does not fit 76 digits.
    pub fn round_to(&self, scale: u8) -> Option<Decimal> {
        if scale == self.scale() {
            return Some(*self);
        }
        if scale > self.scale() {
            return self.padded(scale);
        }
        let drop = u32::from(self.scale() - scale);
        if let (Some(digits), true) = (self.digits_i128(), drop <= 38) {
            let factor = 10i128.pow(drop);
            let (quotient, rest) = (digits / factor, digits % factor);
            let away = i128::from(rest.unsigned_abs() >= factor.unsigned_abs().div_ceil(2));
            return Some(Decimal::from_i128(quotient + if digits < 0 { -away } else { away }, scale));
        }
        let factor = power_of_ten(drop);
        let (quotient, rest) = (self.digits() / factor, self.digits() % factor);
        let away = if rest.abs() >= factor / 2 { I256::ONE } else { I256::ZERO };
        Some(Decimal::new(if self.is_negative() { quotient - away } else { quotient + away }, scale))
    }

    /// Cuts digits after `scale`.
    pub fn truncate_to(&self, scale: u8) -> Option<Decimal> {
        if scale >= self.scale() {
            return self.padded(scale);
        }
        let factor = power_of_ten(u32::from(self.scale() - scale));
        Some(Decimal::new(self.digits() / factor, scale))
    }

    fn padded(&self, scale: u8) -> Option<Decimal> {
        if self.is_zero() {
            return Some(Decimal::from_i128(0, scale));
        }
        let more = u32::from(scale - self.scale());
        if self.digit_count() + more > 76 {
            return None;
        }
        Some(Decimal::new(self.digits() * power_of_ten(more), scale))
    }

    /// ROUND(x, -places): rounds left of the point; the scale becomes 0.
    pub fn round_left(&self, places: u32, truncate: bool) -> Decimal {
        let whole = u32::from(self.scale()).saturating_add(places);
        if whole > 76 {
            return Decimal::ZERO;
        }
        let factor = power_of_ten(whole);
        let (mut quotient, rest) = (self.digits() / factor, self.digits() % factor);
        if !truncate && rest.abs() >= factor / 2 && whole > 0 {
            quotient += if self.is_negative() { -I256::ONE } else { I256::ONE };
        }
        match quotient.checked_mul(power_of_ten(places)) {
            Some(digits) => Decimal::new(digits, 0),
            None => Decimal::ZERO,
        }
    }

    pub fn floor(&self) -> Decimal {
        let factor = power_of_ten(u32::from(self.scale()));
        Decimal::new(self.digits().div_euclid(factor), 0)
    }

    pub fn ceiling(&self) -> Decimal {
        self.negated().floor().negated()
    }

    /// The same number with the smallest scale, for hashing and keys.
    pub fn without_trailing_zeros(&self) -> Decimal {
        if self.is_zero() {
            return Decimal::ZERO;
        }
        let (mut digits, mut scale) = (self.digits(), self.scale());
        while scale > 0 && digits % 10 == I256::ZERO {
            digits /= 10;
            scale -= 1;
        }
        Decimal::new(digits, scale)
    }
}
