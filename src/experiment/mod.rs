//! Layer 4: what is done with worlds: scenarios are read, plans generated, runs played and swept.

pub mod generate;
pub mod json;
pub mod lower;
pub mod scenario;
