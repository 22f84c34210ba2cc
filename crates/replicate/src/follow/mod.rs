//! A bucket followed into a directory: from the newest state on, chunk by chunk, from term to term.
//!
//! `Following` takes one step at a time, on the caller's thread: what is to be asked says `protocol`, what is in
//! the answer says `object`, and the directory is a `LogReceiver`'s. Waits for nothing and shows nothing: that is for
//! who calls it. Writes nothing to the bucket.

mod along;
mod beside;
mod copy;
mod decode;
mod error;
mod fetch;
mod lazy;
mod place;
mod survey;

pub use beside::bucket_fs;
pub use error::FollowError;
pub use lazy::is_lazy;

pub(crate) use along::{identity_of, take_along};
pub(crate) use copy::{Copy, check_own};
pub(crate) use place::Place;
pub(crate) use survey::{Lasting, lasting, survey};

use crate::ask::ask;
use crate::bucket::Bucket;
use crate::object::{Key, Term, TermRecord};
use crate::protocol::{Follower, Told, Waiting};
use crate::remote::RemoteOptions;
use bytes::Bytes;
use decode::{decode_chunk, decode_state};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::Fs;
use strandline_segment::LogPosition;

/// A bucket that is followed into a directory.
pub(crate) struct Following {
    bucket: Bucket,
    fs: Arc<dyn Fs>,
    dir: PathBuf,
    follower: Follower<Bytes>,
    copy: Copy,
    /// What is kept in the directory.
    place: Option<Place>,
    /// The term that was followed last, and the newest state of it that was taken over.
    listed: Option<(Term, u64)>,
    /// A state of the term that is acknowledged and not taken over yet.
    announced: Option<u64>,
    /// A term that was followed, and of which it is not known that the bucket still has it.
    doubted: Option<Term>,
    /// Bytes of frames since the last sync.
    unsynced_bytes: u64,
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing to see: take the next one at once.
    More,
    /// The copy has more.
    Grew,
    /// Sealed segments of the copy have other files, as after a compaction or redaction: whoever has the old ones open
    /// reads what they were. It may have more, too.
    Rewritten,
    /// There is nothing for now.
    Wait(Waiting),
}

impl Following {
    /// Goes on where the directory was left, or begins.
    pub(crate) fn open(
        bucket: Bucket,
        fs: Arc<dyn Fs>,
        dir: &Path,
        lazy: Option<&RemoteOptions>,
    ) -> Result<Self, FollowError> {
        check_own(&*fs, dir)?;
        let copy = Copy::open(bucket.clone(), fs.clone(), dir, lazy)?;
        let place = match copy.end() {
            Some(_) => Place::read(&*fs, dir)?,
            None => None,
        };
        let mut follower = match place {
            Some(place) => Follower::at(place.term, place.next),
            None => Follower::new(),
        };
        if place.is_none() {
            survey::check_terms(&bucket)?;
        }
        // It may have been away for long.
        follower.doubt();
        Ok(Self {
            bucket,
            fs,
            dir: dir.to_path_buf(),
            follower,
            copy,
            listed: place.map(|place| (place.term, place.state)),
            doubted: place.map(|place| place.term),
            place,
            announced: None,
            unsynced_bytes: 0,
        })
    }

    /// The copy.
    pub(crate) const fn copy(&self) -> &Copy {
        &self.copy
    }

    /// Where the copy ends; `None` while there is none.
    pub(crate) fn end(&self) -> Option<LogPosition> {
        self.copy.end()
    }

    /// The term, and the number of its chunk that comes next.
    pub(crate) const fn place(&self) -> Option<(Term, u64)> {
        self.follower.place()
    }

    /// Bytes of frames that were received since the last sync.
    pub(crate) const fn unsynced_bytes(&self) -> u64 {
        self.unsynced_bytes
    }

    /// Has it look whether what it waits for was deleted, and the bucket is the one that it was: one listing, and one
    /// request.
    pub(crate) fn doubt(&mut self) {
        self.follower.doubt();
        self.doubted = self.follower.place().map(|(term, _)| term);
    }

    /// Takes one step: one request, and what follows from its answer.
    ///
    /// # Errors
    ///
    /// A passing error changes nothing, and the step may be taken again. Any other ends it.
    pub(crate) fn step(&mut self) -> Result<Step, FollowError> {
        if let Some(term) = self.doubted {
            self.check_has(term)?;
            self.doubted = None;
        }
        if let Some(number) = self.announced {
            let is_rewritten = self.take_announced(number)?;
            self.announced = None;
            return Ok(grew(is_rewritten));
        }
        let before = self.follower.clone();
        let answer = ask(&self.bucket, &self.follower.request())?;
        let taken = match self.follower.answer(answer) {
            Told::More => Ok(Step::More),
            Told::Wait(waiting) => Ok(Step::Wait(waiting)),
            Told::Show {
                term,
                number,
                content,
            } => self.take_chunk(term, number, &content),
            Told::Moved {
                term,
                number,
                content,
            } => self.move_to(term, number, &content),
        };
        match taken {
            Err(error) => {
                // Nothing of it was taken, so it is asked for again.
                self.follower = before;
                if error.is_gone() {
                    // The state is not the newest any more.
                    self.follower.again();
                }
                Err(error)
            }
            taken => taken,
        }
    }

