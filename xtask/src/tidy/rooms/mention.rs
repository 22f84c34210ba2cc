//! `Mention`: a path in the text, by which something is used. Says nothing of what it stands for.

/// A path in the text. That of another crate's, from `::`, begins with an empty name.
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) by: By,
}

/// How something is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Path,
    /// A macro is called.
    Call,
    /// An attribute or a macro has the path as a text, and may use what is in a module.
    Text,
}
