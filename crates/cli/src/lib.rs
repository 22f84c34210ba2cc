//! The commands of a store, for the program `strandline` and for `cargo xtask`.
//!
//! Reads arguments, calls [`strandline::maintenance`], [`strandline_transfer`] and [`strandline_live`], and shows what comes of
//! it: for people on a terminal, as plain lines elsewhere, as JSON with `--json`. Holds nothing that a
//! program would want to call: that is in those.
//!
//! Exit codes: 0 fine, 1 a problem was found, 2 wrong usage.

#![forbid(unsafe_code)]
// They panic where nobody can be told: `output` prints.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;

#[cfg(feature = "proof")]
mod anchors;
mod writer;

mod args;
mod receipts;
mod terminal;

mod files;
mod globals;

mod outcome;

#[cfg(any(feature = "replicate", feature = "serve"))]
mod interrupt;
mod output;
mod times;

pub use commands::{Command, Program, parsed, run};
pub use globals::Globals;
pub use output::{note, print};
pub use terminal::plot;
