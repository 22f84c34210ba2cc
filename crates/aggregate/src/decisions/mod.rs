//! `Decisions`: executes commands whose decision rests on several entities.
//!
//! Knows what is below it, and no aggregate.

use crate::attempt::{Appended, Retries, answer, append};
use crate::sealing::Sealing;
use crate::{Decided, Decision, ExecuteError, ExecuteOptions, Gone};
use std::fmt;
use std::sync::Arc;
use strandline::{
    AppendCondition, Coordinate, Error, ErrorKind, Event, EventEnum, Query, Receipt, Registry,
    Snapshot, Store,
};
use strandline_core::Random;

/// Executes decisions in a store, all of those whose events are an `E`.
///
/// Share it between threads by reference or in an `Arc`; every method takes `&self`. It holds no lock while
/// something of the caller's runs.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::Arc;
/// # use strandline::{Coordinate, Error, Event, EventEnum, EventPayload, Query, Region, Store};
/// # use strandline_aggregate::{Decision, Decisions, ExecuteError};
/// #[derive(Debug, Serialize, Deserialize, EventPayload)]
/// #[event(kind(0x1, 0x001), name = "claimed")]
/// struct Claimed { name: String }
///
/// #[derive(Debug, EventEnum)]
/// enum UserEvent { Claimed(Claimed) }
///
/// /// Gives a user a name that nobody has.
/// struct Claim { user: Coordinate, name: String }
///
/// impl Decision for Claim {
///     type Event = UserEvent;
///     type State = bool;
///     type Error = &'static str;
///
///     fn query(&self) -> Query {
///         Region::all().tag(format!("name:{}", self.name)).into()
///     }
///     fn evolve(&self, is_taken: &mut bool, _: &Coordinate, _: &UserEvent) {
///         *is_taken = true;
///     }
///     fn decide(&self, is_taken: &bool) -> Result<Vec<(Coordinate, UserEvent)>, &'static str> {
///         let claimed = Claimed { name: self.name.clone() };
///         match is_taken {
///             true => Err("the name is taken"),
///             false => Ok(vec![(self.user.clone(), claimed.into())]),
///         }
///     }
///     fn to_event(&self, event: &UserEvent) -> Result<Event, Error> {
///         let UserEvent::Claimed(claimed) = event;
///         Ok(event.to_event()?.tagged(format!("name:{}", claimed.name)))
///     }
/// }
///
/// # let dir = tempfile::tempdir()?;
/// let store = Arc::new(Store::open(dir.path().join("users.strand"))?);
/// let decisions = Decisions::<UserEvent>::new(&store)?;
/// let claim = |user: &str| -> Result<Claim, strandline::NameError> {
///     Ok(Claim { user: Coordinate::new(user, "users")?, name: "ada".into() })
/// };
/// assert_eq!(decisions.execute(&claim("user:1")?).unwrap().events.len(), 1);
/// let refused = decisions.execute(&claim("user:2")?).unwrap_err();
/// assert_eq!(refused.into_rejection(), Some("the name is taken"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Decisions<E> {
    store: Arc<Store>,
    registry: Registry<E>,
    random: Random,
    sealing: Option<Arc<dyn Sealing>>,
}

