//! Tests of the whole tree: preparation, application, watches and reads together.

mod agreement;
mod fixture;
mod precedence;
mod surprises;
mod triggers;
