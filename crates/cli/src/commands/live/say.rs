//! What is said of a consumer: the same in a list and by itself, for people and for programs.

use super::target::Target;
use crate::terminal::{count, duration, number};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use strandline::{RefusedPosition, Sequence};
use strandline_live::{
    Condition, ConsumerInfo, ConsumerKind, Holder, LastError, Parked, PartitionStatus, Rebuild,
    Status,
};

/// Whether something of a consumer needs a person.
pub(super) fn needs_somebody(status: &Status) -> bool {
    let is_wrong = matches!(status.condition, Condition::Faulted | Condition::Stalled);
    let partitions = &status.partitions;
    is_wrong
        || status.parked > 0
        || partitions.iter().any(|one| !one.damaged.is_empty())
        || (status.kind != ConsumerKind::Position && overdue(status).is_some())
}

/// Who has let a lease run out, and for how long that is past: a process that hangs or is stopped.
pub(super) fn overdue(status: &Status) -> Option<String> {
    let partitions = status.partitions.iter();
    let overdue = partitions.filter_map(|one| Some((one.overdue?, one.holder?)));
    let (over, holder) = overdue.max_by_key(|(over, _)| *over)?;
    Some(format!(
        "the lease of process {} has run out {} ago: it hangs, or is stopped",
        holder.pid,
        duration(over)
    ))
}

/// How a consumer is, in a few words.
pub(super) fn state(status: &Status) -> String {
    match &status.rebuild {
        Some(rebuild) => format!("{}, version {} is made", status.condition, rebuild.version),
        None => status.condition.to_string(),
    }
}

/// The processes that hold the partitions.
pub(super) fn holders(status: &Status) -> String {
    let mut held: BTreeMap<u32, usize> = BTreeMap::new();
    for holder in status.partitions.iter().filter_map(|one| one.holder) {
        *held.entry(holder.pid).or_default() += 1;
    }
    let all = status.partitions.len();
    let of_all = |(pid, partitions): (&u32, &usize)| match *partitions == all {
        true => pid.to_string(),
        false => format!("{pid} ({partitions} of {all})"),
    };
    match held.is_empty() {
        true => "-".to_owned(),
        false => held.iter().map(of_all).collect::<Vec<_>>().join(", "),
    }
}

/// A text of several lines, as errors of handlers are, in one; control characters escaped so that none drives the
/// terminal.
pub(super) fn in_one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    let letters = line.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    letters.collect()
}

/// What a key has parked, in a few words.
pub(super) fn parked_events(parked: &Parked) -> String {
    let first = number(parked.first.get());
    match (parked.count, parked.tries) {
        // Parked by somebody before an event of it came.
        (0, 0) => format!("all from event {first} on"),
        (waiting, _) => format!("{} from {first} on", count(waiting, "event")),
    }
}

/// A status as JSON, but for its partitions.
pub(super) fn status_json(status: &Status) -> Value {
    let holders = status.partitions.iter().filter_map(|one| one.holder);
    let mut pids: Vec<_> = holders.map(|holder| holder.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    json!({
        "name": status.name,
        "kind": status.kind,
        "version": status.version,
        "rebuild": status.rebuild.as_ref().map(rebuild_json),
        "condition": status.condition,
        "sequence": status.sequence,
        "head": status.head,
        "behind": status.behind,
        "behind_ms": u64::try_from(status.behind_time.as_millis()).unwrap_or(u64::MAX),
        "parked": status.parked,
        "last_error": status.last_error.as_ref().map(error_json),
        "holders": pids,
        "refused": refused_of(status).map(refused_json),
        "needs_somebody": needs_somebody(status),
    })
}

fn rebuild_json(rebuild: &Rebuild) -> Value {
    json!({
        "version": rebuild.version,
        "sequence": rebuild.sequence,
        "holder": rebuild.holder.as_ref().map(holder_json),
    })
}

pub(super) fn partition_json(partition: &PartitionStatus) -> Value {
    let counters = partition.counters;
    json!({
        "partition": partition.partition,
        "condition": partition.condition,
        "sequence": partition.sequence,
        "position": partition.position,
        "holder": partition.holder.as_ref().map(holder_json),
        "overdue_ms": partition.overdue.map(|over| u64::try_from(over.as_millis()).unwrap_or(u64::MAX)),
        "saved_at_ms": at(partition.saved_at_ms),
        "moved_at_ms": at(partition.moved_at_ms),
        "parked": partition.parked,
        "handled": counters.handled,
        "failed": counters.failed,
        "parked_times": counters.parked,
        "replayed": counters.replayed,
        "discarded": counters.discarded,
        "last_error": partition.last_error.as_ref().map(error_json),
        "damaged": partition.damaged,
        "refused": partition.refused.map(refused_json),
    })
}

fn refused_json(refused: RefusedPosition) -> Value {
    json!({
        "why": refused.to_string(),
        "rewind": refused.rewind.map(|rewind| rewind.sequence()),
    })
}

/// A time; none where it is 0, which says never.
const fn at(ms: u64) -> Option<u64> {
    match ms {
        0 => None,
        ms => Some(ms),
    }
}

fn holder_json(holder: &Holder) -> Value {
    json!({ "pid": holder.pid, "since_ms": holder.since_ms, "lease_ms": holder.lease_ms })
}

fn error_json(error: &LastError) -> Value {
    json!({
        "message": error.message,
        "at_ms": error.at_ms,
        "sequence": error.sequence,
        "stopped": error.stopped,
    })
}

/// What a person can do about a consumer of which not all can be read.
pub(super) fn mends(target: &Target<'_>, info: &ConsumerInfo) -> String {
    let command = target.command("reset", &[&info.name, "--to", "beginning"]);
    match info.kind {
        ConsumerKind::Projection => format!("`{command}` makes its state anew"),
        _ => format!(
            "look at what it has done last, then `{command}`, which has all events handled again, or with the sequence \
             of the next one in place of `beginning`"
        ),
    }
}

/// Where a store may be gone on from that does not take a position: a sequence, or the beginning.
pub(super) fn rewind_of(status: &Status) -> Option<Sequence> {
    refused_of(status).as_ref().map(rewind)
}

/// The position that the store does not take, of several the one that is to go back furthest.
pub(super) fn refused_of(status: &Status) -> Option<RefusedPosition> {
    let refused = status.partitions.iter().filter_map(|one| one.refused);
    refused.min_by_key(rewind)
}

fn rewind(refused: &RefusedPosition) -> Sequence {
    refused.rewind.map_or(Sequence::ZERO, |at| at.sequence())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_handlers_say_is_told_in_one_line() {
        assert_eq!(in_one_line("no\n  such address\n"), "no such address");
        assert_eq!(in_one_line("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(in_one_line(""), "");
    }
}
