//! What goes wrong, and how it is made good again.

use std::sync::Arc;
use std::time::Duration;

use rutile_kv_env::{Clock as _, NetworkFaults};

use crate::world::{Node, World};

const CALM_MS: std::ops::Range<u64> = 50..2_500;
const OFF_MS: std::ops::Range<u64> = 20..4_000;
/// Longer than a lease, an election, and what a client waits.
const FROZEN_MS: std::ops::Range<u64> = 100..8_000;
const HOUR_US: i64 = 3_600_000_000;

/// Makes trouble for a while, then heals everything. Answers the number of faults.
pub async fn trouble(world: &World, duration: Duration) -> u64 {
    let (clock, random) = (world.simulation.clock().clone(), world.simulation.env().random);
    let end = clock.now() + duration;
    let pause = |range: std::ops::Range<u64>| clock.sleep(Duration::from_millis(random.range(range)));
    let any = || Arc::clone(&world.nodes[random.range(0..world.nodes.len() as u64) as usize]);
    let mut faults = 0;
    pause(0..3_000).await;
    while clock.now() < end {
        pause(CALM_MS).await;
        faults += 1;
        match random.range(0..9) {
            0 | 1 => {
                let node = any();
                node.machine.power_off();
                pause(OFF_MS).await;
                restore(&node);
            }
            2 => {
                // Between two messages of one step.
                let node = any();
                node.machine.power_off_before_effect(random.range(1..40));
                pause(OFF_MS).await;
                node.machine.keep_power();
                restore(&node);
            }
            3 => {
                world.nodes.iter().for_each(|node| node.machine.power_off());
                pause(OFF_MS).await;
                world.nodes.iter().for_each(restore);
            }
            4 | 5 => {
                let node = if random.one_in(3) { any() } else { leader(world).unwrap_or_else(any) };
                cut(world, &node, random.range(0..3));
                pause(FROZEN_MS).await;
                world.simulation.network().mend();
            }
            6 => {
                let node = leader(world).unwrap_or_else(any);
                node.machine.freeze();
                // It runs again before it hears of what happened meanwhile.
                let is_deaf = random.one_in(2);
                if is_deaf {
                    cut(world, &node, 0);
                }
                pause(FROZEN_MS).await;
                node.machine.thaw();
                if is_deaf {
                    pause(CALM_MS).await;
                    world.simulation.network().mend();
                }
            }
            7 => world.simulation.clock().jump_wall(if random.one_in(2) { HOUR_US } else { -HOUR_US }),
            _ => {
                let node = any();
                // Its clock runs up to 10 % too fast or too slow from the next start on.
                node.machine.set_pace(random.range(900_000..1_100_000));
                node.machine.power_off();
                restore(&node);
                world.simulation.network().set_faults(bad_network(&*random));
            }
        }
    }
    world.simulation.network().mend();
    world.simulation.network().set_faults(NetworkFaults::none());
    world.nodes.iter().for_each(|node| node.machine.thaw());
    world.nodes.iter().for_each(restore);
    faults
}

/// The member that leads now.
fn leader(world: &World) -> Option<Arc<Node>> {
    let leads = |node: &&Arc<Node>| node.member().is_some_and(|(_, member)| member.timestamps_end_ms() != 0);
    world.nodes.iter().find(leads).cloned()
}

fn restore(node: &Arc<Node>) {
    if !node.machine.is_on() {
        node.start();
    }
}

/// Cuts a member off: from everybody, or in one direction only. Clients of it are cut off as well, or not.
fn cut(world: &World, node: &Node, shape: u64) {
    let network = world.simulation.network();
    let id = node.machine.id();
    for other in world.nodes.iter().map(|other| other.machine.id()).filter(|other| *other != id) {
        if shape != 1 {
            network.cut(id, other);
        }
        if shape != 2 {
            network.cut(other, id);
        }
    }
}

fn bad_network(random: &dyn rutile_kv_env::Random) -> NetworkFaults {
    NetworkFaults {
        lost_permille: random.range(0..40),
        repeated_permille: random.range(0..40),
        delay_us: 100..random.range(500..30_000),
        slow_permille: random.range(0..20),
        slow_us: 10_000..random.range(50_000..900_000),
    }
}
