//! A whole store through its service, over engines that crash; and by itself what a view of a region answers ([`view`]).
mod cluster;
mod gc;
mod memory_locks;
mod merge;
mod pd;
mod restart;
mod split;
mod view;
