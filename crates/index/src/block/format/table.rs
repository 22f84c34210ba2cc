//! The shape of a table of fingerprints: how many slots it has, and how wide each is. What is in them
//! is not here.

/// Bits of a fingerprint.
pub(crate) const FINGERPRINT_BITS: u32 = 12;
/// Slots after the last home, so that none is sought past the end: an entry is fewer slots from its
/// home.
pub(crate) const SLOTS_AFTER: usize = 64;

/// How many slots are the home of entries, of `entries`.
pub(crate) const fn homes_of(entries: u32) -> usize {
    (entries as usize).saturating_add(entries as usize / 2)
}

/// How many slots a table of `entries` entries has.
pub(crate) const fn slots_of(entries: u32) -> usize {
    if entries == 0 {
        return 0;
    }
    homes_of(entries).saturating_add(SLOTS_AFTER)
}

/// The width of a slot: a fingerprint, and a place plus 1.
pub(crate) const fn width_of(entries: u32) -> u8 {
    // At most 12 + 32.
    match (FINGERPRINT_BITS + u32::BITS - entries.leading_zeros()).to_le_bytes() {
        [width, ..] => width,
    }
}
