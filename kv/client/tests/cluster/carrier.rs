//! How the client reaches PD and the store.

use std::sync::Arc;

use rutile_kv::Store;
use rutile_kv_client::{StaticStores, Stores};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::client::{GrpcStores, PdStub};
use rutile_kv_grpc::server::{Context, pd_routes, serve, tikv_routes};
use rutile_kv_grpc::{Limits, Router};
use rutile_kv_proto::PdService;
use rutile_pd_client::PdClient;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Whether this program is the one for the network.
pub fn is_network() -> bool {
    env!("CARGO_CRATE_NAME") == "cluster_grpc"
}

/// Nothing in process; servers on free ports otherwise.
pub struct Carrier {
    env: Env,
    context: Context,
    stop: watch::Sender<bool>,
    servers: Vec<TaskHandle>,
}

impl Carrier {
    pub fn new(env: Env) -> Carrier {
        let (stop, stopped) = watch::channel(false);
        let context = Context::new(env.clone(), Limits::default(), stopped);
        Carrier { env, context, stop, servers: Vec::new() }
    }

    fn serve(&mut self, listener: TcpListener, routes: Router) {
        let context = self.context.clone();
        let server = async move { serve(listener, &context, routes).await.expect("serves") };
        self.servers.push(self.env.spawn.spawn("grpc", Box::pin(server)));
    }

    /// PD as the client sees it.
    pub async fn pd(&mut self, pd: Arc<dyn PdService>) -> Arc<dyn PdService> {
        if !is_network() {
            return pd;
        }
        let (listener, address) = listen().await;
        self.serve(listener, pd_routes(&self.context, pd));
        Arc::new(PdStub::new(self.env.clone(), vec![address], Limits::default()))
    }

    /// Where the store will be served, and what it tells PD.
    pub async fn store_listener(&self) -> (Option<TcpListener>, String) {
        if !is_network() {
            return (None, "in-process".to_owned());
        }
        let (listener, address) = listen().await;
        (Some(listener), address)
    }

    /// The store as the client sees it.
    pub fn stores(&mut self, pd: &PdClient, store: &Store, listener: Option<TcpListener>) -> Arc<dyn Stores> {
        match listener {
            None => Arc::new(StaticStores::new([(store.store_id(), store.service())])),
            Some(listener) => {
                self.serve(listener, tikv_routes(&self.context, store.service(), store.raw_service()));
                Arc::new(GrpcStores::new(self.env.clone(), pd.clone(), Limits::default()))
            }
        }
    }

    pub async fn stop(&self) {
        self.stop.send_replace(true);
        for server in &self.servers {
            server.join().await;
        }
    }
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}
