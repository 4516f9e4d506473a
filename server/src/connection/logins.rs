//! How many clients log in at the same time: in all, and from one address.
//!
//! A login costs memory and, with a password, processor time, and a client that has not logged in yet can be anybody.
//! Those above the limit wait for their turn without having been greeted; a machine that opens connections and says
//! nothing holds up its own address only.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Clients of one address that may wait; one more is refused.
const WAITING_PER_ADDRESS_MAX: usize = 1_024;

#[derive(Debug)]
struct Address {
    turns: Arc<Semaphore>,
    /// Waiting or logging in.
    clients: usize,
}

/// The logins that are under way or wait.
#[derive(Debug)]
pub(crate) struct Logins {
    turns: Arc<Semaphore>,
    turns_per_address: usize,
    addresses: Mutex<HashMap<IpAddr, Address>>,
}

/// One client on its way to be logged in; dropped when it is, or has given up.
#[derive(Debug)]
pub(crate) struct Arrival {
    logins: Arc<Logins>,
    address: IpAddr,
    turns: Arc<Semaphore>,
    /// Of the address, then of all; in this order, so that one address takes no turn of the others while it waits.
    held: Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)>,
}

impl Logins {
    pub(crate) fn new(max: u32, max_per_address: u32) -> Arc<Self> {
        Arc::new(Self {
            turns: Arc::new(Semaphore::new(max as usize)),
            turns_per_address: max_per_address as usize,
            addresses: Mutex::default(),
        })
    }

    /// Lets a client in to wait for its turn; `None` if too many of its address wait.
    pub(crate) fn arrive(self: &Arc<Self>, address: IpAddr) -> Option<Arrival> {
        let mut addresses = self.addresses.lock();
        let entry = addresses.entry(address).or_insert_with(|| Address {
            turns: Arc::new(Semaphore::new(self.turns_per_address)),
            clients: 0,
        });
        if entry.clients >= self.turns_per_address + WAITING_PER_ADDRESS_MAX {
            return None;
        }
        entry.clients += 1;
        Some(Arrival { logins: self.clone(), address, turns: entry.turns.clone(), held: None })
    }

    /// Clients that have not logged in yet.
    pub(crate) fn count(&self) -> usize {
        self.addresses.lock().values().map(|address| address.clients).sum()
    }
}

impl Arrival {
    /// Resolves when it is this client's turn.
    pub(crate) async fn turn(&mut self) {
        let own = self.turns.clone().acquire_owned().await;
        let all = self.logins.turns.clone().acquire_owned().await;
        // Nobody closes the semaphores; if somebody did, nobody would have to wait.
        self.held = own.ok().zip(all.ok());
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut addresses = self.logins.addresses.lock();
        if let Some(entry) = addresses.get_mut(&self.address) {
            entry.clients -= 1;
            if entry.clients == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::net::Ipv4Addr;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(127, 0, 0, last).into()
    }

    fn has_turn(arrival: &mut Arrival) -> bool {
        pin!(arrival.turn()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn one_address_waits_for_itself_only() {
        let logins = Logins::new(3, 2);
        let mut first: Vec<Arrival> = (0..3).filter_map(|_| logins.arrive(address(1))).collect();
        let turns: Vec<bool> = first.iter_mut().map(has_turn).collect();
        assert_eq!(turns, [true, true, false]);
        let mut other = logins.arrive(address(2)).expect("room");
        assert!(has_turn(&mut other), "the third of all");
        let mut third = logins.arrive(address(3)).expect("room");
        assert!(!has_turn(&mut third), "a fourth");
        drop(other);
        assert!(has_turn(&mut third));
        first.remove(0);
        assert!(has_turn(&mut first[1]), "who waits comes in when one has logged in");
        drop((first, third));
        assert_eq!(logins.count(), 0);
        assert!(logins.addresses.lock().is_empty(), "nothing is kept of an address that has gone");
    }

    #[test]
    fn too_many_of_one_address_are_refused() {
        let logins = Logins::new(10, 2);
        let waiting: Vec<Arrival> = std::iter::from_fn(|| logins.arrive(address(1))).collect();
        assert_eq!(waiting.len(), 2 + WAITING_PER_ADDRESS_MAX);
        assert!(logins.arrive(address(2)).is_some());
    }
}
