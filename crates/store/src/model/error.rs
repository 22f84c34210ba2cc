//! `Error`: one opaque type that says what kind of failure it was and what it means for an append.

use super::condition_conflict::ConditionConflict;
use super::expected::VersionConflict;
use super::id_conflict::IdConflict;
use super::kind_conflict::KindConflict;
use super::lock_holder::LockHolder;
use super::lost::Lost;
use super::position::RefusedPosition;
use super::receipt::ReceiptMismatch;
use super::refused_time::RefusedTime;
use super::tracked::TrackingConflict;
use std::fmt;
use std::path::Path;
use strandline_core::fs::is_of_failing_disk;
use strandline_core::{EventId, Sequence};
use strandline_index::IndexError;
use strandline_segment::LogError;

/// What went wrong, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument breaks a rule. Change it and call again.
    InvalidInput,
    /// A payload, event or batch is over a limit. Make it smaller or raise the limit.
    TooLarge,
    /// The event id is taken by an event with other content; [`Error::id_conflict`] says what
    /// differs.
    Conflict,
    /// A kind has another name in the store, or a name is another kind's; [`Error::kind_conflict`] says both.
    /// Nothing was written.
    KindConflict,
    /// The stream of an entity is not as the event expected; [`Error::version_conflict`] says what
    /// it is. Read it again and decide anew.
    WrongExpectedVersion,
    /// Something was appended that the condition of the append excludes;
    /// [`Error::condition_conflict`] says what. Read again and decide anew.
    ConditionFailed,
    /// The position in a source that was given with the append does not rise; [`Error::tracking_conflict`] says
    /// where the source is. Nothing was written: what this input leads to is there already. Go on with the next.
    TrackingConflict,
    /// A time that was supplied is too far ahead, or before one that was given already;
    /// [`Error::refused_time`] says which.
    RefusedTime,
    /// A receipt is not of this store as it is; [`Error::receipt_mismatches`] says in what.
    ReceiptMismatch,
    /// A page token is not of this store as it is: of another one, or of one that was restored since. Begin
    /// with the first page.
    ForeignToken,
    /// A head of the tree is not one of this log: it is of another one, or this one was changed or lost its end since,
    /// or the head was forged.
    ForeignHead,
    /// A saved position is not of this store as it is; [`Error::refused_position`] says why, and from where one
    /// may go on.
    ForeignPosition,
    /// A counter is at its last value. Nothing was written and nothing can be.
    Exhausted,
    /// Another holder has the store open for writing; [`Error::lock_holder`] says who, if that is known.
    Locked,
    /// There is no store in the directory.
    NotFound,
    /// The store was opened to read only.
    ReadOnly,
    /// The store was closed or dropped while somebody waited for events.
    Closed,
    /// Too many submitted appends are not durable yet. Wait for one of their tickets.
    Busy,
    /// The file system refused, and what was asked for did not happen. Safe to try again.
    NotWritten,
    /// The file system refused, and whether the events will be there after a reopen is open.
    /// Reopen and look for their ids.
    Unknown,
    /// An earlier failure stopped all writing. Reopen the store.
    Poisoned,
    /// This handle does not hold the store any more: its directory was moved, replaced or removed, or a file
    /// in it that is its alone was, LOCK for one, or this process is a fork of the one that opened it.
    /// Nothing is written through it from then on. Open the store anew, where it is now.
    LockLost,
    /// Somebody else has taken over what this store was replicated to, and writes there: the message says who
    /// and when. Nothing is written through this handle from then on. What was appended and not replicated is on
    /// this disk alone; look for its ids where the store was taken over, and append what is missing there.
    Fenced,
    /// [`Durability::Replicated`](crate::Durability::Replicated) was asked for, or a wait for it, and there is no
    /// replication that could acknowledge it, or it has ended. An append that is refused so wrote nothing. A
    /// compaction or redaction is refused so where events wait for a replication that has ended: append
    /// something that does not, or begin another.
    NotReplicated,
    /// Bytes on disk are not what was written. The message names file and place.
    Corrupt,
    /// The log ends before what a checkpoint or the MANIFEST says was durable: events have vanished, or records of
    /// removals alone, as the message says. Of
    /// [`Store::refresh`](crate::Store::refresh): what was read is not in the log that is there now,
    /// which is another one, or an earlier or restored copy, or was rewritten. Open it again.
    LogBehindCheckpoint,
    /// The store was written by a later version of the format.
    UnsupportedVersion,
    /// A payload is not what it was asked to be decoded as.
    Payload,
    /// The payload was removed for good.
    Redacted,
    /// The payload is sealed, and was to be read without its key: open the event first, as `strandline-seal` does,
    /// with a store of keys that has it.
    Sealed,
    /// The key that the payload was sealed with was forgotten, so nobody can read it any more, here or in a copy.
    /// Of a payload that was to be sealed: the key of whom it is about was forgotten, and there is no other.
    Forgotten,
    /// A proof was asked for that needs digests which a compaction was told to forget: of an event in a run of removed
    /// ones, or of a head that ends in it. What was proved before stays so.
    NoDigest,
    /// Reading failed in the file system.
    Io,
    /// A progress callback asked to stop.
    Cancelled,
}

