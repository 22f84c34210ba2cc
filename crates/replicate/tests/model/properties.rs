//! What must hold always, and what must happen somewhere lest the model watch over nothing.

use crate::bucket::{Event, Log};
use crate::world::{Bounds, World};
use crate::writer::Life;
use stateright::Property;
use std::collections::BTreeMap;
use strandline_replicate::protocol::Listing;
use strandline_replicate::{Key, Term};

pub(crate) fn of(bounds: &Bounds) -> Vec<Property<Bounds>> {
    let mut properties = vec![
        Property::always(
            "what was acknowledged is in the log of every later term",
            |_, world: &World| {
                let acknowledged = &world.history.acknowledged;
                every_pair(acknowledged, &world.history.begun, |log, later| {
                    later.starts_with(log)
                })
            },
        ),
        Property::always(
            "no two writers acknowledge what contradicts",
            |_, world: &World| {
                let acknowledged = &world.history.acknowledged;
                !world.history.begun_twice
                    && every_pair(acknowledged, acknowledged, |log, later| agree(log, later))
            },
        ),
        Property::always(
            "whoever comes now finds what was acknowledged",
            |_, world: &World| {
                let left = world.bucket.left();
                let mut acknowledged = world.history.acknowledged.values();
                left.is_some_and(|left| acknowledged.all(|log| left.starts_with(log)))
            },
        ),
        Property::always("no term is ever deleted", |_, world: &World| {
            let terms = world.bucket.list(Listing::Terms { from: Term::FIRST });
            let all: Vec<u64> = (1..=world.history.newest).collect();
            terms == all
        }),
        Property::always("nobody is refused by itself", |_, world: &World| {
            !world.history.refused_by_itself
                && world.writers.iter().all(|writer| {
                    let Life::Ships(ships) = &writer.life else {
                        return true;
                    };
                    ships.machine.fenced().is_none_or(|fenced| {
                        let next = ships.machine.term().next().map(Key::Term);
                        Some(&fenced.key) == next.as_ref()
                    })
                })
        }),
        Property::sometimes("a writer is fenced", |_, world: &World| {
            world.writers.iter().any(|writer| match &writer.life {
                Life::Ships(ships) => ships.machine.fenced().is_some(),
                _ => false,
            })
        }),
        Property::sometimes(
            "a writer acknowledges after its term was taken",
            |_, world: &World| world.history.late_acknowledgement,
        ),
    ];
    if bounds.faults > 0 {
        properties.push(Property::sometimes(
            "a PUT is done after a GET has found nothing",
            |_, world: &World| world.history.late_put,
        ));
    }
    if bounds.deletions > 0 {
        properties.push(Property::sometimes(
            "an object is deleted",
            |_, world: &World| world.history.deleted,
        ));
    }
    if bounds.replica {
        properties.extend(of_the_replica());
    }
    properties
}

fn of_the_replica() -> [Property<Bounds>; 3] {
    [
        Property::always(
            "what a replica shows no later term contradicts",
            |_, world: &World| {
                let Some((replica, term)) = world
                    .replica
                    .as_ref()
                    .and_then(|replica| Some((replica, replica.term()?)))
                else {
                    return true;
                };
                let mut begun = world.history.begun.iter();
                replica.is_diverged
                    || begun.all(|(of, log)| match *of > term {
                        true => log.starts_with(&replica.shown),
                        false => agree(log, &replica.shown),
                    })
            },
        ),
        Property::always("no replica finds that it diverged", |_, world: &World| {
            let replica = world.replica.as_ref();
            replica.is_none_or(|replica| !replica.is_diverged)
        }),
        Property::sometimes("a replica goes to a later term", |_, world: &World| {
            world.history.moved
        }),
    ]
}

/// Whether it holds of every log and those of later terms.
fn every_pair(
    logs: &BTreeMap<Term, Log>,
    later: &BTreeMap<Term, Log>,
    holds: impl Fn(&Log, &Log) -> bool,
) -> bool {
    logs.iter().all(|(term, log)| {
        let mut later = later.iter().filter(|(of, _)| *of > term);
        later.all(|(_, later)| holds(log, later))
    })
}

/// Whether one is the other with something added.
fn agree(left: &[Event], right: &[Event]) -> bool {
    left.iter().zip(right).all(|(left, right)| left == right)
}
