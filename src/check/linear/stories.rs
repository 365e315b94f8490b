//! The contradictions of `linearizable-writes`, each told with two or three operations (checkers.md §3.6).

use super::holes::{Hole, HoleKind};
use super::timeline::{Account, Clash, Key, Mark};
use super::{Judged, Pending, Watermark};
use crate::base::zxid::Zxid;
use crate::check::evidence::{Know, Version};
use crate::check::verdict::{At, Property, Sentence, Violation};
use crate::check::wording::{self, Witness};
use crate::history::op::{Path, Request, Response};

fn tell(
    at: At,
    signature: &'static str,
    evidence: Vec<Sentence>,
    contradiction: String,
) -> Violation {
    wording::violation(
        Property::LinearizableWrites,
        at,
        signature,
        evidence,
        contradiction,
    )
    .with_also(&[Property::SequentialConsistency])
}

/// A write that a reply already showed at one zxid must say so itself.
pub(super) fn check_bound(at: At, pending: &Pending, placed: Option<Zxid>) -> Judged {
    let witness = &pending.witness;
    match pending.bound {
        None => Ok(()),
        Some(bound) if placed == Some(bound) && witness.error().is_none() => Ok(()),
        Some(bound) => Err(tell(
            at,
            "answer-contradicts-effect",
            vec![witness.sentence_with_status()],
            format!(
                "a read had already shown the effect of {} at zxid {bound}",
                witness.name()
            ),
        )),
    }
}

/// A write that was never sent cannot have taken effect.
pub(super) fn never_sent(at: At, witness: &Witness, zxid: Zxid) -> Violation {
    tell(
        at,
        "answer-contradicts-effect",
        vec![witness.sentence_with_status()],
        format!(
            "{} was never sent, yet a read showed its effect at zxid {zxid}",
            witness.name()
        ),
    )
}

/// Real time and the session's order agree with the order of zxids.
pub(super) fn check_order(
    at: At,
    pending: &Pending,
    zxid: Zxid,
    session: Option<&Watermark>,
) -> Judged {
    let witness = &pending.witness;
    if zxid.is_label() {
        return Err(tell(
            at,
            "zxid-is-a-label",
            vec![witness.sentence_with_status()],
            format!("{zxid} starts an epoch and belongs to no write"),
        ));
    }
    if let Some(session) = session
        && session.sequence < pending.sequence
        && zxid <= session.zxid
        && let Some(earlier) = &session.by
    {
        return Err(tell(
            at,
            "session-order",
            vec![earlier.sentence_with_status(), began(witness)],
            format!(
                "{} follows it in the same session, yet took effect at zxid {zxid}, not after {}",
                witness.name(),
                session.zxid
            ),
        ));
    }
    if zxid <= pending.above
        && let Some(earlier) = &pending.above_by
    {
        return Err(tell(
            at,
            "real-time-order",
            vec![earlier.sentence_with_status(), began(witness)],
            format!(
                "{} began after zxid {} had been shown, yet took effect at {zxid}",
                witness.name(),
                pending.above
            ),
        )
        // Sequential consistency knows no real time across sessions.
        .with_also(&[]));
    }
    Ok(())
}

fn began(witness: &Witness) -> Sentence {
    Sentence {
        at: witness.invoked,
        text: format!("{} began", witness.name()),
    }
}

/// Two writes under one zxid.
pub(super) fn double_zxid(at: At, one: &Witness, two: &Witness, zxid: Zxid) -> Violation {
    tell(
        at,
        "double-zxid",
        vec![one.sentence_with_status(), two.sentence_with_status()],
        format!("zxid {zxid} was given to both of them"),
    )
}

/// A reply shows a change under the zxid of a write that did not make it.
pub(super) fn other_write(
    at: At,
    path: &Path,
    zxid: Zxid,
    seen: &Witness,
    author: &Witness,
) -> Violation {
    tell(
        at,
        "change-of-another-write",
        vec![seen.sentence_with_status(), author.sentence_with_status()],
        format!(
            "{path} was shown as changed at zxid {zxid}, but that is {} which did not change it",
            author.name()
        ),
    )
}

/// The answer of a successful write speaks of its own zxid and of the version it expected.
pub(super) fn check_answer(at: At, witness: &Witness, response: &Response, zxid: Zxid) -> Judged {
    if let (Request::Multi(parts), Response::Multi(results)) = (&*witness.request, response) {
        if results.iter().any(Result::is_err) {
            return Ok(());
        }
        for (part, result) in parts.iter().zip(results) {
            if let Ok(response) = result {
                check_part(at, witness, part, response, zxid)?;
            }
        }
        Ok(())
    } else {
        check_part(at, witness, &witness.request, response, zxid)
    }
}

