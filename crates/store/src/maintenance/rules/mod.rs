//! Rules in a file: `Retention::from_toml`.
//!
//! Reads a text that somebody gives, and no file. Knows the rules that a text stands for, in `rewrite`, and neither a store
//! nor what is in it.

mod age;
mod error;
mod fields;
mod file;

pub use error::RulesError;

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests;
