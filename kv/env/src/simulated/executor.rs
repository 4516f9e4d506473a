//! One thread, tasks in seeded order, time that jumps when all tasks wait.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use parking_lot::Mutex;

use super::clock::SimulatedClock;
use super::disk::SimulatedDisk;
use super::events::Event;
use super::machine::Machine;
use super::network::SimulatedNetwork;
use super::random::SeededRandom;
use super::world::World;
use crate::fail_stop::Simulating;
use crate::hooks::Hooks;
use crate::spawn::TaskToken;
use crate::{BoxFuture, Clock, Env, Random, Spawn, TaskHandle, ThreadHandle};

/// Tasks that end together.
pub(super) type Group = u64;

/// Tasks that no power failure ends.
pub(super) const WORLD: Group = 0;

/// A simulated world and the driver that makes it move. Clones drive the same world.
#[derive(Clone)]
pub struct Simulation {
    clock: SimulatedClock,
    disk: SimulatedDisk,
    random: Arc<SeededRandom>,
    executor: Arc<Executor>,
    world: Arc<World>,
    network: SimulatedNetwork,
}

impl Simulation {
    pub fn new(seed: u64) -> Simulation {
        let clock = SimulatedClock::default();
        let world = Arc::new(World::new(seed, clock.clone()));
        // The order of tasks has a stream of its own, so that code that draws one number more does not change it.
        let executor = Arc::new(Executor::new(SeededRandom::new(!seed), world.clone()));
        Simulation {
            network: SimulatedNetwork::new(seed, world.clone(), clock.clone(), executor.clone()),
            disk: SimulatedDisk::default(),
            random: Arc::new(SeededRandom::new(seed)),
            clock,
            executor,
            world,
        }
    }

    /// The world as components see it that never lose their power.
    pub fn env(&self) -> Env {
        Env {
            clock: Arc::new(self.clock.clone()),
            random: self.random.clone(),
            spawn: self.spawn_of(WORLD),
            disk: Arc::new(self.disk.clone()),
            hooks: Hooks::simulated(self.world.clone(), 0),
        }
    }

    /// A new machine; its power is off. Ids are the caller's and start at 1.
    pub fn machine(&self, id: u64) -> Machine {
        Machine::new(self.clone(), id)
    }

    pub fn network(&self) -> &SimulatedNetwork {
        &self.network
    }

    /// Plants a known bug where the code asks for this name.
    pub fn plant(&self, bug: &'static str) {
        self.world.plant(bug);
    }

    /// Whether the code takes rare turns; it does from the beginning on.
    pub fn set_rare_turns(&self, on: bool) {
        self.world.set_rare_turns(on);
    }

    /// Calls `listener` with each event from now on.
    pub fn listen(&self, listener: impl Fn(&Event) + Send + Sync + 'static) {
        self.world.events.listen(Arc::new(listener));
    }

    /// A hash of everything that happened so far, the order of all tasks included.
    pub fn event_hash(&self) -> u64 {
        self.world.events.hash()
    }

    /// The last events, oldest first.
    pub fn last_events(&self) -> Vec<Event> {
        self.world.events.kept()
    }

    /// Ends every task, so that nothing is left of the world when its handles are gone.
    pub fn end(&self) {
        let groups = 0..=self.executor.state.lock().last_group;
        groups.for_each(|group| self.executor.end_group(group));
    }

    pub(super) fn world(&self) -> &Arc<World> {
        &self.world
    }

    pub(super) fn random(&self) -> Arc<dyn Random> {
        self.random.clone()
    }

    pub(super) fn new_group(&self) -> Group {
        self.executor.new_group()
    }

    pub(super) fn end_group(&self, group: Group) {
        self.executor.end_group(group);
    }

    pub(super) fn freeze_group(&self, group: Group) {
        self.executor.freeze(group);
    }

    pub(super) fn thaw_group(&self, group: Group) {
        self.executor.thaw(group);
    }

    pub(super) fn spawn_of(&self, group: Group) -> Arc<dyn Spawn> {
        Arc::new(SimulatedSpawn { executor: self.executor.clone(), group })
    }

    pub fn clock(&self) -> &SimulatedClock {
        &self.clock
    }

    pub fn disk(&self) -> &SimulatedDisk {
        &self.disk
    }

