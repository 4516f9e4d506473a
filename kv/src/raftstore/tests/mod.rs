//! A whole store through its service, over engines that crash.
mod cluster;
mod gc;
mod memory_locks;
mod merge;
mod pd;
mod restart;
mod split;
