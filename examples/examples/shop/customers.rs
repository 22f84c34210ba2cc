//! Customers: an address is taken once, whoever asks at the same time.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use strandline::{Coordinate, Error, Event, EventEnum, EventPayload, Hash, Query, Region, Store};
use strandline_aggregate::{Decided, Decision, Decisions, ExecuteError};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "shop.customer.registered")]
pub(crate) struct Registered {
    pub(crate) name: String,
    pub(crate) address: String,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
pub(crate) enum CustomerEvent {
    Registered(Registered),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegisterRefused {
    #[error("there is a customer with this address")]
    AddressTaken,
}

/// A tag stays when the payload is removed, so it does not say the address. Whoever guesses one can still
/// check it: with a secret in the hash, only the shop can.
fn address_tag(address: &str) -> String {
    let hash = Hash::of(address.trim().to_lowercase().as_bytes()).to_string();
    format!("address:{}", hash.get(..32).unwrap_or_default())
}

/// A command: the value is what is asked for.
pub(crate) struct Register {
    at: Coordinate,
    customer: Registered,
}

impl Decision for Register {
    type Event = CustomerEvent;
    /// Whether somebody has the address.
    type State = bool;
    type Error = RegisterRefused;

    fn query(&self) -> Query {
        Region::all()
            .tag(address_tag(&self.customer.address))
            .into()
    }

    fn evolve(&self, is_taken: &mut bool, _: &Coordinate, _: &CustomerEvent) {
        *is_taken = true;
    }

    /// An address stays taken, also when its customer is forgotten.
    fn evolve_without(
        &self,
        is_taken: &mut bool,
        _: &Coordinate,
        _: &strandline_aggregate::Gone,
    ) -> bool {
        *is_taken = true;
        true
    }

    fn decide(&self, is_taken: &bool) -> Result<Vec<(Coordinate, CustomerEvent)>, RegisterRefused> {
        match is_taken {
            true => Err(RegisterRefused::AddressTaken),
            false => Ok(vec![(self.at.clone(), self.customer.clone().into())]),
        }
    }

    fn to_event(&self, event: &CustomerEvent) -> Result<Event, Error> {
        let CustomerEvent::Registered(customer) = event;
        Ok(event.to_event()?.tagged(address_tag(&customer.address)))
    }
}

pub(crate) struct Customers {
    store: Arc<Store>,
    register: Decisions<CustomerEvent>,
}

impl Customers {
    pub(crate) fn new(store: &Arc<Store>) -> Result<Self, Error> {
        Ok(Self {
            store: store.clone(),
            register: Decisions::new(store)?,
        })
    }

    pub(crate) fn register(
        &self,
        id: &str,
        name: &str,
        address: &str,
    ) -> Result<Decided<CustomerEvent>, ExecuteError<RegisterRefused>> {
        let at = Coordinate::new(format!("customer:{id}"), "customer").map_err(Error::from)?;
        let customer = Registered {
            name: name.to_owned(),
            address: address.to_owned(),
        };
        self.register.execute(&Register { at, customer })
    }

    /// What a customer is called; none if nobody is known, or was forgotten.
    pub(crate) fn name(&self, id: &str) -> Result<Option<String>, Error> {
        let latest = self.store.snapshot().latest(&format!("customer:{id}"))?;
        match latest.filter(|event| !event.is_redacted()) {
            Some(event) => Ok(Some(event.decode::<Registered>()?.name)),
            None => Ok(None),
        }
    }
}
