//! What must survive: acknowledged rows across `kill -9`, exact sums under concurrent transfers, updates of locked rows.

mod kill;
mod locks;
mod transfers;
