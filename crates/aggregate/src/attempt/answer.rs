//! `answer`: what a command led to that was executed before.

use crate::{CommandId, CommandIdTaken, ExecuteError};
use strandline::{
    AttributeValue, Coordinate, Durability, Error, ErrorKind, EventRef, Receipt, Registry,
    Snapshot, Store,
};

/// The attribute of each event of a command that says how many there are.
pub(super) const COUNT_ATTRIBUTE: &str = "commandevents";
/// The attribute of the first that says what the command asked for.
pub(super) const CONTENT_ATTRIBUTE: &str = "commandhash";

/// What a command led to that was executed before.
#[derive(Debug)]
pub(crate) struct Answer<E> {
    pub(crate) events: Vec<(Coordinate, E)>,
    pub(crate) receipts: Vec<Receipt>,
}

/// One event of it.
struct Member<E> {
    receipt: Receipt,
    coordinate: Coordinate,
    count: u32,
    content: Option<String>,
    /// Whether it is of a kind that can be decoded.
    is_known: bool,
    event: Result<E, Error>,
}

/// What a command led to, if it was executed before. Of an aggregate, `entity` is the one it is for.
///
/// One look at the index if it was not; else one for each of its events.
///
/// # Errors
///
/// `CommandIdTaken` if its id was used for another one; `Store` if an event cannot be read, or is gone.
pub(crate) fn answer<T: 'static, E>(
    snapshot: &Snapshot,
    registry: &Registry<T>,
    id: &CommandId,
    entity: Option<&str>,
) -> Result<Option<Answer<T>>, ExecuteError<E>> {
    let Some(first) = member(snapshot, registry, id, 0)? else {
        return Ok(None);
    };
    let taken = |other: &Member<T>| {
        Err(ExecuteError::CommandIdTaken(CommandIdTaken {
            command_id: *id,
            event: other.receipt.id,
            entity: other.coordinate.entity().to_owned(),
        }))
    };
    let is_of_other = |member: &Member<T>| {
        let is_other_entity = entity.is_some_and(|entity| entity != member.coordinate.entity());
        // An event that nobody gave this id as that of a command has no count.
        is_other_entity || !member.is_known || member.count == 0
    };
    let both = first.content.as_deref().zip(id.content());
    let is_other_content = both.is_some_and(|(stored, asked)| stored != asked);
    if is_other_content || is_of_other(&first) {
        return taken(&first);
    }
    let count = first.count;
    let mut answer = Answer {
        events: Vec::new(),
        receipts: Vec::new(),
    };
    let mut next = first;
    for place in 1.. {
        answer.events.push((next.coordinate, next.event?));
        answer.receipts.push(next.receipt);
        if place >= count {
            break;
        }
        let member = member(snapshot, registry, id, place)?;
        next = member.ok_or_else(|| is_gone(id, place, count))?;
        if is_of_other(&next) {
            return taken(&next);
        }
    }
    Ok(Some(answer))
}

impl<E> Answer<E> {
    /// The answer once it is as durable as was asked for.
    pub(crate) fn durable(
        mut self,
        store: &Store,
        durability: Option<Durability>,
    ) -> Result<Self, Error> {
        if durability == Some(Durability::Written) {
            return Ok(self);
        }
        let asked = durability.unwrap_or_else(|| store.durability());
        let replicates = asked == Durability::Replicated;
        if let Some(last) = self.receipts.iter().map(|receipt| receipt.sequence).max() {
            match replicates {
                true => store.wait_replicated_through(last)?,
                false => store.wait_durable_through(last)?,
            }
        }
        for receipt in &mut self.receipts {
            receipt.durable = true;
            receipt.replicated = replicates;
        }
        Ok(self)
    }
}

fn member<T: 'static>(
    snapshot: &Snapshot,
    registry: &Registry<T>,
    id: &CommandId,
    place: u32,
) -> Result<Option<Member<T>>, Error> {
    snapshot.get_with(id.event_id(place), |event| read(registry, &event))
}

fn read<T: 'static>(registry: &Registry<T>, event: &EventRef<'_>) -> Member<T> {
    let attributes = event.extensions().attributes();
    let count = match attributes.get(COUNT_ATTRIBUTE) {
        Some(AttributeValue::Integer(count)) => u32::try_from(*count).unwrap_or_default(),
        _ => 0,
    };
    Member {
        receipt: Receipt {
            id: event.id(),
            sequence: event.sequence(),
            clock: event.clock(),
            hlc: event.hlc(),
            hash: event.hash(),
            durable: false,
            replicated: false,
            repeated: true,
        },
        coordinate: event.coordinate(),
        count,
        content: attributes.text(CONTENT_ATTRIBUTE).map(str::to_owned),
        is_known: registry.knows(event.kind()),
        event: registry.decode_ref(event),
    }
}

fn is_gone(id: &CommandId, place: u32, count: u32) -> Error {
    let message = format!(
        "the command was executed before, and of the {count} events that it led to event {} was removed",
        id.event_id(place)
    );
    Error::new(ErrorKind::Redacted, message)
}
