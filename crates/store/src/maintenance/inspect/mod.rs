//! What is in a store, for people: its files and their bytes, its kinds and times, its removals.
//!
//! Changes nothing. Knows how a damaged directory is read; knows no verb that changes a store.

mod annotate;
mod annotation;
mod annotator;
mod census;
mod inventory;
mod meaning;
mod removals;

pub use annotate::{annotate_event, annotate_file, annotate_frame, annotate_frames, segment_bytes};
pub use annotation::Annotation;
pub use census::Census;
pub use inventory::{FileFacts, FooterState, Inventory, MergedFacts, SegmentFacts, quarantined};
pub use removals::{Removal, RemovalChange, RemovalNote, removal_notes, removals};
