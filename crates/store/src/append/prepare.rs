//! Step 1 of an append, on the caller's thread: everything that needs no lock.

use crate::engine::Shared;
use crate::engine::writer::Prepared;
use crate::model::Link;
use crate::{AppendOptions, BATCH_EVENTS_MAX, Error, ErrorKind, Event};
use std::collections::HashSet;
use strandline_core::{
    Coordinate, EXTENSION_BYTES_MAX, Extensions, KIND_NAME_EXTENSION_BYTES_MAX, Nonce,
    PayloadEncoding, TagError, check_name, encode_tags, extension_tag, payload_hash,
};

/// Checks and hashes an event, without a lock.
pub(super) fn prepare_one<'a>(
    shared: &Shared,
    coordinate: &'a Coordinate,
    event: &'a Event,
    options: &AppendOptions<'_>,
) -> Result<Prepared<'a>, Error> {
    // Before any lock is waited for, that of a shard of the index too.
    shared.check_process()?;
    let limit = shared.options.payload_bytes_max;
    let mut prepared = prepared(coordinate, event, 0, shared.random.nonce(), (shared, limit))?;
    track(Some(&mut prepared), options)?;
    Ok(prepared)
}

/// Checks and hashes the events of a batch, without a lock.
pub(super) fn prepare_batch<'a>(
    shared: &Shared,
    events: &'a [(Coordinate, Event)],
    options: &AppendOptions<'_>,
    payload_bytes_max: usize,
) -> Result<Vec<Prepared<'a>>, Error> {
    shared.check_process()?;
    let limits = (shared, payload_bytes_max);
    let numbered = events.iter().enumerate();
    let prepared: Result<Vec<_>, _> = numbered
        .zip(shared.random.nonces())
        .map(|((place, (coordinate, event)), nonce)| {
            prepared(coordinate, event, place, nonce, limits)
        })
        .collect();
    let mut prepared = prepared?;
    check_batch(&prepared)?;
    track(prepared.first_mut(), options)?;
    Ok(prepared)
}

/// Has the first event of an append say the position that it is to keep.
fn track(first: Option<&mut Prepared<'_>>, options: &AppendOptions<'_>) -> Result<(), Error> {
    let (Some(tracking), Some(first)) = (options.tracking, first) else {
        return Ok(());
    };
    check_name("source", tracking.source).map_err(|error| {
        let message = "the name of the source is refused";
        Error::new(ErrorKind::InvalidInput, message).with_source(error)
    })?;
    first.track(tracking)
}

/// Checks what concerns an event by itself, and gives what its record has beside its fields.
///
/// # Errors
///
/// `InvalidInput` or `TooLarge`.
pub(crate) fn check_event(event: &Event, payload_bytes_max: usize) -> Result<Extensions, Error> {
    if event.kind.is_reserved() {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("kind {} is reserved for the store", event.kind),
        ));
    }
    if event.payload.len() > payload_bytes_max {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the payload has {} bytes, the limit is {payload_bytes_max} \
                 (StoreOptions::payload_bytes_max)",
                event.payload.len(),
            ),
        ));
    }
    if (event.encoding == PayloadEncoding::SEALED) != event.seal.is_some() {
        let message = "a sealed payload has a seal, and no other has one (Event::sealed)";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    if let Some(name) = &event.kind_name {
        check_name("name of a kind", name).map_err(|error| {
            let message = format!("the name of kind {} is refused", event.kind);
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
    }
    extensions(event)
}

/// Checks what concerns a batch as a whole.
///
/// # Errors
///
/// `TooLarge` for too many events, `InvalidInput` for none or for an id used twice.
fn check_batch(events: &[Prepared<'_>]) -> Result<(), Error> {
    if events.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "the batch is empty"));
    }
    if events.len() > BATCH_EVENTS_MAX {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "the batch has {} events, the limit is {BATCH_EVENTS_MAX} (BATCH_EVENTS_MAX)",
                events.len()
            ),
        ));
    }
    let mut ids = HashSet::new();
    match events
        .iter()
        .filter_map(|prepared| prepared.event.id)
        .find(|id| !ids.insert(*id))
    {
        None => Ok(()),
        Some(id) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the batch has the event id {id} twice"),
        )),
    }
}

