//! Other stores behind the `Engine` of `strandline-benches`, so that one program measures them all.

mod batpak;
mod cqrs;
mod fjall;
mod numbering;
mod record;
mod redb;
pub mod replicate;
mod sqlite;
mod umadb;

use strandline_benches::engine::EngineEntry;

/// Every peer.
pub const ENTRIES: &[EngineEntry] = &[
    batpak::ENTRY,
    fjall::ENTRY,
    redb::ENTRY,
    sqlite::ENTRY,
    umadb::ENTRY,
];
