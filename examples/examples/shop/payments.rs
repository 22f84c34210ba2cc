//! Payments: what the bank said, once for each order.

use crate::Failure;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use strandline::{Error, EventEnum, EventHeader, EventPayload, Store};
use strandline_aggregate::{Aggregate, ExecuteOptions, Repository};

/// A customer whose card is refused.
pub(crate) const WITHOUT_MONEY: &str = "2";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x4, 0x001), name = "shop.payment.received")]
pub(crate) struct PaymentReceived {
    pub(crate) order: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x4, 0x002), name = "shop.payment.refused")]
pub(crate) struct PaymentRefused {
    pub(crate) order: String,
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
pub(crate) enum PaymentEvent {
    Received(PaymentReceived),
    Refused(PaymentRefused),
}

/// The payment of an order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Payment {
    is_answered: bool,
}

impl Aggregate for Payment {
    const NAME: &'static str = "payment";
    type Event = PaymentEvent;
    /// What the bank said.
    type Command = PaymentEvent;
    type Error = Infallible;

    /// The first answer counts; a later one is the same.
    fn decide(&self, answer: &PaymentEvent) -> Result<Vec<PaymentEvent>, Infallible> {
        Ok(match self.is_answered {
            true => Vec::new(),
            false => vec![answer.clone()],
        })
    }

    fn evolve(&mut self, _: &PaymentEvent) {
        self.is_answered = true;
    }
}

/// Stands for a bank, which does not answer the first time.
pub(crate) struct Bank {
    payments: Repository<Payment>,
    is_awake: AtomicBool,
}

impl Bank {
    pub(crate) fn new(store: &Arc<Store>) -> Result<Self, Error> {
        Ok(Self {
            payments: Repository::new(store)?,
            is_awake: AtomicBool::new(false),
        })
    }

    /// Charges for an order, and keeps what the bank said. A bank is asked under the number of the order, so that it
    /// charges once, however often it is asked.
    pub(crate) fn charge(
        &self,
        order: &str,
        customer: &str,
        cents: u64,
        because: &EventHeader,
    ) -> Result<(), Failure> {
        if !self.is_awake.swap(true, Ordering::Relaxed) {
            return Err("the bank does not answer".into());
        }
        let order = order.to_owned();
        let answer = match customer == WITHOUT_MONEY && cents < 50_000 {
            true => PaymentRefused {
                order: order.clone(),
                reason: "the card is refused".to_owned(),
            }
            .into(),
            false => PaymentReceived {
                order: order.clone(),
            }
            .into(),
        };
        let options = ExecuteOptions::new().because_of(because);
        self.payments.execute_with(&order, &answer, &options)?;
        Ok(())
    }
}
