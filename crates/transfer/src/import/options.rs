//! `ImportOptions`: how lines are imported.

use crate::format::LineFormat;
use strandline::Hash;

/// Longest line, in bytes: a payload of 64 MiB as base64, and some.
pub(super) const LINE_BYTES_MAX: u64 = 96 << 20;

/// How lines are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct ImportOptions {
    pub(super) format: LineFormat,
    pub(super) category: u8,
    pub(super) input_bytes: Option<u64>,
    pub(super) source: Hash,
    pub(super) takes_future_times: bool,
    pub(super) is_trial: bool,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ImportOptions {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            format: LineFormat::Lines,
            category: 1,
            input_bytes: None,
            source: Hash::ZERO,
            takes_future_times: false,
            is_trial: false,
        }
    }

    /// What lines look like. Default: [`LineFormat::Lines`].
    pub const fn format(mut self, format: LineFormat) -> Self {
        self.format = format;
        self
    }

    /// The category of kinds that are given as a number below 0x1000, which is then the type, and
    /// of events without a kind, whose type is 0. Default: 1; 1 to 15, not 13.
    pub const fn category(mut self, category: u8) -> Self {
        self.category = category;
        self
    }

    /// How many bytes there are to read, for the progress. Default: not known.
    pub const fn input_bytes(mut self, bytes: Option<u64>) -> Self {
        self.input_bytes = bytes;
        self
    }

    /// Where the lines come from, by any name. Default: none.
    ///
    /// A line without an id that is equal to one of the same source is the same event; under another name
    /// it is another one. CloudEvents have a source of their own.
    pub fn source(mut self, name: &str) -> Self {
        self.source = match name {
            "" => Hash::ZERO,
            name => Hash::of(name.as_bytes()),
        };
        self
    }

    /// Takes times that are further ahead of this machine's clock, and of the newest time in the store,
    /// than [`StoreOptions::clock_drift_max`](strandline::StoreOptions::clock_drift_max) allows. Default: such
    /// a line is refused, since no later event of the store can have an earlier time.
    pub const fn allow_future(mut self) -> Self {
        self.takes_future_times = true;
        self
    }

    /// Checks every line and appends nothing. Default: appends.
    ///
    /// Comes to what the import would, line by line, and takes a store that was opened to read only.
    /// Remembers what it has seen: some 100 bytes for each event that would be appended.
    pub const fn trial(mut self) -> Self {
        self.is_trial = true;
        self
    }
}
