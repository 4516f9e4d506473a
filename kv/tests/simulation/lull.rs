//! Nobody asks for anything, until regions sleep; then something happens to one of the sleepers, and clients come back.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::{Clock, Random};

use crate::world::{StoreNode, World};

/// Longer than any region of these runs waits before it sleeps.
const QUIET_MS: std::ops::Range<u64> = 2_500..6_000;
/// Longer than an election, and shorter than followers that sleep wait before they look for their leader.
const TROUBLE_MS: std::ops::Range<u64> = 1_000..6_000;

fn cut_both_ways(world: &World, one: u64, other: u64) {
    world.simulation.network().cut(one, other);
    world.simulation.network().cut(other, one);
}

/// The others hear that the store is gone, or nobody tells them.
fn tell(world: &World, gone: &Arc<StoreNode>, random: &dyn Random) {
    for other in world.nodes.all().iter().filter(|other| other.store_id != gone.store_id) {
        if random.one_in(2)
            && let Some(store) = other.store()
        {
            store.store_unreachable(gone.store_id);
        }
    }
}

/// One move of the nemesis. `leader` is the machine that led last.
pub async fn strike(world: &World, random: &dyn Random, clock: &dyn Clock, leader: u64) {
    let pause = |range: std::ops::Range<u64>| clock.sleep(Duration::from_millis(random.range(range)));
    let (network, stores) = (world.simulation.network(), world.nodes.all());
    network.mend();
    for client in &world.clients {
        stores.iter().for_each(|store| cut_both_ways(world, client.id(), store.machine.id()));
    }
    pause(QUIET_MS).await;
    let any = random.range(0..stores.len() as u64) as usize;
    let led = stores.iter().find(|store| store.machine.id() == leader);
    let struck = led.filter(|_| !random.one_in(4)).unwrap_or(&stores[any]);
    let others = stores.iter().filter(|other| other.store_id != struck.store_id);
    match random.range(0..8) {
        0 => network.mend(),
        // Whoever led is cut off, and clients reach everybody.
        1..=3 => {
            network.mend();
            let (outward, inward) = (random.one_in(3), random.one_in(3));
            for other in others {
                let (one, two) = (struck.machine.id(), other.machine.id());
                if outward || !inward {
                    network.cut(one, two);
                }
                if inward || !outward {
                    network.cut(two, one);
                }
            }
            if random.one_in(3) {
                tell(world, struck, random);
            }
        }
        4 | 5 => {
            struck.machine.power_off();
            tell(world, struck, random);
            if random.one_in(2) {
                network.mend();
            }
        }
        6 => {
            network.mend();
            struck.machine.freeze();
        }
        _ => world.pd.steering.lead_on(struck.store_id),
    }
    pause(TROUBLE_MS).await;
    struck.machine.thaw();
    network.mend();
}
