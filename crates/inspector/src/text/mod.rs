//! Numbers, times, tables, command lines and addresses as text. Knows no store.

mod address;
mod moment;
mod number;
mod shell;
mod table;

pub(crate) use address::address;
pub(crate) use moment::{parse_moment, time, time_short};
pub(crate) use number::{count, share, signed_span, size, span};
pub(crate) use shell::quoted;
pub(crate) use table::Table;
