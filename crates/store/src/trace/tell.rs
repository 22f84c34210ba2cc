//! Where a thread stands, and so where what it tells is emitted: here, once it holds no lock, or on the
//! thread for callers' code.

use super::calls::{Calls, told_panic};
use super::caught::caught;
use super::emit::{Event, count_panic, emit, wants};
use std::cell::{Cell, RefCell};
use tracing::Level;
use tracing::span::EnteredSpan;

/// Where this thread stands.
#[derive(Default)]
struct Here {
    /// How many [`Held`] there are.
    held: Cell<usize>,
    /// Events that were told meanwhile.
    waiting: RefCell<Vec<Event>>,
    /// Where events go, on a thread of the store's.
    calls: RefCell<Option<Calls>>,
}

thread_local! {
    static HERE: Here = Here::default();
}

/// Emits an event: here, or once this thread holds no lock, or on the thread for callers' code.
#[inline]
pub(crate) fn tell(level: Level, event: impl FnOnce() + Send + 'static) {
    if wants(level) {
        tell_boxed(Box::new(event));
    }
}

#[cold]
fn tell_boxed(event: Event) {
    // A thread that is ending tells nothing.
    let _ = HERE.try_with(|here| {
        let calls = here.calls.borrow().clone();
        if let Some(calls) = calls {
            calls.tell(event);
        } else if here.held.get() > 0 {
            here.waiting.borrow_mut().push(event);
        } else {
            emit(event);
        }
    });
}

/// Whether this thread may call code of callers here and now: it holds no lock, and is not one of the store's own.
#[cfg(feature = "metrics")]
#[inline]
pub(crate) fn is_free() -> bool {
    HERE.try_with(|here| here.held.get() == 0 && here.calls.borrow().is_none()) == Ok(true)
}

/// Runs something once this thread holds no lock, or on the thread for callers' code.
#[cfg(feature = "metrics")]
pub(crate) fn tell_later(event: Event) {
    tell_boxed(event);
}

/// A span that is entered until this is dropped. To be opened before a lock is taken.
#[must_use = "it ends when it is dropped"]
pub(crate) struct Span(Option<EnteredSpan>);

/// Enters a span. None where locks are held, and none on the store's own threads: what those do is told
/// by events.
#[inline]
pub(crate) fn span(level: Level, make: impl FnOnce() -> tracing::Span) -> Span {
    if wants(level) {
        enter(make)
    } else {
        Span(None)
    }
}

#[cold]
fn enter(make: impl FnOnce() -> tracing::Span) -> Span {
    let is_free = HERE.try_with(|here| here.held.get() == 0 && here.calls.borrow().is_none());
    if is_free != Ok(true) {
        return Span(None);
    }
    let entered = caught(|| make().entered());
    if entered.is_err() {
        count_panic();
    }
    Span(entered.ok())
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(span) = self.0.take()
            && caught(|| drop(span)).is_err()
        {
            count_panic();
        }
    }
}

/// While it is there, this thread calls no subscriber: what is told waits until the last is dropped. To
/// be made before a lock is taken, and dropped after it.
#[derive(Debug)]
#[must_use = "what is told waits only while it is there"]
pub(crate) struct Held(());

/// Holds back what this thread tells.
#[inline]
pub(crate) fn hold() -> Held {
    let _ = HERE.try_with(|here| here.held.set(here.held.get() + 1));
    Held(())
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        let _ = HERE.try_with(|here| {
            let held = here.held.get().saturating_sub(1);
            here.held.set(held);
            if held == 0 && !here.waiting.borrow().is_empty() {
                let waiting = here.waiting.take();
                waiting.into_iter().for_each(emit);
            }
        });
    }
}

/// Has this thread, which is one of the store's, hand over what it tells.
#[cfg(not(strandline_loom))]
pub(crate) fn hand_over(calls: &Calls) {
    let _ = HERE.try_with(|here| here.calls.replace(Some(calls.clone())));
}

/// The threads of a model are one for the system, and nobody listens to them.
#[cfg(strandline_loom)]
pub(crate) const fn hand_over(_: &Calls) {}

/// Whether this thread is one of a store's, but that for callers' code.
pub(crate) fn is_stores_own() -> bool {
    HERE.try_with(|here| here.calls.borrow().is_some()) == Ok(true)
}

impl Calls {
    /// Runs something that may panic on a thread that has to go on. `None` if it did, which is counted
    /// and told.
    pub(crate) fn catch<R>(&self, what: &'static str, run: impl FnOnce() -> R) -> Option<R> {
        let told = |reason: String| {
            self.count_panic();
            tell(Level::ERROR, move || told_panic(what, &reason));
        };
        caught(run).map_err(told).ok()
    }
}
