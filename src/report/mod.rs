//! Layer 5: how an outcome is shown. A report is data first ([`data::Report`]); text and JSON are made from it.

pub mod curve;
pub mod data;
pub mod explain;
pub mod export;
pub mod faults;
pub mod full;
pub mod history;
pub mod html;
pub mod kill;
pub mod markup;
pub mod phrase;
pub mod plot;
pub mod shrink;
pub mod steps;
pub mod text;
pub mod timeline;
pub mod trace;
