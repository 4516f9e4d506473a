//! Encodings of keys and of the parts of lock and write values.
//!
//! * `bytes`: memory-comparable byte strings (MyRocks' and TiKV's groups of eight) and length-prefixed ones;
//! * `number`: fixed-width numbers whose bytes sort like the numbers;
//! * `varint`: LEB128 and zig-zag, short but not ordered.
//!
//! Every decoder takes `&mut &[u8]`, consumes what it read, and leaves the input untouched when it answers an error.
//! Deliberately missing: descending variants, which nothing we store uses.

mod bytes;
mod number;
mod varint;

pub use bytes::{
    decode_bytes, decode_bytes_into, decode_compact_bytes, encode_bytes, encode_compact_bytes,
    encoded_bytes_len, encoded_bytes_prefix_len,
};
pub use number::{
    decode_f64, decode_i64, decode_u8, decode_u16, decode_u64, decode_u64_desc, encode_f64, encode_i64,
    encode_u16, encode_u64, encode_u64_desc,
};
pub use varint::{VAR_U64_MAX_BYTES, decode_var_i64, decode_var_u64, encode_var_i64, encode_var_u64};

#[cfg(test)]
mod tests;
