//! What a request asks: the query string, and the events that it means as a region. Reads no event.

mod filter;
mod query_string;
mod wrong;

pub(crate) use filter::{FILTER, Filter};
pub(crate) use query_string::Asked;
pub(crate) use wrong::Wrong;
