//! The watches that servers keep for connections, by znode: a trigger meets those that it concerns and no others.

use std::collections::BTreeSet;

use super::connection::{Armed, Fired, Origin, Owed};
use super::triggers::{Hook, Mode, Slot, Trigger, Triggers};
use crate::base::id::ClientId;
use crate::check::by_path::PathNumber;
use crate::check::numbered::{ByNumber, Numbered};
use crate::check::verdict::At;

/// Whose watch on a znode, and of which kind. A client has one connection at a time.
#[derive(Clone, Copy, Debug)]
struct Watcher {
    client: ClientId,
    mode: Mode,
}

impl Numbered for Watcher {
    fn number(self) -> u64 {
        self.client.number() * 4 + self.mode as u64
    }
}

/// The watches on a znode.
#[derive(Clone, Debug, Default)]
struct Znode {
    /// Those that are set, recursive ones aside.
    armed: ByNumber<Watcher, Armed>,
    /// The recursive ones.
    recursive: ByNumber<Watcher, Armed>,
    /// One-shot watches that have fired.
    fired: ByNumber<Watcher, Fired>,
}

impl Znode {
    fn armed(&self, mode: Mode) -> &ByNumber<Watcher, Armed> {
        match mode {
            Mode::Data | Mode::Child | Mode::Persistent => &self.armed,
            Mode::Recursive => &self.recursive,
        }
    }

    fn armed_mut(&mut self, mode: Mode) -> &mut ByNumber<Watcher, Armed> {
        match mode {
            Mode::Data | Mode::Child | Mode::Persistent => &mut self.armed,
            Mode::Recursive => &mut self.recursive,
        }
    }

    fn knows(&self, watcher: Watcher) -> bool {
        self.armed(watcher.mode).get(watcher).is_some() || self.fired.get(watcher).is_some()
    }

    fn forget(&mut self, client: ClientId) {
        for mode in Mode::ALL {
            let watcher = Watcher { client, mode };
            self.armed_mut(mode).remove(watcher);
            self.fired.remove(watcher);
        }
    }
}

/// The watches of all connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    znodes: Vec<Znode>,
    /// On which znodes a client's connection has or had watches.
    clients: ByNumber<ClientId, BTreeSet<PathNumber>>,
}

impl Watches {
    /// A client's watch, if it is set.
    pub(super) fn armed(&self, client: ClientId, Hook { mode, znode }: Hook) -> Option<&Armed> {
        let znode = self.znodes.get(znode.place())?;
        znode.armed(mode).get(Watcher { client, mode })
    }

    /// When a client's watch fired last, if it has.
    pub(super) fn fired(&self, client: ClientId, Hook { mode, znode }: Hook) -> Option<Fired> {
        let znode = self.znodes.get(znode.place())?;
        znode.fired.get(Watcher { client, mode }).copied()
    }

    /// A client's watch is set.
    pub(super) fn arm(&mut self, client: ClientId, hook: Hook, armed: Armed) {
        let (znode, watcher) = self.enter(client, hook);
        znode.armed_mut(hook.mode).insert(watcher, armed);
    }

    /// A client's one-shot watch has fired.
    pub(super) fn fire(&mut self, client: ClientId, hook: Hook, fired: Fired) {
        let (znode, watcher) = self.enter(client, hook);
        znode.fired.insert(watcher, fired);
    }

    fn enter(&mut self, client: ClientId, hook: Hook) -> (&mut Znode, Watcher) {
        let place = hook.znode.place();
        if self.znodes.len() <= place {
            self.znodes.resize_with(place + 1, Znode::default);
        }
        let znode = &mut self.znodes[place];
        let mode = hook.mode;
        let watcher = Watcher { client, mode };
        if !znode.knows(watcher) {
            self.clients.or_default(client).insert(hook.znode);
        }
        (znode, watcher)
    }

    /// A client's watch is gone and forgotten.
    pub(super) fn disarm(&mut self, client: ClientId, Hook { mode, znode }: Hook) {
        if let Some(znode) = self.znodes.get_mut(znode.place()) {
            let watcher = Watcher { client, mode };
            znode.armed_mut(mode).remove(watcher);
            znode.fired.remove(watcher);
        }
    }

    /// A client's connection is gone.
    pub(super) fn forget(&mut self, client: ClientId) {
        for znode in self.clients.remove(client).into_iter().flatten() {
            self.znodes[znode.place()].forget(client);
        }
    }

    /// The watches behind an event are spent.
    pub(super) fn spend(&mut self, at: At, client: ClientId, owed: &Owed) {
        let zxid = owed.trigger.spot.zxid;
        for Hook { mode, znode } in &owed.hooks {
            let znode = &mut self.znodes[znode.place()];
            let mode = *mode;
            let watcher = Watcher { client, mode };
            let armed = znode.armed_mut(mode);
            let caught = armed.get(watcher).and_then(|armed| armed.due);
            if caught.is_some_and(|due| due.zxid == zxid) {
                armed.remove(watcher);
            }
            if mode.is_one_shot() {
                let zxid = Some(zxid);
                znode.fired.insert(watcher, Fired { at, zxid });
            }
        }
    }

