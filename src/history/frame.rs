//! How long a request is on the wire (jute, semantics.md §7): servers drop connections that send too long frames.

use super::op::{Acl, CreateOp, Data, Path, Request};

/// Bytes of a request's frame after its length word.
pub fn frame_bytes(request: &Request) -> usize {
    const HEADER: usize = 8;
    HEADER + body_bytes(request)
}

fn body_bytes(request: &Request) -> usize {
    const INT: usize = 4;
    const LONG: usize = 8;
    const BOOL: usize = 1;
    match request {
        Request::Create {
            op,
            path,
            data,
            acl,
            ..
        } => {
            let ttl = if *op == CreateOp::Ttl { LONG } else { 0 };
            text(path) + buffer(data) + list(acl.as_ref()) + INT + ttl
        }
        Request::Delete { path, .. }
        | Request::Check { path, .. }
        | Request::AddWatch { path, .. }
        | Request::CheckWatches { path, .. }
        | Request::RemoveWatches { path, .. } => text(path) + INT,
        Request::SetData { path, data, .. } => text(path) + buffer(data) + INT,
        Request::SetAcl { path, acl, .. } => text(path) + list(acl.as_ref()) + INT,
        Request::Exists { path, .. }
        | Request::GetData { path, .. }
        | Request::GetChildren { path, .. } => text(path) + BOOL,
        Request::DeleteContainer { path }
        | Request::GetAllChildrenNumber { path }
        | Request::GetEphemerals { prefix: path }
        | Request::GetAcl { path }
        | Request::Sync { path } => text(path),
        Request::Multi(requests) | Request::MultiRead(requests) => {
            // A header before each operation and one at the end.
            let header = INT + BOOL + INT;
            requests
                .iter()
                .map(|request| header + body_bytes(request))
                .sum::<usize>()
                + header
        }
        Request::SetWatches(lists) => {
            let every = [
                &lists.data,
                &lists.exist,
                &lists.child,
                &lists.persistent,
                &lists.recursive,
            ];
            // setWatches knows three lists, setWatches2 five.
            let is_first = lists.persistent.is_empty() && lists.recursive.is_empty();
            let shown = if is_first { &every[..3] } else { &every[..] };
            let paths = |paths: &&Vec<Path>| INT + paths.iter().map(text).sum::<usize>();
            LONG + shown.iter().map(paths).sum::<usize>()
        }
        Request::Auth { scheme, auth } => INT + text(scheme) + INT + auth.len(),
        Request::WhoAmI | Request::CloseSession | Request::Raw { .. } => 0,
    }
}

/// A string: its length and its bytes.
fn text(text: &Path) -> usize {
    4 + text.len()
}

fn buffer(data: &Data) -> usize {
    4 + data.as_ref().map_or(0, |data| data.len())
}

fn list(acl: Option<&Acl>) -> usize {
    let entries = acl.into_iter().flat_map(|acl| acl.iter());
    4 + entries
        .map(|entry| 4 + text(&entry.scheme) + text(&entry.id))
        .sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::op::SetWatches;

    fn set_data(bytes: usize) -> Request {
        Request::SetData {
            path: "/a".into(),
            data: Some(vec![0; bytes].into()),
            version: -1,
        }
    }

    #[test]
    fn the_longest_set_data_of_a_two_letter_path_has_1048553_bytes_of_data() {
        // 22 = header 8, path 4 + 2, length of the data 4, version 4.
        assert_eq!(frame_bytes(&set_data(1_048_553)), 1_048_575);
    }

    #[test]
    fn a_multi_has_nine_bytes_before_each_operation_and_at_its_end() {
        let body = frame_bytes(&set_data(3)) - 8;
        let multi = Request::Multi(vec![set_data(3), set_data(3)]);
        assert_eq!(frame_bytes(&multi), 8 + 2 * (9 + body) + 9);
    }

    #[test]
    fn set_watches_has_three_lists_and_set_watches_2_five() {
        let lists = SetWatches {
            data: vec!["/a".into()],
            ..SetWatches::default()
        };
        let first = Request::SetWatches(Box::new(lists.clone()));
        assert_eq!(frame_bytes(&first), 8 + 8 + 3 * 4 + 6);
        let recursive = vec!["/b".into()];
        let second = Request::SetWatches(Box::new(SetWatches { recursive, ..lists }));
        assert_eq!(frame_bytes(&second), 8 + 8 + 5 * 4 + 12);
    }
}
