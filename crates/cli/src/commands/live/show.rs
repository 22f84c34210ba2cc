//! `live show`: all of one consumer.

use super::list::{condition, table};
use super::say::{
    holders, in_one_line, mends, needs_somebody, overdue, parked_events, partition_json, rewind_of,
    state, status_json,
};
use super::target::{Damaged, Target, TargetArgs};
use crate::outcome::Outcome;
use crate::terminal::{Screen, count, duration, number};
use crate::times::Zone;
use serde_json::{Value, json};
use std::io;
use strandline_live::{Condition, ConsumerKind, ErrorKind, Parked, PartitionStatus, Status};

const HEAD: [&str; 9] = [
    "partition",
    "state",
    "next",
    "parked",
    "handled",
    "failed",
    "held by",
    "saved",
    "moved",
];

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Name of the consumer.
    name: String,
}

pub(super) fn run(args: &TargetArgs, show: &ShowArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let status = match target.live.status(&show.name) {
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            show_damaged(&target, args, &target.damaged(&show.name, error)?)?;
            return Ok(Outcome::ProblemFound);
        }
        _ => target.status(&show.name)?,
    };
    let mut screen = Screen::new();
    if args.json() {
        let mut json = status_json(&status);
        let partitions: Vec<_> = status.partitions.iter().map(partition_json).collect();
        if let Some(json) = json.as_object_mut() {
            json.insert("partitions".to_owned(), Value::from(partitions));
        }
        screen.json(&json)?;
    } else {
        show_status(&mut screen, &target, &status, &args.zone())?;
    }
    screen.flush()?;
    Ok(match needs_somebody(&status) {
        true => Outcome::ProblemFound,
        false => Outcome::Fine,
    })
}

fn show_status(
    screen: &mut Screen,
    target: &Target<'_>,
    status: &Status,
    zone: &Zone,
) -> io::Result<()> {
    let partitions = count(status.partitions.len() as u64, "partition");
    let behind = match status.behind {
        0 => "0".to_owned(),
        behind => format!(
            "{} at most, the first of them {} old",
            count(behind, "event"),
            duration(status.behind_time)
        ),
    };
    let rebuild = status.rebuild.map(|rebuild| {
        let who = match rebuild.holder {
            Some(holder) => format!("process {}", holder.pid),
            None => "nobody works on it".to_owned(),
        };
        let sequence = number(rebuild.sequence.get());
        format!(
            "version {}, before event {sequence}: {who}",
            rebuild.version
        )
    });
    let error = status.last_error.as_ref().map(|error| {
        let at = match error.sequence {
            Some(sequence) => format!(" at event {}", number(sequence.get())),
            None => String::new(),
        };
        let message = in_one_line(&error.message);
        format!("{}{at}: {message}", zone.text(error.at_ms))
    });
    for (name, value) in [
        ("consumer", Some(status.name.clone())),
        ("kind", Some(format!("{}, {partitions}", status.kind))),
        ("version", Some(status.version.to_string())),
        ("being made", rebuild),
        ("state", Some(state(status))),
        (
            "handled before",
            Some(format!(
                "event {} of {}",
                number(status.sequence.get()),
                number(status.head.get())
            )),
        ),
        ("behind", Some(behind)),
        ("parked", Some(number(status.parked as u64))),
        ("held by", Some(holders(status))),
        ("last error", error),
    ] {
        if let Some(value) = value {
            screen.text(&format!("{name:<16}{value}"))?;
        }
    }
    screen.line("")?;
    show_partitions(screen, status.partitions.iter(), zone)?;
    for partition in &status.partitions {
        for damaged in &partition.damaged {
            screen.text(&format!(
                "!! partition {}: {damaged}; the state before it is used, so events may be handled again",
                partition.partition
            ))?;
        }
        if let Some(refused) = partition.refused {
            screen.text(&format!("!! partition {}: {refused}", partition.partition))?;
        }
    }
    if let Some(overdue) = overdue(status) {
        screen.text(&format!("!! {overdue}"))?;
    }
    for next in next_steps(target, status) {
        screen.text(&format!("  next: {next}"))?;
    }
    Ok(())
}

fn show_partitions<'a>(
    screen: &mut Screen,
    partitions: impl Iterator<Item = &'a PartitionStatus> + Clone,
    zone: &Zone,
) -> io::Result<()> {
    let rows = partitions.clone().map(|one| row(one, zone));
    table(screen, HEAD, &rows.collect::<Vec<_>>())?;
    for parked in partitions.flat_map(|partition| &partition.parked) {
        screen.text(&line_of(parked, zone))?;
    }
    Ok(())
}

