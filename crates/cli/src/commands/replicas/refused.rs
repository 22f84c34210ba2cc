//! A bucket that could not be looked through, with what to do about it.

use crate::args::refused_bucket;
use crate::outcome::Hinted;
use strandline_replicate::OverviewError;

/// A failure to look through a bucket, with what to do about it.
pub(super) fn refused(error: OverviewError) -> anyhow::Error {
    let next = match error {
        OverviewError::Bucket(error) => return refused_bucket(error),
        OverviewError::Object { .. } => {
            "readers and writers that begin now fail as this did; a writer that is at work puts a newer state; else put \
             the object back from a version of the bucket, if it keeps versions"
        }
        _ => "give the command again",
    };
    let next = next.to_owned();
    let (error, is_usage) = (error.into(), false);
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}