fn check_part(
    at: At,
    witness: &Witness,
    part: &Request,
    response: &Response,
    zxid: Zxid,
) -> Judged {
    if let (Request::SetAcl { version, .. }, Response::Stat(stat)) = (part, response)
        && *version != -1
        && stat.aversion.wrapping_sub(1) != *version
    {
        return Err(tell(
            at,
            "cas-wrongly-passed",
            vec![witness.sentence_with_status()],
            format!(
                "{} made ACL version {}, so it passed although the version was {}",
                wording::request(part),
                stat.aversion,
                stat.aversion.wrapping_sub(1)
            ),
        ));
    }
    let (expected, stat) = match (part, response) {
        (Request::SetData { version, .. }, Response::Stat(stat)) => (*version, stat),
        (Request::Create { .. }, Response::PathStat(_, stat)) => (-1, stat),
        _ => return Ok(()),
    };
    if stat.mzxid != zxid {
        return Err(tell(
            at,
            "status-of-another-write",
            vec![witness.sentence_with_status()],
            format!(
                "its answer says that {} was last changed at {}, not by this write at {zxid}",
                wording::request(part),
                stat.mzxid
            ),
        ));
    }
    if expected != -1 && stat.version.wrapping_sub(1) != expected {
        return Err(tell(
            at,
            "cas-wrongly-passed",
            vec![witness.sentence_with_status()],
            format!(
                "{} made version {}, so it passed although the version was {}",
                wording::request(part),
                stat.version,
                stat.version.wrapping_sub(1)
            ),
        ));
    }
    Ok(())
}

/// A sequential name that is not the asked one with a number.
pub(super) fn misnamed(at: At, witness: &Witness, asked: &Path, path: &Path) -> Violation {
    tell(
        at,
        "name-without-number",
        vec![witness.sentence_with_status()],
        format!("{path} is not {asked} with a sequence number"),
    )
}

/// Sequence numbers that do not grow.
pub(super) fn out_of_sequence(
    at: At,
    earlier: (&Witness, &Path),
    later: (&Witness, &Path),
) -> Violation {
    tell(
        at,
        "sequence-went-back",
        vec![
            earlier.0.sentence_with_status(),
            later.0.sentence_with_status(),
        ],
        format!(
            "{} was named after {} under the same parent, yet its number is no larger",
            later.1, earlier.1
        ),
    )
}

/// Why two accounts of one change of one znode cannot both be true.
pub(super) fn difference(shown: Account<'_>, other: Account<'_>) -> Option<String> {
    if shown.change != other.change {
        return Some(
            "one of them says that it was changed there, the other that it was not".into(),
        );
    }
    if let (Some(one), Some(two)) = (shown.data, other.data)
        && one != two
    {
        return Some(format!(
            "the data is {} for one and {} for the other",
            wording::data(one),
            wording::data(two)
        ));
    }
    match (shown.after, other.after) {
        (
            Know::Present { czxid, version },
            Know::Present {
                czxid: other_czxid,
                version: other_version,
            },
        ) => {
            if let (Some(one), Some(two)) = (czxid, other_czxid)
                && one != two
            {
                return Some(format!(
                    "the znode was born at {one} for one and at {two} for the other"
                ));
            }
            match (version, other_version) {
                (Version::Is(one), Version::Is(two)) if one != two => Some(format!(
                    "the version is {one} for one and {two} for the other"
                )),
                (Version::Is(_) | Version::Any | Version::Not(_), _) => None,
            }
        }
        (Know::Absent, Know::Present { .. }) | (Know::Present { .. }, Know::Absent) => {
            Some("the znode exists for one and is gone for the other".into())
        }
        (Know::Nothing, _) | (_, Know::Nothing) | (Know::Absent, Know::Absent) => None,
    }
}

/// Two accounts of one change differ.
pub(super) fn shown_differently(
    at: At,
    path: &Path,
    seen: &Witness,
    other: &Witness,
    why: &str,
) -> Violation {
    tell(
        at,
        "phantom-data",
        vec![seen.sentence_with_status(), other.sentence_with_status()],
        format!("both speak of the same change of {path}, but {why}"),
    )
}

