//! Collation order as recorded from MySQL 9.7, and that keys keep the order of compare.

use std::cmp::Ordering;

use super::*;

fn key(collation: Collation, text: &str) -> String {
    let mut out = Vec::new();
    collation.key(text.as_bytes(), &mut out);
    out.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn weights_are_those_of_weight_string() {
    let ai = Collation::UTF8MB4_0900_AI_CI;
    assert_eq!(key(ai, "a"), "1C47");
    assert_eq!(key(ai, "ß"), "1E711E71");
    assert_eq!(key(ai, "漢"), "FB40EF22");
    assert_eq!(key(ai, "한"), "3C073C733CD4");
    assert_eq!(key(ai, "😀"), "15FB");
    assert_eq!(key(Collation::UTF8MB4_0900_AS_CS, "aé"), "1C471CAA00000020002000240000000200020002");
    assert_eq!(key(Collation::UTF8MB4_UNICODE_CI, "a "), "0E33");
    assert_eq!(key(Collation::UTF8MB4_GENERAL_CI, "aé"), "00410045");
    assert_eq!(key(Collation::LATIN1_SWEDISH_CI, "éÇ"), "4543");
}

#[test]
fn equality_follows_the_collation() {
    let (ai, general, bin, bin900) = (
        Collation::UTF8MB4_0900_AI_CI,
        Collation::UTF8MB4_GENERAL_CI,
        Collation::UTF8MB4_BIN,
        Collation::UTF8MB4_0900_BIN,
    );
    assert!(ai.equal(b"a", b"A") && ai.equal("é".as_bytes(), b"E") && ai.equal("ß".as_bytes(), b"ss"));
    assert!(
        !ai.equal(b"a", b"a ")
            && general.equal(b"a", b"a  ")
            && bin.equal(b"a", b"a ")
            && !bin900.equal(b"a", b"a ")
    );
    assert!(!general.equal("ß".as_bytes(), b"ss") && general.equal("ß".as_bytes(), b"s"));
    assert!(!Collation::BINARY.equal(b"a", b"A"));
    assert_eq!(Collation::from_name("UTF8_General_CI").expect("known").id(), 33);
}

proptest::proptest! {
    #[test]
    fn keys_keep_the_order_of_compare(a in "[a-cA-C é😀ß\u{1}-]{0,6}", b in "[a-cA-C é😀ß\u{1}-]{0,6}") {
        for collation in Collation::all() {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            collation.key(a.as_bytes(), &mut x);
            collation.key(b.as_bytes(), &mut y);
            let order = collation.compare(a.as_bytes(), b.as_bytes());
            proptest::prop_assert_eq!(x.cmp(&y), order, "{} {:?} {:?}", collation.name(), a, b);
            if order == Ordering::Equal {
                let hash = |text: &str| {
                    let mut h = std::hash::DefaultHasher::new();
                    collation.hash(text.as_bytes(), &mut h);
                    std::hash::Hasher::finish(&h)
                };
                proptest::prop_assert_eq!(hash(&a), hash(&b));
            }
        }
    }
}
