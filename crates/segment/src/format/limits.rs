//! The limits of a commit and of its frame, which the format has. Lower ones are in `options`.

/// Most records in a commit.
pub const COMMIT_RECORDS_MAX: usize = 65_535;

/// Most bytes in a commit's frame, 64 MiB.
pub const COMMIT_BYTES_MAX: u32 = 64 << 20;

/// Frames begin at multiples of this many bytes.
pub const FRAME_ALIGNMENT: u32 = 8;
