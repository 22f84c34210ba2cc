//! Every promise of the store, through its public interface, in one binary.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod aggregate;
mod answers;
mod append;
mod backup;
mod backup_faults;
mod backup_targets;
mod bad_sectors;
mod beside;
mod both_sides;
mod by_hand;
mod carried;
mod carried_faults;
mod chdir;
mod clock;
mod cloud_events;
mod compact;
mod compact_model;
mod condition;
mod condition_cost;
mod damage;
mod descriptors;
mod durability;
mod epoch;
mod expected;
mod followed;
mod forge;
mod forge_index;
mod forged;
mod forged_heads;
mod golden;
mod harness;
mod histories;
mod hostile;
mod hostile_callers;
mod hostile_code;
mod import_failures;
mod import_lines;
mod imports;
mod imports_by_chance;
mod kept;
mod kept_by_chance;
mod kept_headers;
mod kept_heads;
mod kill;
mod kinds;
mod kinds_kept;
mod kinds_model;
mod limits;
mod lost_directory;
mod lost_index;
mod many_tasks;
mod mapped;
mod merged_damage;
mod merged_index;
mod merged_segments;
mod merged_trouble;
mod model;
mod named;
mod notes;
mod opening;
mod pages;
mod query;
mod readings;
mod receipt;
mod records;
mod recover;
mod redact;
mod refused;
mod region;
mod removals;
mod repeat;
mod repeat_anywhere;
mod replaced;
mod report;
mod restore;
mod restore_faults;
mod restore_left;
mod restore_places;
mod rewritten;
mod salvage;
mod shared_files;
mod submit;
mod tags;
mod tamper;
mod typed;
mod verify;
mod verify_damage;
mod waiting;
mod waiting_beside;
