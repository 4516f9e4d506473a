//! What must survive: acknowledged rows across `kill -9`, exact sums under concurrent transfers.

mod kill;
mod transfers;
