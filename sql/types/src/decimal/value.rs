//! The decimal value and its powers of ten.

use ethnum::I256;

/// Most digits of a DECIMAL.
pub const MAX_PRECISION: u32 = 65;
/// Most digits after the point of a DECIMAL column or result.
pub const MAX_SCALE: u8 = 30;

/// An exact decimal number. Invariant: `|digits| < 10^76` and `scale <= 76`.
///
/// Held as words and not as `I256` because the 16-byte alignment of `I256` would make every `Value` larger.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    words: [u64; 4],
    scale: u8,
}

impl Decimal {
    pub const ZERO: Decimal = Decimal { words: [0; 4], scale: 0 };

    /// `digits * 10^-scale`.
    pub const fn new(digits: I256, scale: u8) -> Decimal {
        let (high, low) = digits.into_words();
        Decimal { words: [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64], scale }
    }

    pub const fn from_i128(digits: i128, scale: u8) -> Decimal {
        let fill = if digits < 0 { u64::MAX } else { 0 };
        Decimal { words: [digits as u64, (digits >> 64) as u64, fill, fill], scale }
    }

    pub const fn digits(&self) -> I256 {
        let low = (self.words[0] as i128) & 0xFFFF_FFFF_FFFF_FFFF | ((self.words[1] as i128) << 64);
        let high = (self.words[2] as i128) & 0xFFFF_FFFF_FFFF_FFFF | ((self.words[3] as i128) << 64);
        I256::from_words(high, low)
    }

    /// The digits if they fit 128 bits, which is the fast lane of all arithmetic.
    pub const fn digits_i128(&self) -> Option<i128> {
        let low = (self.words[0] as i128) & 0xFFFF_FFFF_FFFF_FFFF | ((self.words[1] as i128) << 64);
        let fill = if low < 0 { u64::MAX } else { 0 };
        if self.words[2] == fill && self.words[3] == fill { Some(low) } else { None }
    }

    pub const fn scale(&self) -> u8 {
        self.scale
    }

    pub fn is_negative(&self) -> bool {
        self.words[3] >> 63 == 1
    }

    pub fn is_zero(&self) -> bool {
        self.words == [0; 4]
    }

    /// Digits before the point, at least 1 if there is no fraction (MySQL counts the 0 of `0` but not of `0.5`).
    pub fn integer_digits(&self) -> u32 {
        self.digit_count().saturating_sub(u32::from(self.scale))
    }

    /// Significant digits of the unscaled number; 0 for zero.
    pub fn digit_count(&self) -> u32 {
        let mut rest = self.digits().unsigned_abs();
        let mut count = 0;
        let step = ethnum::U256::new(10u128.pow(19));
        while rest >= step {
            rest /= step;
            count += 19;
        }
        let mut low = rest.as_u128();
        while low > 0 {
            low /= 10;
            count += 1;
        }
        count
    }

    /// The precision a literal with this text has: all digits, at least scale, at least 1.
    pub fn precision(&self) -> u32 {
        self.digit_count().max(u32::from(self.scale)).max(1)
    }

    #[must_use]
    pub fn negated(&self) -> Decimal {
        Decimal::new(-self.digits(), self.scale)
    }

    #[must_use]
    pub fn abs(&self) -> Decimal {
        if self.is_negative() { self.negated() } else { *self }
    }

    /// The largest number of a DECIMAL(precision, scale) column.
    pub fn max_of(precision: u32, scale: u8) -> Decimal {
        Decimal::new(power_of_ten(precision) - I256::ONE, scale)
    }
}

/// 10^exponent; exponents above 76 are clamped, no caller reaches them with legal operands.
pub(crate) fn power_of_ten(exponent: u32) -> I256 {
    I256::new(10).pow(exponent.min(76))
}
