//! Path rules (`PathUtils`, semantics.md §3) and the reserved nodes.

use crate::history::op::ErrorCode;

/// The root.
pub const ROOT: &str = "/";
/// The reserved node.
pub const ZOOKEEPER: &str = "/zookeeper";
/// Where quotas live.
pub const QUOTA: &str = "/zookeeper/quota";
/// Where an ensemble keeps its membership.
pub const CONFIG: &str = "/zookeeper/config";

/// Checks a path fully, as creates (late), setData, setACL and check do.
///
/// # Errors
/// `BadArguments` if it is no legal absolute path.
pub fn validate(path: &str) -> Result<(), ErrorCode> {
    if path == ROOT {
        return Ok(());
    }
    let names = path.strip_prefix('/').ok_or(ErrorCode::BadArguments)?;
    let is_named = names
        .split('/')
        .all(|name| !matches!(name, "" | "." | ".."));
    if is_named && !path.chars().any(is_forbidden) {
        Ok(())
    } else {
        Err(ErrorCode::BadArguments)
    }
}

/// Characters that no name may hold; those beyond U+FFFF are surrogates to ZooKeeper.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..)
}

/// Everything before the last slash (`""` for a child of the root), if the path is fit for that.
///
/// # Errors
/// `BadArguments` without a slash, or with NUL.
pub fn parent_checked(path: &str) -> Result<&str, ErrorCode> {
    match path.rsplit_once('/') {
        Some((parent, _)) if !path.contains('\0') => Ok(parent),
        Some(_) | None => Err(ErrorCode::BadArguments),
    }
}

/// Parent and name of a node that exists or existed: `/a/b` is `b` under `/a`, `/a` is `a` under `/`.
pub fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", name)) => (ROOT, name),
        Some(parts) => parts,
        None => (ROOT, path),
    }
}

/// The key of a node: `""` is an alias of the root (semantics.md §0.12).
pub fn canonical(path: &str) -> &str {
    if path.is_empty() { ROOT } else { path }
}

/// Whether the node can never be deleted (`DataTree.isSpecialPath`).
pub fn is_reserved(path: &str) -> bool {
    matches!(path, ROOT | ZOOKEEPER | QUOTA | CONFIG)
}

/// The proper ancestors of a path, nearest first, down to the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let first = if path == ROOT {
        None
    } else {
        Some(split(path).0)
    };
    std::iter::successors(first, |path| {
        if *path == ROOT {
            None
        } else {
            Some(split(path).0)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything_but_the_forbidden_ranges() {
        for good in [
            "/",
            "/a",
            "/a/b",
            "/...",
            "/..k",
            "/k..",
            "/.k",
            "/ ",
            "/%",
            "/\u{e9}",
            "/\u{4e2d}",
            "/\u{f900}",
            "/\u{ffef}",
        ] {
            assert_eq!(validate(good), Ok(()), "{good:?}");
        }
        for bad in [
            "",
            "a",
            "/a/",
            "//",
            "/a//b",
            "/.",
            "/..",
            "/./a",
            "/a/../b",
            "/a\0",
            "/\u{1}",
            "/\u{1f}",
            "/\u{7f}",
            "/\u{9f}",
            "/\u{e000}",
            "/\u{f8ff}",
            "/\u{fff0}",
            "/\u{ffff}",
            "/\u{1f600}",
        ] {
            assert_eq!(validate(bad), Err(ErrorCode::BadArguments), "{bad:?}");
        }
    }

    #[test]
    fn ancestors_end_at_the_root() {
        assert_eq!(ancestors("/a/b/c").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(ancestors("/a").collect::<Vec<_>>(), ["/"]);
        assert_eq!(ancestors("/").count(), 0);
    }
}
