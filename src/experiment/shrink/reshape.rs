//! Scenarios with fewer servers or clients: who is left gets the first numbers, and everything that names a node is
//! renamed or goes.

use std::collections::BTreeMap;

use crate::base::id::NodeId;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::draws::Exception;
use crate::sim::draws::{Site, Which};
use crate::sim::fault::{Planned, Target, Trigger};

/// Who becomes whom; who is not named goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Renaming(BTreeMap<NodeId, NodeId>);

impl Renaming {
    fn get(&self, node: NodeId) -> Option<NodeId> {
        self.0.get(&node).copied()
    }
}

/// The scenario with these servers only (in ascending order); voters stay voters.
#[must_use]
pub(super) fn with_servers(scenario: &Scenario, kept: &[u16]) -> Scenario {
    let before = scenario.roster();
    let voters = kept
        .iter()
        .filter(|server| **server <= before.voters.into());
    let voters = u8::try_from(voters.count()).expect("fewer than before");
    let observers = u8::try_from(kept.len()).expect("fewer than before") - voters;
    let mut smaller = scenario.clone();
    smaller.ensemble.voters = voters;
    smaller.ensemble.observers = observers;
    let after = smaller.roster();
    let mut renaming = Renaming::default();
    for (number, server) in (1..).zip(kept) {
        renaming.0.insert(NodeId(*server), NodeId(number));
    }
    for client in 1..=before.clients {
        renaming
            .0
            .insert(before.client(client), after.client(client));
    }
    for work in &mut smaller.workload {
        if let Some(servers) = &mut work.servers {
            let renamed = servers
                .iter()
                .filter_map(|server| renaming.get(NodeId((*server).into())))
                .map(|node| u8::try_from(node.0).expect("a server's number"));
            *servers = renamed.collect();
            if servers.is_empty() {
                work.servers = None;
            }
        }
    }
    rename_all(&mut smaller, &renaming);
    smaller
}

/// The scenario with the clients that take part only, under the first numbers; `None` if all do.
#[must_use]
pub(super) fn with_present_clients(scenario: &Scenario) -> Option<Scenario> {
    let operations = scenario.operations.as_ref()?;
    let before = scenario.roster();
    let is_present = |client: u16| operations.iter().any(|entry| entry.client == client);
    if (1..=before.clients).all(is_present) {
        return None;
    }
    let mut smaller = scenario.clone();
    let mut numbers = BTreeMap::new();
    for (work, (_, members)) in smaller.workload.iter_mut().zip(scenario.shares()) {
        let present: Vec<u16> = members.filter(|client| is_present(*client)).collect();
        work.clients = u16::try_from(present.len()).expect("fewer than before");
        for client in present {
            let number = u16::try_from(numbers.len() + 1).expect("fewer than before");
            numbers.insert(client, number);
        }
    }
    smaller.workload.retain(|work| work.clients > 0);
    let after = smaller.roster();
    let mut renaming = Renaming::default();
    for server in before.every_server() {
        renaming.0.insert(server, server);
    }
    for (client, number) in &numbers {
        renaming
            .0
            .insert(before.client(*client), after.client(*number));
    }
    for entry in smaller.operations.iter_mut().flatten() {
        entry.client = numbers[&entry.client];
    }
    rename_all(&mut smaller, &renaming);
    Some(smaller)
}

fn rename_all(scenario: &mut Scenario, renaming: &Renaming) {
    let plan = std::mem::take(&mut scenario.plan);
    scenario.plan = plan
        .into_iter()
        .filter_map(|planned| rename(planned, renaming))
        .collect();
    let overrides = std::mem::take(&mut scenario.overrides);
    scenario.overrides = overrides
        .into_iter()
        .filter_map(|exception| rename_exception(exception, renaming))
        .collect();
}

/// A fault on the nodes that are left; `None` if it has lost its meaning.
fn rename(mut planned: Planned, renaming: &Renaming) -> Option<Planned> {
    for target in planned.fault.targets_mut() {
        match target {
            Target::Node(node) | Target::ServerOf(node) => *node = renaming.get(*node)?,
            Target::Nodes(nodes) | Target::Rack { nodes, .. } => {
                let left = nodes.iter().filter_map(|node| renaming.get(*node));
                *nodes = left.collect();
                if nodes.is_empty() {
                    return None;
                }
            }
            Target::Role(_) | Target::Sayer | Target::Servers | Target::Minority => {}
        }
    }
    if let Trigger::When { by: Some(node), .. } = &mut planned.trigger {
        *node = renaming.get(*node)?;
    }
    if let Some(groups) = planned.fault.groups_mut() {
        for group in groups.iter_mut() {
            *group = group
                .iter()
                .filter_map(|node| renaming.get(*node))
                .collect();
        }
        groups.retain(|group| !group.is_empty());
        if groups.len() < 2 {
            return None;
        }
    }
    Some(planned)
}

