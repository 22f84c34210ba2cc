//! The object store that all processes of a story share: objects in memory, requests that are done late, and who has
//! taken which term.

use bytes::Bytes;
use futures::FutureExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutPayload, PutResult, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

/// How often what was met.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// A process, and the disk that it is on: a restarted one has another number on the same disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) process: u64,
    pub(crate) disk: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Sea {
    objects: InMemory,
    state: Mutex<State>,
    is_calm: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    late: Vec<(Due, Change)>,
    /// Who has put which term object.
    terms: BTreeMap<u64, Who>,
    steps: u64,
    /// Of each process, how often it has asked for what.
    asked: BTreeMap<(u64, String), u64>,
    counts: Counts,
}

/// When something late is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Right after the next term is taken.
    Taken,
    /// Right after the next term has begun.
    Begun,
    /// After a few more steps of the story.
    Steps(u64),
}

/// What a request changes.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Put {
        who: Who,
        path: Path,
        content: Bytes,
        mode: PutMode,
    },
    Delete(Path),
}

/// What has happened, of which something late may be the consequence.
#[derive(PartialEq, Eq)]
enum Happened {
    Nothing,
    Taken,
    Begun,
}

impl Sea {
    pub(crate) fn objects(&self) -> &InMemory {
        &self.objects
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Does what was asked, and what is due after it.
    pub(crate) fn change(&self, change: Change) -> Result<Option<PutResult>> {
        let mut state = self.state();
        let (done, mut happened) = self.done(&mut state, change);
        while happened != Happened::Nothing {
            let is_due = |(due, _): &mut (Due, Change)| match happened {
                Happened::Taken => *due == Due::Taken,
                Happened::Begun => *due == Due::Begun,
                Happened::Nothing => false,
            };
            let due: Vec<_> = state.late.extract_if(.., is_due).collect();
            happened = Happened::Nothing;
            for (_, change) in due {
                let (_, then) = self.done(&mut state, change);
                if then != Happened::Nothing {
                    happened = then;
                }
            }
        }
        done
    }

    fn done(&self, state: &mut State, change: Change) -> (Result<Option<PutResult>>, Happened) {
        let (who, path, content, mode) = match change {
            Change::Put {
                who,
                path,
                content,
                mode,
            } => (who, path, content, mode),
            Change::Delete(path) => {
                let deleted = self.objects.delete(&path).now_or_never().unwrap();
                return (deleted.map(|()| None), Happened::Nothing);
            }
        };
        let put = self
            .objects
            .put_opts(&path, PutPayload::from(content), mode.into());
        // In memory nothing is waited for.
        let put = put.now_or_never().unwrap();
        let key: Vec<&str> = path.as_ref().split('/').collect();
        let happened = match (put.is_ok(), key.as_slice()) {
            (true, ["terms", term]) => {
                state.terms.insert(term.parse().unwrap(), who);
                Happened::Taken
            }
            (true, ["state", _, number]) if number.parse() == Ok(0_u64) => Happened::Begun,
            _ => Happened::Nothing,
        };
        (put.map(Some), happened)
    }

    /// Has something done later.
    pub(crate) fn later(&self, due: Due, change: Change) {
        let mut state = self.state();
        let due = match due {
            Due::Steps(steps) => Due::Steps(state.steps + steps),
            due => due,
        };
        state.late.push((due, change));
    }

    /// One step of the story is over.
    pub(crate) fn step(&self) {
        let due: Vec<_> = {
            let mut state = self.state();
            state.steps += 1;
            let steps = state.steps;
            let is_due =
                |(due, _): &mut (Due, Change)| matches!(due, Due::Steps(at) if *at <= steps);
            state.late.extract_if(.., is_due).collect()
        };
        for (_, change) in due {
            let _ = self.change(change);
        }
    }

    /// From now on no request fails. What is late is done.
    pub(crate) fn calm(&self) {
        self.is_calm.store(true, Ordering::SeqCst);
        let late = std::mem::take(&mut self.state().late);
        for (_, change) in late {
            let _ = self.change(change);
        }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::SeqCst)
    }

    /// The newest term, and who has it.
    pub(crate) fn newest_term(&self) -> Option<(u64, Who)> {
        let state = self.state();
        state
            .terms
            .last_key_value()
            .map(|(term, who)| (*term, *who))
    }

    /// Who has taken a term.
    pub(crate) fn taker(&self, term: u64) -> Option<Who> {
        self.state().terms.get(&term).copied()
    }

    /// The newest term that a process has taken.
    pub(crate) fn newest_term_of(&self, process: u64) -> Option<u64> {
        let state = self.state();
        let of = state.terms.iter().filter(|(_, who)| who.process == process);
        of.map(|(term, _)| *term).max()
    }

    /// The how-manieth time a process asks for this.
    pub(crate) fn asks(&self, process: u64, what: String) -> u64 {
        let mut state = self.state();
        let asked = state.asked.entry((process, what)).or_default();
        *asked += 1;
        *asked
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.state().counts.entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts.clone()
    }
}
