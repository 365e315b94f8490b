//! Layer 5: what a teacher and a student need: lessons that ask before they show.

pub mod lesson;
