//! The zoo: what each defect is, how it is built in, where it is found and which property must catch it. One file per
//! layer of the system; adding a defect is an entry in one of them.

mod broadcast;
mod control;
mod election;
mod library;
mod log;
mod machine;
mod recipe;
mod release;
mod session;
mod sync;
mod watch;

use std::sync::LazyLock;

use super::wrapped::Wrapper;
use crate::check::verdict::Property;
use crate::client;
use crate::zab::rules::Rules;

/// How a defect gets into a run.
#[derive(Clone, Copy, Debug)]
pub enum Built {
    /// A wrapper around every server rewrites its effects.
    Wrapper(Wrapper),
    /// A variant of the servers' design choices.
    Rule(fn(&mut Rules)),
    /// Both.
    WrapperAndRule(Wrapper, fn(&mut Rules)),
    /// A variant of the client library's design choices.
    Client(fn(&mut client::rules::Rules)),
    /// A variant of the recipes' design choices.
    Recipe(fn(&mut client::recipe::rules::Rules)),
}

/// Which part of the system a defect is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Election and discovery.
    Election,
    /// Synchronisation of a learner.
    Sync,
    /// Log, snapshots and what a server recovers from them.
    Log,
    /// Proposals, acks and commits.
    Broadcast,
    /// Preparation and application of transactions.
    StateMachine,
    /// Sessions and ephemerals.
    Session,
    /// Watches and reads.
    Watch,
    /// The client library.
    Client,
    /// What applications build on top.
    Recipe,
}

impl Layer {
    /// Every layer, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::Election,
        Self::Sync,
        Self::Log,
        Self::Broadcast,
        Self::StateMachine,
        Self::Session,
        Self::Watch,
        Self::Client,
        Self::Recipe,
    ];

    /// Its name in commands and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Election => "election",
            Self::Sync => "sync",
            Self::Log => "log",
            Self::Broadcast => "broadcast",
            Self::StateMachine => "state-machine",
            Self::Session => "session",
            Self::Watch => "watch",
            Self::Client => "client",
            Self::Recipe => "recipe",
        }
    }

    /// The layer of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }
}

/// What sort of thing is planted, and what must come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A defect that ZooKeeper had: it must be found.
    Historic {
        /// Its issues, `ZOOKEEPER-<n>`, the best known first.
        issues: &'static [u32],
        /// Which versions have it, in words.
        versions: &'static str,
        /// The property that must catch it.
        breaks: Property,
    },
    /// A defect of our own: it must be found.
    Designed {
        /// The property that must catch it.
        breaks: Property,
    },
    /// Several defects at once: what a release of ZooKeeper does where the default differs.
    Profile {
        /// The release.
        version: &'static str,
        /// The property that must catch it.
        breaks: Property,
    },
    /// Odd, but no defect: it must never be flagged.
    Control {
        /// Why it is legal.
        legal: &'static str,
    },
}

impl Kind {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Historic { .. } => "historic",
            Self::Designed { .. } => "designed",
            Self::Profile { .. } => "profile",
            Self::Control { .. } => "control",
        }
    }

    /// The property that must catch it; `None` = nothing may.
    pub fn breaks(self) -> Option<Property> {
        match self {
            Self::Historic { breaks, .. }
            | Self::Designed { breaks }
            | Self::Profile { breaks, .. } => Some(breaks),
            Self::Control { .. } => None,
        }
    }
}

/// Where a defect is looked for: a family of scenarios with some fields replaced.
#[derive(Clone, Copy, Debug)]
pub struct Hunt {
    /// The file in `scenarios`, without its ending.
    pub family: &'static str,
    /// Fields that are replaced, as `--set` does: the guidance without which random schedules are hopeless.
    pub set: &'static [(&'static str, &'static str)],
    /// What sort of guidance that is, in a few words; empty = the family as it is finds the defect.
    pub guidance: &'static str,
}

impl Hunt {
    /// The swarm of registers, as it is.
    pub const SWARM: Self = Self::family("swarm");
    /// The swarm of znodes of every kind, as it is.
    pub const ZNODES: Self = Self::family("swarm-znodes");

    /// A family as it is.
    pub const fn family(family: &'static str) -> Self {
        Self {
            family,
            set: &[],
            guidance: "",
        }
    }
}

