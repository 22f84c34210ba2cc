//! `files`: the files of a store, and what a compaction would free of them.

use super::context::Context;
use super::fault::Fault;
use super::inventory::FilesSeen;
use super::same::Same;
use super::view::View;
use crate::asked::{Asked, Wrong};
use crate::site::Budget;
use crate::text::Table;
use serde::Serialize;
use std::time::Duration;
use strandline::maintenance::{CompactionPlan, Inventory, Retention};

/// What may be asked: which events a compaction would keep.
pub(crate) const FILES: &[&str] = &["keep_newest", "keep_since", "within", "drop_prefix"];

/// How old what is known of files may be.
const FRESH: Duration = Duration::from_secs(2);
/// How long a request waits for them, and for a plan too, in milliseconds.
const WAIT_MS: u64 = 35;
const WHOLE_MS: u64 = 50;
/// About how much a removed event leaves in its segment, in bytes: `docs/format.md`.
const LEFT_BYTES: u64 = 144;

/// What a compaction would do.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) events: u64,
    pub(crate) segments: usize,
    /// About how many bytes it would free: the mean length of an event, less what stays of one.
    pub(crate) freed_bytes_about: u64,
    pub(crate) command: String,
}

/// The files of a store.
#[derive(Debug, Serialize)]
pub(crate) struct Files {
    /// None while they are looked at for the first time.
    pub(crate) files: Option<FilesSeen>,
    /// What was asked of a compaction; none while it is counted.
    pub(crate) plan: Option<Result<Plan, String>>,
    pub(crate) is_planning: bool,
    pub(crate) same: Same,
}

/// The files of the store.
///
/// # Errors
///
/// [`Fault`].
pub(crate) fn files(context: &Context, asked: &Asked) -> Result<Files, Fault> {
    let (fs, dir) = (context.fs.clone(), context.dir.clone());
    let whole = context.budget(WHOLE_MS);
    let seen = context
        .files
        .ask(&(), FRESH, context.patience(WAIT_MS), move |_| {
            let inventory = Inventory::of(&*fs, &dir).map_err(|error| error.to_string())?;
            Ok(FilesSeen::from(inventory))
        });
    let files = match seen.done {
        None => None,
        Some((files, _)) => Some((*files).clone().map_err(Fault::NotThere)?),
    };
    let rules = rules(context, asked)?;
    let (plan, is_planning) = match rules {
        None => (None, false),
        Some((rules, options)) => {
            let plan = plan(context, (&rules, &options), files.as_ref(), &whole)?;
            let is_planning = plan.is_none();
            (plan, is_planning)
        }
    };
    let rust = "let inventory = Inventory::of(&OsFs, dir)?;";
    Ok(Files {
        files,
        plan,
        is_planning,
        same: Same::new("inspect", &context.dir, [], rust),
    })
}

/// The rules of a compaction that are asked for, and the options that give the same; none if none are.
fn rules(context: &Context, asked: &Asked) -> Result<Option<(Retention, Vec<String>)>, Wrong> {
    let (mut rules, mut options) = (Retention::new(), Vec::new());
    if let Some(count) = asked.value("keep_newest")? {
        rules = rules.keep_newest(count);
        options.extend(["--keep-newest".to_owned(), count.to_string()]);
    }
    if let Some(since) = asked.moment("keep_since", context.clock.now_ms())? {
        // To the minute, so that what is asked again is not counted anew.
        let since = since - since % 60_000;
        rules = rules.keep_since(since);
        options.extend(["--keep-since".to_owned(), since.to_string()]);
    }
    if let Some(prefix) = asked.one("drop_prefix") {
        rules = rules.drop_entities(prefix);
        options.extend(["--drop-prefix".to_owned(), prefix.to_owned()]);
    }
    if let Some(prefix) = asked.one("within").filter(|_| !options.is_empty()) {
        rules = rules.within(prefix);
        options.extend(["--within".to_owned(), prefix.to_owned()]);
    }
    Ok(Some((rules, options)).filter(|(_, options)| !options.is_empty()))
}

fn plan(
    context: &Context,
    (rules, options): (&Retention, &[String]),
    files: Option<&FilesSeen>,
    whole: &Budget,
) -> Result<Option<Result<Plan, String>>, Fault> {
    let store = context.opened()?.store.clone();
    let asked = rules.clone();
    let seen = context.plan.ask(
        rules,
        Duration::from_secs(30),
        context.patience(WAIT_MS).min(whole.left()),
        move |_| CompactionPlan::of(&store, &asked).map_err(|error| error.to_string()),
    );
    let Some((plan, _)) = seen.done else {
        return Ok(None);
    };
    let words = options.iter().map(String::as_str).chain(["--dry-run"]);
    let command = Same::new("compact", &context.dir, words, "").command;
    let mean = files.map_or(0, mean_bytes);
    Ok(Some(match &*plan {
        Err(error) => Err(error.clone()),
        Ok(plan) => Ok(Plan {
            events: plan.events,
            segments: plan.segments,
            freed_bytes_about: plan.events.saturating_mul(mean.saturating_sub(LEFT_BYTES)),
            command,
        }),
    }))
}

/// How long an event is in sealed segments, in the mean.
fn mean_bytes(files: &FilesSeen) -> u64 {
    let sealed = files
        .segments
        .iter()
        .filter_map(|one| Some((one.end_sequence? - one.first_sequence, one.frame_bytes?)));
    let (events, bytes) = sealed.fold((0, 0), |(events, bytes), (more, longer)| {
        (events + more, bytes + longer)
    });
    bytes.checked_div(events).unwrap_or_default()
}

impl View for Files {
    fn title(&self) -> String {
        "Files".to_owned()
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            "name",
            "what",
            "bytes",
            "frame_bytes",
            "footer_bytes",
            "first_sequence",
            "end_sequence",
        ]);
        let number =
            |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let Some(files) = &self.files else {
            return table;
        };
        for one in &files.segments {
            table.row([
                one.name.clone(),
                "segment".to_owned(),
                number(one.file_bytes),
                number(one.frame_bytes),
                number(one.footer_bytes),
                one.first_sequence.to_string(),
                number(one.end_sequence),
            ]);
        }
        for one in &files.others {
            let empty = String::new();
            table.row([
                one.name.clone(),
                one.what.to_owned(),
                one.bytes.to_string(),
                empty.clone(),
                empty.clone(),
                empty.clone(),
                empty,
            ]);
        }
        table
    }

    fn same(&self) -> Same {
        self.same.clone()
    }
}
