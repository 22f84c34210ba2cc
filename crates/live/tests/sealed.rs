//! Reactors and projections over events that are sealed.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline::fs::{Fs, MemFs, read_file};
use strandline::{
    Coordinate, Event, EventKind, EventRef, OpenPayload, Query, Receipt, Region, Store,
    StoreOptions,
};
use strandline_live::{ApplyError, EntityProjection, ErrorKind, Live, Projection};
use strandline_seal::{KeyStore as _, MemoryKeys, Opener, Per, Sealer, Subject};

const LIMIT: Duration = Duration::from_secs(60);
const MOVED: EventKind = EventKind::new(1, 1);

struct Shop {
    fs: MemFs,
    store: Arc<Store>,
    keys: Arc<MemoryKeys>,
    live: Live,
}

impl Shop {
    fn new() -> Self {
        let fs = MemFs::new();
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let store = Arc::new(StoreOptions::new().fs(shared).open("/shop").unwrap());
        let live = Live::open(&store).unwrap();
        Self {
            fs,
            store,
            keys: Arc::new(MemoryKeys::new().unwrap()),
            live,
        }
    }

    fn moved(&self, customer: &str, street: &str) -> Receipt {
        let at = Coordinate::new(customer, "shop").unwrap();
        let sealer = Sealer::new(self.keys.clone(), Per::Entity).unwrap();
        let event = Event::json(MOVED, street).unwrap();
        self.store
            .append(&at, sealer.seal(&at, event).unwrap())
            .unwrap()
    }

    fn opener(&self) -> Arc<dyn OpenPayload> {
        Arc::new(Opener::new(self.keys.clone()))
    }

    fn has(&self, text: &str) -> bool {
        fn found(fs: &MemFs, dir: &Path, text: &[u8]) -> bool {
            fs.list(dir).unwrap().iter().any(|entry| {
                let path = dir.join(&entry.name);
                match read_file(fs, &path, 1 << 30) {
                    Ok(bytes) => bytes.windows(text.len()).any(|part| part == text),
                    Err(_) => found(fs, &path, text),
                }
            })
        }
        found(&self.fs, Path::new("/"), text.as_bytes())
    }
}

#[test]
fn a_reactor_is_given_what_was_sealed_and_told_what_was_forgotten() {
    let shop = Shop::new();
    shop.moved("customer:7", "Elm Street");
    let last = shop.moved("customer:8", "Oak Street");
    shop.keys.forget(Subject::Entity("customer:7")).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let reactor = shop
        .live
        .reactor("mailer", Region::all())
        .opening(shop.opener());
    let reactor = reactor.start(move |event, _| {
        let street = match event.is_forgotten() {
            true => "(forgotten)".to_owned(),
            false => event.payload_json()?,
        };
        told.lock().unwrap().push(street);
        Ok(())
    });
    let reactor = reactor.unwrap();
    assert!(reactor.wait_until(&last, LIMIT).unwrap());
    reactor.stop().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["(forgotten)", "Oak Street"]);
    assert!(!shop.has("Oak Street"), "nothing of it is kept");
}

/// A key that nobody knows is a failure of the event, which is parked as any.
#[test]
fn an_event_that_cannot_be_opened_is_parked() {
    let shop = Shop::new();
    let last = shop.moved("customer:7", "Elm Street");
    let others = Arc::new(Opener::new(Arc::new(MemoryKeys::new().unwrap())));
    let (send, called) = channel();
    let reactor = shop
        .live
        .reactor("mailer", Region::all())
        .tries(1)
        .opening(others);
    let reactor = reactor.start(move |_, _| Ok(send.send(())?)).unwrap();
    assert!(reactor.wait_until(&last, LIMIT).unwrap());
    reactor.stop().unwrap();
    assert!(called.try_recv().is_err(), "the handler is not called");
    let status = shop.live.status("mailer").unwrap();
    assert!(
        format!("{status:?}").contains("sealed with key"),
        "{status:?}"
    );
}

/// Who lives where.
struct Streets;

fn street(event: &EventRef<'_>) -> Result<String, ApplyError> {
    match event.payload() {
        Err(error) if error.kind() == strandline::ErrorKind::Forgotten => Ok("(forgotten)".into()),
        _ => Ok(event.payload_json()?),
    }
}

impl Projection for Streets {
    const VERSION: u32 = 1;
    type State = BTreeMap<String, String>;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, state: &mut Self::State, event: &EventRef<'_>) -> Result<(), ApplyError> {
        let entity = event.coordinate().entity().to_owned();
        state.insert(entity, street(event)?);
        Ok(())
    }
}

impl EntityProjection for Streets {
    const VERSION: u32 = 1;
    type State = String;

    fn query(&self) -> Query {
        Region::all().into()
    }

    fn apply(&self, state: &mut String, event: &EventRef<'_>) -> Result<(), ApplyError> {
        *state = street(event)?;
        Ok(())
    }
}

#[test]
fn a_projection_that_opens_says_what_it_saves_and_is_made_anew_after_forgetting() {
    let shop = Shop::new();
    shop.moved("customer:7", "Elm Street");
    shop.moved("customer:8", "Oak Street");
    let silent = shop
        .live
        .projection("streets", Streets)
        .opening(shop.opener())
        .start();
    assert_eq!(silent.err().unwrap().kind(), ErrorKind::InvalidInput);
    let silent = shop
        .live
        .entity_projection("each", Streets)
        .opening(shop.opener())
        .start();
    assert_eq!(silent.err().unwrap().kind(), ErrorKind::InvalidInput);
    assert!(!shop.has("Elm Street"));

    let read = || {
        let projection = shop
            .live
            .projection("streets", Streets)
            .opening(shop.opener());
        let projection = projection.saves_opened().start().unwrap();
        assert!(projection.wait_caught_up(LIMIT).unwrap());
        let streets = projection.read(Clone::clone).unwrap();
        projection.stop().unwrap();
        streets["customer:7"].clone()
    };
    assert_eq!(read(), "Elm Street");
    assert!(shop.has("Elm Street"), "as was said");
    shop.keys.forget(Subject::Entity("customer:7")).unwrap();
    assert_eq!(read(), "Elm Street", "of before");
    assert!(
        shop.live
            .reset("streets", None)
            .unwrap()
            .wait(LIMIT)
            .unwrap()
    );
    assert_eq!(read(), "(forgotten)");
    assert!(!shop.has("Elm Street"));

    let each = shop
        .live
        .entity_projection("each", Streets)
        .opening(shop.opener());
    let each = each.saves_opened().start().unwrap();
    assert!(each.wait_caught_up(LIMIT).unwrap());
    for (customer, street) in [("customer:7", "(forgotten)"), ("customer:8", "Oak Street")] {
        assert_eq!(
            each.read(customer, |street| street.cloned())
                .unwrap()
                .unwrap(),
            street
        );
    }
}
