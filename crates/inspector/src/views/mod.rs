//! What is shown: a view a file, each the answer to a request as values that can be serialised, as a table, and as the
//! command and the Rust that give the same.
//!
//! Makes no page: that is for `pages`. What grows with the store stops when the time of the request is over, and the
//! answer says so. Of other rooms it knows `asked`, `site` and `text`.

mod anchored;
mod anchors;
#[cfg(test)]
mod bounded;
mod bytes;
mod checked;
mod consumers;
mod context;
mod difference;
mod entity;
mod event;
mod events;
mod export;
mod facets;
mod fault;
mod files;
mod integrity;
mod inventory;
mod names;
mod overview;
mod pace;
mod rate;
mod row;
mod same;
mod search;
mod totals;
mod tree;
mod view;
mod walk;

pub(crate) use anchored::Anchored;
pub(crate) use anchors::Anchors;
pub(crate) use bytes::{BYTES, FrameBytes, Stretch, bytes};
pub(crate) use checked::Checked;
pub(crate) use consumers::{CONSUMERS, ConsumerSeen, Consumers, consumers};
pub(crate) use context::Context;
pub(crate) use entity::{Compared, ENTITY, Entity, entity};
pub(crate) use event::{EVENT, EventView, Payload, event, id as event_id};
pub(crate) use events::{EVENTS, EventList, events, events_since};
pub(crate) use export::{EXPORT, Export, events_csv, export};
pub(crate) use facets::Facet;
pub(crate) use fault::Fault;
pub(crate) use files::{FILES, Files, Plan, files};
pub(crate) use integrity::{INTEGRITY, Integrity, integrity};
pub(crate) use inventory::{FilesSeen, Segment};
pub(crate) use names::{NAMES, NameList, names};
pub(crate) use overview::{Contents, OVERVIEW, Overview, overview};
pub(crate) use rate::Rate;
pub(crate) use row::{EventRow, PayloadState};
pub(crate) use same::Same;
pub(crate) use search::{SEARCH, Search, search};
pub(crate) use tree::{Node, TREE, Tree, tree};
pub(crate) use view::View;
