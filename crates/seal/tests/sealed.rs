//! Sealed payloads through the public interface: written, read, moved, damaged, forgotten.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the seam"
)]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::{Fs, OsFs};
use strandline::maintenance::{CopyMode, Redaction, backup, redact};
use strandline::{
    AppendOptions, Batch, Coordinate, Difference, Durability, Error, ErrorKind, Event, EventId,
    EventKind, EventPayload, Json, PayloadEncoding, Region, Registry, Seal, Store, StoredEvent,
};
use strandline_seal::{Found, Key, KeyStore, MemoryKeys, Opener, Per, Sealer, Subject};

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Moved {
    street: String,
}

impl EventPayload for Moved {
    type Codec = Json;
    const KIND: EventKind = EventKind::new(1, 1);
    const NAME: &'static str = "customer.moved";
    const VERSION: u16 = 2;
}

#[derive(Debug, PartialEq)]
enum Read {
    Moved(String),
    Gone { is_forgotten: bool },
}

impl From<Moved> for Read {
    fn from(moved: Moved) -> Self {
        Self::Moved(moved.street)
    }
}

struct Shop {
    dir: tempfile::TempDir,
    store: Store,
    keys: Arc<MemoryKeys>,
    sealer: Sealer,
    opener: Opener,
}

impl Shop {
    fn new(per: Per) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(MemoryKeys::new().unwrap());
        Self {
            store: Store::open(dir.path().join("shop.strand")).unwrap(),
            sealer: Sealer::new(keys.clone(), per).unwrap(),
            opener: Opener::new(keys.clone()),
            keys,
            dir,
        }
    }

    fn seal(&self, at: &Coordinate, event: Event) -> Event {
        self.sealer.seal(at, event).unwrap()
    }

    fn latest(&self, entity: &str) -> StoredEvent {
        self.store.snapshot().latest(entity).unwrap().unwrap()
    }

    fn open(&self, entity: &str) -> Result<StoredEvent, Error> {
        self.opener.open(self.latest(entity))
    }
}

fn at(entity: &str) -> Coordinate {
    Coordinate::new(entity, "shop").unwrap()
}

fn moved(street: &str) -> Event {
    let street = street.to_owned();
    Event::typed(&Moved { street }).unwrap()
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

/// Whether any file of a directory has the text.
fn is_anywhere(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let has = |path: &Path| {
            let bytes = std::fs::read(path).unwrap();
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        if path.is_dir() {
            is_anywhere(&path, text)
        } else {
            has(&path)
        }
    })
}

#[test]
fn a_payload_is_read_with_its_key_alone() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    shop.store
        .append(&seven, shop.seal(&seven, moved("Elm Street")))
        .unwrap();
    let stored = shop.latest("customer:7");
    assert!(stored.is_sealed() && !stored.is_redacted() && !stored.is_forgotten());
    assert_eq!(stored.encoding, PayloadEncoding::SEALED);
    assert_eq!(kind_of(stored.decode::<Moved>()), ErrorKind::Sealed);
    assert_eq!(kind_of(stored.payload_json::<Moved>()), ErrorKind::Sealed);
    assert_eq!(
        kind_of(stored.payload_message_pack::<Moved>()),
        ErrorKind::Sealed
    );

    let opened = shop.opener.open(stored.clone()).unwrap();
    assert_eq!(opened.decode::<Moved>().unwrap().street, "Elm Street");
    assert_eq!((opened.version(), opened.hash), (2, stored.hash));
    assert!(!opened.is_sealed());
    assert_eq!(
        shop.opener.open(opened.clone()).unwrap(),
        opened,
        "what is open stays so"
    );

    let other = Opener::new(Arc::new(MemoryKeys::new().unwrap()));
    assert_eq!(kind_of(other.open(stored)), ErrorKind::Sealed);
    shop.store.close().unwrap();
    assert!(!is_anywhere(
        &shop.dir.path().join("shop.strand"),
        "Elm Street"
    ));
}

