//! `State`: what is known of a value while it is written, and the path to what is refused in it.

use super::doubts::{Doubtful, Doubts};
use super::format::{Format, LEVELS_MAX};
use super::refusal::{Reason, Refusal, Step};
use serde::ser::Error;
use std::cell::{Cell, RefCell};

/// What is known of a value while it is written.
pub(super) struct State {
    pub(super) format: &'static Format,
    doubtful: Doubtful,
    levels: Cell<usize>,
    doubts: Cell<Doubts>,
    /// Hash of the key that was written last.
    pub(super) key: Cell<Option<u64>>,
    reason: RefCell<Option<Reason>>,
    /// Steps to what was refused, the innermost first; nothing while all goes well.
    path: RefCell<Vec<Step>>,
}

impl State {
    pub(super) fn new(format: &'static Format, doubtful: Doubtful) -> Self {
        Self {
            format,
            doubtful,
            levels: Cell::new(0),
            doubts: Cell::default(),
            key: Cell::default(),
            reason: RefCell::default(),
            path: RefCell::default(),
        }
    }

    /// What became of the whole value.
    pub(super) fn outcome<T, E>(self, written: Result<T, E>) -> Result<Doubts, Refusal>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let Err(error) = written else {
            return Ok(self.doubts.get());
        };
        let reason = self.reason.into_inner();
        let reason = reason.unwrap_or_else(|| Reason::Other(Box::new(error)));
        Err(Refusal::new(self.format, self.path.into_inner(), reason))
    }

    #[cold]
    pub(super) fn refuse<E: Error>(&self, reason: Reason) -> E {
        *self.reason.borrow_mut() = Some(reason);
        E::custom("the value would not be read back as it is")
    }

    #[cold]
    pub(super) fn doubt<E: Error>(
        &self,
        reason: Reason,
        note: impl FnOnce(&mut Doubts),
    ) -> Result<(), E> {
        if self.doubtful == Doubtful::Refuse {
            return Err(self.refuse(reason));
        }
        self.note(note);
        Ok(())
    }

    pub(super) fn note(&self, note: impl FnOnce(&mut Doubts)) {
        let mut doubts = self.doubts.get();
        note(&mut doubts);
        self.doubts.set(doubts);
    }

    #[inline]
    pub(super) fn enter<E: Error>(&self, levels: usize) -> Result<(), E> {
        let levels = self.levels.get() + levels;
        if levels > LEVELS_MAX {
            return Err(self.refuse(Reason::TooDeep));
        }
        self.levels.set(levels);
        Ok(())
    }

    #[inline]
    pub(super) fn leave(&self, levels: usize) {
        self.levels.set(self.levels.get().saturating_sub(levels));
    }

    /// What an operation came to; the step to it is kept if it failed.
    #[inline]
    pub(super) fn at<T, E>(
        &self,
        written: Result<T, E>,
        step: impl FnOnce() -> Step,
    ) -> Result<T, E> {
        if written.is_err() {
            self.path.borrow_mut().push(step());
        }
        written
    }

    /// Refuses a number that JSON has not.
    #[inline]
    pub(super) fn finite<E: Error>(&self, number: f64) -> Result<(), E> {
        if number.is_finite() || !self.format.is_json {
            return Ok(());
        }
        let what = match number {
            f64::INFINITY => "infinity",
            f64::NEG_INFINITY => "minus infinity",
            _ => "not a number (NaN)",
        };
        Err(self.refuse(Reason::NotFinite(what)))
    }

    /// A number of 128 bits, however small: the type alone decides whether it is read.
    pub(super) fn wide(&self, bits: u128) {
        self.note(|doubts| {
            doubts.wide = doubts.wide.wrapping_add(bits);
            doubts.wide_count += 1;
        });
    }
}