    /// Makes durable what was received, and keeps how far that is.
    pub(crate) fn sync(&mut self) -> Result<(), FollowError> {
        self.copy.sync()?;
        self.unsynced_bytes = 0;
        if let Some((term, next)) = self.follower.place()
            && self.copy.end().is_some()
        {
            let state = self.listed_in(term).unwrap_or(0);
            // The chunk that told of a state tells of it again, until that is taken over: it may be the last one.
            let again = u64::from(self.announced.is_some());
            let next = next.saturating_sub(again);
            let place = Place { term, next, state };
            if self.place != Some(place) {
                place.write(&*self.fs, &self.dir)?;
                self.place = Some(place);
            }
        }
        Ok(())
    }

    /// Who has a term, as its object says.
    pub(crate) fn record(&self, term: Term) -> Result<Option<TermRecord>, FollowError> {
        let key = Key::Term(term);
        let Some(bytes) = self.bucket.get(&key.to_string())? else {
            return Ok(None);
        };
        let record = TermRecord::decode(term, &bytes);
        record
            .map(Some)
            .map_err(|error| FollowError::object(&key, error))
    }

    /// Checks that the bucket has a term that was followed, of the same log. Terms are never deleted: without it the
    /// bucket is another one, or was emptied, and that there is no next chunk in it says nothing.
    fn check_has(&self, term: Term) -> Result<(), FollowError> {
        match self.record(term)? {
            Some(record) => self.copy.check_log(&record.identity),
            None => Err(FollowError::Diverged {
                term,
                sequence: self.copy.end().map_or(0, |end| end.sequence.get()),
                reason: "the bucket does not have the term, which it had".to_owned(),
            }),
        }
    }

    fn take_chunk(&mut self, term: Term, number: u64, bytes: &Bytes) -> Result<Step, FollowError> {
        let chunk = decode_chunk(term, number, bytes)?;
        self.copy.take_chunk(&chunk)?;
        let body = u64::try_from(chunk.body.len()).unwrap_or(u64::MAX);
        self.unsynced_bytes = self.unsynced_bytes.saturating_add(body);
        if self
            .listed_in(term)
            .is_none_or(|listed| listed < chunk.state)
        {
            self.announced = Some(chunk.state);
        }
        Ok(Step::Grew)
    }

    /// Takes over the state that a chunk told of. A later one may have taken its place; then a later chunk tells of
    /// that.
    fn take_announced(&mut self, number: u64) -> Result<bool, FollowError> {
        let Some((term, _)) = self.follower.place() else {
            return Ok(false);
        };
        let mut is_rewritten = false;
        let key = Key::State { term, number };
        if self.listed_in(term).is_none_or(|listed| listed < number)
            && let Some(bytes) = self.bucket.get(&key.to_string())?
        {
            let state = decode_state(term, number, &bytes)?;
            // What it covers is not to be asked for again, in chunks of files that are no more once it is taken over.
            self.sync()?;
            is_rewritten = match self.copy.take_state(&state) {
                Err(error) if error.is_gone() => false,
                taken => taken?,
            };
        }
        self.listed = Some((term, number));
        Ok(is_rewritten)
    }

    fn move_to(&mut self, term: Term, number: u64, bytes: &Bytes) -> Result<Step, FollowError> {
        let state = decode_state(term, number, bytes)?;
        let is_later = self.listed.is_some_and(|(before, _)| before < term);
        if let Some(end) = self.copy.end().filter(|_| is_later)
            && end.sequence > state.end.sequence
        {
            return Err(FollowError::Diverged {
                term,
                sequence: end.sequence.get(),
                reason: format!("it goes on from sequence {}", state.end.sequence),
            });
        }
        let is_rewritten = self.copy.take_state(&state)?;
        if let Some(end) = self.copy.end().filter(|_| is_later)
            && !end.is_same_place(&state.end)
        {
            return Err(FollowError::Diverged {
                term,
                sequence: end.sequence.get(),
                reason: "what it goes on from is another log".to_owned(),
            });
        }
        let place = Place {
            term,
            next: number,
            state: number,
        };
        self.listed = Some((term, number));
        self.announced = None;
        place.write(&*self.fs, &self.dir)?;
        self.place = Some(place);
        Ok(grew(is_rewritten))
    }

    /// The newest state of a term that was taken over.
    fn listed_in(&self, term: Term) -> Option<u64> {
        let listed = self.listed.filter(|(of, _)| *of == term);
        listed.map(|(_, number)| number)
    }
}

const fn grew(is_rewritten: bool) -> Step {
    match is_rewritten {
        true => Step::Rewritten,
        false => Step::Grew,
    }
}
