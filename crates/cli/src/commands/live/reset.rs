//! `live reset`: a consumer goes on elsewhere.

use super::say::refused_of;
use super::target::{Target, TargetArgs};
use super::wait::{WaitArgs, wait};
use crate::args::confirm;
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::{Screen, count, number};
use serde_json::json;
use strandline::{SavedPosition, Sequence};
use strandline_live::{ConsumerInfo, ConsumerKind, ErrorKind, PartitionStatus, Status};

#[derive(Debug, clap::Args)]
pub(super) struct ResetArgs {
    /// Name of the consumer.
    name: String,
    /// Where to go on: `beginning`, the sequence of the next event, or `now` for what comes alone.
    #[arg(long, value_name = "WHERE", value_parser = Place::parse, allow_negative_numbers = true)]
    to: Place,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Where a consumer is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Beginning,
    At(Sequence),
    Now,
}

impl Place {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "now" => Ok(Self::Now),
            text => match text.replace([',', '_'], "").parse() {
                Ok(0) => Ok(Self::Beginning),
                Ok(sequence) => Ok(Self::At(Sequence::new(sequence))),
                Err(_) => Err("it is `beginning`, the sequence of an event, or `now`".to_owned()),
            },
        }
    }

    /// The position, in a store as it is now; none for the beginning.
    fn position(self, target: &Target<'_>) -> anyhow::Result<Option<SavedPosition>> {
        let now = target.store().snapshot();
        let head = now.visible();
        let sequence = match self {
            Self::Beginning => return Ok(None),
            Self::Now => head,
            Self::At(sequence) if sequence <= head => sequence,
            Self::At(sequence) => {
                let message = format!(
                    "event {} is not there: the next one has the sequence {}, which is `now`",
                    number(sequence.get()),
                    number(head.get())
                );
                return Err(WrongUsage(message).into());
            }
        };
        Ok(Some(now.position(sequence)?))
    }
}

pub(super) fn run(args: &TargetArgs, reset: &ResetArgs) -> anyhow::Result<Outcome> {
    let target = args.open()?;
    let name = reset.name.as_str();
    let position = reset.to.position(&target)?;
    let next = position.map_or(Sequence::ZERO, |position| position.sequence());
    let plan = match target.live.status(name) {
        // It is what a reset mends.
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let damaged = target.damaged(name, error)?;
            let (error, head) = (&damaged.error, target.store().snapshot().visible());
            let readable: Vec<_> = damaged.partitions.into_iter().flatten().collect();
            check(&target, &damaged.info, &readable, position.as_ref())?;
            format!(
                "how far {name} is cannot be read ({error}); {}",
                plan_damaged(&damaged.info, &readable, (next, head))
            )
        }
        _ => {
            let status = target.status(name)?;
            let partitions = u32::try_from(status.partitions.len())?;
            let info = ConsumerInfo::new(name, status.kind, partitions)?;
            check(&target, &info, &status.partitions, position.as_ref())?;
            plan(&status, next)
        }
    };
    if !confirm(&plan, reset.yes)? {
        return Ok(Outcome::ProblemFound);
    }
    let asked = target.live.reset(name, position)?;
    if let Some(mended) = asked.mended() {
        note(mended);
    }
    wait(&target, name, asked, &reset.wait)?;
    let mut screen = Screen::new();
    if args.json() {
        let json = json!({ "done": "reset", "name": name, "sequence": next });
        screen.json(&json)?;
    } else {
        screen.text(&format!("{name} goes on {}", place(next)))?;
    }
    screen.flush()?;
    Ok(Outcome::Fine)
}

