//! `walk`: the rows of a region from one end, a window of sequences after the other, until enough were found or the time
//! is over. So a filter that hardly an event passes takes no longer than another, and the next request goes on where this
//! one stopped.

use super::pace::Pace;
use crate::site::Budget;
use strandline::{Order, Region, RowView, Sequence, Snapshot};

/// What was found.
#[derive(Debug)]
pub(crate) struct Walked<'a> {
    /// In the order that was asked for.
    pub(crate) rows: Vec<RowView<'a>>,
    /// The sequence where the next request goes on, if there may be more: *before* it for the newest first, *after* it for
    /// the oldest first.
    pub(crate) next: Option<u64>,
    /// Whether the time was over before enough were found.
    pub(crate) is_partial: bool,
}

/// The sequences in which a region can have events: from the first to before the second.
pub(crate) fn sequences(now: &Snapshot, region: &Region) -> (u64, u64) {
    let (span, time) = (region.sequence_span(), region.wall_ms_span());
    let from_time = match time.first.checked_sub(1) {
        None => 0,
        Some(before) => now.sequence_at(before).get(),
    };
    let to_time = now.sequence_at(time.last).get();
    let end = span.last.saturating_add(1).min(now.visible().get());
    (span.first.max(from_time), end.min(to_time))
}

/// The rows of a region, at most `limit`.
pub(crate) fn walk<'a>(
    now: &'a Snapshot,
    region: &Region,
    order: Order,
    limit: usize,
    budget: &Budget,
) -> Walked<'a> {
    let (mut low, mut high) = sequences(now, region);
    let mut pace = Pace::new(budget);
    let mut rows: Vec<RowView<'a>> = Vec::new();
    while low < high {
        let width = pace.width();
        let (first, end) = match order {
            Order::OldestFirst => (low, high.min(low.saturating_add(width))),
            Order::NewestFirst => (low.max(high.saturating_sub(width)), high),
        };
        let mut window = region.clone().before(Sequence::new(end));
        if let Some(before) = first.checked_sub(1) {
            window = window.after(Sequence::new(before));
        }
        let mut found = now.rows(window);
        while let Some(row) = match order {
            Order::OldestFirst => found.next(),
            Order::NewestFirst => found.next_back(),
        } {
            if rows.len() == limit {
                let next = rows.last().map(|row| row.sequence().get());
                return Walked {
                    rows,
                    next,
                    is_partial: false,
                };
            }
            rows.push(row);
        }
        match order {
            Order::OldestFirst => low = end,
            Order::NewestFirst => high = first,
        }
        if !pace.goes_on(end - first, budget) && low < high {
            return Walked {
                rows,
                next: Some(match order {
                    Order::OldestFirst => low.saturating_sub(1),
                    Order::NewestFirst => high,
                }),
                is_partial: true,
            };
        }
    }
    Walked {
        rows,
        next: None,
        is_partial: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;
    use strandline::fs::MemFs;
    use strandline::{
        Batch, Clock, Coordinate, Durability, Event, EventKind, Store, StoreOptions, SystemClock,
    };

    fn store(events: u64) -> Store {
        let options = StoreOptions::new().fs(Arc::new(MemFs::default()));
        let store = options
            .durability(Durability::Written)
            .open("orders.strand")
            .unwrap();
        let (common, rare) = (EventKind::new(1, 1), EventKind::new(1, 2));
        let at = Coordinate::new("e", "s").unwrap();
        for batch in 0..events / 1000 {
            let mut all = Batch::new();
            for number in 0..1000 {
                let kind = if batch == 0 && number == 5 {
                    rare
                } else {
                    common
                };
                all.add(&at, Event::bytes(kind, *b"x"));
            }
            store.append_batch(all).unwrap();
        }
        store
    }

    #[test]
    fn pages_join_without_gap_or_repeat() {
        let store = store(40_000);
        let now = store.snapshot();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let budget = Budget::new(&clock, Duration::from_secs(60));
        for order in [Order::NewestFirst, Order::OldestFirst] {
            let mut region = Region::all().kind(EventKind::new(1, 1)).sequence(3..39_990);
            let mut seen = Vec::new();
            loop {
                let walked = walk(&now, &region, order, 7_000, &budget);
                seen.extend(walked.rows.iter().map(|row| row.sequence().get()));
                let Some(next) = walked.next else { break };
                let next = Sequence::new(next);
                region = match order {
                    Order::OldestFirst => region.after(next),
                    Order::NewestFirst => region.before(next),
                };
            }
            let mut all: Vec<u64> = (3..39_990).filter(|number| *number != 5).collect();
            if order == Order::NewestFirst {
                all.reverse();
            }
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn what_is_rare_is_found_in_several_requests_where_time_is_short() {
        let store = store(200_000);
        let now = store.snapshot();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let mut region = Region::all().kind(EventKind::new(1, 2));
        let mut requests = 0;
        let found = loop {
            let spent = Budget::new(&clock, Duration::ZERO);
            let walked = walk(&now, &region, Order::NewestFirst, 10, &spent);
            requests += 1;
            if let Some(row) = walked.rows.first() {
                break row.sequence().get();
            }
            assert!(walked.is_partial);
            region = region.before(Sequence::new(walked.next.unwrap()));
        };
        assert_eq!(found, 5);
        assert!((2..100).contains(&requests), "{requests}");
    }
}
