//! Who may be concerned by a trigger: which clients have had watches set on which paths. A trigger need not ask all the others.

use super::triggers::{Hook, Mode};
use crate::base::id::ClientId;
use crate::check::by_path::ByPath;
use crate::check::evidence;

/// The clients with watches. Some of those listed may have none any more; they are dropped when they are asked next.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest {
    by_path: ByPath<Vec<ClientId>>,
    recursive: ByPath<Vec<(ClientId, Hook)>>,
}

impl Interest {
    /// A client has set a watch.
    pub(super) fn add(&mut self, client: ClientId, hook: &Hook) {
        match hook.mode {
            Mode::Data | Mode::Child | Mode::Persistent => {
                let clients = self.by_path.or_default(&hook.path);
                if !clients.contains(&client) {
                    clients.push(client);
                }
            }
            Mode::Recursive => {
                let clients = self.recursive.or_default(&hook.path);
                if clients.iter().all(|(other, _)| *other != client) {
                    clients.push((client, hook.clone()));
                }
            }
        }
    }

    /// Asks everybody who may watch this very path; `goes_on` tells whether one still does.
    pub(super) fn ask(&mut self, path: &str, mut goes_on: impl FnMut(ClientId) -> bool) {
        if let Some(clients) = self.by_path.get_mut(path) {
            clients.retain(|client| goes_on(*client));
        }
    }

    /// Asks everybody who may have a recursive watch on this path or above it, from the root downwards.
    pub(super) fn ask_recursive(
        &mut self,
        path: &str,
        mut goes_on: impl FnMut(ClientId, &Hook) -> bool,
    ) {
        for above in evidence::ancestors(path) {
            if let Some(clients) = self.recursive.get_mut(above) {
                clients.retain(|(client, hook)| goes_on(*client, hook));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::script::path;

    #[test]
    fn who_watches_no_more_is_not_asked_again() {
        let mut interest = Interest::default();
        let (one, two) = (ClientId(1), ClientId(2));
        for client in [one, two, one] {
            interest.add(client, &Hook::new(Mode::Child, &path("/k")));
        }
        interest.add(two, &Hook::new(Mode::Recursive, &path("/")));
        let mut asked = Vec::new();
        for _ in 0..2 {
            interest.ask(&path("/k"), |client| {
                asked.push(client);
                client == two
            });
        }
        interest.ask(&path("/other"), |_| unreachable!("nobody watches it"));
        interest.ask_recursive("/k/below", |client, hook| {
            asked.push(client);
            *hook.path == *"/"
        });
        interest.ask_recursive("/", |client, _| {
            asked.push(client);
            true
        });
        assert_eq!(asked, [one, two, two, two, two]);
    }
}
