//! `forget`: the key of an entity or a scope forgotten, and with it what was sealed. Changes no store.

use crate::args::{StoreArgs, WrappingArgs, advised, confirm, keeping_owner, open_keys};
use crate::outcome::{Outcome, WrongUsage};
use crate::terminal::{Screen, count};
use serde_json::json;
use std::path::PathBuf;
use strandline::{Region, SealKeyId, Store};
use strandline_seal::{FileKeys, KeyStore as _, Per, Subject};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Forget the key of this entity.
    #[arg(long, value_name = "NAME", conflicts_with = "scope")]
    entity: Option<String>,
    /// Forget the key of this scope.
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// The file that has the keys.
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    #[command(flatten)]
    wrapping: WrappingArgs,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// What of the store a key is of.
#[derive(Debug, Default)]
struct Concerned {
    sealed: u64,
    /// Events of the same that are stored as they are.
    plain: u64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let subject = match (&args.entity, &args.scope) {
        (Some(entity), _) => Subject::Entity(entity),
        (None, Some(scope)) => Subject::Scope(scope),
        (None, None) => {
            let message =
                "nobody was named, so there is nothing to forget: give --entity or --scope";
            return Err(WrongUsage(message.to_owned()).into());
        }
    };
    let store = args.store.open()?;
    let keys = open_keys(&args.keys, &args.wrapping)?;
    let (ids, is_known) = keys_of(&keys, subject)?;
    if !is_known {
        let text = format!(
            "there is no key of {subject} in {}; nothing was changed",
            args.keys.display()
        );
        show(args, subject, None, &text)?;
        return Ok(Outcome::ProblemFound);
    }
    if ids.is_empty() {
        show(
            args,
            subject,
            None,
            &format!("the key of {subject} was forgotten before"),
        )?;
        return Ok(Outcome::Fine);
    }
    let concerned = concerned(&store, subject, &ids)?;
    let mut plan = format!(
        "forgets the key of {subject}: {} of this store cannot be read any more then, here and in every copy",
        count(concerned.sealed, "event")
    );
    if concerned.plain > 0 {
        plan += &format!(
            "\n{} of {subject} not sealed with it, and stay as they are: `redact` removes their payloads",
            is_or_are(concerned.plain)
        );
    }
    if !confirm(&plan, args.yes)? {
        return Ok(Outcome::Fine);
    }
    keeping_owner(&args.keys, || keys.forget(subject))?;
    let text = format!(
        "the key of {subject} is forgotten. Copies of {} from before still have it: encrypt it anew with `strandline \
         key-store rotate`, and destroy the wrapping key of before",
        args.keys.display()
    );
    show(args, subject, Some(&concerned), &text)?;
    Ok(Outcome::Fine)
}

fn is_or_are(events: u64) -> String {
    let verb = if events == 1 { "is" } else { "are" };
    format!("{} {verb}", count(events, "event"))
}

/// The keys of a subject that were not forgotten, and whether there ever was one.
fn keys_of(keys: &FileKeys, subject: Subject<'_>) -> anyhow::Result<(Vec<SealKeyId>, bool)> {
    let records = keys.records().map_err(advised)?;
    let of: Vec<_> = records
        .iter()
        .filter(|record| record.subject() == subject)
        .collect();
    let there = of.iter().filter(|record| record.forgotten_ms.is_none());
    Ok((there.map(|record| record.id).collect(), !of.is_empty()))
}

fn concerned(store: &Store, subject: Subject<'_>, ids: &[SealKeyId]) -> anyhow::Result<Concerned> {
    let snapshot = store.snapshot();
    let region = match subject.per() {
        Per::Entity => Region::all().entity(subject.name()),
        Per::Scope => Region::all().scope(subject.name()),
    };
    let mut events = snapshot.query(&region);
    let mut concerned = Concerned::default();
    while let Some(event) = events.next_ref() {
        let event = event?;
        if event.is_redacted() {
            continue;
        }
        let seal = event.extensions().seal().ok().flatten();
        match seal.is_some_and(|seal| ids.contains(&seal.key)) {
            true => concerned.sealed += 1,
            false => concerned.plain += u64::from(!event.is_sealed()),
        }
    }
    Ok(concerned)
}

fn show(
    args: &Args,
    subject: Subject<'_>,
    forgotten: Option<&Concerned>,
    text: &str,
) -> anyhow::Result<()> {
    let mut screen = Screen::new();
    if args.store.json {
        let per = match subject.per() {
            Per::Entity => "entity",
            Per::Scope => "scope",
        };
        screen.json(&json!({
            per: subject.name(),
            "forgotten": forgotten.is_some(),
            "events_forgotten": forgotten.map_or(0, |concerned| concerned.sealed),
            "events_not_sealed": forgotten.map_or(0, |concerned| concerned.plain),
        }))?;
    } else {
        screen.text(text)?;
    }
    Ok(screen.flush()?)
}