/// What a failure means for the events that a call was to append.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nothing was written; trying again is safe.
    NotWritten,
    /// The events may or may not be there after a reopen; [`Error::ids`] says which to look for.
    Unknown,
    /// What is on disk is damaged.
    Corrupt,
}

/// Why a call failed.
///
/// [`kind`](Self::kind) tells programs what to do, the message tells people.
pub struct Error(Box<Repr>);

struct Repr {
    kind: ErrorKind,
    message: String,
    ids: Vec<EventId>,
    /// Upper bound of the sequences because of which the call was refused.
    decided_by: Sequence,
    detail: Detail,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a program may want to know beside the kind.
enum Detail {
    None,
    Version(VersionConflict),
    Condition(ConditionConflict),
    Id(IdConflict),
    Kind(KindConflict),
    Time(RefusedTime),
    Tracking(Box<TrackingConflict>),
    Receipt(Vec<ReceiptMismatch>),
    Position(Box<RefusedPosition>),
    InterruptedRestore,
    Holder(LockHolder),
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What the failure means for the events of an append.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.0.kind {
            ErrorKind::Unknown => ErrorClass::Unknown,
            ErrorKind::Corrupt | ErrorKind::LogBehindCheckpoint => ErrorClass::Corrupt,
            _ => ErrorClass::NotWritten,
        }
    }

    /// What the operating system said, where that is the cause: that a disk is full, say.
    #[must_use]
    pub fn io_kind(&self) -> Option<std::io::ErrorKind> {
        self.of_system().map(std::io::Error::kind)
    }

