//! What a reader has read and holds: a snapshot, and an iterator half way. Nothing of it may change,
//! whatever is done to the store meanwhile.

use strandline::{Error, Events, Hash, Region, Sequence, Snapshot, StoredEvent};

/// What was read of an event: its payload, unless that is redacted. `None` if it could not be read.
type Read = Option<(Sequence, Hash, Option<Vec<u8>>)>;

/// What a snapshot showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Contents(Vec<Read>);

impl Contents {
    /// Reads everything that a snapshot shows.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self(snapshot.query(Region::all()).map(read).collect())
    }

    /// How many events there were.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Compares with what is read now, from event `from` on. A payload may have been redacted since,
    /// and what could not be read then says nothing.
    ///
    /// # Errors
    ///
    /// With what has changed.
    pub(crate) fn expect_same(&self, from: usize, events: Events<'_>) -> Result<(), String> {
        let mut number = from;
        for event in events {
            let now = event.map_err(|error| error.to_string());
            let Some(then) = self.0.get(number) else {
                return Err(format!(
                    "event {number} was not there, and now gives {now:?}"
                ));
            };
            if let Some(then) = then {
                expect_same(number, then, now)?;
            }
            number += 1;
        }
        if number == self.0.len() {
            return Ok(());
        }
        let had = self.0.len();
        Err(format!("{had} events were there, and {number} are"))
    }
}

fn read(event: Result<StoredEvent, Error>) -> Read {
    let event = event.ok()?;
    let payload = event.payload().ok().map(<[u8]>::to_vec);
    Some((event.sequence, event.hash, payload))
}

fn expect_same(
    number: usize,
    then: &(Sequence, Hash, Option<Vec<u8>>),
    now: Result<StoredEvent, String>,
) -> Result<(), String> {
    let now = now.map_err(|error| format!("event {number} was read, and now gives {error}"))?;
    let is_same = (now.sequence, now.hash) == (then.0, then.1);
    match (now.payload(), &then.2) {
        (Ok(now), Some(then)) if is_same && now == then => Ok(()),
        (Err(_), _) if is_same && now.is_redacted() => Ok(()),
        _ => Err(format!("event {number} is not what it was")),
    }
}

/// Reads everything that `snapshot` shows, and the first half of it once more with an iterator that is
/// held; does `between`; and checks that the rest of the iterator and the snapshot have not changed.
///
/// # Errors
///
/// With what has changed.
pub(crate) fn while_held<T>(
    snapshot: &Snapshot,
    between: impl FnOnce(&Contents) -> T,
) -> Result<T, String> {
    let contents = Contents::of(snapshot);
    let mut rest = snapshot.query(Region::all());
    let half = contents.len() / 2;
    for _ in 0..half {
        rest.next();
    }
    let done = between(&contents);
    contents
        .expect_same(half, rest)
        .map_err(|wrong| format!("an iterator half way: {wrong}"))?;
    contents
        .expect_same(0, snapshot.query(Region::all()))
        .map_err(|wrong| format!("a snapshot: {wrong}"))?;
    Ok(done)
}
