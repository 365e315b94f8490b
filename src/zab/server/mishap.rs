//! What a server does when its disk fails or its role ends in the middle of a sync: the places where variants take K9
//! and K13 back.

use super::{EXIT_DISK, Phase, Server};
use crate::history::fact::SyncKind;
use crate::sim::process::{Cx, Effect};
use crate::zab::core::Out;
use crate::zab::rules::sync::{DiskErrors, RoleEnd};

impl Server {
    /// Where a variant takes back K13: memory survives the role as it is, or as a lost sync has left it.
    pub(super) fn keep_memory(&mut self) {
        let lost = match &mut self.phase {
            Phase::Learning(learner) => learner.take_lost_sync(),
            Phase::Booting(_)
            | Phase::Looking(_)
            | Phase::Leading(_)
            | Phase::Ending(_)
            | Phase::Pausing(_) => None,
        };
        let memory = &mut self.core.memory;
        let survivor = match self.core.config.rules.sync.role_end {
            RoleEnd::DurableHistory => None,
            RoleEnd::WhatIsApplied => return memory.keep(),
            RoleEnd::BrokenSnap => Some(SyncKind::Snap),
            RoleEnd::BrokenTrunc => Some(SyncKind::Trunc),
        };
        if let Some(staging) = lost.filter(|staging| Some(staging.kind()) == survivor) {
            staging.leave_in(memory);
        }
    }

    /// K9, where no variant takes it back. Those are about the log's fsync: other failures stop the server in any case.
    pub(super) fn on_write_failed(&mut self, cx: Cx, out: &mut Out) {
        if self.core.survives_write_error() {
            return self.after_store(cx, out);
        }
        let core = &mut self.core;
        let is_fsync = core.writes == 0 && core.snapshot.is_none();
        match (core.config.rules.sync.disk_errors, &mut self.phase) {
            (DiskErrors::LeaderGoesOn, Phase::Leading(leader)) if is_fsync => leader.go_deaf(),
            (DiskErrors::EndRole, Phase::Leading(_) | Phase::Learning(_)) if is_fsync => {
                core.log.drop_unforced(out);
                core.memory.keep();
                self.end_role(cx, "the log cannot be written", out);
            }
            (DiskErrors::Stop | DiskErrors::LeaderGoesOn | DiskErrors::EndRole, _) => {
                out.push(Effect::Halt { code: EXIT_DISK });
            }
        }
    }
}