    /// Runs tasks until all of them wait; time stands still.
    pub fn run_until_stalled(&self) {
        while self.executor.run_one() {}
    }

    /// Lets `duration` pass, stopping at every timer in between.
    pub fn run_for(&self, duration: Duration) {
        let end = self.clock.now() + duration;
        self.run_until_stalled();
        while let Some(deadline) = self.clock.next_deadline().filter(|deadline| *deadline <= end) {
            self.clock.advance_to(deadline);
            self.run_until_stalled();
        }
        self.clock.advance_to(end);
        self.run_until_stalled();
    }

    /// Runs `future` to its end, letting time pass as needed.
    ///
    /// # Panics
    /// When everything waits and no timer is left: a deadlock, which a test must not hide.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _simulating = Simulating::enter();
        let mut future = pin!(future);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        loop {
            if woken.0.swap(false, Ordering::SeqCst)
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return output;
            }
            if woken.0.load(Ordering::SeqCst) || self.executor.run_one() {
                continue;
            }
            match self.clock.next_deadline() {
                Some(deadline) => self.clock.advance_to(deadline),
                None => panic!("simulation is stuck: {:?} wait for nothing", self.executor.running()),
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(super) struct Executor {
    state: Mutex<ExecutorState>,
    order: SeededRandom,
    world: Arc<World>,
}

#[derive(Default)]
struct ExecutorState {
    tasks: Slots,
    /// Ids in the order they were woken; no id twice.
    ready: Vec<u64>,
    last_group: Group,
    ended: BTreeSet<Group>,
    /// Groups that do not run, and the tasks of theirs that would be ready.
    frozen: BTreeMap<Group, Vec<u64>>,
}

impl ExecutorState {
    /// A task may run, now or when its group may.
    fn wake(&mut self, id: u64) {
        let Some(task) = self.tasks.get(id).filter(|task| !task.queued) else {
            return;
        };
        task.queued = true;
        let group = task.group;
        self.frozen.get_mut(&group).unwrap_or(&mut self.ready).push(id);
    }
}

struct Task {
    group: Group,
    name: &'static str,
    /// It is among those that are ready.
    queued: bool,
    /// To be dropped when it comes back from being polled.
    aborted: bool,
    /// `None` while it is polled.
    work: Option<Work>,
}

enum Work {
    Future { future: BoxFuture<'static, ()>, token: TaskToken, waker: Waker },
    Call(Box<dyn FnOnce() + Send>),
}

impl Work {
    /// Runs it as far as it goes. `None` when it is done.
    fn run(self) -> Option<Work> {
        match self {
            Work::Call(call) => {
                call();
                None
            }
            Work::Future { mut future, mut token, waker } => {
                if future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                    return Some(Work::Future { future, token, waker });
                }
                // Before who joins is told.
                drop(future);
                token.finished();
                None
            }
        }
    }
}

/// Tasks by id: the low half is a slot, the high half how often that was used before.
#[derive(Default)]
struct Slots {
    slots: Vec<(u32, Option<Task>)>,
    free: Vec<u32>,
}

const SLOT_BITS: u32 = 32;

impl Slots {
    fn insert(&mut self, task: Task) -> u64 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, None));
            u32::try_from(self.slots.len() - 1).expect("as many tasks as fit into memory")
        });
        let (uses, place) = &mut self.slots[slot as usize];
        *place = Some(task);
        u64::from(*uses) << SLOT_BITS | u64::from(slot)
    }

    fn at(&mut self, id: u64) -> Option<&mut (u32, Option<Task>)> {
        let slot = usize::try_from(id & u64::from(u32::MAX)).ok()?;
        self.slots.get_mut(slot).filter(|(uses, _)| u64::from(*uses) == id >> SLOT_BITS)
    }

    fn get(&mut self, id: u64) -> Option<&mut Task> {
        self.at(id)?.1.as_mut()
    }

    fn remove(&mut self, id: u64) -> Option<Task> {
        let (uses, place) = self.at(id)?;
        let task = place.take()?;
        *uses += 1;
        self.free.push((id & u64::from(u32::MAX)) as u32);
        Some(task)
    }

    fn all(&self) -> impl Iterator<Item = (u64, &Task)> {
        self.slots
            .iter()
            .zip(0u64..)
            .filter_map(|((uses, task), slot)| Some((u64::from(*uses) << SLOT_BITS | slot, task.as_ref()?)))
    }
}

