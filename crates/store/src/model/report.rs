//! `OpenReport`: what opening found and did, so that nothing happens in silence.

use std::fmt;
use std::time::Duration;
use strandline_core::{Hlc, Sequence, rfc3339};

/// What the index was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenPath {
    /// There was no store; one was made.
    Created,
    /// A checkpoint, and the log after it.
    Checkpoint,
    /// The footers of sealed segments, or merged files of several, and the log after them.
    Footers,
    /// The whole log.
    Scan,
}

/// How long each step of opening took, by [`StoreOptions::clock`](crate::StoreOptions::clock).
///
/// Their sum is less than the whole by what is done between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OpenTimes {
    /// Taking the lock; nothing in a store that is opened to read only.
    pub lock: Duration,
    /// Reading the manifest, or making a new log, and looking whether each segment is there; the headers of
    /// the newest.
    pub manifest: Duration,
    /// Finding the newest good checkpoint, checking it, and taking its rows.
    pub checkpoint: Duration,
    /// Taking merged files and the footers of sealed segments, and reading the frames of those that have none.
    pub footers: Duration,
    /// Reading the log after that.
    pub log: Duration,
    /// Keeping a torn tail, setting files aside, and writing what was not proven durable into a new
    /// file.
    pub repair: Duration,
}

impl OpenTimes {
    /// The steps with their names, in the order of opening.
    #[must_use]
    pub const fn steps(&self) -> [(&'static str, Duration); 6] {
        [
            ("lock", self.lock),
            ("checkpoint", self.checkpoint),
            ("manifest", self.manifest),
            ("footers", self.footers),
            ("log", self.log),
            ("repair", self.repair),
        ]
    }
}

/// What opening found and did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OpenReport {
    /// What the index was built from.
    pub path: OpenPath,
    /// Why it was built from that.
    pub reason: String,
    /// Events taken from a checkpoint.
    pub events_from_checkpoint: u64,
    /// Length of the checkpoint that was read, in bytes, whether it could be used or not; 0 if there
    /// was none that is whole.
    pub checkpoint_bytes: u64,
    /// Events taken from files that hold the rows of several sealed segments.
    pub events_from_merged: u64,
    /// Merged files that they were taken from.
    pub merged_used: u64,
    /// Events taken from footers: of sealed segments that no merged file has.
    pub events_from_footers: u64,
    /// Footers that they were taken from.
    pub footers_used: u64,
    /// Sealed segments without a good footer, whose frames were read; opening to write has their
    /// footers written in the background.
    pub footers_missing: u64,
    /// Events read from the log.
    pub events_from_log: u64,
    /// Bytes of the frames that were read.
    pub log_bytes: u64,
    /// Events with sequences below this one were proven durable before anything was repaired.
    pub proven_durable: Sequence,
    /// Everything that was damaged, left over or out of place, and what was done about it; and that times
    /// are ahead of the clock, if they are. Empty after a clean close.
    pub notices: Vec<String>,
    /// How far the newest time that the store has given is ahead of this machine's clock, in milliseconds,
    /// if that is more than [`StoreOptions::clock_drift_max`](crate::StoreOptions::clock_drift_max): the
    /// clock was ahead when it was given, or is behind now. New events get that time, with a counter, until
    /// the clock has caught up. A notice says so.
    pub clock_ahead_ms: Option<u64>,
    /// Whether the end of the log was torn and left out; a notice says what and where to. A store
    /// that is opened to read only cuts nothing off, and beside a writer that was interrupted in
    /// the middle of a commit it cannot tell that commit from a torn one.
    pub torn_tail: bool,
    /// Files in the quarantine that were put there now: torn bytes, and segments out of place.
    pub set_aside: Vec<String>,
    /// Files that were left over, or that the log does not go on in, and are removed.
    pub removed: Vec<String>,
    /// Bytes at the end of the log that were not proven durable, and were written into a new file and
    /// synced.
    pub rewritten_bytes: u64,
    /// How long each step took.
    pub times: OpenTimes,
    /// Time that all of opening took.
    pub duration: Duration,
}

