//! The decisions of a commit, without clock and network.

use std::collections::{BTreeMap, VecDeque};

use rutile_kv_types::TimeStamp;

use crate::error::Error;

/// Number of a piece of work; a piece that is grouped again gets new numbers.
pub(super) type TaskId = u32;

/// What the machine is told.
#[derive(Debug)]
pub(super) enum Event {
    Begin,
    /// Answer to [`Action::Group`]: the batches in key order, each inside one region.
    Grouped {
        task: TaskId,
        batches: Vec<Vec<usize>>,
    },
    /// A prewrite succeeded; `one_pc_commit_ts` is not zero when that committed the transaction or found it committed,
    /// `min_commit_ts` when the locks are those of an async commit.
    Prewritten {
        task: TaskId,
        one_pc_commit_ts: TimeStamp,
        min_commit_ts: TimeStamp,
    },
    CommitTs(TimeStamp),
    /// The keys of a commit request are committed.
    Committed,
    /// A reader pushed the smallest commit timestamp past ours.
    CommitTsExpired,
    /// Other transactions' locks stand in the way of a prewrite.
    Locked {
        task: TaskId,
    },
    /// The store did not answer for the region, or not as asked; `executed` says whether it may have run the request.
    RegionFailed {
        task: TaskId,
        executed: Executed,
        cause: String,
    },
    /// A pause or a lock resolution is over.
    Resumed {
        task: TaskId,
    },
    /// The store refused for good, or the budget of the task is used up.
    Refused {
        task: TaskId,
        error: Error,
        final_word: bool,
    },
    /// No commit timestamp could be had.
    CommitTsFailed(Error),
    /// The caller does not want to wait any longer.
    Cancelled,
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executed {
    No,
    Unknown,
}

/// How a prewrite may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The request holds everything: with the commit.
    OnePc,
    /// With locks that are committed as soon as all keys have one.
    Async,
    /// With locks that wait for the commit of the primary.
    TwoPc,
}

/// What the shell is to do.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Group {
        task: TaskId,
        indexes: Vec<usize>,
    },
    Prewrite {
        task: TaskId,
        indexes: Vec<usize>,
        mode: Mode,
        retry: bool,
    },
    GetCommitTs,
    Commit {
        task: TaskId,
        indexes: Vec<usize>,
        commit_ts: TimeStamp,
    },
    Pause {
        task: TaskId,
        attempts: u32,
        cause: String,
    },
    ResolveLocks {
        task: TaskId,
        attempts: u32,
    },
    /// Commit what is decided; nobody waits for it.
    CommitSecondaries {
        indexes: Vec<usize>,
        commit_ts: TimeStamp,
    },
    /// Remove locks that may have been written.
    RollBack,
    Finish(Verdict),
}

#[derive(Debug, Clone)]
pub(super) enum Verdict {
    Committed(TimeStamp),
    NotCommitted(Error),
    Undetermined(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Prewrite,
    CommitTs,
    CommitPrimary,
    Done,
}

#[derive(Debug, Default, Clone)]
struct Task {
    indexes: Vec<usize>,
    attempts: u32,
    one_pc: bool,
    started: bool,
    /// Its last request wrote nothing, and no other one is under way.
    is_missing: bool,
}

/// One commit. Invariant: exactly one [`Action::Finish`] in its life, and none after [`Phase::Done`].
pub(super) struct Machine {
    start_ts: TimeStamp,
    count: usize,
    /// `None` when the transaction only checks.
    primary: Option<usize>,
    one_pc: bool,
    /// Until some store fell back to two phases.
    async_commit: bool,
    /// Largest of the async-commit locks.
    min_commit_ts: TimeStamp,
    concurrency: usize,
    phase: Phase,
    tasks: BTreeMap<TaskId, Task>,
    waiting: VecDeque<TaskId>,
    next_task: TaskId,
    /// Some prewrite wrote locks, so that one phase is no longer possible.
    locks_written: bool,
    /// There may be locks although no prewrite said so: its answer was lost, or the transaction is pessimistic.
    locks_possible: bool,
    /// A request that decides may have been executed although nobody said so: 1PC, commit of the primary, or the
    /// prewrite of an async commit, of which each may have been the last one missing.
    decision_unknown: bool,
    /// Answers that are lost from now on leave no doubt; not both this and `decision_unknown`.
    is_settled: bool,
    failure: Option<Error>,
    /// The caller does not want to wait any longer.
    is_cancelled: bool,
    commit_ts: TimeStamp,
    secondaries: Vec<usize>,
}

/// What a commit starts with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) start_ts: TimeStamp,
    /// Mutations.
    pub(super) count: usize,
    /// `None` when the transaction only checks.
    pub(super) primary: Option<usize>,
    pub(super) one_pc: bool,
    pub(super) async_commit: bool,
    pub(super) is_pessimistic: bool,
    pub(super) concurrency: usize,
}