fn rename_exception(exception: Exception, renaming: &Renaming) -> Option<Exception> {
    let rename_site = |site| {
        Some(match site {
            Site::Delay {
                from,
                to,
                class,
                is_control,
            } => Site::Delay {
                from: renaming.get(from)?,
                to: renaming.get(to)?,
                class,
                is_control,
            },
            Site::Disk { node, op } => Site::Disk {
                node: renaming.get(node)?,
                op,
            },
        })
    };
    let which = match exception.which {
        Which::All(site) => Which::All(rename_site(site)?),
        Which::One(mut key) => {
            key.site = rename_site(key.site)?;
            Which::One(key)
        }
    };
    Some(Exception { which, ..exception })
}

/// Every choice of `count` of these, in lexicographic order from the end: the servers with the highest numbers, which lead
/// most often, come first.
pub(super) fn choices(of: &[u16], count: usize) -> Vec<Vec<u16>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for last in (count..=of.len()).rev() {
        for mut choice in choices(&of[..last - 1], count - 1) {
            choice.push(of[last - 1]);
            all.push(choice);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario() -> Scenario {
        let text = r#"{ "format": 1, "name": "s", "ensemble": { "voters": 5 },
            "workload": [{ "kind": "idle", "clients": 1 },
                         { "kind": "versioned-register", "clients": 2, "servers": [2, 4] }],
            "operations": [{ "client": "c2", "op": 3, "at_ms": 10 }, { "client": "c2", "op": 5 }],
            "plan": [{ "id": "a", "fault": "crash", "node": 2, "at_ms": 5 },
                     { "id": "b", "fault": "pause", "node": "server-of:c2", "at_ms": 5 },
                     { "id": "c", "fault": "partition", "groups": [[1, 2], [3, 4, "c2"], [5]], "at_ms": 5 },
                     { "id": "d", "fault": "crash", "node": "leader", "at_ms": 5 },
                     { "id": "e", "fault": "partition", "groups": [[2], [1, 5]], "at_ms": 5 }],
            "overrides": [{ "draw": "delay/4>c2/client/data/7/0", "us": 9 },
                          { "draw": "disk/2/sync/*", "us": 9 }] }"#;
        Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap()
    }

    #[test]
    fn servers_that_are_left_get_the_first_numbers_and_faults_of_others_go() {
        let smaller = with_servers(&scenario(), &[1, 4, 5]);
        let text = smaller.to_string();
        assert_eq!(
            Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap(),
            smaller
        );
        assert_eq!(smaller.ensemble.voters, 3);
        assert_eq!(smaller.workload[1].servers, Some(vec![2]));
        let ids: Vec<&str> = smaller.plan.iter().map(|planned| &*planned.id).collect();
        assert_eq!(ids, ["b", "c", "d"]);
        assert!(
            text.contains(r#""groups": [[1], [2, "c2"], [3]]"#),
            "{text}"
        );
        assert!(text.contains(r#""delay/2>c2/client/data/7/0""#), "{text}");
        assert!(!text.contains("disk/"), "{text}");
    }

    #[test]
    fn clients_that_take_part_get_the_first_numbers() {
        let smaller = with_present_clients(&scenario()).unwrap();
        let text = smaller.to_string();
        assert_eq!(
            Scenario::parse(text.as_bytes(), "s.json", &[]).unwrap(),
            smaller
        );
        assert_eq!(smaller.roster().clients, 1);
        assert!(text.contains(r#""client": "c1", "op": 3"#), "{text}");
        assert!(text.contains(r#""server-of:c1""#), "{text}");
        assert_eq!(with_present_clients(&smaller), None);
    }

    #[test]
    fn choices_are_complete_and_begin_with_the_highest_numbers() {
        let all = choices(&[1, 2, 3, 4, 5], 3);
        assert_eq!(all.len(), 10);
        assert_eq!(all[0], [3, 4, 5]);
        assert_eq!(all[9], [1, 2, 3]);
    }
}
