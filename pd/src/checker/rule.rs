//! Peers as the placement rules ask for them. Of each rule, in this order:
//!
//! 1. A missing peer is added.
//! 2. A peer on a store that is down, or being emptied, is replaced; only where another store can take it, so that
//!    nothing is taken away for nothing.
//! 3. A peer of another role gets the one that the rule wants.
//! 4. A peer moves to where it is farther from the others.
//!
//! Peers that no rule asks for are removed last, and not while a rule lacks one.

use rutile_kv_types::{Peer, PeerRole};
use rutile_pd_client::{RegionHeartbeat, StoreState};

use super::{NewId, Surroundings, learner, repair};
use crate::error::Result;
use crate::operator::{Operator, Step, add_peer, is_behind, remove_peer};
use crate::placement::{Fit, Role, RuleFit};

pub(super) fn check(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    new_id: NewId<'_>,
) -> Result<Option<Operator>> {
    let fit = around.fit(told);
    for rule in &fit.rules {
        if let Some(operator) = fix(told, around, rule, &fit, new_id)? {
            return Ok(Some(operator));
        }
    }
    Ok(remove_orphan(told, around, &fit))
}

fn fix(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    fit: &RuleFit<'_>,
    whole: &Fit<'_>,
    new_id: NewId<'_>,
) -> Result<Option<Operator>> {
    if !fit.is_complete() && around.settings.enable_make_up_replica {
        let reason = format!(
            "{} of {} peers of rule {}/{}",
            fit.peers.len(),
            fit.rule.count,
            fit.rule.group_id,
            fit.rule.id
        );
        if let Some(steps) = add(told, around, fit, new_id)? {
            return Ok(Some(repair(told, "make-up-replica", reason, steps)));
        }
    }
    if let Some((old, name)) = unfit(around, fit) {
        let others: Vec<&Peer> = fit.peers.iter().filter(|peer| peer.id != old.id).collect();
        let Some(store_id) = around.place(told, fit.rule, &others) else {
            return Ok(None);
        };
        let new = Peer { id: new_id()?, store_id, role: PeerRole::Learner };
        let reason = format!("store {} has to be left", old.store_id);
        let steps = around.steps_to_move(told, old, new);
        return Ok(steps.map(|steps| repair(told, name, reason, steps)));
    }
    for peer in &fit.misplaced {
        if let Some(operator) = change_role(told, around, fit, peer) {
            return Ok(Some(operator));
        }
    }
    // A peer that is left over goes first: its place may be the better one.
    if around.settings.enable_location_replacement && whole.orphans.is_empty() {
        return relocate(told, around, fit, new_id);
    }
    Ok(None)
}

fn add(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    fit: &RuleFit<'_>,
    new_id: NewId<'_>,
) -> Result<Option<Vec<Step>>> {
    let others: Vec<&Peer> = fit.peers.iter().collect();
    let Some(store_id) = around.place(told, fit.rule, &others) else {
        return Ok(None);
    };
    let new = Peer { id: new_id()?, store_id, role: PeerRole::Learner };
    Ok(Some(if fit.rule.role.votes() { add_peer(new) } else { vec![Step::AddLearner(new)] }))
}

/// A peer whose store is down or being emptied; one that is down matters more.
fn unfit<'f>(around: &Surroundings<'_>, fit: &'f RuleFit<'_>) -> Option<(&'f Peer, &'static str)> {
    let settings = around.settings;
    let down = |peer: &&Peer| settings.enable_remove_down_replica && around.is_gone(peer.store_id);
    let offline = |peer: &&Peer| {
        settings.enable_replace_offline_replica
            && around.view(peer.store_id).is_some_and(|view| view.store.state == StoreState::Offline)
    };
    let found = |peer: Option<&'f Peer>, name| peer.map(|peer| (peer, name));
    found(fit.peers.iter().find(down), "replace-down-replica")
        .or_else(|| found(fit.peers.iter().find(offline), "replace-offline-replica"))
}

