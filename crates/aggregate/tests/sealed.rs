//! Aggregates and decisions whose events are sealed: what is on the disk, and what is left once a key is forgotten.

use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, MemFs, read_file};
use strandline::{
    Coordinate, Error, ErrorKind, EventEnum, EventPayload, GonePayload, Query, Region, Registry,
    Store, StoreOptions,
};
use strandline_aggregate::{
    Aggregate, CommandId, Decision, Decisions, ExecuteError, ExecuteOptions, Gone, Repository,
    Snapshots,
};
use strandline_seal::{KeyStore as _, MemoryKeys, Opener, Per, Sealer, Subject};

const SEVEN: Subject<'static> = Subject::Entity("customer:7");

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x001), name = "moved")]
struct Moved {
    street: String,
}

#[derive(Debug, Clone, PartialEq, EventEnum)]
enum CustomerEvent {
    Moved(Moved),
}

fn moved(street: &str) -> CustomerEvent {
    let street = street.to_owned();
    Moved { street }.into()
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Customer {
    streets: Vec<String>,
    gone: Vec<String>,
}

impl Aggregate for Customer {
    const NAME: &'static str = "customer";
    type Event = CustomerEvent;
    type Command = str;
    type Error = std::convert::Infallible;

    fn decide(&self, street: &str) -> Result<Vec<CustomerEvent>, Self::Error> {
        Ok(vec![moved(street)])
    }

    fn evolve(&mut self, CustomerEvent::Moved(moved): &CustomerEvent) {
        self.streets.push(moved.street.clone());
    }

    fn evolve_without(&mut self, gone: &Gone) -> bool {
        self.gone.push(gone.to_string());
        true
    }
}

/// The same, of which nothing may be missing.
#[derive(Debug, Clone, Default)]
struct Strict(Customer);

impl Aggregate for Strict {
    const NAME: &'static str = Customer::NAME;
    type Event = CustomerEvent;
    type Command = str;
    type Error = std::convert::Infallible;

    fn decide(&self, street: &str) -> Result<Vec<CustomerEvent>, Self::Error> {
        self.0.decide(street)
    }

    fn evolve(&mut self, event: &CustomerEvent) {
        self.0.evolve(event);
    }
}

/// The same, for which the registry has a value.
#[derive(Debug, Clone, Default)]
struct Mapped(Customer);

impl Aggregate for Mapped {
    const NAME: &'static str = Customer::NAME;
    type Event = CustomerEvent;
    type Command = str;
    type Error = std::convert::Infallible;

    fn decide(&self, street: &str) -> Result<Vec<CustomerEvent>, Self::Error> {
        self.0.decide(street)
    }

    fn evolve(&mut self, event: &CustomerEvent) {
        self.0.evolve(event);
    }

    fn registry() -> Result<Registry<CustomerEvent>, Error> {
        Ok(CustomerEvent::registry()?.gone_as(|_: &GonePayload| moved("(somewhere)")))
    }
}

struct Place {
    fs: MemFs,
    store: Arc<Store>,
    keys: Arc<MemoryKeys>,
}

impl Place {
    fn new() -> Self {
        let fs = MemFs::new();
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let store = StoreOptions::new().fs(shared).open("/shop").unwrap();
        Self {
            fs,
            store: Arc::new(store),
            keys: Arc::new(MemoryKeys::new().unwrap()),
        }
    }

    fn keys(&self) -> (Arc<Sealer>, Opener) {
        let sealer = Sealer::new(self.keys.clone(), Per::Entity).unwrap();
        (Arc::new(sealer), Opener::new(self.keys.clone()))
    }

    fn repository<A: Aggregate>(&self) -> Repository<A> {
        let (sealer, opener) = self.keys();
        Repository::new(&self.store).unwrap().sealed(sealer, opener)
    }

    fn saving(&self) -> Repository<Customer> {
        let snapshots = Snapshots::of_version(1).every(1).places(1);
        self.repository().with_snapshots(snapshots)
    }

    /// All bytes of all files, those of the store and of what is beside it.
    fn bytes(&self) -> Vec<u8> {
        fn add(fs: &MemFs, dir: &Path, all: &mut Vec<u8>) {
            for entry in fs.list(dir).unwrap() {
                let path = dir.join(&entry.name);
                match read_file(fs, &path, 1 << 30) {
                    Ok(bytes) => all.extend(bytes),
                    Err(_) => add(fs, &path, all),
                }
            }
        }
        let mut all = Vec::new();
        add(&self.fs, Path::new("/"), &mut all);
        all
    }

    fn has(&self, text: &str) -> bool {
        let bytes = self.bytes();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    }
}

fn kind_of<T: std::fmt::Debug, E: std::fmt::Debug>(
    result: Result<T, ExecuteError<E>>,
) -> ErrorKind {
    match result.unwrap_err() {
        ExecuteError::Store(error) => error.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_of_a_sealed_aggregate_is_on_the_disk_as_it_is() {
    let place = Place::new();
    let customers = place.saving();
    for street in ["Elm Street", "Oak Street"] {
        customers.execute("7", street).unwrap();
    }
    assert_eq!(customers.snapshot_counts().saved, 2);
    assert!(!place.has("Elm Street") && !place.has("Oak Street"));
    // Another process goes on from the saved state, and without keys there is none.
    let again = place.saving();
    assert_eq!(
        again.load("7").unwrap().state.streets,
        ["Elm Street", "Oak Street"]
    );
    let counts = again.snapshot_counts();
    assert_eq!((counts.used, counts.discarded), (1, 0));
    let snapshots = Snapshots::of_version(1).every(1).places(1);
    let plain = Repository::<Customer>::new(&place.store)
        .unwrap()
        .with_snapshots(snapshots);
    assert_eq!(plain.load("7").unwrap_err().kind(), ErrorKind::Sealed);
    assert_eq!(plain.snapshot_counts().used, 0);
    // A state of another entity under its name, or changed, is none.
    let other = place.saving();
    other.execute("8", "Ash Street").unwrap();
    assert_eq!(other.load("7").unwrap().state.streets.len(), 2);
}

/// One that was saved before it was sealed is not gone on with, and does not stay.
#[test]
fn a_plain_saved_state_is_not_used_and_replaced() {
    let place = Place::new();
    let snapshots = Snapshots::of_version(1).every(1).places(1);
    let plain = Repository::<Customer>::new(&place.store)
        .unwrap()
        .with_snapshots(snapshots);
    plain.execute("7", "Elm Street").unwrap();
    plain.forget("7").unwrap();
    plain.load("7").unwrap();
    let customers = place.saving();
    assert_eq!(customers.load("7").unwrap().state.streets, ["Elm Street"]);
    let counts = customers.snapshot_counts();
    assert_eq!((counts.used, counts.discarded, counts.saved), (0, 1, 1));
    assert_eq!(
        place.saving().load("7").unwrap().state.streets,
        ["Elm Street"]
    );
}

#[test]
fn a_forgotten_key_leaves_the_fold_what_it_says() {
    let place = Place::new();
    let id = place
        .repository::<Customer>()
        .execute("7", "Elm Street")
        .unwrap()
        .receipts[0]
        .id;
    place
        .repository::<Customer>()
        .execute("8", "Ash Street")
        .unwrap();
    assert!(place.keys.forget(SEVEN).unwrap());

    let error = place.repository::<Strict>().load("7").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forgotten);
    assert!(error.to_string().contains(&id.to_string()), "{error}");
    let customer = place.repository::<Customer>().load("7").unwrap().state;
    assert!(customer.streets.is_empty() && customer.gone[0].contains(&id.to_string()));
    let mapped = place.repository::<Mapped>().load("7").unwrap().state;
    assert_eq!(mapped.0.streets, ["(somewhere)"]);
    assert_eq!(
        place
            .repository::<Customer>()
            .load("8")
            .unwrap()
            .state
            .streets,
        ["Ash Street"]
    );
    // Nothing more is sealed for whom was forgotten, until somebody says so.
    let customers = place.repository::<Customer>();
    assert_eq!(
        kind_of(customers.execute("7", "Fir Street")),
        ErrorKind::Forgotten
    );
    place.keys.create(SEVEN).unwrap();
    let done = customers.execute("7", "Fir Street").unwrap();
    assert_eq!((done.version, done.state.streets.len()), (Some(1), 1));
}

/// Neither what is kept in memory nor what is saved outlives the key, whether the newest event is sealed or not.
#[test]
fn kept_states_go_with_the_key() {
    for is_plain_after in [false, true] {
        let place = Place::new();
        let hot = place.repository::<Customer>().with_cache(8);
        let saving = place.saving();
        hot.execute("7", "Elm Street").unwrap();
        if is_plain_after {
            let plain = moved("Fir Street").to_event().unwrap();
            place
                .store
                .append(&Customer::coordinate("7").unwrap(), plain)
                .unwrap();
        }
        for customers in [&hot, &saving] {
            let streets = &customers.load("7").unwrap().state.streets;
            assert_eq!(streets.len(), 1 + usize::from(is_plain_after));
        }
        place.keys.forget(SEVEN).unwrap();
        for customers in [&hot, &saving, &place.saving()] {
            let state = customers.load("7").unwrap().state;
            assert_eq!(
                state.streets.len(),
                usize::from(is_plain_after),
                "{state:?}"
            );
            assert_eq!(state.gone.len(), 1, "{state:?}");
        }
        assert!(place.saving().snapshot_counts().used == 0);
    }
}

#[test]
fn a_sealed_command_is_repeated_under_its_id() {
    let place = Place::new();
    let customers = place.repository::<Customer>();
    let options = ExecuteOptions::new().command_id(CommandId::new("move 1"));
    let first = customers.execute_with("7", "Elm Street", &options).unwrap();
    let again = customers.execute_with("7", "Elm Street", &options).unwrap();
    assert!(again.repeated && again.receipts[0].id == first.receipts[0].id);
    assert_eq!(again.events, [moved("Elm Street")]);
    place.keys.forget(SEVEN).unwrap();
    let error = customers.execute_with("7", "Elm Street", &options);
    assert_eq!(kind_of(error), ErrorKind::Forgotten);
}

/// Moves a customer where nobody is.
struct MoveAway {
    customer: Coordinate,
    goes_on: bool,
}

impl Decision for MoveAway {
    type Event = CustomerEvent;
    type State = (Vec<String>, Vec<Gone>);
    type Error = &'static str;

    fn query(&self) -> Query {
        Region::all().scope("customer").into()
    }

    fn evolve(&self, state: &mut Self::State, _: &Coordinate, event: &CustomerEvent) {
        let CustomerEvent::Moved(moved) = event;
        state.0.push(moved.street.clone());
    }

    fn decide(
        &self,
        (taken, _): &Self::State,
    ) -> Result<Vec<(Coordinate, CustomerEvent)>, &'static str> {
        let streets = ["Elm Street", "Oak Street", "Fir Street"];
        let free = streets
            .iter()
            .find(|street| !taken.iter().any(|taken| taken == *street));
        let street = free.ok_or("no street is left")?;
        Ok(vec![(self.customer.clone(), moved(street))])
    }

    fn evolve_without(&self, state: &mut Self::State, _: &Coordinate, gone: &Gone) -> bool {
        state.1.push(gone.clone());
        self.goes_on
    }
}

#[test]
fn decisions_are_sealed_too() {
    let place = Place::new();
    let (sealer, opener) = place.keys();
    let decisions = Decisions::<CustomerEvent>::new(&place.store).unwrap();
    let decisions = decisions.sealed(sealer, opener);
    let away = |id: &str, goes_on| MoveAway {
        customer: Customer::coordinate(id).unwrap(),
        goes_on,
    };
    decisions.execute(&away("7", false)).unwrap();
    let second = decisions.execute(&away("8", false)).unwrap();
    assert_eq!(second.events[0].1, moved("Oak Street"));
    assert!(!place.has("Elm Street") && !place.has("Oak Street"));
    place.keys.forget(SEVEN).unwrap();
    assert_eq!(
        kind_of(decisions.execute(&away("8", false))),
        ErrorKind::Forgotten
    );
    let now = place.store.snapshot();
    let (streets, gone) = decisions.state_in(&now, &away("8", true)).unwrap();
    assert_eq!(streets, ["Oak Street"]);
    assert!(
        matches!(gone[0], Gone::Forgotten { clock: 0, .. }),
        "{gone:?}"
    );
}