impl Executor {
    fn new(order: SeededRandom, world: Arc<World>) -> Executor {
        Executor { state: Mutex::default(), order, world }
    }

    fn new_group(&self) -> Group {
        let mut state = self.state.lock();
        state.last_group += 1;
        state.last_group
    }

    /// Ends all tasks of a group, and refuses later ones.
    fn end_group(&self, group: Group) {
        let ids: Vec<u64> = {
            let mut state = self.state.lock();
            state.ended.insert(group);
            state.frozen.remove(&group);
            state.tasks.all().filter(|(_, task)| task.group == group).map(|(id, _)| id).collect()
        };
        ids.into_iter().for_each(|id| self.abort(id));
    }

    pub(super) fn add(
        self: &Arc<Self>,
        group: Group,
        name: &'static str,
        future: BoxFuture<'static, ()>,
    ) -> TaskHandle {
        let (mut handle, token) = TaskHandle::new(name, Box::new(|| {}));
        let mut state = self.state.lock();
        if state.ended.contains(&group) {
            drop(state);
            // The token goes with its task: whoever joins hears that it was aborted.
            drop((future, token));
            return handle;
        }
        let id = state.tasks.insert(Task { group, name, queued: false, aborted: false, work: None });
        if let Some(task) = state.tasks.get(id) {
            task.work = Some(Work::Future { future, token, waker: self.waker(id) });
        }
        state.wake(id);
        drop(state);
        let executor = Arc::downgrade(self);
        handle.set_abort(Box::new(move || {
            if let Some(executor) = executor.upgrade() {
                executor.abort(id);
            }
        }));
        handle
    }

    /// Adds a call that runs once its waker is woken; cheaper than a task that waits for that.
    pub(super) fn add_call(
        self: &Arc<Self>,
        name: &'static str,
        call: impl FnOnce() + Send + 'static,
    ) -> Option<Waker> {
        let mut state = self.state.lock();
        if state.ended.contains(&WORLD) {
            return None;
        }
        let work = Some(Work::Call(Box::new(call)));
        let id = state.tasks.insert(Task { group: WORLD, name, queued: false, aborted: false, work });
        Some(self.waker(id))
    }

    fn waker(self: &Arc<Self>, id: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { id, executor: Arc::downgrade(self) }))
    }

    fn abort(&self, id: u64) {
        let mut state = self.state.lock();
        let dropped = match state.tasks.get(id) {
            Some(task) if task.work.is_some() => state.tasks.remove(id),
            Some(task) => {
                task.aborted = true;
                None
            }
            None => None,
        };
        drop(state);
        // Dropped outside the lock: its destructors may spawn or wake.
        drop(dropped);
    }

    fn wake(&self, id: u64) {
        self.state.lock().wake(id);
    }

    /// Stops a group between two steps of any of its tasks; what wakes them waits for [`Executor::thaw`].
    fn freeze(&self, group: Group) {
        let mut state = self.state.lock();
        if group == WORLD || state.frozen.contains_key(&group) {
            return;
        }
        let ready = std::mem::take(&mut state.ready);
        let of_group = |id: &u64| state.tasks.get(*id).is_some_and(|task| task.group == group);
        let (held, ready) = ready.into_iter().partition(of_group);
        state.ready = ready;
        state.frozen.insert(group, held);
    }

    fn thaw(&self, group: Group) {
        let mut state = self.state.lock();
        if let Some(mut held) = state.frozen.remove(&group) {
            state.ready.append(&mut held);
        }
    }

    /// Polls one ready task; false when none is ready.
    fn run_one(&self) -> bool {
        let mut state = self.state.lock();
        let (id, work) = loop {
            let count = state.ready.len() as u64;
            if count == 0 {
                return false;
            }
            let index = self.order.range(0..count) as usize;
            let id = state.ready.remove(index);
            let Some(task) = state.tasks.get(id) else { continue };
            task.queued = false;
            if let Some(work) = task.work.take() {
                break (id, work);
            }
        };
        drop(state);
        self.world.mix(&[id]);
        let _simulating = Simulating::enter();
        let left = work.run();
        let mut state = self.state.lock();
        match state.tasks.get(id) {
            Some(task) if left.is_some() && !task.aborted => task.work = left,
            _ => {
                drop(state.tasks.remove(id));
                drop(state);
                // Outside the lock, see `abort`.
                drop(left);
            }
        }
        true
    }

    fn running(&self) -> Vec<(String, usize)> {
        let mut counts = BTreeMap::<String, usize>::new();
        for (_, task) in self.state.lock().tasks.all() {
            *counts.entry(task.name.to_owned()).or_default() += 1;
        }
        counts.into_iter().collect()
    }
}

