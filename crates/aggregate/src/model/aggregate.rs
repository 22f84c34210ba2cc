//! `Aggregate`: what a caller writes of one kind of entity.

use super::gone::Gone;
use strandline::{Coordinate, Error, Event, EventEnum, NameError, Registry};

/// The state of an entity, made of its events, and what is decided on it.
///
/// Two functions without effects: [`decide`](Self::decide) says which events a command leads to, or refuses it, and
/// [`evolve`](Self::evolve) applies one event. Neither reads or writes anything: a [`Repository`](crate::Repository)
/// does that. An entity without events has the state [`Default::default`].
///
/// What a decision needs from outside, prices or the time say, comes with the command, or with the closure of
/// [`Repository::decide_with`](crate::Repository::decide_with).
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use strandline::{EventEnum, EventPayload};
/// use strandline_aggregate::{Aggregate, given, given_nothing};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
/// #[event(kind(0x1, 0x001), name = "deposited")]
/// struct Deposited { cents: u64 }
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
/// #[event(kind(0x1, 0x002), name = "withdrawn")]
/// struct Withdrawn { cents: u64 }
///
/// #[derive(Debug, PartialEq, EventEnum)]
/// enum AccountEvent { Deposited(Deposited), Withdrawn(Withdrawn) }
///
/// enum AccountCommand { Deposit(u64), Withdraw(u64) }
///
/// #[derive(Debug, PartialEq)]
/// struct TooLittle { cents: u64 }
///
/// #[derive(Clone, Default)]
/// struct Account { cents: u64 }
///
/// impl Aggregate for Account {
///     const NAME: &'static str = "account";
///     type Event = AccountEvent;
///     type Command = AccountCommand;
///     type Error = TooLittle;
///
///     fn decide(&self, command: &AccountCommand) -> Result<Vec<AccountEvent>, TooLittle> {
///         match *command {
///             AccountCommand::Deposit(cents) => Ok(vec![Deposited { cents }.into()]),
///             AccountCommand::Withdraw(cents) if cents > self.cents => {
///                 Err(TooLittle { cents: self.cents })
///             }
///             AccountCommand::Withdraw(cents) => Ok(vec![Withdrawn { cents }.into()]),
///         }
///     }
///
///     fn evolve(&mut self, event: &AccountEvent) {
///         match event {
///             AccountEvent::Deposited(deposited) => self.cents += deposited.cents,
///             AccountEvent::Withdrawn(withdrawn) => self.cents -= withdrawn.cents,
///         }
///     }
/// }
///
/// given::<Account>([Deposited { cents: 500 }.into()])
///     .when(&AccountCommand::Withdraw(200))
///     .then_expect([Withdrawn { cents: 200 }.into()]);
/// given_nothing::<Account>()
///     .when(&AccountCommand::Withdraw(1))
///     .then_error(TooLittle { cents: 0 });
/// ```
pub trait Aggregate: Clone + Default + Send + Sync + 'static {
    /// What entities of this kind are called: by default the scope of their events, and what their names begin with.
    /// It is in the store, so it stays.
    const NAME: &'static str;

    /// What happens to such an entity: mostly an enum with `#[derive(EventEnum)]`.
    type Event: EventEnum + Send + Sync + 'static;

    /// What may be asked of such an entity.
    type Command: ?Sized;

    /// Why a command is refused.
    type Error;

    /// Which events a command leads to. None of them: nothing is to be done, and nothing is appended.
    ///
    /// Called again, on a newer state, if another writer was faster.
    ///
    /// # Errors
    ///
    /// Why the command is refused.
    fn decide(&self, command: &Self::Command) -> Result<Vec<Self::Event>, Self::Error>;

    /// Applies an event. It has happened, so it cannot be refused.
    fn evolve(&mut self, event: &Self::Event);

    /// The entity and scope of the events of an aggregate: by default the entity `NAME:id` in the scope `NAME`.
    ///
    /// The entity says which stream it is, whatever the scope; a scope that depends on the id, of a tenant say, is fine.
    ///
    /// # Errors
    ///
    /// If the names break a rule: 1 to 255 bytes, no control characters.
    fn coordinate(id: &str) -> Result<Coordinate, NameError> {
        Coordinate::new(format!("{}:{id}", Self::NAME), Self::NAME)
    }

    /// How events are decoded: by default the present versions of all variants. Upcasts are added here.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use strandline::{Error, EventEnum, EventPayload, Registry};
    /// # #[derive(Serialize, Deserialize, EventPayload)]
    /// # #[event(kind(0x1, 0x001), name = "placed")]
    /// # struct PlacedV1 { total: u64 }
    /// # #[derive(Serialize, Deserialize, EventPayload)]
    /// # #[event(kind(0x1, 0x001), name = "placed", version = 2)]
    /// # struct Placed { cents: u64 }
    /// # #[derive(EventEnum)]
    /// # enum OrderEvent { Placed(Placed) }
    /// fn registry() -> Result<Registry<OrderEvent>, Error> {
    ///     OrderEvent::registry()?.upcast(|old: PlacedV1| Placed { cents: old.total * 100 })
    /// }
    /// # registry().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Registry::register`].
    fn registry() -> Result<Registry<Self::Event>, Error> {
        Self::Event::registry()
    }

    /// The event to append: by default without tags.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use strandline::{Error, Event, EventEnum, EventPayload};
    /// # #[derive(Serialize, Deserialize, EventPayload)]
    /// # #[event(kind(0x1, 0x001), name = "placed")]
    /// # struct Placed { customer: u64 }
    /// # #[derive(EventEnum)]
    /// # enum OrderEvent { Placed(Placed) }
    /// fn to_event(event: &OrderEvent) -> Result<Event, Error> {
    ///     let OrderEvent::Placed(placed) = event;
    ///     Ok(event.to_event()?.tagged(format!("customer:{}", placed.customer)))
    /// }
    /// # to_event(&Placed { customer: 1 }.into()).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`EventEnum::to_event`].
    fn to_event(event: &Self::Event) -> Result<Event, Error> {
        event.to_event()
    }

    /// Goes on where the content of events is gone for good: redacted, forgotten with its key, or removed by a compaction. Whether the state
    /// is right without it; by default not, and then the aggregate cannot be loaded.
    ///
    /// A decision on a part of the events may be wrong, so who redacts or compacts events of aggregates says here
    /// what that means. A snapshot from before has what is gone: see [`Repository::forget`](crate::Repository::forget).
    fn evolve_without(&mut self, gone: &Gone) -> bool {
        let _ = gone;
        false
    }
}
