//! Defects of election and discovery.

use super::Defect;

pub(super) const DEFECTS: [Defect; 0] = [];
