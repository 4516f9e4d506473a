//! The role of a placement driver: gRPC and HTTP pages on one port.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::{BoxStream, unfold};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::server::{PushedSteps, pd_routes_with_steps};
use rutile_kv_proto::pdpb::RegionHeartbeatResponse;
use rutile_pd::{Pd, PdConfig, pages};

use crate::error::Result;
use crate::node::role::{PdOptions, Port, Role};
use crate::node::storage::blocking;

pub(crate) struct Running {
    port: Port,
    patrol: TaskHandle,
}

impl Running {
    /// What others dial.
    pub(crate) fn address(&self) -> &str {
        self.port.advertised()
    }
}

impl Role for PdOptions {
    type Running = Running;

    async fn start(self, env: Env) -> Result<Running> {
        let mut port = Port::bind(&env, &self.role, self.port).await?;
        let config = PdConfig {
            name: self.name,
            client_urls: vec![format!("http://{}", port.advertised())],
            ..PdConfig::new(self.data_dir)
        };
        let pd_env = env.clone();
        let pd = Arc::new(blocking(&env, "pd-open", move || Ok(Pd::open(pd_env, config)?)).await?);
        let steps = Arc::new(Steps(pd.clone()));
        let routes = pd_routes_with_steps(port.context(), pd.clone(), steps);
        port.serve(&env, routes.merge(pages(pd.clone())));
        let patrol = env.spawn.spawn("pd-patrol", Box::pin(pd.run_patrol()));
        port.announce("pd");
        Ok(Running { port, patrol })
    }

    /// What PD promised is durable already.
    async fn stop(running: Running) -> Result<()> {
        running.patrol.abort();
        running.port.stop().await;
        Ok(())
    }
}

/// Steps for regions on their way to the stream of a store.
struct Steps(Arc<Pd>);

impl PushedSteps for Steps {
    fn subscribe(&self, store_id: u64) -> BoxStream<'static, RegionHeartbeatResponse> {
        let steps = self.0.subscribe(store_id);
        unfold(steps, |mut steps| async move { Some((steps.recv().await?, steps)) }).boxed()
    }
}
