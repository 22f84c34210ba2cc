//! `OwnLine`: a value that shares no cache line with what is beside it. Knows nothing of the value.

/// A value with cache lines of its own: what one thread stores again and again is not to take what is
/// beside it from the others.
#[repr(align(128))]
pub(crate) struct OwnLine<T>(pub(crate) T);
