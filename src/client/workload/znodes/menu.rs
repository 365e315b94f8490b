//! The operations the program chooses from, and each life's taste in them.

use crate::base::rng::Draw;

/// A write of one znode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// create in every mode that the name allows.
    Create,
    /// create with a sequence suffix, lasting or not.
    Sequential,
    /// delete.
    Delete,
    /// deleteContainer, which any client may send.
    DeleteContainer,
    /// setData.
    SetData,
    /// setACL.
    SetAcl,
}

/// An operation of the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A write of one znode.
    Write(Write),
    /// Several writes and checks in one.
    Multi,
    /// getData.
    GetData,
    /// exists.
    Exists,
    /// getChildren, getChildren2.
    Children,
    /// getACL.
    GetAcl,
    /// Several reads in one.
    MultiRead,
    /// getEphemerals, getAllChildrenNumber, whoAmI.
    Inquiry,
    /// addWatch.
    AddWatch,
    /// removeWatches.
    RemoveWatches,
    /// checkWatches.
    CheckWatches,
    /// sync.
    Sync,
    /// addAuth.
    Auth,
    /// Something that every server refuses.
    Malformed,
    /// closeSession; the next operation opens a new one.
    Close,
}

/// Usual weights.
const MENU: [(Kind, u32); 20] = [
    (Kind::Write(Write::Create), 40),
    (Kind::Write(Write::Sequential), 10),
    (Kind::Write(Write::Delete), 20),
    (Kind::Write(Write::DeleteContainer), 3),
    (Kind::Write(Write::SetData), 36),
    (Kind::Write(Write::SetAcl), 6),
    (Kind::Multi, 24),
    (Kind::GetData, 28),
    (Kind::Exists, 20),
    (Kind::Children, 24),
    (Kind::GetAcl, 4),
    (Kind::MultiRead, 8),
    (Kind::Inquiry, 8),
    (Kind::AddWatch, 8),
    (Kind::RemoveWatches, 6),
    (Kind::CheckWatches, 2),
    (Kind::Sync, 8),
    (Kind::Auth, 2),
    (Kind::Malformed, 2),
    (Kind::Close, 1),
];

/// How much a life likes each operation of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taste([u32; MENU.len()]);

impl Default for Taste {
    fn default() -> Self {
        Self(MENU.map(|(_, weight)| weight))
    }
}

impl Taste {
    /// The taste of a life: an eighth of the operations is left out, an eighth comes thrice as often.
    pub(super) fn drawn(mut draw: impl FnMut(u64) -> Draw) -> Self {
        let mut nth = 0;
        Self(MENU.map(|(_, weight)| {
            nth += 1;
            match draw(nth).below(8) {
                0 => 0,
                1 => 3 * weight,
                _ => weight,
            }
        }))
    }

    /// The operation drawn.
    pub(super) fn pick(&self, draw: Draw) -> Kind {
        MENU[draw.weighted(&self.0)].0
    }
}
