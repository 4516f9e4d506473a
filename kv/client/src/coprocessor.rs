//! Pushed-down plans over ranges: one request for each region and page, answers as a stream.
//!
//! The ranges are cut by region when the stream is first polled. Each piece is asked page by page; a region that was
//! split or moved is cut again where it stopped, so that no row is answered twice or left out. At most `concurrency`
//! pieces are under way, driven by whoever polls the stream; dropping the stream cancels them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use rutile_kv_proto::{CoprocessorRequest, CoprocessorResponse, Payload, coprocessor};
use rutile_kv_types::{KeyRange, TimeStamp};

use crate::backoff::Backoff;
use crate::client::{Client, Core};
use crate::error::{Error, Result};
use crate::region::CachedRegion;
use crate::replica_read::ReplicaRead;
use crate::snapshot::Snapshot;

#[derive(Clone, Debug)]
pub struct CoprocessorOptions {
    /// Kind of the plan.
    pub tp: u32,
    /// Rows of one page; 0 for whole regions.
    pub paging_rows: u64,
    /// Regions asked at the same time.
    pub concurrency: usize,
    /// Answers in the order of the ranges.
    pub keep_order: bool,
    /// Which peers are asked.
    pub replicas: ReplicaRead,
}

impl Default for CoprocessorOptions {
    fn default() -> CoprocessorOptions {
        CoprocessorOptions {
            tp: 0,
            paging_rows: 0,
            concurrency: 4,
            keep_order: true,
            replicas: ReplicaRead::Leader,
        }
    }
}

impl Client {
    /// Runs `plan` over ascending, disjoint ranges as of `ts`. The stream ends after its first error.
    pub fn coprocessor(
        &self,
        ts: TimeStamp,
        ranges: Vec<KeyRange>,
        plan: Payload,
        options: CoprocessorOptions,
    ) -> BoxStream<'static, Result<Payload>> {
        let snapshot = self.snapshot(ts).read_from(options.replicas);
        let run = Arc::new(Run { core: Arc::clone(&self.core), snapshot, plan, options });
        let ranges = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        let pieces = Pieces { run, uncut: Some(ranges), slots: VecDeque::new() };
        futures::stream::try_unfold(pieces, |mut pieces| async move {
            Ok(pieces.next().await?.map(|payload| (payload, pieces)))
        })
        .boxed()
    }
}

struct Run {
    core: Arc<Core>,
    /// Remembers which locks it may ignore.
    snapshot: Snapshot,
    plan: Payload,
    options: CoprocessorOptions,
}

/// Part of the ranges, inside one region when it was cut.
struct Piece {
    ranges: Vec<KeyRange>,
    backoff: Backoff,
}

/// One page of a piece: data, and what is left to do in its place.
struct Page {
    data: Option<Payload>,
    rest: Vec<Piece>,
}

enum Slot {
    Waiting(Piece),
    Running(BoxFuture<'static, Result<Page>>),
}

struct Pieces {
    run: Arc<Run>,
    uncut: Option<Vec<KeyRange>>,
    slots: VecDeque<Slot>,
}

impl Pieces {
    async fn next(&mut self) -> Result<Option<Payload>> {
        if let Some(ranges) = self.uncut.take() {
            self.slots.extend(self.run.cut(ranges).await?.into_iter().map(Slot::Waiting));
        }
        while !self.slots.is_empty() {
            self.start();
            let (index, page) = poll_fn(|context| self.poll_slots(context)).await;
            let page = page?;
            self.slots.remove(index);
            for piece in page.rest.into_iter().rev() {
                self.slots.insert(index, Slot::Waiting(piece));
            }
            if page.data.is_some() {
                // Go on at the stores while the caller works on this page.
                self.start();
                return Ok(page.data);
            }
        }
        Ok(None)
    }

    fn start(&mut self) {
        let concurrency = self.run.options.concurrency.max(1);
        for slot in self.slots.iter_mut().take(concurrency) {
            let empty = Slot::Running(Box::pin(std::future::pending()));
            *slot = match std::mem::replace(slot, empty) {
                Slot::Waiting(piece) => Slot::Running(Box::pin(Arc::clone(&self.run).page(piece))),
                running @ Slot::Running(_) => running,
            };
        }
    }

