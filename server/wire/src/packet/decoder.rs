//! Reading a payload from an untrusted peer: every step is checked, nothing panics, nothing is copied.

use crate::error::{Error, Result};

/// A cursor over one payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(Error::Malformed("payload ends early"))?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) =
            self.rest.split_first_chunk::<N>().ok_or(Error::Malformed("payload ends early"))?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Up to the next zero, which is consumed.
    pub(crate) fn nul_bytes(&mut self) -> Result<&'a [u8]> {
        let end =
            self.rest.iter().position(|byte| *byte == 0).ok_or(Error::Malformed("string without an end"))?;
        let text = self.bytes(end)?;
        self.u8()?;
        Ok(text)
    }

    /// Up to the next zero or the end: old clients leave the last terminator out.
    pub(crate) fn nul_or_end(&mut self) -> &'a [u8] {
        match self.nul_bytes() {
            Ok(text) => text,
            Err(_) => self.rest(),
        }
    }

    pub(crate) fn lenenc_int(&mut self) -> Result<u64> {
        Ok(match self.u8()? {
            small @ 0..=250 => u64::from(small),
            0xfc => u64::from(self.u16()?),
            0xfd => {
                let [a, b, c] = self.array::<3>()?;
                u64::from(u32::from_le_bytes([a, b, c, 0]))
            }
            0xfe => self.u64()?,
            _ => return Err(Error::Malformed("length prefix")),
        })
    }

    pub(crate) fn lenenc_bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.lenenc_int()?).map_err(|_| Error::Malformed("length prefix"))?;
        self.bytes(length)
    }
}