#[test]
fn a_key_is_of_one_entity_or_of_one_scope() {
    for (per, is_one) in [(Per::Entity, false), (Per::Scope, true)] {
        let shop = Shop::new(per);
        for entity in ["customer:7", "customer:8"] {
            let at = at(entity);
            shop.store
                .append(&at, shop.seal(&at, moved("Elm Street")))
                .unwrap();
        }
        let key = |entity| {
            let seal: Option<Seal> = shop.latest(entity).extensions.seal().unwrap();
            seal.unwrap().key
        };
        assert_eq!(key("customer:7") == key("customer:8"), is_one);
        let subject = match per {
            Per::Entity => Subject::Entity("customer:7"),
            Per::Scope => Subject::Scope("shop"),
        };
        assert!(shop.keys.forget(subject).unwrap());
        assert!(!shop.keys.forget(subject).unwrap(), "once");
        assert!(shop.open("customer:7").unwrap().is_forgotten());
        assert_eq!(shop.open("customer:8").unwrap().is_forgotten(), is_one);
    }
}

#[test]
fn a_key_that_was_forgotten_ends_readability_in_a_backup_too() {
    let shop = Shop::new(Per::Entity);
    let (seven, eight) = (at("customer:7"), at("customer:8"));
    for at in [&seven, &eight] {
        shop.store
            .append(at, shop.seal(at, moved("Elm Street")))
            .unwrap();
    }
    let copy = shop.dir.path().join("backup.strand");
    let fs: Arc<dyn Fs> = Arc::new(OsFs);
    let dir = shop.dir.path().join("shop.strand");
    backup(&fs, &dir, &copy, CopyMode::Copy, &mut |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    shop.keys.forget(Subject::Entity("customer:7")).unwrap();

    let registry = || Registry::<Read>::new().register::<Moved>().unwrap();
    let opener = || Arc::new(shop.opener.clone());
    for store in [&shop.store, &Store::open(&copy).unwrap()] {
        let now = store.snapshot();
        let event = now.latest("customer:7").unwrap().unwrap();
        let opened = shop.opener.open(event.clone()).unwrap();
        assert!(opened.is_forgotten() && !opened.is_redacted());
        assert_eq!(kind_of(opened.payload()), ErrorKind::Forgotten);
        assert_eq!(
            kind_of(opened.payload_json::<Moved>()),
            ErrorKind::Forgotten
        );
        assert_eq!(kind_of(opened.decode::<Moved>()), ErrorKind::Forgotten);
        // A registry says so, or has a value for it; without an opener it is sealed as any other.
        assert_eq!(kind_of(registry().decode(&event)), ErrorKind::Sealed);
        assert_eq!(
            kind_of(registry().opening(opener()).decode(&event)),
            ErrorKind::Forgotten
        );
        let whole = registry().opening(opener()).gone_as(|gone| {
            assert_eq!(gone.kind, Moved::KIND);
            Read::Gone {
                is_forgotten: gone.is_forgotten,
            }
        });
        assert_eq!(
            whole.decode(&event).unwrap(),
            Read::Gone { is_forgotten: true }
        );
        let mut events = now.query(Region::all());
        let mut read = Vec::new();
        while let Some(event) = events.next_ref() {
            read.push(whole.decode_ref(&event.unwrap()).unwrap());
        }
        let street = Read::Moved("Elm Street".to_owned());
        assert_eq!(read, [Read::Gone { is_forgotten: true }, street]);
        // What is proved is the ciphertext, and that is there.
        assert!(store.verify().unwrap().is_intact());
    }
    // Nothing more is sealed for whom is forgotten, until somebody asks for another key.
    assert_eq!(
        kind_of(shop.sealer.seal(&seven, moved("Oak Street"))),
        ErrorKind::Forgotten
    );
    shop.keys.create(Subject::Entity("customer:7")).unwrap();
    shop.store
        .append(&seven, shop.seal(&seven, moved("Oak Street")))
        .unwrap();
    let read = shop.open("customer:7").unwrap().decode::<Moved>().unwrap();
    assert_eq!(read.street, "Oak Street");
    let first = shop
        .store
        .snapshot()
        .stream("customer:7")
        .next()
        .unwrap()
        .unwrap();
    assert!(shop.opener.open(first).unwrap().is_forgotten());
}

#[test]
fn a_repeat_of_a_sealed_event_is_one_until_its_key_is_another() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    let event = || moved("Elm Street").with_id(EventId::from_u128(7));
    let first = shop
        .store
        .append(&seven, shop.seal(&seven, event()))
        .unwrap();
    let again = shop
        .store
        .append(&seven, shop.seal(&seven, event()))
        .unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.hash, again.hash);
    let batch = Batch::new().push(&seven, shop.seal(&seven, event())).push(
        &seven,
        shop.seal(&seven, moved("Oak Street").with_id(EventId::from_u128(8))),
    );
    let receipts = shop.store.append_batch(batch).unwrap();
    assert_eq!(
        receipts.iter().map(|r| r.repeated).collect::<Vec<_>>(),
        [true, false]
    );

    let other = moved("Oak Street").with_id(EventId::from_u128(7));
    let refused = shop
        .store
        .append(&seven, shop.seal(&seven, other))
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    shop.keys.forget(Subject::Entity("customer:7")).unwrap();
    shop.keys.create(Subject::Entity("customer:7")).unwrap();
    let refused = shop
        .store
        .append(&seven, shop.seal(&seven, event()))
        .unwrap_err();
    assert_eq!(
        refused.id_conflict().unwrap().difference,
        Difference::Extensions
    );
    // Without an id each is another event, and has another nonce.
    let plain = || shop.seal(&seven, moved("Elm Street"));
    assert_ne!(plain().payload(), plain().payload());
}