/// Refuses what would not be done.
fn check(
    target: &Target<'_>,
    info: &ConsumerInfo,
    partitions: &[PartitionStatus],
    position: Option<&SavedPosition>,
) -> anyhow::Result<()> {
    if info.kind == ConsumerKind::Projection && position.is_some() {
        let message = format!(
            "{:?} is a projection, whose state is made of all events: `{}` makes it anew",
            info.name,
            target.command("reset", &[&info.name, "--to", "beginning"])
        );
        return Err(WrongUsage(message).into());
    }
    let holder = partitions.iter().find_map(|one| one.holder);
    if info.kind == ConsumerKind::Position
        && let Some(holder) = holder
    {
        anyhow::bail!(
            "{:?} is a position that process {} keeps by itself, which looks for nothing that is asked: stop it, and \
             give the command again",
            info.name,
            holder.pid
        );
    }
    Ok(())
}

fn place(next: Sequence) -> String {
    match next.get() {
        0 => "at the beginning".to_owned(),
        next => format!("at event {}", number(next)),
    }
}

/// What a reset will do.
fn plan(status: &Status, next: Sequence) -> String {
    let name = &status.name;
    let at = status.partitions.iter().map(|one| one.sequence.get());
    let (least, most) = (at.clone().min(), at.max());
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    let again = most.min(status.head.get()).saturating_sub(next.get());
    let left_out = next.get().saturating_sub(least);
    let mut plan = format!("{name} will go on {}", place(next));
    if status.kind == ConsumerKind::Projection {
        plan += &format!(
            ", and make its state anew of {}; until then nobody can read it",
            count(status.head.get(), "event")
        );
        return plan;
    }
    if again > 0 {
        plan += &format!(", and handle up to {} again", count(again, "event"));
    }
    if left_out > 0 {
        plan += &format!(", and never handle up to {}", count(left_out, "event"));
    }
    let refused = refused_of(status);
    if again == 0 && left_out == 0 {
        plan += match refused {
            Some(_) => ", and leave none out",
            None => ", where it is",
        };
    }
    plan += &parked_then(&status.partitions, next);
    if let Some(refused) = refused {
        plan += &format!("; {refused}");
    }
    plan
}

/// What a reset will do where not all can be read.
fn plan_damaged(
    info: &ConsumerInfo,
    readable: &[PartitionStatus],
    (next, head): (Sequence, Sequence),
) -> String {
    let mut plan = format!("it will go on {}", place(next));
    if info.kind == ConsumerKind::Projection {
        let events = count(head.get(), "event");
        plan += &format!(", and make its state anew of {events}; until then nobody can read it");
        return plan;
    }
    let again = head.get().saturating_sub(next.get());
    if again > 0 {
        plan += &format!(", and handle up to {} again", count(again, "event"));
    }
    if next > Sequence::ZERO {
        let left_out = count(next.get(), "event");
        plan += &format!(", and never handle those of {left_out} before that it has not yet");
    }
    plan += "; what was parked where that cannot be read is parked no more";
    for partition in readable {
        let at = number(partition.sequence.get());
        plan += &format!(
            "; partition {}, which is at event {at}, goes there too",
            partition.partition
        );
    }
    plan + &parked_then(readable, next)
}

/// What becomes of what is parked.
fn parked_then(partitions: &[PartitionStatus], next: Sequence) -> String {
    let (mut kept, mut freed, mut foreign) = (0, 0, 0);
    for partition in partitions {
        for parked in &partition.parked {
            let is_foreign = partition.refused.is_some() && parked.first >= partition.sequence;
            match parked.first < next {
                _ if is_foreign => foreign += 1,
                true => kept += 1,
                false => freed += 1,
            }
        }
    }
    let mut then = String::new();
    for (entities, what, becomes) in [
        (
            freed,
            "parked entity",
            "will be parked no more, as all their events come again",
        ),
        (
            foreign,
            "parked entity",
            "will be parked no more, as the events that failed are not of this store",
        ),
        (kept, "entity", "will stay parked"),
    ] {
        if entities > 0 {
            then += &format!("; {} {becomes}", count(entities, what));
        }
    }
    then
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        for (text, place) in [
            ("beginning", Place::Beginning),
            ("0", Place::Beginning),
            ("118,796", Place::At(Sequence::new(118_796))),
            ("now", Place::Now),
        ] {
            assert_eq!(Place::parse(text), Ok(place));
        }
        for wrong in ["", "end", "-1", "1.5"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
