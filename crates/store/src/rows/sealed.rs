//! `Sealed`: a segment that was sealed and wants its footer.

use super::summary::Summary;
use strandline_core::Hlc;
use strandline_segment::SegmentInfo;

/// A sealed segment that wants its footer. Its file is opened when its turn comes.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) info: SegmentInfo,
    /// The newest clock reading up to its end.
    pub(crate) newest: Option<Hlc>,
    /// What its records say beside their rows.
    pub(crate) summary: Summary,
}
