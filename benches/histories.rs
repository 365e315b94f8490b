//! What judging recorded histories costs.
fn main() {}