impl<E: EventEnum + 'static> Decisions<E> {
    /// Decisions in a store, which it keeps open. Reads nothing.
    ///
    /// # Errors
    ///
    /// As [`EventEnum::registry`]; [`ErrorKind::Io`] if the system gives no random bytes.
    pub fn new(store: &Arc<Store>) -> Result<Self, Error> {
        Self::with_registry(store, E::registry()?)
    }

    /// Decisions in a store whose events are decoded by this registry, with upcasts say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the system gives no random bytes.
    pub fn with_registry(store: &Arc<Store>, registry: Registry<E>) -> Result<Self, Error> {
        let random = Random::from_os().map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").with_source(error)
        })?;
        Ok(Self {
            store: store.clone(),
            registry,
            random,
            sealing: None,
        })
    }

    /// Seals each event that is appended with the key of its entity or scope, and opens what is sealed with `opener`, of
    /// the same keys. Default: nothing is sealed, and a sealed event is an [`ErrorKind::Sealed`].
    ///
    /// Of an event whose key was forgotten [`Decision::evolve_without`] is told ([`Gone::Forgotten`]), unless the
    /// registry has a value for it ([`Registry::gone_as`]).
    #[cfg(feature = "seal")]
    #[must_use]
    pub fn sealed(
        mut self,
        sealer: Arc<strandline_seal::Sealer>,
        opener: strandline_seal::Opener,
    ) -> Self {
        self.registry = self.registry.opening(Arc::new(opener.clone()));
        self.sealing = Some(Arc::new(crate::sealing::Keys { sealer, opener }));
        self
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What a decision rests on, as it is in a snapshot.
    ///
    /// Reads and decodes each event of its query.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Payload`] if an event of the query is none of the decision's; [`ErrorKind::Redacted`] if one is
    /// redacted and [`Decision::evolve_without`] does not go on; and those of reading.
    pub fn state_in<D: Decision<Event = E>>(
        &self,
        snapshot: &Snapshot,
        decision: &D,
    ) -> Result<D::State, Error> {
        self.state(snapshot, decision, &decision.query())
    }

    /// Executes a decision: reads its query, decides, and appends the events, all or none, on condition that no event
    /// of the query came meanwhile; if one did, all begins anew ([`Retry`](crate::Retry)).
    ///
    /// Returns when the events are visible and as durable as the store's options ask.
    ///
    /// # Errors
    ///
    /// [`Rejected`](ExecuteError::Rejected), [`Conflict`](ExecuteError::Conflict), and
    /// [`Store`](ExecuteError::Store) as [`state_in`](Self::state_in) and
    /// [`Store::append`](strandline::Store::append) say.
    pub fn execute<D: Decision<Event = E>>(
        &self,
        decision: &D,
    ) -> Result<Decided<E>, ExecuteError<D::Error>> {
        self.execute_with(decision, &ExecuteOptions::new())
    }

    /// Executes a decision with options of its own.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); [`CommandIdTaken`](ExecuteError::CommandIdTaken).
    pub fn execute_with<D: Decision<Event = E>>(
        &self,
        decision: &D,
        options: &ExecuteOptions,
    ) -> Result<Decided<E>, ExecuteError<D::Error>> {
        self.store.check_writable()?;
        let mut retries = Retries::new(options.retry, &self.random);
        loop {
            let snapshot = self.store.snapshot();
            if let Some(command) = &options.command_id
                && let Some(answer) = answer(&snapshot, &self.registry, command, None)?
            {
                let answer = answer.durable(&self.store, options.durability)?;
                return Ok(decided(answer.events, answer.receipts, 0));
            }
            let query = decision.query();
            let state = self.state(&snapshot, decision, &query)?;
            let tries = retries.count();
            let events = decision.decide(&state).map_err(ExecuteError::Rejected)?;
            if events.is_empty() {
                return Ok(decided(events, Vec::new(), tries));
            }
            let batch = batch(decision, &events)?;
            let condition = AppendCondition::since(snapshot.visible()).none_in(query);
            let appended = append(
                (&self.store, self.sealing.as_deref()),
                batch,
                Some(&condition),
                options,
            );
            match appended? {
                Appended::Done(receipts) => return Ok(decided(events, receipts, tries)),
                // Events with ids of their own, which are there, are not looked for where it begins anew.
                Appended::Repeated(receipts) if options.command_id.is_none() => {
                    let repeated = receipts.iter().all(|receipt| receipt.repeated);
                    let decided = decided(events, receipts, tries);
                    return Ok(Decided {
                        repeated,
                        ..decided
                    });
                }
                Appended::Repeated(_) => {}
                Appended::Conflict(conflict) => retries.wait(conflict)?,
            }
        }
    }

    fn state<D: Decision<Event = E>>(
        &self,
        snapshot: &Snapshot,
        decision: &D,
        query: &Query,
    ) -> Result<D::State, Error> {
        let mut state = D::State::default();
        let mut events = snapshot.query(query);
        while let Some(event) = events.next_ref() {
            let event = event?;
            let coordinate = event.coordinate();
            let (clock, kind, id) = (event.clock(), event.kind(), event.id());
            let decoded = match event.is_redacted() {
                true => Err(Gone::Redacted { clock, kind }),
                false => match self.registry.decode_ref(&event) {
                    Err(error) if error.kind() == ErrorKind::Forgotten => {
                        Err(Gone::Forgotten { clock, kind, id })
                    }
                    decoded => Ok(decoded?),
                },
            };
            match decoded {
                Ok(event) => decision.evolve(&mut state, &coordinate, &event),
                Err(gone) if decision.evolve_without(&mut state, &coordinate, &gone) => {}
                Err(gone) => return Err(gone.refused(&coordinate)),
            }
        }
        Ok(state)
    }
}

impl<E> fmt::Debug for Decisions<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decisions")
            .field("store", &self.store.dir())
            .finish_non_exhaustive()
    }
}

fn batch<D: Decision>(
    decision: &D,
    events: &[(Coordinate, D::Event)],
) -> Result<Vec<(Coordinate, Event)>, Error> {
    let events = events.iter();
    events
        .map(|(coordinate, event)| Ok((coordinate.clone(), decision.to_event(event)?)))
        .collect()
}

const fn decided<E>(
    events: Vec<(Coordinate, E)>,
    receipts: Vec<Receipt>,
    tries: u32,
) -> Decided<E> {
    Decided {
        events,
        receipts,
        repeated: tries == 0,
        tries,
    }
}
