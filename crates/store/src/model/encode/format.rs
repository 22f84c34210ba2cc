//! `Format`: what JSON and MessagePack can hold, and how deep.

/// Most levels of arrays, maps and variants in each other: what `serde_json` reads. `rmp_serde` reads 1,023,
/// with which a thread of 2 MiB overflows its stack in a build for debugging, both ways.
pub(super) const LEVELS_MAX: usize = 127;

/// What a format can hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    pub(super) name: &'static str,
    /// Whether every key is a text, and no number is infinite or none.
    pub(super) is_json: bool,
}

pub(super) const JSON: Format = Format {
    name: "JSON",
    is_json: true,
};
pub(super) const MESSAGE_PACK: Format = Format {
    name: "MessagePack",
    is_json: false,
};
