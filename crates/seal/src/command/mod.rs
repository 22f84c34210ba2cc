//! Keys behind a program of the operator's, such as the client of a vault: asked on its standard input, answering on
//! its standard output. Keeps no key for longer than it says, and writes none.

mod keys;
mod protocol;
mod run;

pub use keys::{CommandKeys, CommandLimits};
