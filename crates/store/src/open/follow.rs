//! `Follower`: what a store opened to read only shows of another process's appends.

use super::replay::Replay;
use crate::writer::SegmentNames;
use crate::{Error, ErrorKind};
use strandline_index::IndexWriter;
use strandline_segment::{LogError, LogFollower, LogPosition, ScanError, SegmentId};

/// Reads on in the log and enters what it finds in the index.
#[derive(Debug)]
pub(crate) struct Follower {
    log: LogFollower,
    index: IndexWriter,
    names: SegmentNames,
    /// The segment that `names` is of.
    segment: SegmentId,
    /// Whether a commit could not be entered, after which nothing more is.
    stopped: bool,
}

impl Follower {
    pub(super) fn new(log: LogFollower, index: IndexWriter, names: SegmentNames) -> Self {
        Self {
            segment: log.position().segment,
            log,
            index,
            names,
            stopped: false,
        }
    }

    /// Where the log ends, as far as it was read.
    pub(crate) const fn position(&self) -> LogPosition {
        self.log.position()
    }

    /// Fails if what is in the directory now does not go on from what was read.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.log.check() {
            Err(error @ LogError::OtherCourse { .. }) => Err(error.into()),
            // Whatever else is wrong, it is of this log.
            _ => Ok(()),
        }
    }

    /// Shows the commits that came since.
    pub(crate) fn follow(&mut self) -> Result<(), Error> {
        if self.stopped {
            return Err(Error::new(
                ErrorKind::Corrupt,
                "an earlier refresh met a damaged event; open the store again",
            ));
        }
        let names = std::mem::take(&mut self.names);
        let mut replay = Replay::resume(&mut self.index, names, self.segment);
        let mut next = self.log.position().sequence;
        let followed = self.log.follow(|frame| {
            // A frame that was carried into another segment is handed once more there. Notes have no
            // sequence, so the sequences of frames that are told again go back.
            let end = frame.end().sequence;
            if end <= next {
                return replay.carried_frame(frame);
            }
            next = end;
            replay.frame(frame)
        });
        if let Err(error @ ScanError::Visit(_)) = followed {
            // Half of the commit may be entered, and no commit is shown by halves.
            drop(replay);
            self.stopped = true;
            return Err(error.into());
        }
        // What came before a failure is whole, and is shown.
        let end = self.log.position();
        self.names = replay.commit(end).names;
        self.segment = end.segment;
        followed.map(drop).map_err(Error::from)
    }
}
