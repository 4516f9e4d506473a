//! The network carrier: the service traits of `kv/proto` over gRPC, both ends.
//!
//! ```text
//! client   StoreStub: TikvService    one channel per store, address from PD     PdStub: PdService   follows the leader
//!             |                                                                    |
//! methods  path and types of every RPC, once, for both ends
//!             |                                                                    |
//! server   tikv_routes(TikvService, RawService)                                 pd_routes(PdService)
//! ```
//! Between stores: [`client::RaftSender`] and [`server::raft_routes`], streams of raft messages and of snapshots.
//!
//! Nothing is decided here: region, epoch, header and deadline checks live in the services, so that this carrier meets
//! them like every other. What it adds is what a network needs: limits of message size, streams and time, one status for
//! what broke on the way, and streams that end with an error when the server stops.
//!
//! A package of its own, so that neither the SQL layer nor the services link a network stack.
//!
//! Whoever is dialled and dials shows a certificate of the cluster, where [`PeerTls`] says so.
//!
//! Deliberately missing: compression, `BatchCommands`.

pub mod client;
mod config;
mod methods;
pub mod server;
mod status;
mod tls;

pub use axum::Router;
pub use config::Limits;
pub use tls::{PeerTls, TlsFiles};
