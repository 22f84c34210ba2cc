//! `View`: an answer in all its forms but that of a page.

use super::same::Same;
use crate::text::Table;
use serde::Serialize;

/// An answer in all its forms but that of a page.
pub(crate) trait View: Serialize {
    /// What it is, for the title of a page and the name of a file.
    fn title(&self) -> String;

    /// Its rows.
    fn table(&self) -> Table;

    /// The command and the Rust that give the same.
    fn same(&self) -> Same;
}
