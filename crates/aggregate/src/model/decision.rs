//! `Decision`: what a caller writes where a decision rests on several entities.

use super::gone::Gone;
use strandline::{Coordinate, Error, Event, EventEnum, Query};

/// A command whose decision rests on what a query finds, whatever entities that is of: a *dynamic consistency
/// boundary* (<https://dcb.events>).
///
/// The value is the command. [`Decisions`](crate::Decisions) reads the query, decides, and appends on condition that
/// no event of the query was appended meanwhile; if one was, all begins anew.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{Coordinate, EventEnum, EventPayload, Query, Region};
/// use strandline_aggregate::{Decision, given_for};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
/// #[event(kind(0x1, 0x001), name = "moved")]
/// struct Moved { cents: i64 }
///
/// #[derive(Debug, PartialEq, EventEnum)]
/// enum AccountEvent { Moved(Moved) }
///
/// /// Moves money from an account to another.
/// struct Transfer { from: Coordinate, to: Coordinate, cents: i64 }
///
/// #[derive(Debug, PartialEq)]
/// struct TooLittle;
///
/// impl Decision for Transfer {
///     type Event = AccountEvent;
///     type State = i64;
///     type Error = TooLittle;
///
///     fn query(&self) -> Query {
///         // What the other one has decides nothing.
///         Region::all().entity(self.from.entity()).into()
///     }
///
///     fn evolve(&self, has: &mut i64, _: &Coordinate, AccountEvent::Moved(moved): &AccountEvent) {
///         *has += moved.cents;
///     }
///
///     fn decide(&self, has: &i64) -> Result<Vec<(Coordinate, AccountEvent)>, TooLittle> {
///         let moved = |at: &Coordinate, cents| (at.clone(), Moved { cents }.into());
///         match self.cents <= *has {
///             true => Ok(vec![moved(&self.from, -self.cents), moved(&self.to, self.cents)]),
///             false => Err(TooLittle),
///         }
///     }
/// }
///
/// # fn main() -> Result<(), strandline::NameError> {
/// let (from, to) = (Coordinate::new("account:1", "bank")?, Coordinate::new("account:2", "bank")?);
/// let transfer = Transfer { from: from.clone(), to: to.clone(), cents: 30 };
/// let moved = |at: &Coordinate, cents| (at.clone(), Moved { cents }.into());
/// given_for([moved(&from, 50)])
///     .when(&transfer)
///     .then_expect([moved(&from, -30), moved(&to, 30)]);
/// given_for([moved(&from, 20)]).when(&transfer).then_error(TooLittle);
/// # Ok(())
/// # }
/// ```
pub trait Decision {
    /// What is read and what is decided: mostly an enum with `#[derive(EventEnum)]`.
    type Event: EventEnum + 'static;

    /// What the decision rests on, made of the events.
    type State: Default;

    /// Why the command is refused.
    type Error;

    /// Which events decide, all of which are of [`Event`](Self::Event). A limit of the query counts for nothing in the
    /// condition, so it has none.
    fn query(&self) -> Query;

    /// Applies an event of the query. Events come in commit order.
    fn evolve(&self, state: &mut Self::State, coordinate: &Coordinate, event: &Self::Event);

    /// Which events the command leads to, and of which entities. None of them: nothing is appended.
    ///
    /// Called again, on a newer state, if another writer was faster.
    ///
    /// # Errors
    ///
    /// Why the command is refused.
    fn decide(&self, state: &Self::State) -> Result<Vec<(Coordinate, Self::Event)>, Self::Error>;

    /// The event to append: by default without tags, by which most queries over several entities find it; see
    /// [`Aggregate::to_event`](crate::Aggregate::to_event).
    ///
    /// # Errors
    ///
    /// As [`EventEnum::to_event`].
    fn to_event(&self, event: &Self::Event) -> Result<Event, Error> {
        event.to_event()
    }

    /// Goes on where the payload of an event was redacted. Whether the state is right without it; by default not, and
    /// then nothing is decided. Events that a compaction removed are not told of: no query finds them.
    fn evolve_without(
        &self,
        state: &mut Self::State,
        coordinate: &Coordinate,
        gone: &Gone,
    ) -> bool {
        let _ = (state, coordinate, gone);
        false
    }
}