/// One entry of the zoo.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// Its name in scenarios and reports.
    pub id: &'static str,
    /// Where in the system it is.
    pub layer: Layer,
    /// What sort of thing it is, and what must come of it.
    pub kind: Kind,
    /// What goes wrong and how it comes to light, in a paragraph for somebody who knows ZooKeeper.
    pub story: &'static str,
    /// How it is built in.
    pub built: Built,
    /// Where it is looked for.
    pub hunt: Hunt,
}

impl Layer {
    /// A defect that ZooKeeper had (issues, versions), built in as a design choice of the servers.
    const fn historic(
        self,
        id: &'static str,
        (issues, versions): (&'static [u32], &'static str),
        breaks: Property,
        story: &'static str,
        change: fn(&mut Rules),
        hunt: Hunt,
    ) -> Defect {
        Defect {
            id,
            layer: self,
            kind: Kind::Historic {
                issues,
                versions,
                breaks,
            },
            story,
            built: Built::Rule(change),
            hunt,
        }
    }

    /// A defect of our own, built in as a design choice of the servers.
    const fn designed(
        self,
        id: &'static str,
        breaks: Property,
        story: &'static str,
        change: fn(&mut Rules),
        hunt: Hunt,
    ) -> Defect {
        Defect {
            id,
            layer: self,
            kind: Kind::Designed { breaks },
            story,
            built: Built::Rule(change),
            hunt,
        }
    }
}

/// Every entry, in the order of reports.
pub static DEFECTS: LazyLock<Vec<Defect>> = LazyLock::new(|| {
    let layers: [&[Defect]; 14] = [
        &election::DEFECTS,
        &sync::DEFECTS,
        &release::DEFECTS,
        &log::DEFECTS,
        &broadcast::DEFECTS,
        &machine::DEFECTS,
        &session::DEFECTS,
        &watch::DEFECTS,
        &watch::LASTING,
        &watch::HISTORIC,
        &watch::READS,
        &library::DEFECTS,
        &recipe::DEFECTS,
        &control::DEFECTS,
    ];
    layers.concat()
});

/// What the defects of a scenario change.
#[derive(Debug)]
pub struct Planted {
    /// The servers' design choices.
    pub rules: Rules,
    /// The clients' design choices.
    pub client_rules: client::rules::Rules,
    /// What is put around every server.
    pub wrappers: Vec<Wrapper>,
}

impl Defect {
    /// The entry of that name.
    pub fn by_id(id: &str) -> Option<&'static Self> {
        DEFECTS.iter().find(|defect| defect.id == id)
    }

    /// What the defects of these names make of the servers' design choices and of everything else; unknown names are
    /// left out (the scenario reader has refused them).
    pub fn plant(ids: &[String], rules: Rules) -> Planted {
        let mut planted = Planted {
            rules,
            client_rules: client::rules::Rules::default(),
            wrappers: Vec::new(),
        };
        for defect in ids.iter().filter_map(|id| Self::by_id(id)) {
            match defect.built {
                Built::Wrapper(wrapper) => planted.wrappers.push(wrapper),
                Built::Rule(apply) => apply(&mut planted.rules),
                Built::WrapperAndRule(wrapper, apply) => {
                    planted.wrappers.push(wrapper);
                    apply(&mut planted.rules);
                }
                Built::Client(apply) => apply(&mut planted.client_rules),
                Built::Recipe(apply) => apply(&mut planted.client_rules.recipe),
            }
        }
        planted
    }

    /// What makes its family one in which it is planted and hunted: fields to replace, as `--set` takes them.
    pub fn overrides(&self) -> Vec<String> {
        let guidance = self.hunt.set.iter();
        std::iter::once(format!("mutants=[\"{}\"]", self.id))
            .chain(guidance.map(|(path, value)| format!("{path}={value}")))
            .collect()
    }

    /// The first sentence of its story.
    pub fn gist(&self) -> &'static str {
        match self.story.find(". ") {
            Some(end) => &self.story[..=end],
            None => self.story,
        }
    }

    /// The scenario that shows it, from the root of the project; a control has none.
    pub fn scenario(&self) -> Option<String> {
        self.kind
            .breaks()
            .map(|_| format!("scenarios/zoo/{}.json", self.id))
    }
}