struct TaskWaker {
    id: u64,
    executor: Weak<Executor>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if let Some(executor) = self.executor.upgrade() {
            executor.wake(self.id);
        }
    }
}

struct SimulatedSpawn {
    executor: Arc<Executor>,
    group: Group,
}

impl Spawn for SimulatedSpawn {
    fn spawn(&self, name: &'static str, future: BoxFuture<'static, ()>) -> TaskHandle {
        self.executor.add(self.group, name, future)
    }

    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> TaskHandle {
        self.executor.add(self.group, name, Box::pin(async move { work() }))
    }

    fn has_threads(&self) -> bool {
        false
    }

    fn spawn_thread(&self, name: &str, _work: Box<dyn FnOnce() + Send>) -> io::Result<ThreadHandle> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("no thread {name} in a simulation: it has only one"),
        ))
    }

    fn running(&self) -> Vec<(String, usize)> {
        self.executor.running()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spawn::TaskEnd;

    /// The order in which ten tasks with equal timers report.
    fn run(seed: u64) -> Vec<u64> {
        let simulation = Simulation::new(seed);
        let env = simulation.env();
        let log = Arc::new(Mutex::new(Vec::new()));
        for id in 0..10 {
            let (log, clock) = (log.clone(), env.clock.clone());
            env.spawn.spawn(
                "reporter",
                Box::pin(async move {
                    clock.sleep(Duration::from_secs(id % 2)).await;
                    log.lock().push(id);
                }),
            );
        }
        simulation.run_for(Duration::from_secs(2));
        assert_eq!(env.spawn.running(), []);
        log.lock().clone()
    }

    #[test]
    fn the_same_seed_runs_the_same_order_and_others_do_not() {
        assert_eq!(run(1), run(1));
        assert!((2..20).any(|seed| run(seed) != run(1)));
    }

    #[test]
    fn time_jumps_to_the_timer_and_not_further() {
        let simulation = Simulation::new(7);
        let clock = simulation.env().clock;
        let (before, wall) = (clock.now(), clock.unix_millis());
        simulation.block_on(clock.sleep(Duration::from_secs(3600)));
        assert_eq!(clock.now() - before, Duration::from_secs(3600));
        assert_eq!(clock.unix_millis() - wall, 3_600_000);
    }

    #[test]
    fn an_aborted_task_tells_its_joiner() {
        let simulation = Simulation::new(7);
        let task = simulation.env().spawn.spawn("stuck", Box::pin(std::future::pending()));
        simulation.run_until_stalled();
        task.abort();
        assert_eq!(simulation.block_on(task.join()), TaskEnd::Aborted);
        assert_eq!(simulation.env().spawn.running(), []);
    }

    #[test]
    fn random_numbers_repeat_by_seed() {
        let draw = |seed| {
            let random = Simulation::new(seed).env().random;
            let mut bytes = [0u8; 11];
            random.fill(&mut bytes);
            (random.range(0..1000), bytes)
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }

    #[test]
    fn a_frozen_machine_does_late_what_was_due() {
        let simulation = Simulation::new(7);
        let machine = simulation.machine(1);
        let env = machine.power_on();
        let clock = env.clock.clone();
        let task =
            env.spawn.spawn("sleeper", Box::pin(async move { clock.sleep(Duration::from_secs(1)).await }));
        machine.freeze();
        simulation.run_for(Duration::from_secs(5));
        assert!(!task.is_finished());
        machine.thaw();
        simulation.run_until_stalled();
        assert_eq!(simulation.block_on(task.join()), TaskEnd::Finished);
        // Its power may fail while it stands still.
        machine.freeze();
        machine.power_off();
        machine.power_on();
    }
}
