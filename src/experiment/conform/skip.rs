//! Scripts that cannot be played everywhere, with the reason (the README of the vectors names them).

use super::Setting;
use super::script::{Mode, Script};

/// Scripts of one server only.
const STANDALONE_ONLY: [(&str, &str); 2] = [
    (
        "raw_unknown_ops",
        "standalone only: its op 16 with an empty body wedges a real ensemble, which commits no write any more",
    ),
    (
        "version_wrap",
        "standalone only: its ctl steps write counters behind the log's back",
    ),
];

const TIMERS: &str = "a leader crash changes its outcome: session timers start anew";
const CLOCKS: &str =
    "a leader crash changes its outcome: an election lasts longer than its ttl steps wait";
const OLD_EPOCH: &str = "a leader crash changes its outcome: its lastZxid lies in the old epoch";
const TWO_CONNECTIONS: &str =
    "a leader crash changes its outcome: it has two live connections of one session";

/// Scripts whose outcome depends on a leader crash.
const WITHOUT_CRASH: [(&str, &str); 7] = [
    ("session_expiry_by_timeout", TIMERS),
    ("timeout_negotiation", TIMERS),
    ("ttl_renewal", CLOCKS),
    ("ens_zxid_ahead", OLD_EPOCH),
    ("reconnect_badpw", OLD_EPOCH),
    ("ens_move_session", TWO_CONNECTIONS),
    ("session_resume_two_conns", TWO_CONNECTIONS),
];

/// Why a script is not played in this setting, if it is not.
pub fn reason_to_skip(script: &Script, setting: &Setting) -> Option<&'static str> {
    let named_in = |list: &[(&str, &'static str)]| {
        let entry = list.iter().find(|(title, _)| *title == script.title);
        entry.map(|(_, reason)| *reason)
    };
    let is_alone = script.mode == Mode::Standalone && setting.servers == 1;
    let is_spared = is_alone && setting.crash_every.is_none();
    let standalone_only = if is_spared {
        None
    } else {
        named_in(&STANDALONE_ONLY)
    };
    let without_crash = setting.crash_every.and_then(|_| named_in(&WITHOUT_CRASH));
    standalone_only.or(without_crash)
}
