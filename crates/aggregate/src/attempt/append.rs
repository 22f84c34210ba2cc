//! The append of what was decided.

use super::answer::{CONTENT_ATTRIBUTE, COUNT_ATTRIBUTE};
use crate::ExecuteOptions;
use crate::sealing::{Sealing, sealed};
use strandline::{
    AppendCondition, AppendOptions, AttributeError, AttributeValue, Attributes, Coordinate, Error,
    ErrorKind, Event, Receipt, Store,
};

/// What became of an append.
#[derive(Debug)]
pub(crate) enum Appended {
    /// The events are there.
    Done(Vec<Receipt>),
    /// Another writer was faster, and nothing was appended.
    Conflict(Error),
    /// Events of it were there: the same command was executed meanwhile, or they have ids of their own.
    Repeated(Vec<Receipt>),
}

/// Appends events, all or none, with what the options say of them.
pub(crate) fn append(
    (store, sealing): (&Store, Option<&dyn Sealing>),
    events: Vec<(Coordinate, Event)>,
    condition: Option<&AppendCondition>,
    options: &ExecuteOptions,
) -> Result<Appended, Error> {
    // Last, as what is sealed is bound to the id.
    let events = sealed(sealing, dressed(events, options)?)?;
    let mut append = AppendOptions::new();
    if let Some(condition) = condition {
        append = append.condition(condition);
    }
    if let Some(durability) = options.durability {
        append = append.durability(durability);
    }
    match store.append_slice(&events, append) {
        // What the same command did meanwhile may be more than this.
        Ok(receipts) if receipts.iter().any(|receipt| receipt.repeated) => {
            Ok(Appended::Repeated(receipts))
        }
        Ok(receipts) => Ok(Appended::Done(receipts)),
        Err(error) => match error.kind() {
            ErrorKind::WrongExpectedVersion | ErrorKind::ConditionFailed => {
                Ok(Appended::Conflict(error))
            }
            ErrorKind::Conflict if options.command_id.is_some() => Ok(Appended::Conflict(error)),
            _ => Err(error),
        },
    }
}

/// The events with ids, links and attributes.
fn dressed(
    events: Vec<(Coordinate, Event)>,
    options: &ExecuteOptions,
) -> Result<Vec<(Coordinate, Event)>, Error> {
    let count = events.len();
    let mut dressed = Vec::with_capacity(count);
    for (place, (coordinate, mut event)) in (0..).zip(events) {
        if let Some(correlation) = options.correlation {
            event = event.correlated_with(correlation);
        }
        if let Some(cause) = options.causation {
            event = event.caused_by(cause);
        }
        let attributes = match &options.command_id {
            Some(id) => {
                event = event.with_id(id.event_id(place));
                let content = id.content().filter(|_| place == 0);
                of_command(&options.attributes, count, content)?
            }
            None => options.attributes.clone(),
        };
        if !attributes.is_empty() {
            event = event.with_attributes(attributes);
        }
        dressed.push((coordinate, event));
    }
    Ok(dressed)
}

/// The attributes of an event of a command that has an id: how many events the command has, so that one of more or
/// fewer is another, and what it asked for.
fn of_command(
    attributes: &Attributes,
    count: usize,
    content: Option<String>,
) -> Result<Attributes, Error> {
    let mut attributes = attributes.clone();
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut add = |name, value| {
        attributes
            .add(name, value)
            .map_err(|error: AttributeError| {
                let message = "the attributes of the command are refused";
                Error::new(ErrorKind::InvalidInput, message).with_source(error)
            })
    };
    add(COUNT_ATTRIBUTE, AttributeValue::Integer(count))?;
    if let Some(content) = content {
        add(CONTENT_ATTRIBUTE, AttributeValue::Text(content.into()))?;
    }
    Ok(attributes)
}
