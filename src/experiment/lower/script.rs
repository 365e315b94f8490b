//! From the steps of a script to requests.

use std::sync::Arc;

use crate::base::time::Span;
use crate::client::workload::open_acl;
use crate::client::workload::script::{Settings, Step};
use crate::experiment::scenario::sections::{self, Deed};
use crate::history::op::{CreateOp, Path, Request, flags};

/// Modes of addWatch (`AddWatchMode`).
const PERSISTENT: i32 = 0;
const PERSISTENT_RECURSIVE: i32 = 1;

/// The program of a script.
pub(super) fn settings(steps: &[sections::Step]) -> Settings {
    let step = |step: &sections::Step| Step {
        at: step.at_ms.map(Span::from_ms),
        request: request(step),
    };
    Settings {
        steps: steps.iter().map(step).collect(),
    }
}

fn request(step: &sections::Step) -> Request {
    let path = Path::from(step.path.as_str());
    let data = Some(Arc::from(step.data.as_bytes()));
    let create = |flags| Request::Create {
        op: CreateOp::Create2,
        path: Path::clone(&path),
        data: Some(Arc::from(step.data.as_bytes())),
        acl: Some(open_acl()),
        flags,
        ttl: -1,
    };
    let (version, watch) = (step.version, step.watch);
    match step.run {
        Deed::Create => create(flags::PERSISTENT),
        Deed::Ephemeral => create(flags::EPHEMERAL),
        Deed::Sequential => create(flags::SEQUENTIAL),
        Deed::EphemeralSequential => create(flags::EPHEMERAL_SEQUENTIAL),
        Deed::Set => Request::SetData {
            path,
            data,
            version,
        },
        Deed::Delete => Request::Delete { path, version },
        Deed::Get => Request::GetData { path, watch },
        Deed::Exists => Request::Exists { path, watch },
        Deed::Children => Request::GetChildren {
            path,
            watch,
            stat: true,
        },
        Deed::Sync => Request::Sync { path },
        Deed::Watch => Request::AddWatch {
            path,
            mode: PERSISTENT,
        },
        Deed::WatchRecursive => Request::AddWatch {
            path,
            mode: PERSISTENT_RECURSIVE,
        },
        Deed::Close => Request::CloseSession,
    }
}