#[test]
fn a_nonce_is_used_once() {
    let (shop, seven) = (Shop::new(Per::Entity), at("customer:7"));
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..100 {
        let sealed = shop.seal(&seven, moved("Elm Street"));
        shop.store.append(&seven, sealed).unwrap();
        let seal = shop.latest("customer:7").extensions.seal().unwrap();
        assert!(nonces.insert(seal.unwrap().nonce));
    }
    // Nor does another sealer go on where this one is.
    let other = Sealer::new(shop.keys.clone(), Per::Entity).unwrap();
    let sealed = other.seal(&seven, moved("Elm Street")).unwrap();
    shop.store.append(&seven, sealed).unwrap();
    let last = shop.latest("customer:7").extensions.seal().unwrap();
    assert!(!nonces.contains(&last.unwrap().nonce));
}

#[test]
fn ciphertext_opens_in_its_event_alone() {
    let shop = Shop::new(Per::Scope);
    let (seven, eight) = (at("customer:7"), at("customer:8"));
    let of = |at: &Coordinate, event: Event| {
        shop.store.append(at, shop.seal(at, event)).unwrap();
        let stored = shop.latest(at.entity());
        let seal = stored.extensions.seal().unwrap().unwrap();
        (seal, stored.payload().unwrap().to_vec())
    };
    let refused = |at: &Coordinate, event: Event| {
        shop.store.append(at, event).unwrap();
        kind_of(shop.open(at.entity()))
    };
    let with_id = |id| moved("Elm Street").with_id(EventId::from_u128(id));
    let (seal, bytes) = of(&seven, with_id(1));
    // Of the same entity, under another id; of another entity; as another kind, version or encoding.
    let moves = [
        (
            &seven,
            moved("")
                .with_id(EventId::from_u128(2))
                .sealed(seal, bytes.clone()),
        ),
        (&seven, moved("").sealed(seal, bytes.clone())),
        (&eight, moved("").sealed(seal, bytes.clone())),
    ];
    for (at, event) in moves {
        assert_eq!(refused(at, event), ErrorKind::Corrupt);
    }
    let (seal, bytes) = of(&seven, moved("Elm Street"));
    let raw = |kind| Event::encoded(kind, PayloadEncoding::JSON, Vec::new()).with_version(2);
    let elsewhere = Coordinate::new("customer:9", "other").unwrap();
    for at in [&eight, &elsewhere] {
        let moved_there = raw(Moved::KIND).sealed(seal, bytes.clone());
        assert_eq!(refused(at, moved_there), ErrorKind::Corrupt);
    }
    let other = EventKind::new(1, 2);
    assert_eq!(
        refused(&seven, raw(other).sealed(seal, bytes.clone())),
        ErrorKind::Corrupt
    );
    let version = raw(Moved::KIND).with_version(3).sealed(seal, bytes.clone());
    assert_eq!(refused(&seven, version), ErrorKind::Corrupt);
    let encoding = Seal {
        encoding: PayloadEncoding::RAW,
        ..seal
    };
    assert_eq!(
        refused(&seven, raw(Moved::KIND).sealed(encoding, bytes.clone())),
        ErrorKind::Corrupt
    );
    let bound = Seal {
        is_bound_to_id: true,
        ..seal
    };
    assert_eq!(
        refused(&seven, raw(Moved::KIND).sealed(bound, bytes.clone())),
        ErrorKind::Corrupt
    );
    for damaged in [
        Vec::new(),
        bytes[..bytes.len() - 1].to_vec(),
        [&bytes[..], &[0]].concat(),
    ] {
        assert_eq!(
            refused(&seven, raw(Moved::KIND).sealed(seal, damaged)),
            ErrorKind::Corrupt
        );
    }
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x10;
        assert_eq!(
            refused(&seven, raw(Moved::KIND).sealed(seal, flipped)),
            ErrorKind::Corrupt
        );
    }
    // Unmoved it opens, once more in another event of the same entity and kind: what no id binds.
    shop.store
        .append(&seven, raw(Moved::KIND).sealed(seal, bytes))
        .unwrap();
    assert!(shop.open("customer:7").is_ok());
}

