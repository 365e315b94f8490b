//! Hand-made runs: for each property runs that it accepts and runs that it catches.

mod broadcast;
mod ensemble;
mod recovery;
