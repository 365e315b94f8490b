//! The design choices of the client library, each read at exactly one place. The first variant of each is what the Java
//! client does since its fixes (semantics.md §4.5, §5); the others are designs that fail, switched on by `mutant`.

/// All choices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {}
