//! Decimal rules as MySQL 9.7 shows them, and arithmetic against wide integers.

use super::*;

fn d(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[test]
fn text_round_trips_with_its_scale() {
    for text in [
        "0",
        "-1",
        "110.00",
        "0.5",
        "-0.001",
        "99999999999999999999999999999999999999999999999999999999999999999",
    ] {
        assert_eq!(d(text).to_string(), text);
    }
    assert_eq!(d("1.5e3").to_string(), "1500");
    assert_eq!(d("15e-1").to_string(), "1.5");
    assert_eq!(Decimal::parse_prefix(b"1.5abc").consumed, 3);
    assert_eq!(Decimal::parse_prefix(b"abc").consumed, 0);
    assert!(Decimal::parse_prefix(b"1e66").overflow);
}

#[test]
fn quotient_keeps_hidden_digits() {
    let third = d("1").checked_div(&d("3"), 4).expect("defined");
    assert_eq!(third.round_to(4).expect("fits").to_string(), "0.3333");
    let back = third.checked_mul(&d("3")).expect("fits").round_to(4).expect("fits");
    assert_eq!(back.to_string(), "1.0000");
    let q = d("2.00").checked_div(&d("3"), 4).expect("defined");
    assert_eq!(q.round_to(6).expect("fits").to_string(), "0.666667");
}

#[test]
fn rounding_is_half_away_from_zero() {
    assert_eq!(d("2.5").round_to(0).expect("fits").to_string(), "3");
    assert_eq!(d("-2.5").round_to(0).expect("fits").to_string(), "-3");
    assert_eq!(d("1.005").round_to(2).expect("fits").to_string(), "1.01");
    assert_eq!(d("155").round_left(1, false).to_string(), "160");
    assert_eq!(d("-1.2").floor().to_string(), "-2");
    assert_eq!(d("-1.2").ceiling().to_string(), "-1");
}

#[test]
fn equal_numbers_hash_and_compare_alike() {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let hash = |v: &Decimal| {
        let mut h = DefaultHasher::new();
        v.hash(&mut h);
        h.finish()
    };
    assert_eq!(d("1.0"), d("1.000"));
    assert_eq!(hash(&d("1.0")), hash(&d("1.000")));
    assert!(d("-1") < d("0.5"));
    assert!(d("1.01") > d("1.001"));
}

proptest::proptest! {
    #[test]
    fn arithmetic_matches_wide_integers(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000_000_000i64..1_000_000_000_000, sa in 0u8..8, sb in 0u8..8) {
        let (x, y) = (Decimal::from_i128(a.into(), sa), Decimal::from_i128(b.into(), sb));
        let scale = sa.max(sb);
        let wide = |v: i64, s: u8| i128::from(v) * 10i128.pow(u32::from(scale - s));
        proptest::prop_assert_eq!(x.checked_add(&y), Some(Decimal::from_i128(wide(a, sa) + wide(b, sb), scale)));
        proptest::prop_assert_eq!(x.checked_mul(&y), Some(Decimal::from_i128(i128::from(a) * i128::from(b), sa + sb)));
        proptest::prop_assert_eq!(x.cmp(&y), wide(a, sa).cmp(&wide(b, sb)));
        if b != 0 {
            proptest::prop_assert_eq!(x.checked_rem(&y), Some(Decimal::from_i128(wide(a, sa) % wide(b, sb), scale)));
            proptest::prop_assert_eq!(x.checked_div_integer(&y), Some(Decimal::from_i128(wide(a, sa) / wide(b, sb), 0)));
        }
        proptest::prop_assert_eq!(x.to_string().parse::<Decimal>().ok(), Some(x));
    }
}
