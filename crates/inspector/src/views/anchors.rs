//! `anchors`: the log held against heads that are kept elsewhere, as far as that is done.

use super::anchored::Anchored;
use super::context::Context;
use crate::site::Budget;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use strandline::Store;
use strandline_anchor::check;

/// How old what is known of them may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long a request waits for it, in milliseconds.
const WAIT_MS: u64 = 30;

/// What is known of the log and the heads that are kept of it.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Anchors {
    /// Whether there are heads to hold it against.
    pub(crate) is_asked: bool,
    /// Whether they are held against it now.
    pub(crate) is_running: bool,
    pub(crate) error: Option<String>,
    pub(crate) found: Option<Anchored>,
}

/// Holds the log against the heads, on a thread of its own.
pub(super) fn anchors(context: &Context, store: Option<&Arc<Store>>, whole: &Budget) -> Anchors {
    let (Some(held), Some(store)) = (&context.held, store) else {
        let is_asked = context.held.is_some();
        let error =
            is_asked.then(|| "the store does not open, so it is held against nothing".to_owned());
        return Anchors {
            is_asked,
            error,
            ..Anchors::default()
        };
    };
    let (held, now) = (held.clone(), store.snapshot());
    let wait = context.patience(WAIT_MS).min(whole.left());
    let seen = context.anchored.ask(&(), FRESH, wait, move |_| {
        let kept = (held.read)()?;
        let report = check(&now, &kept, &held.policy).map_err(|error| error.to_string())?;
        Ok(Anchored::of(&report))
    });
    let (found, error) = match seen.done.as_ref().map(|(done, _)| &**done) {
        None => (None, None),
        Some(Ok(found)) => (Some(found.clone()), None),
        Some(Err(error)) => (None, Some(error.clone())),
    };
    Anchors {
        is_asked: true,
        is_running: seen.is_running,
        error,
        found,
    }
}
