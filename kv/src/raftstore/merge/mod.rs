//! Merge: a region becomes a part of its neighbour.
//!
//! ```text
//!  source (leader)                 target (its leader's store)             every store
//!  locks in memory: proposed
//!  lease suspended
//!  PrepareMerge ----- committed -> the source's peer here is stopped
//!   epoch +1 / +1                  CommitMerge, with the end of the
//!   serves nobody                  source's log ------- committed -------> source's peer catches up
//!                                                                          ONE synced batch:
//!                                                                            target has both ranges
//!                                                                            source is a tombstone
//!  RollbackMerge, once the target has another epoch without the source
//! ```
//! PD names the target ([`prepare`]); both regions have peers of the same roles on the same stores, and the target must
//! be in the epoch that PD saw. PrepareMerge is the last thing the source does: nothing that is proposed behind it in an
//! older epoch is applied. The peers of the source may lag behind by a few entries, which CommitMerge carries; entries
//! before `min_index` every peer has.
//!
//! CommitMerge and RollbackMerge exclude one another: the target takes the source in exactly one epoch, epochs never come
//! back, and a source is rolled back only on proof that the target left that epoch otherwise ([`rollback`]). Proof is a
//! peer of the target on this store that went through that epoch by its log, and did not take the source's peer along;
//! when that peer is gone, its tombstone tells how far its history went.
//!
//! CommitMerge waits in the raft loop until the source's peer of the same store has its end in the queue of the apply
//! loop ([`commit`]); a store that crashes in between finds both again in their logs. The batch is synced, because the
//! source's log is dropped behind it.
//!
//! A store that was away for the merge finds a peer of a source that nobody answers ([`leftover`]). Others tell it that
//! the region was merged; it stays until the target's log or snapshot has passed the merge.
//!
//! Reads: what the source let others read must lie below every commit timestamp that the target picks itself, so
//! `max_ts` is fetched anew from PD, and nobody trusts the target's count of locks meanwhile (`view`). The source has no
//! lease from the proposal of PrepareMerge on, until it is rolled back: the target's leader may be on another store, and
//! serve while the source's leader has not yet applied that it stops.
mod apply;
mod commit;
mod leftover;
mod peer_merge;
mod prepare;
mod rollback;

pub use apply::Merged;
pub use peer_merge::PeerMerge;
