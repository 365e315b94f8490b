//! From a scenario to what the layers below are told: the ensemble's configuration, the clients' and the machine's.

mod machine;
mod script;

use std::sync::Arc;

use super::scenario::Scenario;
use super::scenario::format::Range;
use super::scenario::operations::Operation;
use super::scenario::sections::{self, Hosts, Kind, Work};
use crate::base::id::{ClientId, NodeId};
use crate::base::ratio::Ratio;
use crate::base::time::Span;
use crate::cast;
use crate::client;
use crate::client::config::{Chosen, HostPolicy, Kept};
use crate::client::recipe;
use crate::client::recipe::contender::Line;
use crate::client::recipe::outside::Outsider;
use crate::client::recipe::queue::Discipline;
use crate::client::workload::pace::{AtEnd, Tempo};
use crate::client::workload::{
    ThinkTime, Workload, ephemeral_path, holder, register, watcher, znodes,
};
use crate::history::op::Path;
use crate::mutant::table::Defect;
use crate::mutant::wrapped::MutantConfig;
use crate::sim::setup::Setup;
use crate::zab;
use crate::zab::config::ElectionKind;
use crate::zab::rules::Rules;

/// Who plays, what each is told, and which defects are planted.
pub fn cast(scenario: &Scenario) -> MutantConfig {
    let mut ensemble = ensemble(scenario);
    let planted = Defect::plant(&scenario.mutants, Rules::default());
    ensemble.rules = planted.rules;
    ensemble.rules.asked = scenario.asked.clone();
    let mut clients = clients(scenario);
    for client in &mut clients {
        client.rules = planted.client_rules;
    }
    MutantConfig {
        cast: cast::Config {
            ensemble: Arc::new(ensemble),
            clients: clients.into(),
            raw_clients: 0,
        },
        wrappers: planted.wrappers.into(),
    }
}

/// What every server is told, defects aside.
pub fn ensemble(scenario: &Scenario) -> zab::config::Config {
    let ensemble = &scenario.ensemble;
    let timeouts = ensemble.session_timeouts();
    let ms = |value: u32| Span::from_ms(u64::from(value));
    zab::config::Config {
        tick: ms(ensemble.tick_ms),
        init_limit: ensemble.init_limit,
        sync_limit: ensemble.sync_limit,
        max_notification: ms(ensemble.max_notification_ms),
        connect_timeout: ms(ensemble.connect_timeout_ms),
        snap_count: ensemble.snap_count,
        committed_log: ensemble.committed_log,
        snapshot_size_factor: Ratio::new(ensemble.snapshot_size_percent, 100),
        counter_bits: ensemble.counter_bits,
        election: match ensemble.election {
            sections::Election::Fast => ElectionKind::FastLeaderElection,
            sections::Election::FirstCome => ElectionKind::FirstComeVotes,
        },
        session_timeout_ms: (narrow(timeouts.low), narrow(timeouts.high)),
        ..zab::config::Config::new(ensemble.voters, ensemble.observers)
    }
}

/// What each client is told, in the order of client numbers.
pub fn clients(scenario: &Scenario) -> Vec<client::config::Config> {
    let holders = ephemerals_of_holders(scenario);
    let mut clients: Vec<client::config::Config> = scenario
        .shares()
        .flat_map(|(work, clients)| {
            let config = client_config(scenario, work, &holders, clients.start);
            std::iter::repeat_n(config, clients.len())
        })
        .collect();
    if let Some(operations) = &scenario.operations {
        for (client, config) in (1..).zip(&mut clients) {
            config.chosen = chosen(operations, client);
        }
    }
    clients
}

/// What a client carries out when a scenario lists its operations.
fn chosen(operations: &[Operation], client: u16) -> Chosen {
    let mine = || operations.iter().filter(|entry| entry.client == client);
    if mine().next().is_none() {
        return Chosen::Absent;
    }
    let mut kept: Vec<Kept> = mine()
        .filter_map(|entry| {
            Some(Kept {
                op: entry.op?,
                at: entry.at,
            })
        })
        .collect();
    kept.sort_unstable();
    Chosen::Only(kept.into())
}

fn client_config(
    scenario: &Scenario,
    work: &Work,
    holders: &[Path],
    first: u16,
) -> client::config::Config {
    let servers: Vec<NodeId> = match &work.servers {
        Some(known) => known
            .iter()
            .map(|server| NodeId((*server).into()))
            .collect(),
        None => scenario.roster().every_server().collect(),
    };
    let outsider = &scenario.outsider;
    let mut config = client::config::Config::new(servers, workload(work, holders, first, outsider));
    config.session_timeout_ms = work.session_timeout_ms;
    config.hosts = match work.hosts {
        Hosts::Shuffled => HostPolicy::Shuffled,
        Hosts::InOrder => HostPolicy::InOrder,
        Hosts::Random => HostPolicy::Random,
    };
    config
}