impl OpenReport {
    pub(crate) const fn new(path: OpenPath) -> Self {
        Self {
            path,
            reason: String::new(),
            events_from_checkpoint: 0,
            checkpoint_bytes: 0,
            events_from_merged: 0,
            merged_used: 0,
            events_from_footers: 0,
            footers_used: 0,
            footers_missing: 0,
            events_from_log: 0,
            log_bytes: 0,
            proven_durable: Sequence::ZERO,
            notices: Vec::new(),
            clock_ahead_ms: None,
            torn_tail: false,
            set_aside: Vec::new(),
            removed: Vec::new(),
            rewritten_bytes: 0,
            times: OpenTimes {
                lock: Duration::ZERO,
                manifest: Duration::ZERO,
                checkpoint: Duration::ZERO,
                footers: Duration::ZERO,
                log: Duration::ZERO,
                repair: Duration::ZERO,
            },
            duration: Duration::ZERO,
        }
    }

    /// Whether nothing was damaged, left over or out of place. Times that are ahead of the clock are none of
    /// these.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.notices.len() == usize::from(self.clock_ahead_ms.is_some())
    }

    /// Notes how far the newest time is ahead, if that is more than what is allowed.
    pub(crate) fn note_clock(&mut self, newest: Option<Hlc>, now_ms: u64, drift_ms_max: u64) {
        let Some(newest) = newest.map(Hlc::wall_ms) else {
            return;
        };
        let ahead_ms = newest.saturating_sub(now_ms);
        if ahead_ms <= drift_ms_max {
            return;
        }
        self.clock_ahead_ms = Some(ahead_ms);
        self.notices.push(format!(
            "the newest time in the store is {}, {} ahead of this machine's clock: a clock was ahead when \
             it was given, or is behind now; new events get that time until the clock has caught up",
            rfc3339(newest),
            Span(ahead_ms)
        ));
    }
}

impl OpenReport {
    /// Where the events came from, and what was read for it.
    fn sources(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = [
            (self.events_from_checkpoint, "from the checkpoint"),
            (self.events_from_merged, "from merged files"),
            (self.events_from_footers, "from footers"),
            (self.events_from_log, "from the log"),
        ];
        let found = sources.iter().filter(|(events, _)| *events > 0);
        let mut first = true;
        for (events, source) in found {
            match (first, events) {
                (true, 1) => write!(f, "1 event {source}")?,
                (true, _) => write!(f, "{events} events {source}")?,
                (false, _) => write!(f, ", {events} {source}")?,
            }
            first = false;
        }
        if first {
            f.write_str("it has no events")?;
        }
        match self.footers_missing {
            0 => {}
            1 => f.write_str("; 1 segment had no footer")?,
            missing => write!(f, "; {missing} segments had no footer")?,
        }
        write!(
            f,
            "\n  because {}; read {} bytes of checkpoint, ",
            self.reason, self.checkpoint_bytes
        )?;
        match self.merged_used {
            0 => {}
            1 => f.write_str("1 merged file, ")?,
            used => write!(f, "{used} merged files, ")?,
        }
        write!(
            f,
            "{} footer{} and {} bytes of log",
            self.footers_used,
            if self.footers_used == 1 { "" } else { "s" },
            self.log_bytes
        )
    }
}

/// A length of time, for people.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 4] = [
            (86_400_000, "days"),
            (3_600_000, "hours"),
            (60_000, "minutes"),
            (1_000, "seconds"),
        ];
        let unit = UNITS.iter().find(|(unit, _)| self.0 >= 2 * unit);
        match unit {
            Some((unit, name)) => write!(f, "{} {name}", self.0 / unit),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// A time in milliseconds.
struct Milliseconds(Duration);

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} ms", self.0.as_secs_f64() * 1e3)
    }
}

impl fmt::Display for OpenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let duration = Milliseconds(self.duration);
        match self.path {
            OpenPath::Created => write!(f, "made a new store in {duration}")?,
            OpenPath::Checkpoint => write!(f, "opened from a checkpoint in {duration}: ")?,
            OpenPath::Footers => write!(f, "opened from footers in {duration}: ")?,
            OpenPath::Scan => write!(f, "opened from the log alone in {duration}: ")?,
        }
        if self.path != OpenPath::Created {
            self.sources(f)?;
        }
        if self.rewritten_bytes > 0 {
            write!(
                f,
                "; wrote {} bytes that were not proven durable into a new file",
                self.rewritten_bytes
            )?;
        }
        f.write_str("\n ")?;
        for (place, (name, time)) in self.times.steps().into_iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma} {name} {}", Milliseconds(time))?;
        }
        self.notices
            .iter()
            .try_for_each(|notice| write!(f, "\n  {notice}"))
    }
}