/// Two neighbouring states of one znode exclude each other.
pub(super) fn clash(at: At, path: &Path, key: &Key, clash: Clash) -> Violation {
    let lower = key.mark(clash.lower);
    let upper = key.mark(clash.upper);
    let between = clash.between.map(|zxid| (zxid, key.mark(zxid)));
    let evidence = [Some(lower), between.map(|(_, mark)| mark), Some(upper)]
        .into_iter()
        .flatten()
        .filter_map(Mark::witness)
        .map(|witness| witness.sentence_with_status())
        .collect();
    let signature = match (lower.after, upper.before) {
        (
            Know::Present {
                czxid: one,
                version: low,
            },
            Know::Present {
                czxid: two,
                version: high,
            },
        ) => match (low, high) {
            _ if one.is_some() && two.is_some() && one != two => "lives-overlap",
            (Version::Is(low), Version::Is(high)) if low == high.wrapping_add(1) => {
                "double-version"
            }
            (Version::Is(_) | Version::Any | Version::Not(_), _) => "version-order",
        },
        (Know::Nothing | Know::Absent | Know::Present { .. }, _) => "lives-overlap",
    };
    if let Some((zxid, mark)) = between {
        let refused = mark
            .author
            .as_ref()
            .is_some_and(|author| author.error().is_some());
        return tell(
            at,
            if refused {
                "failed-wrongly"
            } else {
                "cas-wrongly-passed"
            },
            evidence,
            format!(
                "{path} {} after zxid {} and {} before {}, so it cannot be that it {} at {zxid}",
                state(lower.after),
                clash.lower,
                state(upper.before),
                clash.upper,
                state(mark.before)
            ),
        );
    }
    tell(
        at,
        signature,
        evidence,
        format!(
            "{path} {} after zxid {}, so it cannot be that it {} just before zxid {}",
            state(lower.after),
            clash.lower,
            state(upper.before),
            clash.upper
        ),
    )
}

fn state(know: Know) -> String {
    match know {
        Know::Nothing => "is unknown".into(),
        Know::Absent => "does not exist".into(),
        Know::Present { czxid, version } => {
            let version = match version {
                Version::Any => String::from("exists"),
                Version::Is(version) => format!("has version {version}"),
                Version::Not(version) => format!("has not version {version}"),
            };
            match czxid {
                Some(czxid) => format!("{version} (born at {czxid})"),
                None => version,
            }
        }
    }
}

/// Changes that nobody can have made.
pub(super) fn unexplained(
    at: At,
    path: &Path,
    key: &Key,
    hole: &Hole,
    needed: usize,
    candidates: &[&Pending],
) -> Violation {
    let lower = key.marks.before(hole.above.next()).next_back();
    let upper = key.marks.first_from(hole.above.next());
    let mut evidence: Vec<Sentence> = [lower, upper]
        .into_iter()
        .flatten()
        .filter_map(|(_, mark)| mark.witness())
        .map(|witness| witness.sentence_with_status())
        .collect();
    evidence.extend(
        candidates
            .iter()
            .take(1)
            .map(|pending| pending.witness.sentence_with_status()),
    );
    let upper = upper.map(|(_, mark)| mark);
    let signature = signature_of(hole, upper);
    let what = match hole.kind {
        HoleKind::Create => format!("{path} was created"),
        HoleKind::Delete(_) => format!("{path} was deleted"),
        HoleKind::Set(version, _) => format!("{path} got version {version}"),
        HoleKind::Either => format!("{path} was changed"),
    };
    let data = match &hole.data {
        Some(data) => format!(" with data {}", wording::data(data)),
        None => String::new(),
    };
    let who = match (candidates.len(), needed) {
        (0, _) => String::from("no write whose outcome is unknown could have done it"),
        (count, _) => format!(
            "none of the {count} writes of unknown outcome is left to have done it ({needed} unexplained changes)"
        ),
    };
    tell(
        at,
        signature,
        evidence,
        format!(
            "{what}{data} between zxid {} and {} by no acknowledged write, and {who}",
            hole.above, hole.below
        ),
    )
}

fn signature_of(hole: &Hole, upper: Option<&Mark>) -> &'static str {
    let Some(upper) = upper else { return "hole" };
    if upper.is_unauthored() && hole.above.next().next() == hole.below {
        return "phantom-data";
    }
    match (&upper.author, upper.change) {
        (Some(author), false) if author.error().is_some() => "failed-wrongly",
        (Some(_), false) => "cas-wrongly-passed",
        (Some(author), true)
            if matches!(
                *author.request,
                Request::Create { .. } | Request::Delete { .. }
            ) =>
        {
            "cas-wrongly-passed"
        }
        (Some(_), true) | (None, _) => "hole",
    }
}
