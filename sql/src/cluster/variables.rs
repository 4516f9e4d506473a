//! SET GLOBAL for all nodes: the value is stored, and every node takes it over within a tick.
//!
//! It holds for nodes that start later too, until it is set again: a cluster as a whole does not restart.

use bytes::Bytes;
use rutile_kv_client::TransactionOptions;

use super::membership::{Membership, lost_a_race, pairs};
use crate::error::{Error, Result};
use crate::meta::keys;
use crate::session::Instance;

const ATTEMPTS_MAX: usize = 16;

/// Tells the other nodes, if there may be some.
pub(crate) async fn publish_variable(instance: &Instance, name: &str, value: &str) -> Result<()> {
    let Some(membership) = instance.membership() else {
        return Ok(());
    };
    for _ in 0..ATTEMPTS_MAX {
        let mut transaction = membership.client().begin(TransactionOptions::default()).await?;
        transaction.put(keys::running_variable(name), Bytes::copy_from_slice(value.as_bytes()));
        transaction.put(keys::variables_version(), Bytes::from(membership.new_uuid()));
        match transaction.commit().await {
            Ok(_) => return Ok(()),
            Err(error) if lost_a_race(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::internal("a global variable could not be stored: too many conflicts"))
}

/// Takes over what is stored.
pub(super) async fn load(instance: &Instance, membership: &Membership) -> Result<()> {
    let transaction = membership.client().begin_unlimited(TransactionOptions::default()).await?;
    let range = keys::running_variables();
    for (key, value) in pairs(&transaction, range.clone()).await? {
        let name = keys::field_of(&range, &key)?;
        let text = std::str::from_utf8(&value).map_err(|_| Error::corrupt("global variable"))?;
        if let Err(error) = instance.global_variables().restore(&name, text) {
            tracing::warn!(name, value = text, %error, "a global variable of the cluster is ignored");
        }
    }
    Ok(())
}