    /// What the operating system said.
    fn of_system(&self) -> Option<&std::io::Error> {
        let cause = self.0.source.as_deref();
        let mut cause: Option<&(dyn std::error::Error + 'static)> = cause.map(|cause| cause as _);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref() {
                return Some(error);
            }
            cause = error.source();
        }
        None
    }

    /// Whether a disk, or the file system on it, does not give back what is there. What other files hold may be read.
    #[must_use]
    pub fn is_of_failing_disk(&self) -> bool {
        self.of_system().is_some_and(is_of_failing_disk)
    }

    /// Whether there was no room: on the disk, or for this user.
    #[must_use]
    pub fn is_of_full_disk(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self.io_kind(), Some(StorageFull | QuotaExceeded))
    }

    /// The ids of the events whose fate is [`ErrorKind::Unknown`]; empty for other kinds.
    #[must_use]
    pub fn ids(&self) -> &[EventId] {
        &self.0.ids
    }

    /// What was expected of a stream and what it is, for [`ErrorKind::WrongExpectedVersion`].
    #[must_use]
    pub fn version_conflict(&self) -> Option<&VersionConflict> {
        match &self.0.detail {
            Detail::Version(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Which event a condition excluded, for [`ErrorKind::ConditionFailed`].
    #[must_use]
    pub fn condition_conflict(&self) -> Option<&ConditionConflict> {
        match &self.0.detail {
            Detail::Condition(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Which id is taken and what differs, for [`ErrorKind::Conflict`].
    #[must_use]
    pub fn id_conflict(&self) -> Option<&IdConflict> {
        match &self.0.detail {
            Detail::Id(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Which kind and name do not belong together, for [`ErrorKind::KindConflict`].
    #[must_use]
    pub fn kind_conflict(&self) -> Option<&KindConflict> {
        match &self.0.detail {
            Detail::Kind(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Where a source is whose given position does not rise, for [`ErrorKind::TrackingConflict`].
    #[must_use]
    pub fn tracking_conflict(&self) -> Option<&TrackingConflict> {
        match &self.0.detail {
            Detail::Tracking(conflict) => Some(conflict),
            _ => None,
        }
    }

    /// Which time was not taken and why, for [`ErrorKind::RefusedTime`].
    #[must_use]
    pub fn refused_time(&self) -> Option<&RefusedTime> {
        match &self.0.detail {
            Detail::Time(refused) => Some(refused),
            _ => None,
        }
    }

    /// Everything that differs, for [`ErrorKind::ReceiptMismatch`]; empty for other kinds.
    #[must_use]
    pub fn receipt_mismatches(&self) -> &[ReceiptMismatch] {
        match &self.0.detail {
            Detail::Receipt(mismatches) => mismatches,
            _ => &[],
        }
    }

    /// Why a saved position was not taken and from where one may go on, for [`ErrorKind::ForeignPosition`].
    #[must_use]
    pub fn refused_position(&self) -> Option<&RefusedPosition> {
        match &self.0.detail {
            Detail::Position(refused) => Some(refused),
            _ => None,
        }
    }

    pub(crate) fn position_refused(refused: RefusedPosition) -> Self {
        let message = refused.to_string();
        let detail = Detail::Position(Box::new(refused));
        Self::new(ErrorKind::ForeignPosition, message).with_detail(detail)
    }

    /// Whether [`ErrorKind::NotFound`] is for a restore to the directory that was interrupted, or is at work: no
    /// store is made there before it was restored again, or what it left is removed.
    #[must_use]
    pub fn is_of_interrupted_restore(&self) -> bool {
        matches!(self.0.detail, Detail::InterruptedRestore)
    }

    /// Who has the store open to write, for [`ErrorKind::Locked`], as the LOCK of the store says. Not known where that
    /// says nothing; and who holds it may have been another one before, which was killed.
    #[must_use]
    pub fn lock_holder(&self) -> Option<&LockHolder> {
        match &self.0.detail {
            Detail::Holder(holder) => Some(holder),
            _ => None,
        }
    }

    pub(crate) fn locked(message: String, holder: Option<LockHolder>) -> Self {
        let detail = holder.map_or(Detail::None, Detail::Holder);
        Self::new(ErrorKind::Locked, message).with_detail(detail)
    }

    pub(crate) fn restore_interrupted(message: String) -> Self {
        Self::new(ErrorKind::NotFound, message).with_detail(Detail::InterruptedRestore)
    }

    pub(crate) fn wrong_version(conflict: VersionConflict) -> Self {
        let message = format!("{conflict}; nothing was written");
        Self::new(ErrorKind::WrongExpectedVersion, message).with_detail(Detail::Version(conflict))
    }

    pub(crate) fn condition_failed(conflict: ConditionConflict) -> Self {
        let sequence = conflict.sequence;
        let message = format!("{conflict}; nothing was written");
        Self::new(ErrorKind::ConditionFailed, message)
            .with_detail(Detail::Condition(conflict))
            .because_of(sequence)
    }

    pub(crate) fn id_taken(conflict: IdConflict) -> Self {
        let message = conflict.to_string();
        Self::new(ErrorKind::Conflict, message).with_detail(Detail::Id(conflict))
    }

    pub(crate) fn kind_refused(conflict: KindConflict) -> Self {
        let message = format!("{conflict}; nothing was written");
        Self::new(ErrorKind::KindConflict, message).with_detail(Detail::Kind(conflict))
    }

    pub(crate) fn tracking_refused(conflict: TrackingConflict) -> Self {
        let sequence = conflict.last.sequence;
        let message = format!("{conflict}; nothing was written");
        Self::new(ErrorKind::TrackingConflict, message)
            .with_detail(Detail::Tracking(Box::new(conflict)))
            .because_of(sequence)
    }

    pub(crate) fn time_refused(refused: RefusedTime) -> Self {
        let message = refused.to_string();
        Self::new(ErrorKind::RefusedTime, message).with_detail(Detail::Time(refused))
    }

    /// The same with the time that was refused, which [`refused_time`](Self::refused_time) gives of an
    /// [`ErrorKind::RefusedTime`].
    #[must_use]
    pub fn with_refused_time(self, refused: RefusedTime) -> Self {
        self.with_detail(Detail::Time(refused))
    }

    pub(crate) fn with_receipt_mismatches(self, mismatches: Vec<ReceiptMismatch>) -> Self {
        self.with_detail(Detail::Receipt(mismatches))
    }

    fn with_detail(mut self, detail: Detail) -> Self {
        self.0.detail = detail;
        self
    }

    /// An error of a crate that stands on the store and fails for reasons of its own, of the kind that tells
    /// its callers what to do.
    ///
    /// ```
    /// use strandline::{Error, ErrorKind};
    ///
    /// let refused = std::io::Error::from(std::io::ErrorKind::StorageFull);
    /// let error = Error::new(ErrorKind::Io, "the report cannot be written").with_source(refused);
    /// assert_eq!(error.kind(), ErrorKind::Io);
    /// assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
    /// ```
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Repr {
            kind,
            message: message.into(),
            ids: Vec::new(),
            decided_by: Sequence::ZERO,
            detail: Detail::None,
            source: None,
        }))
    }

    pub(crate) fn no_receipt() -> Self {
        Self::new(
            ErrorKind::Unknown,
            "the commit of one event gave no receipt",
        )
    }

    /// Everything below must be visible before the error is returned.
    pub(crate) fn decided_by(&self) -> Sequence {
        self.0.decided_by
    }

    pub(crate) fn because_of(mut self, sequence: Sequence) -> Self {
        self.0.decided_by = sequence.checked_add(1).unwrap_or(sequence);
        self
    }

    /// The same with what it comes from, which is shown after the message.
    ///
    /// Where that says that the store's directory or process is not the one that holds it any more, the
    /// error becomes [`ErrorKind::LockLost`]: whatever failed, failed for that.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let source = source.into();
        match Lost::of(&*source) {
            // Whatever could not be done for it; but what events became of stays open.
            Some(lost) if self.0.ids.is_empty() => lost.clone().into(),
            _ => {
                self.0.source = Some(source);
                self
            }
        }
    }

    /// The error of the index that this one comes from.
    pub(crate) fn of_index(&self) -> Option<&IndexError> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// The error of the log that this one comes from.
    pub(crate) fn of_log(&self) -> Option<&LogError> {
        self.0.source.as_deref()?.downcast_ref()
    }

    pub(crate) fn with_ids(mut self, ids: impl IntoIterator<Item = EventId>) -> Self {
        self.0.ids = ids.into_iter().collect();
        self
    }

    pub(crate) fn io(what: &str, path: &Path, error: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` shows the source already, so a chain starts below it.
        self.0.source.as_deref().and_then(std::error::Error::source)
    }
}
