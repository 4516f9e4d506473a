//! What ends a connection while its client says nothing: a stop of the server, a KILL, and the idle timeout.
//!
//! A client is silent between any two commands, mostly for microseconds. So all this is made once and waited for again:
//! what was registered for one silence stays registered for the next. The alarm is not even set anew: where it rings
//! too early, because the client has spoken since it was set, it is set to the rest of the time.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::{Stop, StopReason};
use crate::error::{Error, ErrorPacket};

/// The ends of a silence.
pub(crate) struct Silence {
    end: Pin<Box<dyn Future<Output = Error> + Send>>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Silence {
    pub(crate) fn new(stop: Stop, killed: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self { end: Box::pin(end(stop, killed)), alarm: None }
    }

    /// Waits for what `speech` brings, but no longer than the server lets the client be silent.
    pub(crate) async fn until<T>(
        &mut self,
        idle: Duration,
        speech: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + idle;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        tokio::pin!(speech);
        loop {
            tokio::select! {
                biased;
                error = &mut self.end => return Err(error),
                speech = &mut speech => return Ok(speech),
                () = alarm.as_mut() => {}
            }
            if alarm.deadline() >= deadline {
                return Err(Error::Fatal(idle_too_long()));
            }
            alarm.as_mut().reset(deadline);
        }
    }
}

async fn end(mut stop: Stop, killed: impl Future<Output = ()>) -> Error {
    tokio::select! {
        biased;
        reason = stopped(&mut stop) => match reason {
            StopReason::Shutdown => Error::Fatal(ErrorPacket::server_shutdown()),
            StopReason::Killed => Error::Closed,
        },
        () = killed => Error::Closed,
    }
}

/// Resolves when the server asks this connection to end; never when nobody can ask any more.
async fn stopped(stop: &mut Stop) -> StopReason {
    loop {
        if let Some(reason) = *stop.borrow_and_update() {
            return reason;
        }
        if stop.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn idle_too_long() -> ErrorPacket {
    ErrorPacket::new(
        4031,
        "HY000",
        "The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for configuring this behavior.",
    )
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::{oneshot, watch};
    use tokio::time::sleep;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    fn code(ended: Result<(), Error>) -> Option<u16> {
        ended.expect_err("the silence ends the connection").packet().map(|packet| packet.code)
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_last_word() {
        let (_sender, stop) = watch::channel(None);
        let mut silence = Silence::new(stop, Box::pin(pending()));
        for _ in 0..3 {
            silence.until(IDLE, sleep(IDLE * 4 / 5)).await.expect("not silent for long");
        }
        let began = Instant::now();
        assert_eq!(code(silence.until(IDLE, pending()).await), Some(4031));
        assert_eq!(began.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_time_holds_at_once() {
        let (_sender, stop) = watch::channel(None);
        let mut silence = Silence::new(stop, Box::pin(pending()));
        silence.until(IDLE, async {}).await.expect("spoke");
        let began = Instant::now();
        assert_eq!(code(silence.until(IDLE / 5, pending()).await), Some(4031));
        assert_eq!(began.elapsed().as_secs(), IDLE.as_secs() / 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_and_a_kill_during_a_command_are_seen_after_it() {
        let (sender, stop) = watch::channel(None);
        let mut silence = Silence::new(stop, Box::pin(pending()));
        silence.until(IDLE, async {}).await.expect("spoke");
        sender.send_replace(Some(StopReason::Shutdown));
        assert_eq!(code(silence.until(IDLE, pending()).await), Some(1053));

        let (_sender, stop) = watch::channel(None);
        let (kill, killed) = oneshot::channel::<()>();
        let killed = async {
            // Whichever way the sender goes, it is a kill.
            let _ = killed.await;
        };
        let mut silence = Silence::new(stop, Box::pin(killed));
        silence.until(IDLE, async {}).await.expect("spoke");
        drop(kill);
        assert_eq!(code(silence.until(IDLE, pending()).await), None);
    }
}
