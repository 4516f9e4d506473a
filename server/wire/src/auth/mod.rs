//! Proving who the client is.
//!
//! `caching_sha2_password` is the default: a client whose password the server has seen answers in one round trip against
//! an in-memory SHA256(SHA256(password)); otherwise the password itself travels, over TLS or encrypted with the server's
//! RSA key, and is checked against the stored 5000-round verifier. `mysql_native_password` is there for accounts that
//! were created with it. An unknown user walks the same steps as a known one with a wrong password.
//!
//! Deliberately missing: clear-text, sha256_password, LDAP and FIDO plugins.

mod account;
mod authenticator;
mod cache;
mod caching_sha2;
mod failed_logins;
mod native;
mod rsa_key;
mod sha256_crypt;

pub use account::{Account, Accounts, Verifier};
pub use authenticator::Authenticator;
pub use failed_logins::network;
pub use rsa_key::RsaKey;

pub(crate) use authenticator::Attempt;

/// Bytes of a scramble (nonce).
pub const SCRAMBLE_BYTES: usize = 20;

pub const CACHING_SHA2: &str = "caching_sha2_password";
pub const NATIVE: &str = "mysql_native_password";

/// What the greeting proposes.
pub const DEFAULT_PLUGIN: &str = CACHING_SHA2;
