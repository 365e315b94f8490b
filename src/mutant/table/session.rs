//! Defects of sessions and ephemerals.

use super::Defect;

pub(super) const DEFECTS: [Defect; 0] = [];
