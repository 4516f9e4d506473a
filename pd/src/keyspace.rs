//! Key spaces. Only the one that every cluster has from its bootstrap exists; creating others is not offered.

use rutile_pd_client::Keyspace;

use crate::error::{Error, Result};

const DEFAULT_ID: u32 = 0;
const DEFAULT_NAME: &str = "DEFAULT";

pub(crate) fn load(name: &str) -> Result<Keyspace> {
    if name == DEFAULT_NAME {
        Ok(Keyspace { id: DEFAULT_ID, name: name.to_owned() })
    } else {
        Err(Error::KeyspaceNotFound(name.to_owned()))
    }
}
