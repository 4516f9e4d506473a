//! The life of a process with a SQL server in it: settings, log, signals, an orderly end.

use std::time::Duration;

use rutile_kv_env::Env;
use rutile_kv_grpc::Limits;
use tracing::{info, warn};

use super::threads;
use crate::config::{Settings, Sources};
use crate::error::{Error, Result};
use crate::logging;
use crate::node::front::Front;
use crate::node::peer_tls::{CertOptions, Renewal};
use crate::node::role::stop_signal;
use crate::node::signals::{Asked, StopSignals};

/// What serves MySQL clients.
pub(crate) trait Served {
    fn front(&self) -> &Front;

    /// Of what it says to the rest of its cluster, if it has one: what certificates it uses.
    fn limits(&self) -> Vec<Limits> {
        Vec::new()
    }

    /// Lets running statements finish, then stops what is below them.
    async fn stop(self) -> Result<()>;
}

/// How long one thing on the way out may take: what it waits for may be gone for good.
const FAREWELL: Duration = Duration::from_secs(5);

/// Something on the way out that others could do without.
pub(crate) async fn farewell(env: &Env, what: &'static str, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = env.clock.sleep(FAREWELL) => warn!(what, "not waiting any longer"),
    }
}

/// Starts it, and runs until a signal ends it.
pub(crate) fn run<S: Served>(
    sources: &Sources,
    certificates: &CertOptions,
    start: impl AsyncFnOnce(Env, Settings) -> Result<S>,
) -> Result<()> {
    let env = Env::real();
    let settings = Settings::read(env.disk.as_ref(), sources)?;
    let runtime = threads::runtime()?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        let logging = logging::start(env.disk.as_ref(), &settings.log)?;
        let served = tokio::select! {
            served = start(env.clone(), settings) => served?,
            name = stop_signal(&mut signals) => {
                info!(signal = name, "stopped before it was ready");
                return Ok(());
            }
        };
        let renewal = Renewal::new(certificates, served.limits());
        loop {
            match signals.next().await {
                Asked::Stop(name) => {
                    info!(signal = name, "stopping");
                    break;
                }
                Asked::Reload => {
                    served.front().reload(sources, &logging);
                    renewal.renew(env.disk.as_ref());
                }
            }
        }
        tokio::select! {
            stopped = served.stop() => stopped,
            name = stop_signal(&mut signals) => {
                warn!(signal = name, "second signal: not waiting any longer");
                Err(Error::TaskLost { what: "an orderly stop" })
            }
        }
    });
    // All that matters is on disk. A statement deep in a computation must not hold the process.
    runtime.shutdown_background();
    result
}