impl Machine {
    pub(super) fn new(plan: Plan) -> Machine {
        let Plan { start_ts, count, primary, one_pc, async_commit, is_pessimistic, concurrency } = plan;
        Machine {
            start_ts,
            count,
            primary,
            one_pc,
            async_commit: async_commit && primary.is_some(),
            min_commit_ts: TimeStamp::ZERO,
            concurrency: concurrency.max(1),
            phase: Phase::Prewrite,
            tasks: BTreeMap::new(),
            waiting: VecDeque::new(),
            next_task: 0,
            locks_written: false,
            locks_possible: is_pessimistic,
            decision_unknown: false,
            is_settled: false,
            failure: None,
            is_cancelled: false,
            commit_ts: TimeStamp::ZERO,
            secondaries: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, event: Event) -> Vec<Action> {
        if self.phase == Phase::Done {
            return Vec::new();
        }
        match event {
            Event::Begin => self.group((0..self.count).collect(), 0),
            Event::Grouped { task, batches } => self.grouped(task, batches),
            Event::Prewritten { one_pc_commit_ts, .. } if !one_pc_commit_ts.is_zero() => {
                self.found_committed(one_pc_commit_ts)
            }
            Event::Prewritten { task, min_commit_ts, .. } => self.prewritten(task, min_commit_ts),
            Event::CommitTs(commit_ts) => self.commit_at(commit_ts),
            Event::Committed => self.committed(),
            Event::CommitTsExpired => {
                self.tasks.clear();
                self.phase = Phase::CommitTs;
                vec![Action::GetCommitTs]
            }
            Event::Locked { task } => {
                self.miss(task);
                self.attempts_of(task, |task, attempts| Action::ResolveLocks { task, attempts })
            }
            Event::RegionFailed { task, executed, cause } => self.region_failed(task, executed, cause),
            Event::Resumed { task } => self.resumed(task),
            Event::Refused { task, error, final_word } => self.refused(task, error, final_word),
            Event::CommitTsFailed(error) => self.fail(error),
            Event::Cancelled => self.cancelled(),
            Event::Nothing => Vec::new(),
        }
    }

    /// Gives up what is not decided yet. What is under way is waited for: a commit in one phase may succeed. Once the
    /// commit of the primary was sent, or where a prewrite may have decided, there is nothing to give up: the outcome is
    /// asked for. Of an async commit each prewrite may be the one that decides, but none while a key is known to be
    /// missing: that is waited for.
    fn cancelled(&mut self) -> Vec<Action> {
        self.is_cancelled = true;
        let early = matches!(self.phase, Phase::Prewrite | Phase::CommitTs);
        let missing = self.tasks.values().any(|task| task.is_missing);
        if !early || self.decision_unknown || (self.async_commit && !missing) {
            return Vec::new();
        }
        if missing {
            self.settle();
        }
        self.fail(Error::Interrupted { start_ts: self.start_ts })
    }

    /// A request of the task wrote nothing. The caller goes on with the task, or drops it if that was the end.
    fn miss(&mut self, id: TaskId) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.is_missing = true;
            if self.is_cancelled && self.failure.is_none() {
                // Nothing to do comes of it while the task is there.
                let actions = self.cancelled();
                debug_assert!(actions.is_empty(), "{actions:?}");
            }
        }
    }

    fn group(&mut self, indexes: Vec<usize>, attempts: u32) -> Vec<Action> {
        let task =
            self.add_task(Task { indexes: indexes.clone(), attempts, started: true, ..Task::default() });
        vec![Action::Group { task, indexes }]
    }

    fn add_task(&mut self, task: Task) -> TaskId {
        let id = self.next_task;
        self.next_task += 1;
        self.tasks.insert(id, task);
        id
    }

    fn grouped(&mut self, task: TaskId, batches: Vec<Vec<usize>>) -> Vec<Action> {
        let Some(former) = self.tasks.remove(&task) else {
            return Vec::new();
        };
        if self.failure.is_some() {
            return self.drained();
        }
        if self.phase == Phase::CommitPrimary {
            return self.commit_grouped(former.attempts, batches);
        }
        let whole = batches.len() == 1 && batches.iter().map(Vec::len).sum::<usize>() == self.count;
        let one_pc = self.one_pc && whole && !self.locks_written && self.primary.is_some();
        for indexes in batches {
            let id = self.add_task(Task { indexes, attempts: former.attempts, one_pc, ..Task::default() });
            self.waiting.push_back(id);
        }
        self.start_waiting()
    }

    /// Sends what the concurrency allows.
    fn start_waiting(&mut self) -> Vec<Action> {
        let mut running = self.tasks.values().filter(|task| task.started).count();
        let mut actions = Vec::new();
        while running < self.concurrency {
            let Some(id) = self.waiting.pop_front() else { break };
            if let Some(task) = self.tasks.get_mut(&id) {
                task.started = true;
                running += 1;
                let mode = match (task.one_pc, self.async_commit) {
                    (true, _) => Mode::OnePc,
                    (false, true) => Mode::Async,
                    (false, false) => Mode::TwoPc,
                };
                let (indexes, retry) = (task.indexes.clone(), task.attempts > 0);
                actions.push(Action::Prewrite { task: id, indexes, mode, retry });
            }
        }
        actions
    }

    fn prewritten(&mut self, task: TaskId, min_commit_ts: TimeStamp) -> Vec<Action> {
        if self.tasks.remove(&task).is_none() {
            return Vec::new();
        }
        self.locks_written = true;
        self.async_commit &= !min_commit_ts.is_zero();
        self.min_commit_ts = self.min_commit_ts.max(min_commit_ts);
        if self.failure.is_some() {
            return self.drained();
        }
        if !self.tasks.is_empty() {
            return self.start_waiting();
        }
        if self.primary.is_none() {
            return self.finish(Verdict::Committed(self.start_ts));
        }
        if self.async_commit {
            let (indexes, commit_ts) = ((0..self.count).collect(), self.min_commit_ts);
            let mut actions = self.finish(Verdict::Committed(commit_ts));
            actions.push(Action::CommitSecondaries { indexes, commit_ts });
            return actions;
        }
        // All keys are locked, so no earlier attempt can have committed in one phase.
        self.decision_unknown = false;
        self.phase = Phase::CommitTs;
        vec![Action::GetCommitTs]
    }

    /// By one phase, or by others who met all locks of an async commit that fell back later.
    fn found_committed(&mut self, commit_ts: TimeStamp) -> Vec<Action> {
        let mut actions = self.finish(Verdict::Committed(commit_ts));
        if self.locks_written {
            actions.push(Action::CommitSecondaries { indexes: (0..self.count).collect(), commit_ts });
        }
        actions
    }

    fn commit_at(&mut self, commit_ts: TimeStamp) -> Vec<Action> {
        self.commit_ts = commit_ts;
        self.phase = Phase::CommitPrimary;
        self.group((0..self.count).collect(), 0)
    }

    /// Commits the primary together with the keys of its batch; the others follow once it is decided.
    fn commit_grouped(&mut self, attempts: u32, batches: Vec<Vec<usize>>) -> Vec<Action> {
        let holds_primary = |batch: &Vec<usize>| self.primary.is_some_and(|primary| batch.contains(&primary));
        let (primary, others): (Vec<_>, Vec<_>) = batches.into_iter().partition(holds_primary);
        self.secondaries = others.concat();
        let indexes = primary.concat();
        let task =
            self.add_task(Task { indexes: indexes.clone(), attempts, started: true, ..Task::default() });
        vec![Action::Commit { task, indexes, commit_ts: self.commit_ts }]
    }

    fn committed(&mut self) -> Vec<Action> {
        let commit_ts = self.commit_ts;
        let indexes = std::mem::take(&mut self.secondaries);
        let mut actions = self.finish(Verdict::Committed(commit_ts));
        if !indexes.is_empty() {
            actions.push(Action::CommitSecondaries { indexes, commit_ts });
        }
        actions
    }

    fn region_failed(&mut self, task: TaskId, executed: Executed, cause: String) -> Vec<Action> {
        let Some(failed) = self.tasks.get(&task) else {
            return Vec::new();
        };
        if executed == Executed::Unknown {
            self.locks_possible |= self.phase == Phase::Prewrite;
            let decides = failed.one_pc || self.async_commit || self.phase == Phase::CommitPrimary;
            self.decision_unknown |= decides && !self.is_settled;
        } else if self.phase == Phase::Prewrite {
            self.miss(task);
        }
        self.attempts_of(task, |task, attempts| Action::Pause { task, attempts, cause })
    }

    /// Counts an attempt of a task and goes on with it, unless the transaction failed meanwhile.
    fn attempts_of(&mut self, id: TaskId, action: impl FnOnce(TaskId, u32) -> Action) -> Vec<Action> {
        let Some(task) = self.tasks.get_mut(&id) else {
            return Vec::new();
        };
        task.attempts += 1;
        let attempts = task.attempts;
        if self.failure.is_some() {
            self.tasks.remove(&id);
            return self.drained();
        }
        vec![action(id, attempts)]
    }

    fn resumed(&mut self, id: TaskId) -> Vec<Action> {
        let Some(task) = self.tasks.remove(&id) else {
            return Vec::new();
        };
        if self.failure.is_some() {
            return self.drained();
        }
        let indexes =
            if self.phase == Phase::CommitPrimary { (0..self.count).collect() } else { task.indexes };
        self.group(indexes, task.attempts)
    }

    /// `final_word`: the store said so about this transaction, which also settles attempts whose answer was lost.
    fn refused(&mut self, task: TaskId, error: Error, final_word: bool) -> Vec<Action> {
        self.tasks.remove(&task);
        if final_word {
            self.settle();
        }
        self.fail(error)
    }

    /// The transaction can not be committed, whatever becomes of what is under way.
    fn settle(&mut self) {
        (self.decision_unknown, self.is_settled) = (false, true);
    }

    fn fail(&mut self, error: Error) -> Vec<Action> {
        self.failure.get_or_insert(error);
        for id in std::mem::take(&mut self.waiting) {
            // An async commit needs all its keys, so one that was never sent settles what became of the others.
            if self.tasks.remove(&id).is_some_and(|task| task.attempts == 0) {
                self.settle();
            }
        }
        self.drained()
    }

    /// Finishes a failed transaction once nothing is under way any more: a prewrite must not arrive after the rollback.
    fn drained(&mut self) -> Vec<Action> {
        if !self.tasks.is_empty() {
            return Vec::new();
        }
        let Some(error) = self.failure.take() else {
            return Vec::new();
        };
        if self.decision_unknown {
            return self.finish(Verdict::Undetermined(error.to_string()));
        }
        let mut actions = self.finish(Verdict::NotCommitted(error));
        if self.locks_written || self.locks_possible {
            actions.push(Action::RollBack);
        }
        actions
    }

    fn finish(&mut self, verdict: Verdict) -> Vec<Action> {
        self.phase = Phase::Done;
        vec![Action::Finish(verdict)]
    }
}
