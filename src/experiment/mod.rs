//! Layer 4: what is done with worlds: scenarios are read, plans generated, runs played and swept.

pub mod campaign;
pub mod chronicle;
pub mod cone;
pub mod conform;
pub mod counters;
pub mod course;
pub mod endgame;
pub mod explore;
pub mod generate;
pub mod hunt;
pub mod inevitable;
pub mod json;
pub mod kill;
pub mod lower;
pub mod materialise;
pub mod outcome;
pub mod record;
pub mod recorded;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod situations;
pub mod sweep;
pub mod twin;
pub mod wire;
