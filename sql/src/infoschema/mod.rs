//! What the server tells about itself: INFORMATION_SCHEMA and SHOW.
//!
//! ```text
//! definition.rs, columns_of_tables.rs  names and types of the computed tables' columns
//! registry.rs                          database and table name -> computed table
//! tables/                              the rows, one file per subject
//! show/                                SHOW, one file per subject; LIKE and WHERE over the output
//! describe.rs                          how a column's type, default and attributes are written
//! ```
//!
//! A computed table captures what it shows (a catalog snapshot, the process list) when it is looked up, so its
//! rows need no further access. Tables MySQL has and this server has nothing to say about exist and are empty.
//!
//! Missing: predicates pushed to the catalog look-up, `mysql`, `sys`, most of `performance_schema`.

mod columns_of_tables;
mod ddl_jobs;
mod definition;
mod describe;
mod registry;
mod show;
mod tables;

pub use ddl_jobs::ddl_jobs;
pub use registry::{
    is_host_cache, is_virtual_database, names_cluster_processes, virtual_database, virtual_databases,
    virtual_table, virtual_tables_of,
};
pub use show::{show, show_columns};
