//! A reader that reads again only what has changed (semantics.md §8.11).
//!
//! One read leaves a one-shot watch: nothing is lost between them. A read that finds no znode leaves none, so that what it
//! says is not kept.

use super::Tags;
use crate::client::recipe::outside::{Action, CONFIG, Event};
use crate::lab::Client;

/// Serves what it has read until it is told of a change.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    tags: Tags,
    cached: Option<String>,
    /// Whether a watch will tell if what is cached changes.
    is_watched: bool,
    is_connected: bool,
    /// The application waits.
    is_wanted: bool,
}

impl Client for Reader {
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Read {} => {
                self.is_wanted = true;
                self.serve_or_read()
            }
            Event::Connected { new_session } => {
                self.is_connected = true;
                self.is_watched &= !new_session;
                self.serve_or_read()
            }
            Event::Disconnected {} => {
                self.is_connected = false;
                Vec::new()
            }
            Event::Expired {} => {
                self.is_connected = false;
                self.is_watched = false;
                Vec::new()
            }
            Event::Changed { .. } => {
                self.is_watched = false;
                Vec::new()
            }
            Event::Reply { tag, data, .. } if self.tags.takes(*tag) => {
                self.cached.clone_from(data);
                self.is_watched = true;
                self.serve_or_read()
            }
            Event::Refused { tag, .. } if self.tags.takes(*tag) => {
                self.is_watched = false;
                self.is_wanted = false;
                vec![Action::Serve { data: None }]
            }
            Event::Lost { tag, .. } if self.tags.takes(*tag) => self.serve_or_read(),
            Event::Start { .. }
            | Event::Reply { .. }
            | Event::Refused { .. }
            | Event::Lost { .. }
            | Event::Add {}
            | Event::Acquire {}
            | Event::Release {} => Vec::new(),
        }
    }
}

impl Reader {
    fn serve_or_read(&mut self) -> Vec<Action> {
        if !self.is_wanted || !self.is_connected || self.tags.awaited.is_some() {
            return Vec::new();
        }
        if self.is_watched {
            self.is_wanted = false;
            let data = self.cached.clone();
            return vec![Action::Serve { data }];
        }
        vec![Action::Get {
            tag: self.tags.next(),
            path: CONFIG.to_owned(),
            watch: true,
        }]
    }
}
