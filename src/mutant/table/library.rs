//! Defects of the client library.

use super::Defect;

pub(super) const DEFECTS: [Defect; 0] = [];
