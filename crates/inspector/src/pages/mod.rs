//! Pages: a view as HTML, with what is around it. Texts of the store are escaped where they are put in, all by `maud`.
//!
//! Asks nothing of the store. Of other rooms it knows `views`, `asked`, `pictures`, `site` and `text`.

mod anchors;
mod bytes;
mod consumers;
mod entity;
mod event;
mod events;
mod fault;
mod files;
mod filter;
mod integrity;
mod names;
mod overview;
mod parts;
mod rate;
mod row;
mod search;
mod shell;
mod tree;

pub(crate) use bytes::bytes;
pub(crate) use consumers::consumers;
pub(crate) use entity::entity;
pub(crate) use event::event;
pub(crate) use events::events;
pub(crate) use fault::fault;
pub(crate) use files::files;
pub(crate) use integrity::integrity;
pub(crate) use names::names;
pub(crate) use overview::overview;
pub(crate) use row::row;
pub(crate) use search::{export, search};
pub(crate) use shell::{Around, shell};
pub(crate) use tree::tree;
