//! The live connections of this server.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;
use rutile_kv_env::TaskHandle;
use rutile_server_wire::{Metrics, StopReason};
use tokio::sync::{Notify, watch};

use crate::connection::statement_times::StatementTimes;

/// Bits of a connection id that count connections where several SQL nodes give out ids; the node's are above.
const COUNTING_BITS: u32 = 20;

/// Which ids this process gives to connections.
pub(crate) struct ConnectionIds {
    /// The id of this node among several.
    node: Option<Arc<AtomicU32>>,
}

impl ConnectionIds {
    /// All there are.
    pub(crate) fn alone() -> Self {
        Self { node: None }
    }

    /// Those of one of several nodes.
    pub(crate) fn of_node(node: Arc<AtomicU32>) -> Self {
        Self { node: Some(node) }
    }

    /// The id of the connection that follows `last`; 0 means no connection.
    fn after(&self, last: u32) -> u32 {
        let Some(node) = &self.node else {
            return last.wrapping_add(1).max(1);
        };
        let mask = (1 << COUNTING_BITS) - 1;
        let count = ((last & mask) + 1) & mask;
        (node.load(Ordering::Acquire) << COUNTING_BITS) | count.max(1)
    }
}

struct Live {
    stop: watch::Sender<Option<StopReason>>,
    /// Absent for the moment between registration and spawn.
    task: Option<TaskHandle>,
}

#[derive(Default)]
struct State {
    live: HashMap<u32, Live>,
    last_id: u32,
    closing: bool,
}

/// Counts, names and stops connections.
pub(crate) struct Connections {
    state: Mutex<State>,
    ids: ConnectionIds,
    /// Asked at every arrival: `SET GLOBAL max_connections` holds at once.
    connections_max: Box<dyn Fn() -> usize + Send + Sync>,
    refused: AtomicU64,
    /// Signalled when a connection is gone.
    left: Notify,
    metrics: Arc<Metrics>,
    statement_times: StatementTimes,
}

/// A place among the live connections; given back when dropped, also by a task that panics.
pub(crate) struct Place {
    connections: Arc<Connections>,
    pub(crate) id: u32,
    /// The one place above the limit, for who can look after the server.
    pub(crate) reserved: bool,
    pub(crate) stop: watch::Receiver<Option<StopReason>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.state.lock().live.remove(&self.id);
        self.connections.left.notify_waiters();
    }
}

impl Connections {
    pub(crate) fn new(
        connections_max: Box<dyn Fn() -> usize + Send + Sync>,
        ids: ConnectionIds,
    ) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            ids,
            connections_max,
            refused: AtomicU64::new(0),
            left: Notify::new(),
            metrics: Arc::default(),
            statement_times: StatementTimes::default(),
        })
    }

    /// A place for one more client, or `None` when all are taken or the server is stopping. As in MySQL there is one
    /// more place than `max_connections`, for an administrator.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let connections_max = self.max();
        let mut state = self.state.lock();
        let present = state.live.len();
        if state.closing || present > connections_max {
            drop(state);
            self.count_refused();
            return None;
        }
        // Ids go on counting and skip those in use when the counter wraps; 0 means no connection.
        loop {
            state.last_id = self.ids.after(state.last_id);
            if !state.live.contains_key(&state.last_id) {
                break;
            }
        }
        let id = state.last_id;
        let (stop, receiver) = watch::channel(None);
        state.live.insert(id, Live { stop, task: None });
        Some(Place { connections: self.clone(), id, reserved: present == connections_max, stop: receiver })
    }

    /// Remembers the task of a place, so that a stop can cut it off.
    pub(crate) fn attach(&self, id: u32, task: TaskHandle) {
        if let Some(live) = self.state.lock().live.get_mut(&id) {
            live.task = Some(task);
        }
    }

    pub(crate) fn max(&self) -> usize {
        (self.connections_max)()
    }

    /// A client was let in and found to have no place.
    pub(crate) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn statement_times(&self) -> &StatementTimes {
        &self.statement_times
    }

    pub(crate) fn count(&self) -> usize {
        self.state.lock().live.len()
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Lets nobody in any more and asks every connection to end after its running command.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closing = true;
        for live in state.live.values() {
            live.stop.send_replace(Some(StopReason::Shutdown));
        }
    }

    /// Waits until all connections are gone.
    pub(crate) async fn drained(&self) {
        loop {
            let left = self.left.notified();
            if self.count() == 0 {
                return;
            }
            left.await;
        }
    }

    /// Cuts off what did not end by itself; returns how many those were.
    pub(crate) fn abort_all(&self) -> usize {
        let state = self.state.lock();
        state.live.values().filter_map(|live| live.task.as_ref()).map(TaskHandle::abort).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let connections = Connections::new(Box::new(|| 2), ConnectionIds::alone());
        let first = connections.enter().expect("a free place");
        let second = connections.enter().expect("a free place");
        let third = connections.enter().expect("the administrator's place");
        assert_eq!([&first, &second, &third].map(|place| place.reserved), [false, false, true]);
        assert!(connections.enter().is_none());
        assert_eq!((first.id, second.id, connections.refused()), (1, 2, 1));
        drop((first, third));
        assert_eq!(connections.count(), 1);
        assert_eq!(connections.enter().expect("a free place").id, 4, "ids are not reused at once");
    }

    #[test]
    fn ids_of_several_nodes_differ() {
        let ids = ConnectionIds::of_node(Arc::new(AtomicU32::new(3)));
        assert_eq!(ids.after(0), (3 << 20) + 1);
        assert_eq!(
            ids.after((4 << 20) - 1),
            (3 << 20) + 1,
            "the count begins again and stays below the node"
        );
        assert_eq!(ConnectionIds::alone().after(u32::MAX), 1);
    }

    #[test]
    fn a_closed_server_lets_nobody_in_and_tells_everybody() {
        let connections = Connections::new(Box::new(|| 2), ConnectionIds::alone());
        let place = connections.enter().expect("a free place");
        connections.close();
        assert_eq!(*place.stop.borrow(), Some(StopReason::Shutdown));
        assert!(connections.enter().is_none());
    }
}
