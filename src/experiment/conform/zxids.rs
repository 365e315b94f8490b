//! Zxids as scripts write them: the number of transactions since the script began. A leader change makes zxids jump to the
//! next epoch, this count goes on.

use crate::base::zxid::{Epoch, Zxid};

/// The epochs of a run, and how many transactions there were before each.
#[derive(Clone, Debug)]
pub(super) struct Zxids {
    epochs: Vec<(Epoch, u64)>,
    base: u64,
}

impl Zxids {
    /// No transaction, and no epoch after the first.
    pub(super) fn new() -> Self {
        Self {
            epochs: vec![(Epoch(0), 0)],
            base: 0,
        }
    }

    /// The script begins after this transaction.
    pub(super) fn begin_script(&mut self, last: Zxid) {
        self.base = self.count(last);
    }

    /// A leader change: the last transaction of the epochs before, and the new epoch.
    pub(super) fn begin_epoch(&mut self, last: Zxid, epoch: Epoch) {
        let before = self.count(last);
        assert!(
            self.epochs
                .last()
                .is_some_and(|(newest, _)| *newest < epoch),
            "epochs ascend"
        );
        self.epochs.push((epoch, before));
    }

    /// How many transactions there were up to this zxid; the start of an epoch is none.
    fn count(&self, zxid: Zxid) -> u64 {
        let mut known = self.epochs.iter().rev();
        let (_, before) = known
            .find(|(epoch, _)| *epoch <= zxid.epoch())
            .expect("epoch 0 is known");
        before + u64::from(zxid.counter())
    }

    /// A zxid as the script writes it; 0 if it is older than the script.
    pub(super) fn relative(&self, zxid: Zxid) -> u64 {
        self.count(zxid).saturating_sub(self.base)
    }

    /// The zxid that a script writes so.
    pub(super) fn absolute(&self, relative: u64) -> Zxid {
        self.transaction(self.base.saturating_add(relative))
    }

    /// The last transaction up to this zxid: the start of an epoch, which only its leader reports, stands for the history
    /// before it.
    pub(super) fn last_transaction(&self, zxid: Zxid) -> Zxid {
        if zxid.is_label() {
            self.transaction(self.count(zxid))
        } else {
            zxid
        }
    }

    /// The transaction with this number.
    fn transaction(&self, count: u64) -> Zxid {
        let mut known = self.epochs.iter().rev();
        let Some((epoch, before)) = known.find(|(_, before)| *before < count) else {
            return Zxid::ZERO;
        };
        Zxid::new(*epoch, u32::try_from(count - before).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zxid(epoch: u32, counter: u32) -> Zxid {
        Zxid::new(Epoch(epoch), counter)
    }

    /// Five transactions in epoch 1, of which two belong to the script; then epoch 3.
    fn zxids() -> Zxids {
        let mut zxids = Zxids::new();
        zxids.begin_epoch(Zxid::ZERO, Epoch(1));
        zxids.begin_script(zxid(1, 3));
        zxids.begin_epoch(zxid(1, 5), Epoch(3));
        zxids
    }

    #[test]
    fn the_count_goes_on_over_a_leader_change() {
        let zxids = zxids();
        let shown = [
            (zxid(0, 0), 0),
            (zxid(1, 2), 0),
            (zxid(1, 3), 0),
            (zxid(1, 4), 1),
            (zxid(1, 5), 2),
            (zxid(3, 0), 2),
            (zxid(3, 1), 3),
        ];
        for (zxid, relative) in shown {
            assert_eq!(zxids.relative(zxid), relative, "{zxid}");
        }
    }

    #[test]
    fn a_relative_zxid_is_that_of_its_transaction() {
        let zxids = zxids();
        assert_eq!(zxids.absolute(1), zxid(1, 4));
        assert_eq!(zxids.absolute(2), zxid(1, 5));
        assert_eq!(zxids.absolute(3), zxid(3, 1));
        assert_eq!(zxids.absolute(u64::MAX), zxid(3, u32::MAX));
    }

    #[test]
    fn the_start_of_an_epoch_stands_for_the_last_transaction_before_it() {
        let zxids = zxids();
        assert_eq!(zxids.last_transaction(zxid(3, 0)), zxid(1, 5));
        assert_eq!(zxids.last_transaction(zxid(3, 2)), zxid(3, 2));
        assert_eq!(zxids.last_transaction(zxid(1, 0)), Zxid::ZERO);
    }
}
