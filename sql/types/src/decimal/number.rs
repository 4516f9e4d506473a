//! Machine numbers to decimal and back.

use ethnum::I256;

use super::Decimal;
use super::value::power_of_ten;

impl From<i64> for Decimal {
    fn from(v: i64) -> Decimal {
        Decimal::from_i128(i128::from(v), 0)
    }
}

impl From<u64> for Decimal {
    fn from(v: u64) -> Decimal {
        Decimal::from_i128(i128::from(v), 0)
    }
}

impl Decimal {
    /// Rounded half away from zero; `None` if it does not fit.
    pub fn to_i64(&self) -> Option<i64> {
        let whole = self.round_to(0)?;
        whole.digits_i128().and_then(|d| i64::try_from(d).ok())
    }

    /// Rounded half away from zero; `None` if negative or too large.
    pub fn to_u64(&self) -> Option<u64> {
        let whole = self.round_to(0)?;
        whole.digits_i128().and_then(|d| u64::try_from(d).ok())
    }

    pub fn to_f64(&self) -> f64 {
        match self.digits_i128() {
            // Both operands exact in a double: one correctly rounded division.
            Some(d) if d.unsigned_abs() < 1 << 53 && self.scale() <= 22 => {
                d as f64 / 10f64.powi(i32::from(self.scale()))
            }
            _ => self.to_string().parse().expect("a printed decimal is a valid float"),
        }
    }

    /// MySQL converts a double through its shortest text with up to 17 digits. `None` for infinities and NaN.
    pub fn from_f64(v: f64) -> Option<super::ParsedDecimal> {
        if !v.is_finite() {
            return None;
        }
        Some(Decimal::parse_prefix(format!("{v:e}").as_bytes()))
    }

    /// A multiple of a power of ten as used for seconds and microseconds.
    pub fn from_parts(whole: i64, micros: u32) -> Decimal {
        let digits =
            i128::from(whole) * 1_000_000 + if whole < 0 { -i128::from(micros) } else { i128::from(micros) };
        Decimal::from_i128(digits, 6)
    }

    /// Checks against DECIMAL(precision, scale); the value must already have that scale.
    pub fn fits_precision(&self, precision: u32) -> bool {
        self.digits().abs() < power_of_ten(precision)
    }

    /// From Arrow's 256-bit value.
    pub fn from_words(high: i128, low: u128, scale: u8) -> Decimal {
        Decimal::new(I256::from_words(high, low as i128), scale)
    }
}
