//! Defects of synchronisation.

use super::Defect;

pub(super) const DEFECTS: [Defect; 0] = [];
