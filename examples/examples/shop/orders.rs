//! Orders: placed, then confirmed or cancelled.

use serde::{Deserialize, Serialize};
use strandline::{EventEnum, EventPayload};
use strandline_aggregate::Aggregate;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x001), name = "shop.order.placed")]
pub(crate) struct Placed {
    pub(crate) customer: String,
    pub(crate) product: String,
    pub(crate) pieces: u32,
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x002), name = "shop.order.confirmed")]
pub(crate) struct Confirmed {
    pub(crate) product: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x2, 0x003), name = "shop.order.cancelled")]
pub(crate) struct Cancelled {
    pub(crate) reason: String,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
pub(crate) enum OrderEvent {
    Placed(Placed),
    Confirmed(Confirmed),
    Cancelled(Cancelled),
}

#[derive(Debug, Clone)]
pub(crate) enum OrderCommand {
    Place {
        customer: String,
        product: String,
        pieces: u32,
        cents: u64,
    },
    Confirm,
    Cancel {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OrderRefused {
    #[error("there is an order of this number")]
    Exists,
    #[error("nothing is ordered")]
    Empty,
    #[error("the order is {0:?}")]
    NotOpen(Status),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Status {
    #[default]
    None,
    Open,
    Confirmed,
    Cancelled(String),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    pub(crate) status: Status,
    pub(crate) placed: Option<Placed>,
}

impl Aggregate for Order {
    const NAME: &'static str = "order";
    type Event = OrderEvent;
    type Command = OrderCommand;
    type Error = OrderRefused;

    fn decide(&self, command: &OrderCommand) -> Result<Vec<OrderEvent>, OrderRefused> {
        if let OrderCommand::Place {
            customer,
            product,
            pieces,
            cents,
        } = command
        {
            return match (&self.status, pieces) {
                (Status::None, 0) => Err(OrderRefused::Empty),
                (Status::None, _) => Ok(vec![
                    Placed {
                        customer: customer.clone(),
                        product: product.clone(),
                        pieces: *pieces,
                        cents: *cents,
                    }
                    .into(),
                ]),
                _ => Err(OrderRefused::Exists),
            };
        }
        let (Status::Open, Some(placed)) = (&self.status, &self.placed) else {
            return Err(OrderRefused::NotOpen(self.status.clone()));
        };
        Ok(vec![match command {
            OrderCommand::Cancel { reason } => Cancelled {
                reason: reason.clone(),
            }
            .into(),
            _ => Confirmed {
                product: placed.product.clone(),
                cents: placed.cents,
            }
            .into(),
        }])
    }

    fn evolve(&mut self, event: &OrderEvent) {
        self.status = match event {
            OrderEvent::Placed(placed) => {
                self.placed = Some(placed.clone());
                Status::Open
            }
            OrderEvent::Confirmed(_) => Status::Confirmed,
            OrderEvent::Cancelled(cancelled) => Status::Cancelled(cancelled.reason.clone()),
        };
    }
}
