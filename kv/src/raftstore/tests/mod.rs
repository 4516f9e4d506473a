//! A whole store through its service, over engines that crash.
mod cluster;
mod gc;
mod pd;
mod restart;
mod split;
