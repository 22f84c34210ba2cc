//! The process that takes an order to its end: stock, payment, and back where something is refused.
//!
//! Each step has an id made of its cause, so a step that is taken again, after a crash for one, is in the log once.
//! An order whose step keeps failing is parked, with all that follows of it, and holds up no other.

use crate::orders::{Order, OrderCommand, Placed};
use crate::payments::{Bank, PaymentReceived, PaymentRefused};
use crate::stock::{Reserved, Stock, StockCommand};
use std::sync::Arc;
use strandline::{EventPayload, Query, Region, StoredEvent};
use strandline_aggregate::{CommandId, ExecuteError, ExecuteOptions, Repository};
use strandline_live::{Error, Failure, Live, PartitionBy, RunningReactor};

struct Fulfilment {
    orders: Arc<Repository<Order>>,
    stock: Arc<Repository<Stock>>,
    bank: Bank,
}

/// Starts the process. Its name is what it goes on by, in this program or the next.
pub(crate) fn start(
    live: &Live,
    orders: &Arc<Repository<Order>>,
    stock: &Arc<Repository<Stock>>,
    bank: Bank,
) -> Result<RunningReactor, Error> {
    let steps = [
        Placed::KIND,
        Reserved::KIND,
        PaymentReceived::KIND,
        PaymentRefused::KIND,
    ];
    let process = Fulfilment {
        orders: orders.clone(),
        stock: stock.clone(),
        bank,
    };
    live.reactor("fulfilment", Query::from(Region::all().kinds(steps)))
        // What follows from an order has its correlation, so its steps are taken one after the other.
        .by(PartitionBy::Correlation)
        .partitions(2)
        .start(move |event, _| process.step(event))
}

/// As what a step is executed.
fn options(event: &StoredEvent, step: &str) -> ExecuteOptions {
    ExecuteOptions::new()
        .command_id(CommandId::new(format!("{step} {}", event.id)))
        .because_of(event)
}

impl Fulfilment {
    fn step(&self, event: &StoredEvent) -> Result<(), Failure> {
        if event.kind == Placed::KIND {
            let order = event.coordinate.entity().trim_start_matches("order:");
            self.reserve(event, order, &event.decode()?)
        } else if event.kind == Reserved::KIND {
            let Reserved { order, .. } = event.decode()?;
            let placed = self.placed(&order)?;
            let charged = self
                .bank
                .charge(&order, &placed.customer, placed.cents, event);
            charged.map_err(Failure::retry)
        } else if event.kind == PaymentReceived::KIND {
            let PaymentReceived { order } = event.decode()?;
            let product = self.placed(&order)?.product;
            let ship = StockCommand::Ship {
                order: order.clone(),
            };
            self.stock
                .execute_with(&product, &ship, &options(event, "ship"))?;
            self.orders
                .execute_with(&order, &OrderCommand::Confirm, &options(event, "confirm"))?;
            Ok(())
        } else {
            let PaymentRefused { order, reason } = event.decode()?;
            let product = self.placed(&order)?.product;
            let release = StockCommand::Release {
                order: order.clone(),
            };
            self.stock
                .execute_with(&product, &release, &options(event, "release"))?;
            self.cancel(event, &order, reason)
        }
    }

    fn reserve(&self, event: &StoredEvent, order: &str, placed: &Placed) -> Result<(), Failure> {
        let reserve = StockCommand::Reserve {
            order: order.to_owned(),
            pieces: placed.pieces,
        };
        match self
            .stock
            .execute_with(&placed.product, &reserve, &options(event, "reserve"))
        {
            Err(ExecuteError::Rejected(refused)) => self.cancel(event, order, refused.to_string()),
            reserved => Ok(reserved.map(|_| ())?),
        }
    }

    fn cancel(&self, event: &StoredEvent, order: &str, reason: String) -> Result<(), Failure> {
        let cancel = OrderCommand::Cancel { reason };
        self.orders
            .execute_with(order, &cancel, &options(event, "cancel"))?;
        Ok(())
    }

    fn placed(&self, order: &str) -> Result<Placed, Failure> {
        let placed = self.orders.load(order)?.state.placed.clone();
        placed.ok_or_else(|| Failure::park(format!("there is no order {order}")))
    }
}
