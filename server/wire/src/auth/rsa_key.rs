//! The server's RSA key: how a password crosses a plain connection.
//!
//! The client asks for the public key with a byte 0x02 and sends OAEP(password xor scramble). Decryption is blinded, the
//! mitigation of the `rsa` crate against timing of its big-integer arithmetic.

use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::{Oaep, RsaPrivateKey};
use sha1::Sha1;

use crate::auth::SCRAMBLE_BYTES;
use crate::error::{Error, Result};

const KEY_BITS: usize = 2048;

/// A private key and its public half as PEM.
pub struct RsaKey {
    private: RsaPrivateKey,
    public_pem: String,
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey(..)")
    }
}

impl RsaKey {
    /// Makes a new key; a second or so of CPU.
    pub fn generate() -> Result<Self> {
        let private = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS)
            .map_err(|_| Error::Internal("RSA key generation failed"))?;
        Self::new(private)
    }

    /// Reads a PKCS#8 PEM private key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let private =
            RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| Error::Internal("not a PKCS#8 RSA key"))?;
        Self::new(private)
    }

    fn new(private: RsaPrivateKey) -> Result<Self> {
        let public_pem = private
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|_| Error::Internal("RSA public key has no PEM form"))?;
        Ok(Self { private, public_pem })
    }

    /// The private key as PKCS#8 PEM, for keeping.
    pub fn to_pem(&self) -> Result<String> {
        let pem = self
            .private
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| Error::Internal("RSA key has no PEM form"))?;
        Ok(pem.to_string())
    }

    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The password inside `message`, or `None` when it was not encrypted for this key and scramble.
    pub(crate) fn open_password(&self, message: &[u8], scramble: &[u8; SCRAMBLE_BYTES]) -> Option<Vec<u8>> {
        let mut clear =
            self.private.decrypt_blinded(&mut rsa::rand_core::OsRng, Oaep::new::<Sha1>(), message).ok()?;
        for (slot, mask) in clear.iter_mut().zip(scramble.iter().cycle()) {
            *slot ^= mask;
        }
        // The client's C string comes with its terminating zero.
        (clear.pop() == Some(0)).then_some(clear)
    }
}
