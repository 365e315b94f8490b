//! Sequential names: under one parent the suffixes grow with the zxids, whatever their prefixes (semantics.md §2.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::timeline::Key;
use super::{Judged, LinearMonitor, stories};
use crate::base::zxid::Zxid;
use crate::check::evidence;
use crate::check::verdict::At;
use crate::check::wording::Witness;
use crate::history::op::{Path, Request, Response};

/// A sequential create that was answered.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    suffix: i64,
    path: Path,
    by: Witness,
}

/// Names kept per parent.
const KEPT: usize = 1024;

impl LinearMonitor {
    /// Every sequential name of an answered write has its place among its siblings.
    pub(super) fn check_sequence(
        &mut self,
        at: At,
        witness: &Witness,
        response: &Response,
        zxid: Zxid,
    ) -> Judged {
        let parts = evidence::parts(&witness.request);
        if let Response::Multi(results) = response {
            for (part, result) in parts.iter().zip(results) {
                if let Ok(response) = result {
                    self.check_name(at, witness, part, response, zxid)?;
                }
            }
            Ok(())
        } else {
            self.check_name(at, witness, &witness.request, response, zxid)
        }
    }

    fn check_name(
        &mut self,
        at: At,
        witness: &Witness,
        part: &Request,
        response: &Response,
        zxid: Zxid,
    ) -> Judged {
        let Request::Create {
            path: asked, flags, ..
        } = part
        else {
            return Ok(());
        };
        let (Response::Path(path) | Response::PathStat(path, _)) = response else {
            return Ok(());
        };
        if !evidence::is_sequential(*flags) {
            return Ok(());
        }
        let suffix = path.strip_prefix(&**asked);
        let Some(suffix) = suffix.and_then(|suffix| suffix.parse::<i64>().ok()) else {
            return Err(stories::misnamed(at, witness, asked, path));
        };
        let Some(parent) = evidence::parent(path) else {
            return Ok(());
        };
        let numbered = Numbered {
            suffix,
            path: Arc::clone(path),
            by: witness.clone(),
        };
        let siblings = self.sequences.entry(Path::from(parent)).or_default();
        let before = siblings.range(..zxid).next_back();
        let after = siblings.range(zxid.next()..).next();
        let lives = self.keys.get(parent);
        for (earlier, later) in [
            before.map(|(at, one)| ((*at, one), (zxid, &numbered))),
            after.map(|(at, one)| ((zxid, &numbered), (*at, one))),
        ]
        .into_iter()
        .flatten()
        {
            if later.1.suffix <= earlier.1.suffix && is_one_life(lives, earlier.0, later.0) {
                return Err(stories::out_of_sequence(
                    at,
                    (&earlier.1.by, &earlier.1.path),
                    (&later.1.by, &later.1.path),
                ));
            }
        }
        // Of several names in one transaction the last has the largest number.
        siblings.insert(zxid, numbered);
        if siblings.len() > KEPT {
            siblings.pop_first();
        }
        Ok(())
    }
}

/// Whether the parent cannot have been deleted and made anew between two creates, which would start its counter again.
fn is_one_life(parent: Option<&Key>, earlier: Zxid, later: Zxid) -> bool {
    parent.is_none_or(|key| {
        !key.mortal
            && key.unresolved.is_empty()
            && earlier > key.floor()
            && !key
                .marks
                .from(earlier)
                .take_while(|(at, _)| *at <= later)
                .any(|(at, mark)| mark.change && mark.begins_or_ends(at))
    })
}

/// The names of one parent.
pub(super) type Siblings = BTreeMap<Zxid, Numbered>;
