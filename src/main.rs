//! The `zablab` command.
fn main() {}
