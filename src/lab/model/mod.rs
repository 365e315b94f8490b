//! The reference's clients: what `client::recipe` does, as programs that hear events and answer with actions.

mod counter;
mod lock;
mod reader;

pub use counter::Counter;
pub use lock::Lock;
pub use reader::Reader;

/// The tag of the one request that a program waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tags {
    last: u64,
    awaited: Option<u64>,
}

impl Tags {
    /// A new one, to be waited for.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.awaited = Some(self.last);
        self.last
    }

    /// Whether it is the one that is waited for; it is no longer.
    fn takes(&mut self, tag: u64) -> bool {
        let is_awaited = self.awaited == Some(tag);
        if is_awaited {
            self.awaited = None;
        }
        is_awaited
    }
}
