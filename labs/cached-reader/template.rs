//! Lab 10, cached reader: the application asks again and again for /config; ask the server as seldom as possible.

use zablab::lab::{Action, Client, Event, Solution};

const CONFIG: &str = "/config";

/// Your client; a new one is made for each life of a client.
#[derive(Default)]
pub struct Mine {
    tag: u64,
    is_connected: bool,
    is_wanted: bool,
}

impl Client for Mine {
    /// What the client does about an event. `Read` comes once; the next comes after you have answered `Serve`.
    fn on(&mut self, event: &Event) -> Vec<Action> {
        match event {
            Event::Connected { .. } => {
                self.is_connected = true;
                self.read()
            }
            Event::Disconnected {} | Event::Expired {} => {
                self.is_connected = false;
                vec![]
            }
            Event::Read {} => {
                self.is_wanted = true;
                self.read()
            }
            Event::Reply { data, .. } => self.serve(data.clone()),
            Event::Refused { .. } => self.serve(None),
            Event::Lost { .. } => self.read(),
            _ => vec![],
        }
    }
}

impl Mine {
    /// Asks the server each time. When is that not necessary?
    fn read(&mut self) -> Vec<Action> {
        if !self.is_wanted || !self.is_connected {
            return vec![];
        }
        self.tag += 1;
        vec![Action::Get {
            tag: self.tag,
            path: CONFIG.to_owned(),
            watch: false,
        }]
    }

    fn serve(&mut self, data: Option<String>) -> Vec<Action> {
        if !self.is_wanted {
            return vec![];
        }
        self.is_wanted = false;
        vec![Action::Serve { data }]
    }
}

/// What is graded.
pub fn solution() -> Solution {
    Solution::client(Mine::default)
}