fn workload(work: &Work, holders: &[Path], first: u16, outsider: &Outsider) -> Workload {
    match work.kind {
        Kind::Idle => Workload::Idle,
        Kind::EphemeralHolder => {
            let mut settings = holder::Settings::default();
            settings.think = think(work).unwrap_or(settings.think);
            Workload::EphemeralHolder(settings)
        }
        Kind::Watcher => {
            let mut settings = watcher::Settings::default();
            settings.think = think(work).unwrap_or(settings.think);
            settings.paths = match &work.paths {
                Some(paths) => paths.iter().map(|path| Path::from(path.as_str())).collect(),
                None => holders.to_vec(),
            };
            Workload::Watcher(settings)
        }
        Kind::VersionedRegister => Workload::VersionedRegister(register::Settings {
            keys: work.keys,
            tempo: tempo(work),
            mix: mix(&work.mix),
            after_unknown: match work.after_unknown {
                sections::AfterUnknown::Read => register::AfterUnknown::Read,
                sections::AfterUnknown::Nothing => register::AfterUnknown::Nothing,
            },
            after_event: match work.after_event {
                sections::AfterEvent::Read => register::AfterEvent::Read,
                sections::AfterEvent::Nothing => register::AfterEvent::Nothing,
            },
        }),
        Kind::Script => Workload::Script(script::settings(&work.script)),
        Kind::Recipe => Workload::Recipe(recipe(work, first, outsider)),
        Kind::Znodes => Workload::Znodes(znodes::Settings {
            tops: work.keys,
            tempo: tempo(work),
        }),
    }
}

fn recipe(work: &Work, first: u16, outsider: &Outsider) -> recipe::Settings {
    let named = work.recipe.expect("checked when the scenario was read");
    let hold = work.hold_ms.unwrap_or(Range::new(5, 60));
    recipe::Settings {
        recipe: match named {
            sections::Recipe::Lock => recipe::Recipe::Line(Line::Lock),
            sections::Recipe::ReadWriteLock => recipe::Recipe::Line(Line::ReadWrite),
            sections::Recipe::LeaderElection => recipe::Recipe::Line(Line::Election),
            sections::Recipe::Counter => recipe::Recipe::Counter,
            sections::Recipe::Queue => recipe::Recipe::Queue(Discipline::Fifo),
            sections::Recipe::PriorityQueue => recipe::Recipe::Queue(Discipline::Priority),
            sections::Recipe::Barrier => recipe::Recipe::Barrier,
            sections::Recipe::DoubleBarrier => recipe::Recipe::DoubleBarrier,
            sections::Recipe::Configuration => recipe::Recipe::Configuration,
            sections::Recipe::Membership => recipe::Recipe::Membership,
            sections::Recipe::TwoPhaseCommit => recipe::Recipe::TwoPhaseCommit,
        },
        rounds: work.rounds,
        think: think(work).unwrap_or(ThinkTime {
            min_ms: 5,
            max_ms: 200,
        }),
        hold: think_time(hold),
        first,
        size: work.clients,
        outsider: outsider.clone(),
    }
}

fn tempo(work: &Work) -> Tempo {
    Tempo {
        ops: work.ops,
        think: think(work).unwrap_or(Tempo::default().think),
        window: work.window,
        at_end: match work.at_end {
            sections::AtEnd::Stay => AtEnd::Stay,
            sections::AtEnd::Close => AtEnd::Close,
        },
    }
}

fn think(work: &Work) -> Option<ThinkTime> {
    work.think_ms.map(think_time)
}

fn think_time(Range { low, high }: Range) -> ThinkTime {
    ThinkTime {
        min_ms: narrow(low),
        max_ms: narrow(high),
    }
}

fn mix(mix: &sections::Mix) -> register::Mix {
    register::Mix {
        write: mix.write,
        cas: mix.cas,
        stale_cas: mix.stale_cas,
        read: mix.read,
        delete: mix.delete,
        create: mix.create,
        watch: mix.watch,
        children: mix.children,
        lasting_watch: mix.lasting_watch,
        remove_watch: mix.remove_watch,
        sync: mix.sync,
        multi: mix.multi,
        ephemeral: mix.ephemeral,
        sequential: mix.sequential,
        undecodable: mix.undecodable,
    }
}

/// What watchers watch unless told otherwise.
fn ephemerals_of_holders(scenario: &Scenario) -> Vec<Path> {
    let shares = scenario.shares();
    shares
        .filter(|(work, _)| work.kind == Kind::EphemeralHolder)
        .flat_map(|(_, clients)| clients)
        .map(|client| ephemeral_path(ClientId(client)))
        .collect()
}

/// The machine.
pub fn setup(scenario: &Scenario) -> Setup {
    machine::setup(scenario)
}

/// A number that validation has found small.
fn narrow(value: u64) -> u32 {
    u32::try_from(value).expect("checked when the scenario was read")
}
