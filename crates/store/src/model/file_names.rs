//! Names in and beside the directory of a store. Others may be anybody's: `model.ckpt`, say.

use strandline_segment::{MANIFEST_FILE, SegmentId};

/// The file whose lock the writing process holds; it stays where it is.
pub(crate) const LOCK_FILE: &str = "LOCK";
/// The file that a copy has while it is not in its place.
pub(crate) const MARKER: &str = "RESTORING";
/// The name of a copy that is made within its target.
pub(crate) const STAGING_WITHIN: &str = ".restoring";
/// What follows the name of the target in that of a copy beside it, before a number.
pub(crate) const STAGING_BESIDE: &str = ".restoring-";

/// Whether a file of that name may be a store's.
pub(crate) fn is_of_store(name: &str) -> bool {
    [LOCK_FILE, MANIFEST_FILE].contains(&name) || is_of_log(name)
}

/// Whether a file has a name that nothing but a segment or a checkpoint has.
pub(crate) fn is_of_log(name: &str) -> bool {
    SegmentId::parse_file_name(name).is_some() || strandline_checkpoint::is_file_name(name)
}
