//! `live park`, `replay`, `skip` and `discard`: what is decided about events of a reactor that were not handled.

use super::say::{in_one_line, parked_events};
use super::target::{Target, TargetArgs};
use super::wait::{WaitArgs, wait};
use crate::args::{confirm, did_you_mean, nearest, parse_event_id};
use crate::outcome::{Outcome, WrongUsage};
use crate::terminal::{Screen, count};
use serde_json::json;
use strandline_live::{Asked, ConsumerKind, Parked, Status};

/// How many entities are looked through for one that was meant.
const ENTITIES_LOOKED_AT: usize = 10_000;
/// How many keys are listed where one is not known.
const KEYS_LISTED: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct ParkArgs {
    /// Name of the reactor.
    name: String,
    /// The entity, or the correlation.
    key: String,
    /// Why, for whoever looks at it later.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// Park it also if no event of it is there yet.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReplayArgs {
    /// Name of the reactor.
    name: String,
    /// What is parked: the entity, or the correlation. All, if it is left out.
    key: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct SkipArgs {
    /// Name of the reactor.
    name: String,
    /// What is parked: the entity, or the correlation.
    key: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct DiscardArgs {
    /// Name of the reactor.
    name: String,
    /// What is parked: the entity, or the correlation.
    key: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim().is_empty() {
        true => Err("say why, for whoever looks at it later".to_owned()),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn park(args: &TargetArgs, park: &ParkArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let status = reactor(&target, &park.name)?;
    let before = parked_of(&status, &park.key);
    if let Some(parked) = before.filter(|parked| !parked.replay) {
        let message = format!(
            "{} is parked already, since {}: {}",
            park.key,
            args.zone().text(parked.at_ms),
            in_one_line(&parked.reason)
        );
        return done(args, "park", &park.name, Some(&park.key), &message);
    }
    if !park.yes && before.is_none() {
        check_key(&target, &park.key)?;
    }
    let asked = target.live.park(&park.name, &park.key, &park.reason)?;
    wait(&target, &park.name, asked, &park.wait)?;
    let message = format!(
        "parked {}: its events wait until it is replayed or discarded",
        park.key
    );
    done(args, "park", &park.name, Some(&park.key), &message)
}

pub(super) fn replay(args: &TargetArgs, replay: &ReplayArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let status = reactor(&target, &replay.name)?;
    let key = replay.key.as_deref();
    let what = match key {
        Some(key) => parked(&status, key).map(parked_events)?,
        None => count(status.parked as u64, "entity"),
    };
    if status.parked == 0 {
        return done(args, "replay", &replay.name, key, "nothing is parked");
    }
    let asked = target.live.replay(&replay.name, key)?;
    wait(&target, &replay.name, asked, &replay.wait)?;
    let when = match status.partitions.iter().all(|one| one.holder.is_some()) {
        true => "they are handled now, in order",
        false => "they are handled in order once somebody works on it",
    };
    let message = match key {
        Some(key) => format!("replaying {key}, {what}: {when}"),
        None => format!("replaying all that is parked, {what}: {when}"),
    };
    done(args, "replay", &replay.name, key, &message)
}

pub(super) fn skip(args: &TargetArgs, skip: &SkipArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let status = reactor(&target, &skip.name)?;
    let parked = parked(&status, &skip.key)?;
    check_replay(&target, &status, parked)?;
    if parked.tries == 0 && parked.replay {
        let message = format!(
            "{} is to be replayed, and no event of it has failed since that was asked: its program handles it once it is \
             started, and what fails again can be skipped; `discard` leaves all of it out",
            skip.key
        );
        return Err(WrongUsage(message).into());
    }
    if parked.tries == 0 {
        let message = format!(
            "{} was parked before an event of it failed, so there is none to skip: `replay` handles all that waits, \
             `discard` leaves it out",
            skip.key
        );
        return Err(WrongUsage(message).into());
    }
    let plan = format!(
        "{} will never handle event {} of {} ({}), and handles what waits behind it",
        skip.name,
        parked.first,
        skip.key,
        in_one_line(&parked.reason)
    );
    decide(&target, &skip.name, (&plan, skip.yes), &skip.wait, || {
        target.live.skip(&skip.name, &skip.key)
    })?
    .map_or(Ok(Outcome::ProblemFound), |()| {
        let message = format!("skipped event {} of {}", parked.first, skip.key);
        done(args, "skip", &skip.name, Some(&skip.key), &message)
    })
}

pub(super) fn discard(args: &TargetArgs, discard: &DiscardArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let status = reactor(&target, &discard.name)?;
    let parked = parked(&status, &discard.key)?;
    check_replay(&target, &status, parked)?;
    let what = parked_events(parked);
    let plan = format!(
        "{} will never handle what is parked of {}: {what}, and what comes until this is done ({})",
        discard.name,
        discard.key,
        in_one_line(&parked.reason)
    );
    let ask = || target.live.discard(&discard.name, &discard.key);
    decide(
        &target,
        &discard.name,
        (&plan, discard.yes),
        &discard.wait,
        ask,
    )?
    .map_or(Ok(Outcome::ProblemFound), |()| {
        let message = format!("discarded what was parked of {}: {what}", discard.key);
        done(args, "discard", &discard.name, Some(&discard.key), &message)
    })
}

/// Asks a person, then the worker; none if the person says no.
fn decide(
    target: &Target<'_>,
    name: &str,
    (plan, yes): (&str, bool),
    waits: &WaitArgs,
    ask: impl FnOnce() -> Result<Asked, strandline_live::Error>,
) -> anyhow::Result<Option<()>> {
    if !confirm(plan, yes)? {
        return Ok(None);
    }
    wait(target, name, ask()?, waits).map(Some)
}

/// Says what was done.
fn done(
    args: &TargetArgs,
    what: &str,
    name: &str,
    key: Option<&str>,
    message: &str,
) -> anyhow::Result<Outcome> {
    let mut screen = Screen::new();
    if args.json() {
        let json = json!({ "done": what, "name": name, "key": key, "message": message });
        screen.json(&json)?;
    } else {
        screen.text(message)?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// How a reactor is; of others nothing is parked.
fn reactor(target: &Target<'_>, name: &str) -> anyhow::Result<Status> {
    let status = target.status(name)?;
    if status.kind == ConsumerKind::Reactor {
        return Ok(status);
    }
    let message = format!(
        "{name:?} is a {}: nothing of it is ever parked; what can be done with it is `{}`",
        status.kind,
        target.command("reset", &[name, "--to", "beginning"])
    );
    Err(WrongUsage(message).into())
}

fn parked_of<'a>(status: &'a Status, key: &str) -> Option<&'a Parked> {
    let mut all = status.partitions.iter().flat_map(|one| &one.parked);
    all.find(|parked| parked.key == key)
}

/// What is parked with a key.
fn parked<'a>(status: &'a Status, key: &str) -> Result<&'a Parked, WrongUsage> {
    if let Some(parked) = parked_of(status, key) {
        return Ok(parked);
    }
    let all = status.partitions.iter().flat_map(|one| &one.parked);
    let mut keys: Vec<_> = all.map(|parked| parked.key.as_str()).collect();
    keys.sort_unstable();
    let meant = did_you_mean(&nearest(key, keys.iter().copied()));
    let more = if keys.len() > KEYS_LISTED {
        ", …"
    } else {
        ""
    };
    keys.truncate(KEYS_LISTED);
    let known = match keys.is_empty() {
        true => "nothing is parked".to_owned(),
        false => format!("parked are {}{more}", keys.join(", ")),
    };
    Err(WrongUsage(format!(
        "nothing of {key:?} is parked in what {} saved last: {meant}{known}",
        status.name
    )))
}

/// Refuses to leave out what a worker handles at this moment: nothing of it waits for a decision.
fn check_replay(target: &Target<'_>, status: &Status, parked: &Parked) -> anyhow::Result<()> {
    let mut partitions = status.partitions.iter();
    let partition = partitions.find(|one| one.parked.contains(parked));
    match partition.and_then(|one| one.holder) {
        Some(holder) if parked.replay => anyhow::bail!(
            "process {} is replaying {}: what fails again is parked again; to end that, `{}`",
            holder.pid,
            parked.key,
            target.command("park", &[&status.name, &parked.key, "--reason", "..."])
        ),
        _ => Ok(()),
    }
}

/// Refuses a key that no event has: it is most likely misspelt.
fn check_key(target: &Target<'_>, key: &str) -> Result<(), WrongUsage> {
    let now = target.store().snapshot();
    // Of a correlation it is not known whether there is one.
    if now.stream(key).next().is_some() || parse_event_id(key).is_ok() {
        return Ok(());
    }
    let entities = now.entities("").take(ENTITIES_LOOKED_AT);
    let entities: Vec<_> = entities.map(|(entity, _)| entity).collect();
    let meant = did_you_mean(&nearest(key, entities.iter().map(String::as_str)));
    Err(WrongUsage(format!(
        "no event of {key:?} is there: {meant}with --yes it is parked all the same"
    )))
}
