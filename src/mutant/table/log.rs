//! Defects of log, snapshots and recovery.

use super::Defect;

pub(super) const DEFECTS: [Defect; 0] = [];
