//! A shop: `cargo run -p strandline-examples --example shop`.
//!
//! Orders and stock are aggregates, customers register on condition that nobody has their address, and a process takes
//! each order from the stock to the payment and on, whatever fails in between. A read model is kept beside. Then what
//! an operator does: a customer is forgotten, old visits are removed, Tuesday is looked at again, and a backup is
//! taken and read.
//!
//! `customers`, `orders` and `stock` say what may happen, `payments` stands for a bank, `fulfilment` is the process,
//! `sales` the read model, `upkeep` what operators do.

mod customers;
mod fulfilment;
mod orders;
mod payments;
mod sales;
mod stock;
mod upkeep;

use customers::{Customers, RegisterRefused};
use orders::{Cancelled, Confirmed, Order, OrderCommand, Status};
use payments::Bank;
use sales::Sales;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use stock::{Stock, StockCommand};
use strandline::{Clock, EventPayload, Region, Start, Store, StoreOptions, SystemClock};
use strandline_aggregate::{ExecuteError, Repository};
use strandline_live::{Live, project};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Monday, 23 November 2026, 09:00 UTC.
const MONDAY: u64 = 1_795_424_400_000;
const DAY: u64 = 24 * 60 * 60 * 1_000;

/// More than this is waited for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock whose days are over at once; a shop leaves the clock to the system.
#[derive(Debug, Default)]
struct Days {
    system: SystemClock,
    day: AtomicU64,
}

impl Days {
    /// It is so many days after Monday.
    fn set(&self, day: u64) {
        self.day.store(day, Ordering::Relaxed);
    }
}

impl Clock for Days {
    fn now_ms(&self) -> u64 {
        MONDAY + u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX - MONDAY)
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed() + Duration::from_millis(self.day.load(Ordering::Relaxed) * DAY)
    }
}

struct Shop {
    store: Arc<Store>,
    clock: Arc<Days>,
    customers: Customers,
    orders: Arc<Repository<Order>>,
    stock: Arc<Repository<Stock>>,
}

impl Shop {
    fn open(dir: &std::path::Path) -> Result<Self, Failure> {
        let clock = Arc::new(Days::default());
        let store = StoreOptions::new().clock(clock.clone()).open(dir)?;
        let store = Arc::new(store);
        Ok(Self {
            customers: Customers::new(&store)?,
            orders: Arc::new(Repository::new(&store)?.with_cache(10_000)),
            stock: Arc::new(Repository::new(&store)?.with_cache(1_000)),
            store,
            clock,
        })
    }

    /// Places an order, and waits until it is decided.
    fn order(&self, id: &str, customer: &str, pieces: u32) -> Result<Status, Failure> {
        let place = OrderCommand::Place {
            customer: customer.to_owned(),
            product: "table".to_owned(),
            pieces,
            cents: u64::from(pieces) * 25_000,
        };
        let placed = self.orders.execute(id, &place)?;
        let placed = placed.receipts.first().ok_or("nothing was ordered")?;
        let decided = Region::all()
            .entity(format!("order:{id}"))
            .kinds([Confirmed::KIND, Cancelled::KIND]);
        let mut decided = self.store.follow(decided, Start::After(placed.sequence))?;
        if decided.next_timeout(PATIENCE)?.is_none() {
            return Err(format!("order {id} is not decided").into());
        }
        let status = self.orders.load(id)?.state.status.clone();
        println!("order {id}: {status:?}");
        Ok(status)
    }
}

fn main() -> Result<(), Failure> {
    let dir = tempfile::tempdir()?;
    let shop = Shop::open(&dir.path().join("shop.strand"))?;
    let live = Live::open(&shop.store)?;
    let bank = Bank::new(&shop.store)?;
    let sales = live.projection("sales", Sales).start()?;
    let fulfilment = fulfilment::start(&live, &shop.orders, &shop.stock, bank)?;

    // Monday: two customers, and a third one with the address of the first.
    shop.customers.register("1", "Ada", "ada@example.org")?;
    shop.customers.register("2", "Grace", "grace@example.org")?;
    let again = shop.customers.register("3", "Eve", "Ada@Example.org");
    let is_taken = matches!(
        again,
        Err(ExecuteError::Rejected(RegisterRefused::AddressTaken))
    );
    assert!(is_taken, "{again:?}");
    shop.stock
        .execute("table", &StockCommand::Receive { pieces: 5 })?;
    upkeep::visit(&shop.store, "1")?;

    // Tuesday: one order goes through, also though the bank does not answer at once; one has no money.
    shop.clock.set(1);
    assert_eq!(shop.order("1001", "1", 2)?, Status::Confirmed);
    let refused = Status::Cancelled("the card is refused".to_owned());
    assert_eq!(shop.order("1002", payments::WITHOUT_MONEY, 1)?, refused);
    upkeep::visit(&shop.store, "2")?;

    // Wednesday: more than there is.
    shop.clock.set(2);
    assert_eq!(shop.order("1003", "2", 3)?, Status::Confirmed);
    let sold_out = Status::Cancelled("0 pieces are left".to_owned());
    assert_eq!(shop.order("1004", "1", 1)?, sold_out);
    let table = shop.stock.load("table")?.state;
    assert_eq!(
        (table.free, table.reserved.len()),
        (0, 0),
        "what was refused came back"
    );

    // The read model has all of it, once.
    sales.wait_caught_up(PATIENCE)?;
    let now = sales.read(Clone::clone)?;
    println!("sales: {now:?}");
    assert_eq!((now.confirmed, now.cancelled), (2, 2));
    assert_eq!(now.cents.get("table"), Some(&125_000));

    // As it was at the end of Tuesday: the read model, and one order.
    let tuesday = shop.store.snapshot().as_of(MONDAY + 2 * DAY - 1);
    let then = project(&tuesday, &Sales)?;
    println!("as of Tuesday: {then:?}");
    assert_eq!((then.confirmed, then.cancelled), (1, 1));
    assert_eq!(shop.orders.load_in(&tuesday, "1003")?.version, None);

    // Ada wants to be forgotten: her name and her address are gone, and her orders count on.
    upkeep::forget_customer(&shop.store, "1")?;
    assert_eq!(shop.customers.name("1")?, None);
    assert_eq!(shop.customers.name("2")?.as_deref(), Some("Grace"));
    assert_eq!(project(&shop.store.snapshot(), &Sales)?, now);

    // Who looked at what is kept for a month.
    shop.clock.set(30);
    assert_eq!(upkeep::remove_old_visits(&shop.store, 30 * DAY)?, 1);

    fulfilment.drain()?;
    sales.stop()?;
    let copy = dir.path().join("backup.strand");
    let events = upkeep::backup(&shop.store, &copy)?;
    let copied = StoreOptions::new().read_only().open(&copy)?;
    assert_eq!(project(&copied.snapshot(), &Sales)?, now);
    println!("the backup has {events} events, and the same sales");
    Ok(())
}
