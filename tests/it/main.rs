//! Integration tests.

mod golden;
mod layering;
mod style;