/// A store of keys that gives another key under each id.
#[derive(Debug)]
struct OtherKeys(Arc<MemoryKeys>);

impl KeyStore for OtherKeys {
    fn current(&self, subject: Subject<'_>) -> Result<Option<Arc<Key>>, Error> {
        self.0.current(subject)
    }

    fn create(&self, subject: Subject<'_>) -> Result<Arc<Key>, Error> {
        self.0.create(subject)
    }

    fn find(&self, id: strandline::SealKeyId) -> Result<Found, Error> {
        Ok(Found::Key(Arc::new(Key::new(id, [7; 32]))))
    }

    fn forget(&self, subject: Subject<'_>) -> Result<bool, Error> {
        self.0.forget(subject)
    }
}

#[test]
fn a_wrong_key_opens_nothing() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    shop.store
        .append(&seven, shop.seal(&seven, moved("Elm Street")))
        .unwrap();
    let other = Opener::new(Arc::new(OtherKeys(shop.keys.clone())));
    assert_eq!(
        kind_of(other.open(shop.latest("customer:7"))),
        ErrorKind::Corrupt
    );
}

#[test]
fn only_what_is_sealed_has_a_seal() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    let claimed = Event::encoded(Moved::KIND, PayloadEncoding::SEALED, vec![0; 40]);
    assert_eq!(
        kind_of(shop.store.append(&seven, claimed)),
        ErrorKind::InvalidInput
    );
    let sealed = shop.seal(&seven, moved("Elm Street"));
    assert_eq!(
        kind_of(shop.sealer.seal(&seven, sealed)),
        ErrorKind::InvalidInput
    );
}

#[test]
fn a_sealed_event_has_all_that_another_has() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    let event = moved("Elm Street")
        .tagged("region:north")
        .caused_by(EventId::from_u128(1));
    shop.store.append(&seven, shop.seal(&seven, event)).unwrap();
    let opened = shop.open("customer:7").unwrap();
    assert_eq!(opened.tags().collect::<Vec<_>>(), ["region:north"]);
    assert_eq!(opened.causation, Some(EventId::from_u128(1)));
    let now = shop.store.snapshot();
    assert_eq!(now.query(Region::all().tag("region:north")).count(), 1);
    assert_eq!(
        now.kind_name(Moved::KIND).as_deref(),
        Some("customer.moved")
    );
    // It can be redacted like any other, and is neither sealed nor forgotten then.
    let all = Redaction::new().entity("customer:7");
    redact(&shop.store, &all, &mut |_| ControlFlow::Continue(())).unwrap();
    let opened = shop.open("customer:7").unwrap();
    assert!(opened.is_redacted() && !opened.is_forgotten());
    assert_eq!(kind_of(opened.decode::<Moved>()), ErrorKind::Redacted);
    let registry = Registry::<Read>::new().register::<Moved>().unwrap();
    let registry = registry.gone_as(|gone| Read::Gone {
        is_forgotten: gone.is_forgotten,
    });
    let gone = Read::Gone {
        is_forgotten: false,
    };
    assert_eq!(registry.decode(&shop.latest("customer:7")).unwrap(), gone);
    assert!(shop.store.verify().unwrap().is_intact());
}

#[test]
fn a_sealed_payload_may_be_as_long_as_a_payload() {
    let shop = Shop::new(Per::Entity);
    let seven = at("customer:7");
    for length in [0, 1, 1 << 20] {
        let event = Event::bytes(EventKind::new(1, 3), vec![0xA5; length]);
        let options = AppendOptions::new().durability(Durability::Written);
        shop.store
            .append_with(&seven, shop.seal(&seven, event), options)
            .unwrap();
        let opened = shop.open("customer:7").unwrap();
        assert_eq!(opened.payload().unwrap(), vec![0xA5; length]);
    }
}
