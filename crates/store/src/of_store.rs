//! Which names in a directory are those of a store's files. Others may be anybody's: `model.ckpt`, say.

use crate::open::LOCK_FILE;
use strandline_segment::{MANIFEST_FILE, SegmentId};

/// Whether a file of that name may be a store's.
pub(crate) fn is_of_store(name: &str) -> bool {
    [LOCK_FILE, MANIFEST_FILE].contains(&name) || is_of_log(name)
}

/// Whether a file has a name that nothing but a segment or a checkpoint has.
pub(crate) fn is_of_log(name: &str) -> bool {
    SegmentId::parse_file_name(name).is_some() || strandline_checkpoint::is_file_name(name)
}
