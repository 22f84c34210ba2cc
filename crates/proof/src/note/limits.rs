//! Limits of notes.

/// Longest name of a key, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 255;
/// Longest signature, in bytes: those of other kinds are longer than ours, and are kept as they are.
pub const SIGNATURE_BYTES_MAX: usize = 32 * 1024;
/// Longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 1_000_000;
/// Most signatures of a note.
pub const NOTE_SIGNATURES_MAX: usize = 100;
