//! Every durable key of PD, and nowhere else.

/// Random number of the cluster, `u64` big-endian; written when the directory is created.
pub(crate) const CLUSTER_ID: &[u8] = b"cluster_id";
/// Exclusive end of the granted timestamps, `u64` big-endian.
pub(crate) const TSO_WINDOW: &[u8] = b"tso/window";
/// Exclusive end of the granted ids, `u64` big-endian.
pub(crate) const ID_END: &[u8] = b"id/end";
/// GC safe point, `u64` big-endian.
pub(crate) const GC_SAFE_POINT: &[u8] = b"gc/safe_point";
/// Unix milliseconds of the bootstrap, `u64` big-endian; present once the cluster is founded.
pub(crate) const BOOTSTRAP_TIME: &[u8] = b"bootstrap_time";
/// `metapb.Store` by store id.
pub(crate) const STORE_PREFIX: &[u8] = b"store/";
/// `pdpb.Region` (region and last leader) by region id.
pub(crate) const REGION_PREFIX: &[u8] = b"region/";

/// Settings that were set, a line `name=value` each.
pub(crate) const SETTINGS: &[u8] = b"settings";
/// Schedulers that run, a line each; see `scheduler::registry`. The default set while it is absent.
pub(crate) const SCHEDULERS: &[u8] = b"schedulers";

/// Holds on the GC safe point by service id.
pub(crate) const GC_HOLD_PREFIX: &[u8] = b"gc/service/";

pub(crate) fn gc_hold(service_id: &str) -> Vec<u8> {
    [GC_HOLD_PREFIX, service_id.as_bytes()].concat()
}

pub(crate) fn store(store_id: u64) -> Vec<u8> {
    [STORE_PREFIX, &store_id.to_be_bytes()].concat()
}

pub(crate) fn region(region_id: u64) -> Vec<u8> {
    [REGION_PREFIX, &region_id.to_be_bytes()].concat()
}

/// Placement rules by group and name, as JSON; `null` for the default one when it was deleted.
pub(crate) const RULE_PREFIX: &[u8] = b"rule/";
/// Groups of placement rules by name, as JSON.
pub(crate) const RULE_GROUP_PREFIX: &[u8] = b"rule_group/";
/// What was set of a store by hand, by store id; see `cluster::store_traits`.
pub(crate) const STORE_TRAITS_PREFIX: &[u8] = b"store_traits/";

/// Names hold no control characters, so the zero byte ends the group.
pub(crate) fn rule(group: &str, id: &str) -> Vec<u8> {
    [RULE_PREFIX, group.as_bytes(), b"\0", id.as_bytes()].concat()
}

pub(crate) fn rule_group(id: &str) -> Vec<u8> {
    [RULE_GROUP_PREFIX, id.as_bytes()].concat()
}

pub(crate) fn store_traits(store_id: u64) -> Vec<u8> {
    [STORE_TRAITS_PREFIX, &store_id.to_be_bytes()].concat()
}

/// `pdpb.Member` by member id.
pub(crate) const MEMBER_PREFIX: &[u8] = b"member/";

pub(crate) fn member(member_id: u64) -> Vec<u8> {
    [MEMBER_PREFIX, &member_id.to_be_bytes()].concat()
}
