//! `Given` and `GivenFor`: what has happened.

use super::then::Then;
use crate::{Aggregate, Decision};
use strandline::Coordinate;

/// An aggregate of which nothing has happened yet; see [`Given`].
pub fn given_nothing<A: Aggregate>() -> Given<A> {
    given([])
}

/// An aggregate of which some events have happened; see [`Given`].
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let mut state = A::default();
    for event in events {
        state.evolve(&event);
    }
    Given { state }
}

/// What has happened that a decision may rest on; see [`Given`].
///
/// A decision is given events of its query: none is left out that is not.
pub fn given_for<E>(events: impl IntoIterator<Item = (Coordinate, E)>) -> GivenFor<E> {
    GivenFor {
        events: events.into_iter().collect(),
    }
}

/// An aggregate to test without a store: of which some events have happened.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use strandline::{EventEnum, EventPayload};
/// # use strandline_aggregate::{Aggregate, given, given_nothing};
/// # #[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
/// # #[event(kind(0x1, 0x001), name = "opened")]
/// # struct Opened;
/// # #[derive(Debug, PartialEq, EventEnum)]
/// # enum DoorEvent { Opened(Opened) }
/// # #[derive(Clone, Default)]
/// # struct Door { is_open: bool }
/// # impl Aggregate for Door {
/// #     const NAME: &'static str = "door";
/// #     type Event = DoorEvent;
/// #     type Command = str;
/// #     type Error = &'static str;
/// #     fn decide(&self, command: &str) -> Result<Vec<DoorEvent>, &'static str> {
/// #         match (command, self.is_open) {
/// #             ("open", true) => Ok(vec![]),
/// #             ("open", false) => Ok(vec![Opened.into()]),
/// #             _ => Err("no"),
/// #         }
/// #     }
/// #     fn evolve(&mut self, _: &DoorEvent) {
/// #         self.is_open = true;
/// #     }
/// # }
/// given_nothing::<Door>().when("open").then_expect([Opened.into()]);
/// given::<Door>([Opened.into()]).when("open").then_nothing();
/// given_nothing::<Door>().when("paint").then_error("no");
/// assert!(given::<Door>([Opened.into()]).state().is_open);
/// ```
#[derive(Debug)]
#[must_use]
pub struct Given<A> {
    state: A,
}

impl<A: Aggregate> Given<A> {
    /// More events that have happened.
    pub fn and(mut self, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.state.evolve(&event);
        }
        self
    }

    /// The state that the events make.
    #[must_use]
    pub const fn state(&self) -> &A {
        &self.state
    }

    /// Decides a command.
    pub fn when(&self, command: &A::Command) -> Then<A::Event, A::Error> {
        Then::new(self.state.decide(command))
    }
}

/// What has happened that a decision may rest on: to test it without a store.
#[derive(Debug)]
#[must_use]
pub struct GivenFor<E> {
    events: Vec<(Coordinate, E)>,
}

impl<E> GivenFor<E> {
    /// Makes a decision.
    pub fn when<D: Decision<Event = E>>(&self, decision: &D) -> Then<(Coordinate, E), D::Error> {
        let mut state = D::State::default();
        for (coordinate, event) in &self.events {
            decision.evolve(&mut state, coordinate, event);
        }
        Then::new(decision.decide(&state))
    }
}
