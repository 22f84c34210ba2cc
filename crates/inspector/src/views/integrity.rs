//! `integrity`: what verification found, the head of the log, and what was removed.

use super::anchors::{Anchors, anchors};
use super::checked::Checked;
use super::context::Context;
use super::fault::Fault;
use super::same::Same;
use super::view::View;
use crate::asked::Asked;
use crate::site::Budget;
use crate::text::{Table, time};
use serde::Serialize;
use std::time::Duration;
use strandline::Store;
use strandline::maintenance::{Kept, verify, verify_files};

/// What may be asked: with `verify` a verification is begun, unless one is at work.
pub(crate) const INTEGRITY: &[&str] = &["verify"];

/// How long a request waits for each of them, and for all, in milliseconds.
const WAIT_MS: u64 = 20;
const WHOLE_MS: u64 = 50;

/// The head of the tree over the log.
#[derive(Debug, Serialize)]
pub(crate) struct Head {
    pub(crate) size: u64,
    pub(crate) root: String,
}

/// The integrity of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Integrity {
    pub(crate) is_running: bool,
    /// How much is done, and of how much where that is known.
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    pub(crate) checked: Option<Checked>,
    /// How long ago that was.
    pub(crate) checked_ms_ago: Option<u64>,
    pub(crate) head: Option<Head>,
    pub(crate) head_error: Option<String>,
    /// What it is, held against heads that are kept elsewhere.
    pub(crate) anchors: Anchors,
    pub(crate) same: Same,
}

/// The integrity of the store, of one that does not open too.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn integrity(context: &Context, asked: &Asked) -> Result<Integrity, Fault> {
    let opened = context.watch.now().ok();
    let whole = context.budget(WHOLE_MS);
    let seen = match asked.one("verify") {
        None => context.checked.seen(&()),
        Some(_) => {
            let (fs, dir) = (context.fs.clone(), context.dir.clone());
            let store = opened.as_ref().map(|opened| opened.store.clone());
            // What was found a moment ago is not looked for again by whoever looks how far it is.
            context.checked.ask(
                &(),
                Duration::from_secs(10),
                context.patience(WAIT_MS),
                move |on_progress| match store {
                    Some(store) => {
                        let verified = verify(&store, &Kept::default(), on_progress);
                        Checked::of(verified, Some(&store))
                    }
                    None => Checked::of(
                        verify_files(&*fs, &dir, &Kept::default(), on_progress),
                        None,
                    ),
                },
            )
        }
    };
    let (head, head_error) = match &opened {
        None => (None, None),
        Some(opened) => head(context, &opened.store, &whole),
    };
    let rust =
        "let verified = verify(&store, &Kept::default(), &mut |_| ControlFlow::Continue(()))?;";
    Ok(Integrity {
        is_running: seen.is_running,
        done: seen.progress.map_or(0, |progress| progress.done),
        total: seen.progress.and_then(|progress| progress.total),
        checked_ms_ago: seen
            .done
            .as_ref()
            .map(|(_, age)| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
        checked: seen.done.map(|(checked, _)| (*checked).clone()),
        head,
        head_error,
        anchors: anchors(context, opened.as_ref().map(|opened| &opened.store), &whole),
        same: Same::new("verify", &context.dir, [], rust),
    })
}

/// The head of the tree, made once for each size, on a thread of its own.
fn head(context: &Context, store: &Store, whole: &Budget) -> (Option<Head>, Option<String>) {
    let now = store.snapshot();
    let size = now.visible().get();
    let wait = context.patience(WAIT_MS).min(whole.left());
    let seen = context.head.ask(&size, Duration::MAX, wait, move |_| {
        now.tree_head().map_err(|error| error.to_string())
    });
    let Some((head, _)) = seen.done else {
        return (None, None);
    };
    match &*head {
        Ok(head) => {
            let root = head.root.to_string();
            (
                Some(Head {
                    size: head.size,
                    root,
                }),
                None,
            )
        }
        Err(error) => (None, Some(error.clone())),
    }
}

impl View for Integrity {
    fn title(&self) -> String {
        "Integrity".to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["what", "time", "sequence", "events", "text"]);
        let Some(checked) = &self.checked else {
            return table;
        };
        for problem in &checked.problems {
            let sequence = problem.sequence.map(|sequence| sequence.to_string());
            let sequence = sequence.unwrap_or_default();
            table.row([
                "problem".to_owned(),
                String::new(),
                sequence,
                problem.events.to_string(),
                problem.message.clone(),
            ]);
        }
        for removal in &checked.removals {
            let row = [
                removal.change.to_owned(),
                time(removal.wall_ms),
                String::new(),
                removal.events.to_string(),
            ];
            table.row(row.into_iter().chain([removal.rule.clone()]));
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
