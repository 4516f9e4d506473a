//! Digests and random bytes. MD5 and SHA1 are here although MySQL 9.6 moved them into a component: clients of
//! earlier versions call them.
//! Missing on purpose: AES_ENCRYPT, COMPRESS and PASSWORD.

mod digest;

use crate::call::Function;

pub(crate) const FAMILIES: &[&[Function]] = &[digest::FUNCTIONS];
