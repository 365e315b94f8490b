//! Configuration watch (semantics.md §8.11): the first client publishes, the others always use the newest.
//!
//! Readers with an odd number in the group read with a one-shot watch and read again after each event; those with an even
//! number keep a persistent watch and read after each event and each gap. Between a read and its watch nothing is lost, as
//! both are one request.

use super::desk::Turn;
use super::rules::{ConfigAge, ConfigGap, ConfigRead, ConfigWatch};
use crate::base::zxid::Zxid;
use crate::client::workload::create;
use crate::history::op::{ErrorCode, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::Step;

const CONFIG: &str = "/config";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    // The publisher's.
    Publishing,
    Founding,
    // The readers'.
    AddingWatch,
    Reading,
    Arming,
    /// The configuration is in use; events tell of changes.
    Watching,
}

/// The publisher, or a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    stage: Stage,
    /// The configuration in use.
    used: Zxid,
    /// Another event came while a read was under way.
    is_stale: bool,
    /// Whether a watch has been set before.
    has_watched: bool,
}

impl Config {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Resting,
            used: Zxid::ZERO,
            is_stale: false,
            has_watched: false,
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Resting && turn.begin() {
            if turn.index() == 0 {
                self.publish(turn);
            } else {
                self.start(turn);
            }
        }
    }

    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage, result) {
            (Stage::Publishing, Err(ErrorCode::NoNode)) => {
                turn.ask(create(CONFIG.into(), None, flags::PERSISTENT));
                self.stage = Stage::Founding;
            }
            (Stage::Publishing | Stage::Founding, _) => {
                self.stage = Stage::Resting;
                turn.rest();
            }
            (Stage::AddingWatch, _) => self.read(turn),
            (Stage::Reading, Ok(Response::Data(_, stat))) => {
                self.use_config(stat.mzxid, turn);
                self.on_read(turn);
            }
            (Stage::Reading, Err(_)) => self.arm(turn),
            (Stage::Arming, _) if self.used == Zxid::ZERO && result.is_ok() => self.read(turn),
            (Stage::Arming, _) => self.watch(turn),
            (Stage::Reading | Stage::Resting | Stage::Watching, _) => {}
        }
    }

    /// Connected again, in this session or in a new one.
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (self.stage, lost) {
            (Stage::Publishing | Stage::Founding, Some(_)) => self.publish(turn),
            (Stage::AddingWatch, Some(_)) => self.start(turn),
            (Stage::Reading | Stage::Arming, Some(_)) => self.read(turn),
            (Stage::Watching, None) if is_persistent(turn) => match turn.rules().config_gap {
                ConfigGap::ReadsAfterGaps => self.read(turn),
                ConfigGap::TrustsEvents => {}
            },
            (_, None) | (Stage::Resting | Stage::Watching, Some(_)) => {}
        }
    }

    /// A new session has no watches.
    pub(super) fn on_expired(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        if turn.index() == 0 {
            self.on_again(lost, turn);
        } else if self.stage != Stage::Resting {
            self.has_watched = false;
            self.start(turn);
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        if &*event.path != CONFIG {
            return;
        }
        match self.stage {
            Stage::Watching => self.read(turn),
            Stage::Reading | Stage::Arming => self.is_stale = true,
            Stage::Resting | Stage::Publishing | Stage::Founding | Stage::AddingWatch => {}
        }
    }

    fn publish(&mut self, turn: &mut Turn<'_, '_>) {
        let text = format!("{}", turn.round());
        turn.ask(Request::SetData {
            path: CONFIG.into(),
            data: Some(text.into_bytes().into()),
            version: -1,
        });
        self.stage = Stage::Publishing;
    }

    fn start(&mut self, turn: &mut Turn<'_, '_>) {
        if is_persistent(turn) {
            let path = CONFIG.into();
            turn.ask(Request::AddWatch { path, mode: 0 });
            self.stage = Stage::AddingWatch;
        } else {
            self.read(turn);
        }
    }

    fn read(&mut self, turn: &mut Turn<'_, '_>) {
        let rules = turn.rules();
        let sets_again = match rules.config_watch {
            ConfigWatch::Again => true,
            ConfigWatch::Once => !self.has_watched,
        };
        let in_one = match rules.config_read {
            ConfigRead::InOne => true,
            ConfigRead::ReadThenWatch => false,
        };
        let watch = !is_persistent(turn) && sets_again && in_one;
        self.has_watched = true;
        self.is_stale = false;
        let path: Path = CONFIG.into();
        turn.ask(Request::GetData { path, watch });
        self.stage = Stage::Reading;
    }

    fn on_read(&mut self, turn: &mut Turn<'_, '_>) {
        let sets_later = turn.rules().config_read != ConfigRead::InOne;
        if sets_later && !is_persistent(turn) {
            self.arm(turn);
        } else {
            self.watch(turn);
        }
    }

    fn arm(&mut self, turn: &mut Turn<'_, '_>) {
        let path = CONFIG.into();
        turn.ask(Request::Exists { path, watch: true });
        self.stage = Stage::Arming;
    }

    fn watch(&mut self, turn: &mut Turn<'_, '_>) {
        self.stage = Stage::Watching;
        if std::mem::take(&mut self.is_stale) {
            self.read(turn);
        }
    }

    fn use_config(&mut self, mzxid: Zxid, turn: &mut Turn<'_, '_>) {
        let is_used = match turn.rules().config_age {
            ConfigAge::Newest => mzxid > self.used,
            ConfigAge::LastRead => mzxid != self.used,
        };
        if is_used {
            self.used = mzxid;
            let config = CONFIG.into();
            turn.tell(Step::Configured { config, mzxid });
        }
    }
}

fn is_persistent(turn: &Turn<'_, '_>) -> bool {
    turn.index() > 0 && turn.index().is_multiple_of(2)
}
