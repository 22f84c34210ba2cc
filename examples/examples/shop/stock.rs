//! Stock of a product: what is there, and for which orders some of it is kept.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strandline::{EventEnum, EventPayload};
use strandline_aggregate::Aggregate;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x001), name = "shop.stock.received")]
pub(crate) struct Received {
    pub(crate) pieces: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x002), name = "shop.stock.reserved")]
pub(crate) struct Reserved {
    pub(crate) order: String,
    pub(crate) pieces: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x003), name = "shop.stock.released")]
pub(crate) struct Released {
    pub(crate) order: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x3, 0x004), name = "shop.stock.shipped")]
pub(crate) struct Shipped {
    pub(crate) order: String,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
pub(crate) enum StockEvent {
    Received(Received),
    Reserved(Reserved),
    Released(Released),
    Shipped(Shipped),
}

#[derive(Debug, Clone)]
pub(crate) enum StockCommand {
    Receive { pieces: u32 },
    Reserve { order: String, pieces: u32 },
    Release { order: String },
    Ship { order: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StockRefused {
    #[error("{0} pieces are left")]
    TooFew(u32),
    #[error("nothing is reserved for order {0}")]
    NotReserved(String),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Stock {
    pub(crate) free: u32,
    pub(crate) reserved: BTreeMap<String, u32>,
}

impl Stock {
    fn check_reserved(&self, order: &str) -> Result<(), StockRefused> {
        match self.reserved.contains_key(order) {
            true => Ok(()),
            false => Err(StockRefused::NotReserved(order.to_owned())),
        }
    }
}

impl Aggregate for Stock {
    const NAME: &'static str = "stock";
    type Event = StockEvent;
    type Command = StockCommand;
    type Error = StockRefused;

    fn decide(&self, command: &StockCommand) -> Result<Vec<StockEvent>, StockRefused> {
        Ok(vec![match command.clone() {
            StockCommand::Receive { pieces } => Received { pieces }.into(),
            StockCommand::Reserve { pieces, .. } if pieces > self.free => {
                return Err(StockRefused::TooFew(self.free));
            }
            StockCommand::Reserve { order, pieces } => Reserved { order, pieces }.into(),
            StockCommand::Release { order } => {
                self.check_reserved(&order)?;
                Released { order }.into()
            }
            StockCommand::Ship { order } => {
                self.check_reserved(&order)?;
                Shipped { order }.into()
            }
        }])
    }

    fn evolve(&mut self, event: &StockEvent) {
        match event {
            StockEvent::Received(received) => self.free += received.pieces,
            StockEvent::Reserved(reserved) => {
                self.free -= reserved.pieces;
                self.reserved
                    .insert(reserved.order.clone(), reserved.pieces);
            }
            StockEvent::Released(released) => {
                self.free += self.reserved.remove(&released.order).unwrap_or_default();
            }
            StockEvent::Shipped(shipped) => {
                self.reserved.remove(&shipped.order);
            }
        }
    }
}