fn change_role(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    fit: &RuleFit<'_>,
    peer: &Peer,
) -> Option<Operator> {
    if peer.role == PeerRole::Learner {
        return learner::check(told, around, peer);
    }
    let (reason, successor) = match fit.rule.role {
        Role::Leader => ("a rule wants the leader elsewhere".to_owned(), peer),
        Role::Follower => {
            let successor = around.successor(told, peer)?;
            (format!("a rule wants store {} not to lead", peer.store_id), successor)
        }
        Role::Voter | Role::Learner => return None,
    };
    // Only where it helps: another rule may want it the other way round.
    let fits = around.is_alive(successor.store_id) && !is_behind(told, successor.id);
    (fits && around.allows_leader(told, successor))
        .then(|| repair(told, "fix-leader-role", reason, vec![Step::TransferLeader(successor.clone())]))
}

/// A place that is farther from the other peers; only for a region that is well.
fn relocate(
    told: &RegionHeartbeat,
    around: &Surroundings<'_>,
    fit: &RuleFit<'_>,
    new_id: NewId<'_>,
) -> Result<Option<Operator>> {
    let well = |peer: &Peer| around.is_alive(peer.store_id) && !is_behind(told, peer.id);
    if fit.rule.location_labels.is_empty() || !told.region.peers.iter().all(well) {
        return Ok(None);
    }
    let mut best: Option<(u64, &Peer, u64)> = None;
    for old in &fit.peers {
        let others: Vec<&Peer> = fit.peers.iter().filter(|peer| peer.id != old.id).collect();
        let Some(store_id) = around.place(told, fit.rule, &others) else {
            continue;
        };
        let low =
            around.view(store_id).is_none_or(|view| view.is_low_on_space(around.settings.low_space_percent));
        let now = around.isolation(old.store_id, fit.rule, &others);
        let gain = around.isolation(store_id, fit.rule, &others).saturating_sub(now);
        // The leader moves only when nobody else gains as much.
        let leads = told.leader.as_ref().is_some_and(|leader| leader.id == old.id);
        let better = |(known, _, _): &(u64, &Peer, u64)| gain > *known || gain == *known && !leads;
        if gain > 0 && !low && best.as_ref().is_none_or(better) {
            best = Some((gain, old, store_id));
        }
    }
    let Some((_, old, store_id)) = best else {
        return Ok(None);
    };
    let new = Peer { id: new_id()?, store_id, role: PeerRole::Learner };
    let reason = format!("store {store_id} is farther from the other peers than store {}", old.store_id);
    let steps = around.steps_to_move(told, old, new);
    Ok(steps.map(|steps| repair(told, "move-to-better-location", reason, steps)))
}

/// A peer that no rule asks for, those on stores that have to be left first.
fn remove_orphan(told: &RegionHeartbeat, around: &Surroundings<'_>, fit: &Fit<'_>) -> Option<Operator> {
    let to_leave = |peer: &&Peer| !around.is_alive(peer.store_id);
    let orphan = fit.orphans.iter().find(to_leave).or_else(|| fit.orphans.last())?;
    let enough = fit.rules.iter().all(RuleFit::is_complete);
    let unfinished =
        fit.rules.iter().flat_map(|rule| &rule.misplaced).any(|peer| peer.role == PeerRole::Learner);
    let learns = orphan.role == PeerRole::Learner;
    if !around.settings.enable_remove_extra_replica || !learns && (!enough || unfinished) {
        return None;
    }
    let steps = remove_peer(told, orphan, around.successor(told, orphan))?;
    let (name, reason) = if learns {
        ("remove-learner", "a learner is left over".to_owned())
    } else {
        ("remove-extra-replica", format!("no rule asks for the peer on store {}", orphan.store_id))
    };
    Some(repair(told, name, reason, steps))
}
