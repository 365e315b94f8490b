//! The proof that nothing is left over: what happens without each thing that a small scenario still has.

use super::failure::{Failure, Trial};
use super::noise::DOMAINS;
use super::reshape;
use super::search::Search;
use crate::experiment::scenario::Scenario;
use crate::experiment::scenario::draws::Exception;
use crate::experiment::scenario::operations::Operation;

/// A thing that is left, and what happens without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub item: Item,
    /// What happens without it.
    pub without: Without,
}

/// Something that can be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The fault with this id.
    Fault(String),
    /// An operation of a client.
    Operation(Operation),
    /// A client with its session.
    Client(u16),
    /// A server.
    Server(u16),
    /// A defect that is planted.
    Mutant(String),
    /// A single draw that comes out otherwise.
    Draw(Exception),
    /// One kind of noise.
    Noise(&'static str),
}

/// What happens without something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// Nothing fails.
    Holds,
    /// Something else fails.
    Other(Failure),
    /// The same fails: it is not needed, but the search did not come to take it away.
    Same,
    /// It was not tried: the search was ended.
    Untried,
}

/// Plays the scenario without each thing it has.
pub(super) fn prove(search: &mut Search<'_>, scenario: &Scenario) -> Vec<Need> {
    items(scenario)
        .into_iter()
        .map(|item| {
            let without = match search.probe(&take_away(scenario, &item)) {
                None => Without::Untried,
                Some(Trial::Same(_)) => Without::Same,
                Some(Trial::Other(failure)) => Without::Other(failure),
                Some(Trial::Passes) => Without::Holds,
            };
            Need { item, without }
        })
        .collect()
}

fn items(scenario: &Scenario) -> Vec<Item> {
    let mut items: Vec<Item> = scenario
        .plan
        .iter()
        .map(|planned| Item::Fault(planned.id.to_string()))
        .collect();
    let mut clients = Vec::new();
    for entry in scenario.operations.iter().flatten() {
        if entry.op.is_some() {
            items.push(Item::Operation(*entry));
        }
        if clients.last() != Some(&entry.client) {
            clients.push(entry.client);
        }
    }
    items.extend(clients.into_iter().map(Item::Client));
    let servers = scenario.roster().servers();
    if servers > 1 {
        items.extend((1..=servers).map(Item::Server));
    }
    items.extend(scenario.mutants.iter().cloned().map(Item::Mutant));
    items.extend(scenario.overrides.iter().copied().map(Item::Draw));
    items.extend(noise(scenario));
    items
}

/// The kinds of noise that are left; of two that come to the same the first.
fn noise(scenario: &Scenario) -> Vec<Item> {
    let mut calmer: Vec<Scenario> = vec![scenario.clone()];
    let mut items = Vec::new();
    for (name, edit) in DOMAINS {
        let mut without = scenario.clone();
        edit(&mut without);
        if !calmer.contains(&without) {
            calmer.push(without);
            items.push(Item::Noise(name));
        }
    }
    items
}

fn take_away(scenario: &Scenario, item: &Item) -> Scenario {
    let mut without = scenario.clone();
    match item {
        Item::Fault(id) => without.plan.retain(|planned| *planned.id != **id),
        Item::Operation(gone) => {
            for entry in without.operations.iter_mut().flatten() {
                if entry == gone {
                    (entry.op, entry.at) = (None, None);
                }
            }
            if let Some(operations) = &mut without.operations {
                operations.sort_unstable();
                let mates = operations.clone();
                let has_more = |entry: &Operation| {
                    mates
                        .iter()
                        .filter(|mate| mate.client == entry.client)
                        .count()
                        > 1
                };
                operations.retain(|entry| entry.op.is_some() || !has_more(entry));
            }
        }
        Item::Client(gone) => {
            if let Some(operations) = &mut without.operations {
                operations.retain(|entry| entry.client != *gone);
            }
        }
        Item::Server(gone) => {
            let kept: Vec<u16> = (1..=scenario.roster().servers())
                .filter(|server| server != gone)
                .collect();
            without = reshape::with_servers(scenario, &kept);
        }
        Item::Mutant(gone) => without.mutants.retain(|mutant| mutant != gone),
        Item::Draw(gone) => without.overrides.retain(|exception| exception != gone),
        Item::Noise(gone) => {
            for (_, edit) in DOMAINS.iter().filter(|(name, _)| name == gone) {
                edit(&mut without);
            }
        }
    }
    without
}
