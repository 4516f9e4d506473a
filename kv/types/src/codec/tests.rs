//! Properties every codec must have: what goes in comes out, and ordered encodings keep the order.

use proptest::prelude::*;

use super::*;

fn bytes_of(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_bytes(&mut out, raw);
    out
}

fn number_of<T>(encode: fn(&mut Vec<u8>, T), value: T) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, value);
    out
}

/// Short strings over few bytes, so that shared prefixes and group edges are common.
fn tight_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(
        prop_oneof![Just(0u8), Just(1), Just(0xf7), Just(0xfe), Just(0xff), any::<u8>()],
        0..26,
    )
}

proptest! {
    #[test]
    fn bytes_come_back_and_leave_the_rest(raw in tight_bytes(), tail in tight_bytes()) {
        let mut encoded = bytes_of(&raw);
        prop_assert_eq!(encoded.len(), encoded_bytes_len(raw.len()));
        let encoded_len = encoded.len();
        encoded.extend_from_slice(&tail);
        prop_assert_eq!(encoded_bytes_prefix_len(&encoded), Ok(encoded_len));
        let mut rest = encoded.as_slice();
        prop_assert_eq!(decode_bytes(&mut rest), Ok(raw));
        prop_assert_eq!(rest, tail.as_slice());
    }

    #[test]
    fn bytes_keep_their_order_whatever_follows(a in tight_bytes(), b in tight_bytes(), x in any::<u8>(), y in any::<u8>()) {
        prop_assert_eq!(bytes_of(&a).cmp(&bytes_of(&b)), a.cmp(&b));
        let (mut with_x, mut with_y) = (bytes_of(&a), bytes_of(&b));
        with_x.push(x);
        with_y.push(y);
        prop_assert_eq!(with_x.cmp(&with_y), a.cmp(&b).then(x.cmp(&y)));
    }

    #[test]
    fn rubbish_never_panics_and_a_success_encodes_back(input in tight_bytes()) {
        let mut rest = input.as_slice();
        match decode_bytes(&mut rest) {
            Ok(raw) => {
                let again = bytes_of(&raw);
                prop_assert_eq!(again.as_slice(), &input[..input.len() - rest.len()]);
            }
            Err(_) => prop_assert_eq!(rest, input.as_slice()),
        }
        let mut rest = input.as_slice();
        if decode_var_u64(&mut rest).is_err() || decode_compact_bytes(&mut rest).is_err() {
            prop_assert!(rest.len() <= input.len());
        }
    }

    #[test]
    fn integers_keep_their_order(a in any::<i64>(), b in any::<i64>(), c in any::<u64>(), d in any::<u64>()) {
        prop_assert_eq!(number_of(encode_i64, a).cmp(&number_of(encode_i64, b)), a.cmp(&b));
        prop_assert_eq!(number_of(encode_u64, c).cmp(&number_of(encode_u64, d)), c.cmp(&d));
        prop_assert_eq!(number_of(encode_u64_desc, c).cmp(&number_of(encode_u64_desc, d)), d.cmp(&c));
        prop_assert_eq!(decode_i64(&mut number_of(encode_i64, a).as_slice()), Ok(a));
        prop_assert_eq!(decode_u64(&mut number_of(encode_u64, c).as_slice()), Ok(c));
        prop_assert_eq!(decode_u64_desc(&mut number_of(encode_u64_desc, c).as_slice()), Ok(c));
    }

    #[test]
    fn floats_keep_their_order(a in any::<f64>(), b in any::<f64>()) {
        if let Some(order) = a.partial_cmp(&b) {
            prop_assert_eq!(number_of(encode_f64, a).cmp(&number_of(encode_f64, b)), order);
            prop_assert_eq!(decode_f64(&mut number_of(encode_f64, a).as_slice()), Ok(a));
        }
    }

    #[test]
    fn varints_come_back(a in any::<u64>(), shift in 0u32..64, b in any::<i64>()) {
        let value = a >> shift;
        let encoded = number_of(encode_var_u64, value);
        prop_assert!(encoded.len() <= VAR_U64_MAX_BYTES);
        let mut rest = encoded.as_slice();
        prop_assert_eq!(decode_var_u64(&mut rest), Ok(value));
        prop_assert!(rest.is_empty());
        let signed = b >> shift;
        prop_assert_eq!(decode_var_i64(&mut number_of(encode_var_i64, signed).as_slice()), Ok(signed));
        for cut in 0..encoded.len() {
            prop_assert!(decode_var_u64(&mut &encoded[..cut]).is_err());
        }
    }
}

#[test]
fn zero_has_one_encoding() {
    assert_eq!(number_of(encode_f64, -0.0), number_of(encode_f64, 0.0));
}

#[test]
fn a_varint_of_more_than_64_bits_is_refused() {
    let mut eleven = vec![0xff; 10];
    eleven.push(0x01);
    assert!(decode_var_u64(&mut eleven.as_slice()).is_err());
    let mut high_bits = vec![0xff; 9];
    high_bits.push(0x02);
    assert!(decode_var_u64(&mut high_bits.as_slice()).is_err());
}
