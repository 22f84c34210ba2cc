//! `Follower`: what a store opened to read only shows of another process's appends.

use crate::engine::news::News;
use crate::model::{KindTable, Kinds, Sources};
use crate::rows::{Replay, SegmentNames};
use crate::{Error, ErrorKind};
use std::sync::Arc;
use strandline_core::{Hlc, HlcClock};
use strandline_index::{IndexError, IndexWriter};
use strandline_segment::{LogError, LogFollower, LogPosition, ScanError, SegmentId};

/// Reads on in the log and enters what it finds in the index.
#[derive(Debug)]
pub(crate) struct Follower {
    log: LogFollower,
    index: IndexWriter,
    names: SegmentNames,
    kinds: Arc<Kinds>,
    /// The same, with what was said of kinds in vain: it decides what counts of what is said later.
    table: KindTable,
    sources: Arc<Sources>,
    /// The newest time of what was read, removed events included.
    hlc: HlcClock,
    /// The segment that `names` is of.
    segment: SegmentId,
    /// Why a commit could not be entered, after which nothing more is.
    stopped: Option<ErrorKind>,
    news: Arc<News>,
}

impl Follower {
    pub(crate) fn new(
        log: LogFollower,
        index: IndexWriter,
        names: SegmentNames,
        (kinds, sources): (Arc<Kinds>, Arc<Sources>),
        hlc: HlcClock,
        news: Arc<News>,
    ) -> Self {
        Self {
            hlc,
            segment: log.position().segment,
            log,
            index,
            names,
            table: kinds.table(),
            kinds,
            sources,
            stopped: None,
            news,
        }
    }

    /// Where the log ends, as far as it was read.
    pub(crate) const fn position(&self) -> LogPosition {
        self.log.position()
    }

    /// The newest time of what was read, removed events included.
    pub(crate) const fn newest_time(&self) -> Option<Hlc> {
        self.hlc.last()
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
        if let Some(kind) = self.stopped {
            let message =
                "an earlier refresh met an event that it could not take; open the store again";
            return Err(Error::new(kind, message));
        }
        let names = std::mem::take(&mut self.names);
        let visible = self.index.gate().visible();
        let mut replay = Replay::resume(
            &mut self.index,
            names,
            std::mem::take(&mut self.table),
            self.segment,
        );
        let mut next = self.log.position().sequence;
        let mut durable = self.news.durable();
        let followed = self.log.follow(|frame| {
            durable = durable.max(frame.durable_through());
            // A frame that was carried into another segment is handed once more there. Notes have no
            // sequence, so the sequences of frames that are told again go back.
            let end = frame.end().sequence;
            if end <= next {
                return replay.carried_frame(frame);
            }
            next = end;
            replay.frame(frame)
        });
        if let Err(ScanError::Visit(error)) = followed {
            // Half of the commit may be entered, and no commit is shown by halves.
            drop(replay);
            let error = overtaken(error);
            self.stopped = Some(error.kind());
            return Err(error);
        }
        // What came before a failure is whole, and is shown.
        let end = self.log.position();
        // Before an event can be seen of a kind whose name came with it.
        if replay.has_named() {
            self.kinds.learn(replay.table().said());
        }
        let positions = replay.positions();
        if !positions.is_empty() {
            let positions = positions.iter();
            let positions = positions.map(|(source, position, at)| (&**source, position, at));
            self.sources.note(positions, || visible);
        }
        let committed = replay.commit(end);
        let durable = durable.min(end.sequence).max(self.news.durable());
        self.news.set_durable(durable);
        self.news.set_synced(durable);
        self.names = committed.names;
        self.table = committed.table;
        if let Some(newest) = committed.hlc.last() {
            self.hlc.observe(newest);
        }
        self.segment = end.segment;
        self.news.moved();
        followed.map(drop).map_err(Error::from)
    }
}

/// The error of an event that could not be entered. No two events of a log have the same id, so where that
/// is taken by an event that was read before, a compaction has removed that one since, and forgot its id.
fn overtaken(error: Error) -> Error {
    let Some(IndexError::DuplicateId { id, sequence }) = error.of_index() else {
        return error;
    };
    Error::new(
        ErrorKind::LogBehindCheckpoint,
        format!(
            "event {sequence}, which was read before, was removed since by a compaction, and its id {id} \
             was given again; open the store again"
        ),
    )
}
