//! Layer 1: operations and facts, the lingua franca between the processes that cause them and the checkers that judge
//! them. Nothing here knows the machine or the protocol.

pub mod codec;
pub mod fact;
pub mod foreign;
pub mod frame;
pub mod op;
pub mod recipe;
pub mod wire;
