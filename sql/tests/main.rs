//! The SQL layer over a store in this process: one program, so that DataFusion is linked once.

mod cluster;
mod explain;
mod kill;
mod load;
mod many_keys;
mod memory;
mod nodes;
mod online_ddl;
mod pushdown;
mod query;
mod session;
mod short_read;
mod size;
