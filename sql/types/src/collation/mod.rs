//! Character sets and collations.
//!
//! `table.rs` lists what exists; the other files hold one ordering family each. A collation turns text into a
//! *key*: byte order of keys is the collation's order and equal keys mean equal text. Indexes, GROUP BY, joins,
//! sorting and hashing of text all use keys, so one definition decides them all.
//!
//! ```text
//!   binary, *_0900_bin   bytes                                         NO PAD
//!   *_bin                bytes, trailing spaces cut                    PAD SPACE
//!   *_general_ci         one 16-bit weight per character               PAD SPACE
//!   latin1_swedish_ci    one 8-bit weight per character                PAD SPACE
//!   *_unicode_ci         UCA 4.0.0 primary weights                     PAD SPACE
//!   *_0900_*             UCA 9.0.0 weights                             NO PAD
//! ```
//! Limits: PAD SPACE is done by cutting trailing spaces, so text that differs only by control characters
//! below the space orders after its prefix; UCA contractions (Thai, Lao and some Indic vowel order) are not
//! applied; tertiary weights of Hangul syllables are the common ones.

mod id;
mod key;
mod simple;
mod table;
mod uca;
mod weights;

pub use id::{Charset, Collation, PadAttribute};

#[cfg(test)]
mod tests;
