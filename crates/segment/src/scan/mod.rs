//! Going through the frames of a segment, each checked: strictly, up to the first that is not right, or
//! piece by piece past whatever is damaged.
//!
//! Says what stands there and changes nothing; what a bad frame means is decided in `open`. May know
//! `files` and what is below.

mod check;
mod examine;
mod pieces;
mod scanner;
mod sealed_frames;
mod stretch;
mod window;

pub(crate) use check::{
    NOTES_MISSING, check_frame_before, check_position, check_position_of_active, not_listed,
};
pub use examine::{Examiner, FooterFound};
pub(crate) use pieces::Walk;
pub use pieces::{Examined, Piece};
pub(crate) use scanner::{FrameScanner, HeadersAfter, Step, frames_end, visit_all, visit_sealed};
pub use sealed_frames::SealedFrames;
