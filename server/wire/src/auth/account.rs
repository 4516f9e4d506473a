//! Accounts as the login sees them, and the stored form of their passwords.

use async_trait::async_trait;

use crate::auth::caching_sha2::Sha2Verifier;
use crate::auth::native::NativeVerifier;
use crate::auth::{CACHING_SHA2, NATIVE};
use crate::error::Result;

/// Where accounts come from.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The account that `user` from `host` logs in as, or `None`. MySQL picks the most specific host pattern.
    async fn find(&self, user: &str, host: &str) -> Result<Option<Account>>;
}

/// The matched account; its name differs from what the client typed when it is anonymous or has a host pattern.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: String,
    /// Host pattern of the account, as in `'root'@'%'`.
    pub host: String,
    pub verifier: Verifier,
}

/// What is stored of a password (`mysql.user.authentication_string`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// An empty password under `caching_sha2_password`.
    Empty,
    CachingSha2(Sha2Verifier),
    Native(NativeVerifier),
}

impl Verifier {
    /// Reads `authentication_string` of an account with this plugin; `None` when plugin or format is unknown.
    pub fn parse(plugin: &str, authentication_string: &[u8]) -> Option<Self> {
        if authentication_string.is_empty() {
            return [CACHING_SHA2, NATIVE].contains(&plugin).then_some(Self::Empty);
        }
        match plugin {
            CACHING_SHA2 => Sha2Verifier::parse(authentication_string).map(Self::CachingSha2),
            NATIVE => NativeVerifier::parse(authentication_string).map(Self::Native),
            _ => None,
        }
    }

    /// The verifier of a new `caching_sha2_password` password, with a random salt. Takes milliseconds on purpose.
    pub fn caching_sha2(password: &[u8]) -> Result<Self> {
        if password.is_empty() {
            Ok(Self::Empty)
        } else {
            Ok(Self::CachingSha2(Sha2Verifier::create(password)?))
        }
    }

    /// The verifier of a new `mysql_native_password` password.
    pub fn native(password: &[u8]) -> Self {
        if password.is_empty() { Self::Empty } else { Self::Native(NativeVerifier::create(password)) }
    }

    pub fn plugin(&self) -> &'static str {
        match self {
            Self::Empty | Self::CachingSha2(_) => CACHING_SHA2,
            Self::Native(_) => NATIVE,
        }
    }

    /// The stored form, as `mysql.user` shows it.
    pub fn authentication_string(&self) -> Vec<u8> {
        match self {
            Self::Empty => Vec::new(),
            Self::CachingSha2(verifier) => verifier.to_bytes(),
            Self::Native(verifier) => verifier.to_text().into_bytes(),
        }
    }
}
