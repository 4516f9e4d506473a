//! The role of a placement driver: gRPC and HTTP pages on one port.

use std::sync::Arc;

use rutile_kv_env::Env;
use rutile_kv_grpc::server::pd_routes;
use rutile_pd::{Pd, PdConfig, pages};

use crate::error::Result;
use crate::node::role::{PdOptions, Port, Role};
use crate::node::storage::blocking;

impl Role for PdOptions {
    type Running = Port;

    async fn start(self, env: Env) -> Result<Port> {
        let mut port = Port::bind(&env, &self.role, self.port).await?;
        let config = PdConfig {
            name: self.name,
            client_urls: vec![format!("http://{}", port.advertised())],
            ..PdConfig::new(self.data_dir)
        };
        let pd_env = env.clone();
        let pd = Arc::new(blocking(&env, "pd-open", move || Ok(Pd::open(pd_env, config)?)).await?);
        port.serve(&env, pd_routes(port.context(), pd.clone()).merge(pages(pd)));
        port.announce("pd");
        Ok(port)
    }

    /// What PD promised is durable already.
    async fn stop(port: Port) -> Result<()> {
        port.stop().await;
        Ok(())
    }
}