    /// The first finished page; with `keep_order` only that of the first piece.
    fn poll_slots(&mut self, context: &mut Context<'_>) -> Poll<(usize, Result<Page>)> {
        let mut finished = None;
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let Slot::Running(future) = slot else { continue };
            if finished.is_none()
                && let Poll::Ready(page) = future.as_mut().poll(context)
            {
                if index == 0 || !self.run.options.keep_order {
                    finished = Some((index, page));
                } else {
                    // Out of turn: kept until it is asked for.
                    *slot = Slot::Running(Box::pin(std::future::ready(page)));
                }
            }
        }
        finished.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Run {
    /// Cuts ranges by region.
    async fn cut(&self, ranges: Vec<KeyRange>) -> Result<Vec<Piece>> {
        let mut pieces: Vec<(Arc<CachedRegion>, Vec<KeyRange>)> = Vec::new();
        for mut range in ranges {
            loop {
                let region = match pieces.last().filter(|(region, _)| region.range.contains(&range.start)) {
                    Some((region, _)) => Arc::clone(region),
                    None => self.core.cache.locate(&range.start).await?,
                };
                let Some(part) = range.intersection(&region.range) else {
                    return Err(Error::Malformed("region that does not hold its key"));
                };
                let end = part.end.clone();
                match pieces.last_mut().filter(|(last, _)| Arc::ptr_eq(last, &region)) {
                    Some((_, parts)) => parts.push(part),
                    None => pieces.push((region, vec![part])),
                }
                if end == range.end {
                    break;
                }
                range.start = end;
            }
        }
        Ok(pieces.into_iter().map(|(_, ranges)| self.piece(ranges)).collect())
    }

    fn piece(&self, ranges: Vec<KeyRange>) -> Piece {
        Piece { ranges, backoff: Backoff::new("coprocessor", self.core.config.retry_budget) }
    }

    async fn page(self: Arc<Self>, mut piece: Piece) -> Result<Page> {
        loop {
            let Some(first) = piece.ranges.first() else {
                return Ok(Page { data: None, rest: Vec::new() });
            };
            let region = self.core.cache.locate(&first.start).await?;
            if !inside(&piece.ranges, &region.range) {
                return Ok(Page { data: None, rest: self.cut(piece.ranges).await? });
            }
            if self.snapshot.replicas() != ReplicaRead::Leader {
                let request = self.request(&region, &piece.ranges);
                let answer = self.snapshot.ask_follower(&region, |service, context| async move {
                    service.coprocessor(CoprocessorRequest { context, ..request }).await
                });
                if let Some(answer @ CoprocessorResponse { locked: None, .. }) = answer.await {
                    return self.take(piece, answer);
                }
            }
            let repair = match region.service.coprocessor(self.request(&region, &piece.ranges)).await {
                Ok(CoprocessorResponse { region_error: Some(error), .. }) => {
                    self.core.cache.repair(&region, &error)
                }
                Err(status) => self.core.cache.repair_status(&region, &status),
                Ok(CoprocessorResponse { locked: Some(lock), .. }) => {
                    self.snapshot.get_past_lock(lock, &mut piece.backoff).await?;
                    continue;
                }
                Ok(answer) => return self.take(piece, answer),
            };
            self.core.wait_for(&mut piece.backoff, repair).await?;
        }
    }

    fn request(&self, region: &CachedRegion, ranges: &[KeyRange]) -> CoprocessorRequest {
        let wire =
            |range: &KeyRange| coprocessor::KeyRange { start: range.start.clone(), end: range.end.clone() };
        CoprocessorRequest {
            context: self.snapshot.context(region),
            tp: self.options.tp,
            start_ts: self.snapshot.timestamp().into_inner(),
            ranges: ranges.iter().map(wire).collect(),
            plan: self.plan.clone(),
            paging_rows: self.options.paging_rows,
        }
    }

    fn take(&self, piece: Piece, answer: CoprocessorResponse) -> Result<Page> {
        if !answer.other_error.is_empty() || answer.error_payload.is_some() {
            return Err(Error::Endpoint { message: answer.other_error, payload: answer.error_payload });
        }
        let rest = match answer.next {
            None => Vec::new(),
            Some(next) => {
                let unread = |range: KeyRange| {
                    let start = range.start.max(next.start.clone());
                    let unread = KeyRange { start, end: range.end };
                    (!unread.is_empty()).then_some(unread)
                };
                vec![self.piece(piece.ranges.into_iter().filter_map(unread).collect())]
            }
        };
        Ok(Page { data: answer.data, rest })
    }
}

fn inside(ranges: &[KeyRange], region: &KeyRange) -> bool {
    let ends_inside =
        |range: &KeyRange| region.end.is_empty() || !range.end.is_empty() && range.end <= region.end;
    ranges.last().is_some_and(ends_inside)
}