    /// A trigger came to be: who is owed an event for which watch, and what set it. Recursive watches are fired last, from
    /// the root downwards.
    pub(super) fn on_trigger(
        &mut self,
        trigger: &Trigger,
        log: &Triggers,
        mut owe: impl FnMut(ClientId, Hook, &Origin),
    ) {
        let slot = trigger.spot.slot;
        if let Some(znode) = self.znodes.get_mut(trigger.znode.place()) {
            for (Watcher { client, mode }, armed) in znode.armed.iter_mut() {
                if mode.catches(slot) && armed.catches(mode, trigger) {
                    let znode = trigger.znode;
                    owe(client, Hook { mode, znode }, &armed.origin);
                }
            }
        }
        if slot != Slot::Own {
            return;
        }
        let mut bases = Vec::new();
        let mut base = Some(trigger.znode);
        while let Some(znode) = base {
            if let Some(watches) = self.znodes.get(znode.place())
                && !watches.recursive.is_empty()
            {
                bases.push(znode);
            }
            base = log.above(znode);
        }
        for znode in bases.into_iter().rev() {
            let watches = &mut self.znodes[znode.place()].recursive;
            for (Watcher { client, mode }, armed) in watches.iter_mut() {
                if armed.catches(mode, trigger) {
                    owe(client, Hook { mode, znode }, &armed.origin);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::{EventId, SessionId};
    use crate::base::time::Time;
    use crate::base::zxid::{Epoch, Zxid};
    use crate::check::committed::Entry;
    use crate::check::script::path;
    use crate::check::wording::Witness;
    use crate::history::fact::{Change, TxnSummary};
    use crate::history::op::Request;
    use std::sync::Arc;

    const AT: At = At {
        event: EventId(1),
        time: Time::ZERO,
    };

    fn create(counter: u32, name: &str) -> Arc<Entry> {
        let change = Change::Create {
            path: path(name),
            owner: None,
            data: 0,
        };
        let txn = TxnSummary {
            session: SessionId::NONE,
            cxid: 0,
            changes: vec![change],
            error: None,
            text: "create".into(),
        };
        let author = Witness::begin(ClientId(1), 1, AT, &Arc::new(Request::CloseSession));
        let zxid = Zxid::new(Epoch(1), counter);
        Arc::new(Entry::acknowledged(zxid, Arc::new(txn), author))
    }

    fn arm(watches: &mut Watches, log: &mut Triggers, client: u16, mode: Mode, name: &str) {
        let znode = log.number(&path(name));
        let (client, at, zxid) = (ClientId(client), AT, Zxid::ZERO);
        let armed = Armed {
            since: Zxid::ZERO,
            origin: Origin::Reset { client, at, zxid },
            due: None,
        };
        watches.arm(client, Hook { mode, znode }, armed);
    }

    /// Who is owed events for which watches when a znode is created.
    fn asked(
        watches: &mut Watches,
        log: &mut Triggers,
        counter: u32,
        name: &str,
    ) -> Vec<(u16, Mode)> {
        let mut asked = Vec::new();
        for trigger in log.apply(Time::ZERO, &create(counter, name)) {
            watches.on_trigger(&trigger, log, |client, hook, _| {
                asked.push((client.0, hook.mode));
            });
        }
        asked
    }

    #[test]
    fn a_trigger_meets_the_watches_on_its_path_and_the_recursive_ones_above() {
        let (mut watches, mut log) = (Watches::default(), Triggers::default());
        arm(&mut watches, &mut log, 2, Mode::Recursive, "/k/a");
        arm(&mut watches, &mut log, 2, Mode::Recursive, "/");
        arm(&mut watches, &mut log, 2, Mode::Child, "/k");
        arm(&mut watches, &mut log, 1, Mode::Child, "/k");
        arm(&mut watches, &mut log, 1, Mode::Data, "/k/a");
        arm(&mut watches, &mut log, 1, Mode::Persistent, "/k/ab");
        assert_eq!(
            asked(&mut watches, &mut log, 1, "/k/a"),
            [
                (1, Mode::Data),
                (2, Mode::Recursive),
                (2, Mode::Recursive),
                (1, Mode::Child),
                (2, Mode::Child),
            ]
        );
        // One-shot watches have caught what they catch.
        assert_eq!(
            asked(&mut watches, &mut log, 2, "/k/ab"),
            [(1, Mode::Persistent), (2, Mode::Recursive)]
        );
    }

    #[test]
    fn a_connection_that_is_gone_watches_nothing() {
        let (mut watches, mut log) = (Watches::default(), Triggers::default());
        for client in [1, 2] {
            arm(&mut watches, &mut log, client, Mode::Data, "/k");
            arm(&mut watches, &mut log, client, Mode::Recursive, "/");
        }
        watches.forget(ClientId(1));
        assert_eq!(
            asked(&mut watches, &mut log, 1, "/k"),
            [(2, Mode::Data), (2, Mode::Recursive)]
        );
    }
}
