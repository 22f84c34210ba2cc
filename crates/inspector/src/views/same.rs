//! `Same`: what gives the same as a view, elsewhere.

use crate::text::quoted;
use serde::Serialize;
use std::path::Path;

/// What gives the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Same {
    /// A line for a shell.
    pub(crate) command: String,
    /// Statements of Rust in which `store` is a store.
    pub(crate) rust: String,
}

impl Same {
    /// A command of `strandline` on a store, with its options word by word.
    pub(crate) fn new<'a>(
        command: &str,
        dir: &Path,
        options: impl IntoIterator<Item = &'a str>,
        rust: impl Into<String>,
    ) -> Self {
        let dir = dir.to_string_lossy();
        let mut line = format!("strandline {command} {}", quoted(&dir));
        for option in options {
            line.push(' ');
            line.push_str(&quoted(option));
        }
        Self {
            command: line,
            rust: rust.into(),
        }
    }
}