/// Checks and hashes the event at `place` of its commit, whose payload has at most `limit` bytes.
fn prepared<'a>(
    coordinate: &'a Coordinate,
    event: &'a Event,
    place: usize,
    nonce: Nonce,
    (shared, limit): (&Shared, usize),
) -> Result<Prepared<'a>, Error> {
    check_links(event, place)?;
    // What was appended under a larger limit is a repeat all the same.
    let is_there = || {
        event
            .id
            .is_some_and(|id| shared.index.snapshot().get(id).is_some())
    };
    let limit = match event.payload.len() > limit && is_there() {
        true => usize::MAX,
        false => limit,
    };
    let extensions = check_event(event, limit)?;
    Ok(Prepared {
        place,
        correlation: event.correlation,
        causation: event.causation,
        extensions,
        coordinate,
        known: shared.index.lookup(coordinate),
        event,
        nonce,
        payload_hash: payload_hash(nonce, &event.payload),
    })
}

/// What the record of an event has beside its fields; nothing for most.
fn extensions(event: &Event) -> Result<Extensions, Error> {
    if event.version == 0 {
        let message = "the payload has version 0; versions begin at 1";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let is_plain = event.tags.is_empty() && event.attributes.is_empty();
    if event.version == 1 && is_plain && event.seal.is_none() {
        return Ok(Extensions::default());
    }
    let tags = encode_tags(event.tags.iter().map(String::as_str)).map_err(|error| {
        let kind = match &error {
            TagError::Name(_) => ErrorKind::InvalidInput,
            _ => ErrorKind::TooLarge,
        };
        Error::new(kind, "the tags of the event are refused").with_source(error)
    })?;
    let attributes = event.attributes.encode().map_err(|error| {
        Error::new(
            ErrorKind::TooLarge,
            "the attributes of the event are refused",
        )
        .with_source(error)
    })?;
    let version = event.version.to_le_bytes();
    let seal = event.seal.as_ref().map(|seal| seal.to_bytes());
    let seal = seal.as_ref().map_or(&[][..], |seal| seal);
    let listed = [
        (extension_tag::TAGS, tags.as_slice()),
        (extension_tag::PAYLOAD_VERSION, version.as_slice()),
        (extension_tag::ATTRIBUTES, attributes.as_slice()),
        (extension_tag::SEAL, seal),
    ];
    let listed = listed.into_iter().filter(|(tag, bytes)| match *tag {
        extension_tag::PAYLOAD_VERSION => event.version != 1,
        _ => !bytes.is_empty(),
    });
    let extensions = Extensions::new(listed).map_err(|error| {
        Error::new(ErrorKind::TooLarge, "the event has too many extensions").with_source(error)
    })?;
    // The name of the kind may come to them.
    match extensions.leaves_room_for_name() {
        true => Ok(extensions),
        false => {
            let most = EXTENSION_BYTES_MAX - KIND_NAME_EXTENSION_BYTES_MAX;
            let message = format!("the extensions of the event have more than {most} bytes");
            Err(Error::new(ErrorKind::TooLarge, message))
        }
    }
}

/// Checks that an event at `place` of a batch is linked only to events before it there.
fn check_links(event: &Event, place: usize) -> Result<(), Error> {
    let links = [event.correlation, event.causation];
    let later = links.iter().find_map(|link| match link {
        Some(Link::Member(member)) if *member >= place => Some(*member),
        _ => None,
    });
    let Some(member) = later else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::InvalidInput,
        format!(
            "the event at {place} is linked to the one at {member} of its batch, \
             which is not before it"
        ),
    ))
}
