//! The read model: how much of what was sold.

use crate::orders::{Cancelled, Confirmed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strandline::{EventPayload, EventRef, Query, Region};
use strandline_live::{ApplyError, Projection};

pub(crate) struct Sales;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sold {
    pub(crate) confirmed: u64,
    pub(crate) cancelled: u64,
    /// Of each product.
    pub(crate) cents: BTreeMap<String, u64>,
}

impl Projection for Sales {
    /// Another one, whenever what is made of events changes: it is made anew beside, and then served.
    const VERSION: u32 = 1;
    type State = Sold;

    fn query(&self) -> Query {
        Region::all()
            .kinds([Confirmed::KIND, Cancelled::KIND])
            .into()
    }

    fn apply(&self, sold: &mut Sold, event: &EventRef<'_>) -> Result<(), ApplyError> {
        if event.kind() == Cancelled::KIND {
            sold.cancelled += 1;
            return Ok(());
        }
        let confirmed: Confirmed = event.decode()?;
        sold.confirmed += 1;
        *sold.cents.entry(confirmed.product).or_default() += confirmed.cents;
        Ok(())
    }
}