/// What can be read of a consumer, and what mends the rest.
fn show_damaged(target: &Target<'_>, args: &TargetArgs, damaged: &Damaged) -> anyhow::Result<()> {
    let mut screen = Screen::new();
    let (name, error) = (damaged.info.name.as_str(), damaged.error.to_string());
    if args.json() {
        let partitions = (0_u32..).zip(&damaged.partitions);
        let partitions = partitions.map(|(index, partition)| match partition {
            Ok(partition) => partition_json(partition),
            Err(error) => json!({
                "partition": index,
                "condition": condition(error),
                "error": error.to_string(),
            }),
        });
        let json = json!({
            "name": name,
            "kind": damaged.info.kind,
            "condition": "damaged",
            "error": error,
            "needs_somebody": true,
            "partitions": partitions.collect::<Vec<_>>(),
        });
        screen.line(&json.to_string())?;
        return Ok(screen.flush()?);
    }
    for (what, value) in [
        ("consumer", name.to_owned()),
        ("kind", damaged.info.kind.to_string()),
        ("state", "damaged".to_owned()),
    ] {
        screen.text(&format!("{what:<16}{value}"))?;
    }
    screen.line("")?;
    let readable = damaged.partitions.iter().flatten();
    if readable.clone().next().is_some() {
        show_partitions(&mut screen, readable, &args.zone())?;
    }
    let broken = (0_u32..).zip(&damaged.partitions);
    for (index, error) in broken.filter_map(|(index, one)| Some((index, one.as_ref().err()?))) {
        let error = in_one_line(&error.to_string());
        screen.text(&format!("!! partition {index}: {error}"))?;
    }
    if damaged.partitions.is_empty() {
        screen.text(&format!("!! {}", in_one_line(&error)))?;
    }
    screen.text(&format!("  next: {}", mends(target, &damaged.info)))?;
    Ok(screen.flush()?)
}

fn row(partition: &PartitionStatus, zone: &Zone) -> [String; 9] {
    let time = |at_ms| match at_ms {
        0 => "-".to_owned(),
        at_ms => zone.text(at_ms),
    };
    [
        partition.partition.to_string(),
        partition.condition.to_string(),
        number(partition.sequence.get()),
        number(partition.parked.len() as u64),
        number(partition.counters.handled),
        number(partition.counters.failed),
        match partition.holder {
            Some(holder) => holder.pid.to_string(),
            None => "-".to_owned(),
        },
        time(partition.saved_at_ms),
        time(partition.moved_at_ms),
    ]
}

fn line_of(parked: &Parked, zone: &Zone) -> String {
    let (key, events) = (&parked.key, parked_events(parked));
    let (since, reason) = (zone.text(parked.at_ms), in_one_line(&parked.reason));
    if parked.replay {
        return format!("parked {key}: {events}, to be replayed; was parked at {since}: {reason}");
    }
    let tried = match parked.tries {
        1 => "tried once".to_owned(),
        tries => format!("tried {tries} times"),
    };
    format!("parked {key}: {events}, {tried}, since {since}: {reason}")
}

/// What a person can do about it.
fn next_steps(target: &Target<'_>, status: &Status) -> Vec<String> {
    let mut steps = Vec::new();
    let name = status.name.as_str();
    if let Some(rewind) = rewind_of(status) {
        let is_made_anew = status.kind == ConsumerKind::Projection;
        let to = match rewind.get() {
            0 => "beginning".to_owned(),
            _ if is_made_anew => "beginning".to_owned(),
            sequence => sequence.to_string(),
        };
        steps.push(format!(
            "look at what it has made of events that this store has not, then `{}`, which leaves none out",
            target.command("reset", &[name, "--to", &to])
        ));
    } else if status.condition == Condition::Faulted {
        steps.push("mend what it stopped with, and start its program again".to_owned());
    }
    if overdue(status).is_some() {
        steps.push(
            "end that process if it hangs; another worker that is started takes its place, also while it is there"
                .to_owned(),
        );
    } else if status.condition == Condition::Stalled {
        steps.push(format!(
            "look at process {}: it is at one event for long, or hangs; once it has ended another one goes on at \
             once",
            holders(status)
        ));
    }
    if rewind_of(status).is_some() {
        // Nothing is handled before.
        return steps;
    }
    let parked = status.partitions.iter().flat_map(|one| &one.parked);
    let is_replayed = parked.clone().any(|parked| parked.replay);
    let waiting = parked.filter(|parked| !parked.replay);
    if let Some(parked) = waiting.min_by_key(|parked| parked.first) {
        let key = parked.key.as_str();
        steps.push(format!(
            "mend what failed, then `{}` handles it in order; `skip` leaves out the one event that failed, \
             `discard` all that is parked",
            target.command("replay", &[name, key])
        ));
    }
    if status.condition == Condition::Stopped && (status.behind > 0 || is_replayed) {
        steps.push("nobody works on it: start its program".to_owned());
    }
    steps
}
