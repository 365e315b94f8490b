//! Group membership (semantics.md §8.8): each client is a member by an ephemeral of its name, and watches who else is.

use super::desk::Turn;
use super::names::within;
use super::rules::{JoinExists, Rejoin, ViewWatch};
use crate::client::workload::create;
use crate::history::op::{ErrorCode, Path, Request, Response, WatchEvent, flags};
use crate::history::recipe::Step;

const GROUP: &str = "/members";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Resting,
    Founding,
    Joining,
    /// The name is taken.
    Replacing,
    Viewing,
    /// It is a member and knows the others.
    Watching,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    stage: Stage,
    /// Whether a view has been taken before.
    has_viewed: bool,
    has_joined: bool,
}

impl Member {
    pub(super) fn new() -> Self {
        Self {
            stage: Stage::Resting,
            has_viewed: false,
            has_joined: false,
        }
    }

    pub(super) fn on_think(&mut self, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Resting && turn.begin() {
            turn.tell(Step::Member {
                group: GROUP.into(),
                name: name(turn),
            });
            self.join(turn);
        }
    }

    #[expect(
        clippy::match_same_arms,
        reason = "a table of stages, in the order in which they come"
    )]
    pub(super) fn on_reply(
        &mut self,
        result: &Result<Response, ErrorCode>,
        turn: &mut Turn<'_, '_>,
    ) {
        match (self.stage, result) {
            (Stage::Joining, Err(ErrorCode::NoNode)) => {
                turn.ask(create(GROUP.into(), None, flags::PERSISTENT));
                self.stage = Stage::Founding;
            }
            (Stage::Joining, Err(ErrorCode::NodeExists)) => match turn.rules().join {
                // If the own create was lost and done, removing it costs nothing but a moment.
                JoinExists::Replaces => self.replace(turn),
                JoinExists::Accepts => self.view(turn),
            },
            (Stage::Founding | Stage::Replacing | Stage::Joining, Err(_))
            | (Stage::Founding | Stage::Replacing, Ok(_)) => self.join(turn),
            (Stage::Joining, Ok(_)) => self.view(turn),
            (Stage::Viewing, Ok(Response::Children(names, _))) => {
                turn.tell(Step::Viewed {
                    group: GROUP.into(),
                    members: names.clone(),
                });
                self.stage = Stage::Watching;
            }
            (Stage::Viewing, _) => self.view(turn),
            (Stage::Resting | Stage::Watching, _) => {}
        }
    }

    /// Connected again, in this session.
    pub(super) fn on_again(&mut self, lost: Option<bool>, turn: &mut Turn<'_, '_>) {
        match (self.stage, lost) {
            (Stage::Joining | Stage::Founding | Stage::Replacing, Some(_)) => self.join(turn),
            (Stage::Viewing, Some(_)) => self.view(turn),
            (_, None) | (Stage::Resting | Stage::Watching, Some(_)) => {}
        }
    }

    /// The former session is over, and its ephemerals and watches with it, here or soon.
    pub(super) fn on_new_session(&mut self, turn: &mut Turn<'_, '_>) {
        self.has_viewed = false;
        match (self.stage, turn.rules().rejoin) {
            (Stage::Resting, _) => {}
            (_, Rejoin::Always) => self.join(turn),
            (_, Rejoin::Never) if !self.has_joined => self.join(turn),
            (_, Rejoin::Never) => self.view(turn),
        }
    }

    pub(super) fn on_event(&mut self, event: &WatchEvent, turn: &mut Turn<'_, '_>) {
        if self.stage == Stage::Watching && &*event.path == GROUP {
            self.view(turn);
        }
    }

    fn join(&mut self, turn: &mut Turn<'_, '_>) {
        let path = within(GROUP, &name(turn));
        turn.ask(create(path, None, flags::EPHEMERAL));
        self.stage = Stage::Joining;
    }

    fn replace(&mut self, turn: &mut Turn<'_, '_>) {
        let path = within(GROUP, &name(turn));
        turn.ask(Request::Delete { path, version: -1 });
        self.stage = Stage::Replacing;
    }

    fn view(&mut self, turn: &mut Turn<'_, '_>) {
        self.has_joined = true;
        let watch = match turn.rules().view {
            ViewWatch::OnEachChange => true,
            ViewWatch::Once => !self.has_viewed,
        };
        self.has_viewed = true;
        turn.ask(Request::GetChildren {
            path: GROUP.into(),
            watch,
            stat: false,
        });
        self.stage = Stage::Viewing;
    }
}

fn name(turn: &Turn<'_, '_>) -> Path {
    format!("c{}", turn.client().0).into()
}
