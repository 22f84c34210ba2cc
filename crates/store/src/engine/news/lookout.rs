//! `Lookout`: the thread that looks for news of another process's appends, while somebody waits for them.

use crate::engine::parker::Parker;
use crate::trace::{self, Calls};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use strandline_core::sync::{Mutex, thread};

/// How long it rests between two looks: the longer, the longer nothing comes.
const REST_MIN: Duration = Duration::from_millis(1);
const REST_MAX: Duration = Duration::from_millis(20);

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nobody waits.
    Unawaited,
    Nothing,
    Something,
    /// There is nothing to look at any more.
    Over,
}

/// The thread, which is there once somebody waits where another process writes.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    asked: Arc<Parker>,
}

impl Lookout {
    /// Makes sure that there is a thread, which looks as `look` does.
    pub(crate) fn start(
        &self,
        calls: &Calls,
        look: impl FnMut() -> Look + Send + 'static,
    ) -> io::Result<()> {
        let mut thread = self.thread.lock();
        if thread.is_none() {
            let (asked, calls) = (self.asked.clone(), calls.clone());
            let started = thread::Builder::new()
                .name("strandline-news".to_owned())
                .spawn(move || {
                    trace::hand_over(&calls);
                    run(&asked, look);
                })?;
            *thread = Some(started);
        }
        Ok(())
    }

    /// Has it look now.
    pub(super) fn ask(&self) {
        self.asked.unpark();
    }

    /// The thread, to be joined once it has nothing to look at.
    pub(crate) fn take(&self) -> Option<thread::JoinHandle<()>> {
        self.thread.lock().take()
    }
}

fn run(asked: &Parker, mut look: impl FnMut() -> Look) {
    let mut rest = REST_MIN;
    loop {
        match look() {
            Look::Over => return,
            Look::Unawaited => {
                asked.park();
                rest = REST_MIN;
            }
            Look::Something => {
                rest = REST_MIN;
                asked.park_for(rest);
            }
            Look::Nothing => {
                asked.park_for(rest);
                rest = (rest * 2).min(REST_MAX);
            }
        }
    }
}
