//! Scenarios: work that is measured together, in processes of its own.
//!
//! It knows engines, the events of the work, Strandline among the systems, and results; who starts the
//! processes and what becomes of the figures is not here.

mod aggregate;
mod append;
mod files;
mod fill;
mod follow;
mod followed;
mod growing;
mod live;
mod many;
mod measure;
mod mixed;
mod open;
mod own;
mod project;
mod proof;
mod proved;
mod react;
mod read;
mod replicate;
mod seal;
mod segments;
mod union;
mod work;
mod write;

pub(crate) use work::{Ends, For, Job, Scenario, is_wanted};

use anyhow::Context;

/// Every scenario, in the order of the table.
pub(crate) const ALL: &[Scenario] = &[
    append::SINGLE,
    append::BATCH100,
    append::PRODUCERS8,
    append::SYNCED1,
    append::SYNCED8,
    append::SYNCED64,
    write::SUBMIT64,
    write::EXPECTED,
    write::CONDITION,
    own::ROTATING,
    open::CLEAN,
    open::KILLED,
    open::WITHOUT,
    read::READ,
    own::BACK,
    own::PAGES,
    union::UNION,
    mixed::MIXED,
    own::LONG_STREAM,
    live::IDLE_WAITERS,
    live::IDLE_CURSORS,
    live::ACTIVE_64,
    live::NEVER_READS,
    append::WIDE_SINGLE,
    append::WIDE_BATCH100,
    open::WIDE_CLEAN,
    read::WIDE,
    many::BATCH,
    many::SINGLE,
    many::ZIPF_BATCH,
    many::ZIPF_SINGLE,
    many::OWN_IDS_BATCH,
    many::OWN_IDS_SINGLE,
    segments::SEGMENTS,
    follow::LATENCY,
    follow::CATCH_UP,
    follow::RESUME,
    project::PROJECTION,
    aggregate::EXECUTE,
    aggregate::SNAPSHOT,
    replicate::APPEND,
    replicate::BESIDE,
    replicate::LAG,
    replicate::TAKEOVER,
    react::REACTOR,
    proved::PROVED,
    seal::SEAL,
    followed::WRITTEN,
    followed::SYNCED,
    proof::INCLUSION,
    proof::SEGMENTS,
    followed::CATCH_UP,
];

/// The scenario of that name.
pub(crate) fn named(name: &str) -> anyhow::Result<&'static Scenario> {
    ALL.iter()
        .find(|scenario| scenario.name == name)
        .with_context(|| format!("there is no scenario {name}"))
}
