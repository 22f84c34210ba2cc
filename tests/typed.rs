//! Typed events: kinds that types claim, versions, upcasts, codecs.

use crate::harness::{at, open};
use serde::{Deserialize, Serialize};
use strandline::fs::MemFs;
use strandline::{
    Codec, CodecError, ErrorKind, Event, EventEnum, EventId, EventKind, EventPayload, MessagePack,
    PayloadEncoding, Registry, Store,
};

const PLACED: EventKind = EventKind::new(0x1, 0x001);

/// As the first release wrote it.
#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind = PLACED, name = "placed")]
struct PlacedV1 {
    total: u64,
}

/// As the second one wrote it: in MessagePack.
#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind = PLACED, name = "placed", version = 2, codec = MessagePack)]
struct PlacedV2 {
    cents: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind = PLACED, name = "placed", version = 3)]
struct Placed {
    cents: u64,
    currency: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x002))]
struct Paid;

#[derive(Debug, PartialEq, EventEnum)]
enum OrderEvent {
    Placed(Placed),
    Paid(Paid),
}

fn registry() -> Registry<OrderEvent> {
    OrderEvent::registry()
        .and_then(|registry| {
            registry.upcast(|old: PlacedV2| Placed {
                cents: old.cents,
                currency: "EUR".to_owned(),
            })
        })
        .and_then(|registry| {
            registry.try_upcast(|old: PlacedV1| {
                let cents = old.total.checked_mul(100).ok_or("too much money")?;
                Ok(PlacedV2 { cents })
            })
        })
        .unwrap()
}

fn store_of(events: impl IntoIterator<Item = Event>) -> (Store, EventId) {
    let store = open(&MemFs::new());
    let mut last = None;
    for event in events {
        last = Some(store.append(&at("order:1", "s"), event).unwrap().id);
    }
    (store, last.unwrap())
}

/// The message of the refusal to decode `event`.
fn refusal(registry: &Registry<OrderEvent>, event: Event) -> String {
    let (store, id) = store_of([event]);
    let event = store.snapshot().get(id).unwrap().unwrap();
    let error = registry.decode(&event).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload);
    error.to_string().replace(&id.to_string(), "E")
}

#[test]
fn the_derive_gives_kind_name_and_version() {
    assert_eq!((Placed::KIND, Placed::NAME), (PLACED, "placed"));
    assert_eq!((PlacedV1::VERSION, Placed::VERSION), (1, 3));
    assert_eq!(Paid::KIND, EventKind::new(0x1, 0x002));
    assert_eq!((Paid::NAME, Paid::VERSION), ("Paid", 1));
}

#[test]
fn every_version_is_read_as_the_present_one() {
    let (store, _) = store_of([
        Event::typed(&PlacedV1 { total: 3 }).unwrap(),
        Event::typed(&PlacedV2 { cents: 450 }).unwrap(),
        OrderEvent::Placed(Placed {
            cents: 5,
            currency: "CHF".to_owned(),
        })
        .to_event()
        .unwrap(),
        OrderEvent::from(Paid).to_event().unwrap(),
    ]);
    assert!(store.verify().unwrap().is_intact());
    let registry = registry();
    let placed = |cents, currency: &str| {
        OrderEvent::Placed(Placed {
            cents,
            currency: currency.to_owned(),
        })
    };
    let expected = [
        placed(300, "EUR"),
        placed(450, "EUR"),
        placed(5, "CHF"),
        OrderEvent::Paid(Paid),
    ];
    let now = store.snapshot();
    let decoded: Vec<_> = now
        .stream("order:1")
        .map(|event| registry.decode(&event.unwrap()).unwrap())
        .collect();
    assert_eq!(decoded, expected);
    let mut events = now.stream("order:1");
    let mut versions = Vec::new();
    for expected in &expected {
        let event = events.next_ref().unwrap().unwrap();
        assert_eq!(registry.decode_ref(&event).unwrap(), *expected);
        versions.push(event.version());
    }
    assert_eq!(versions, [1, 2, 3, 1]);
}

#[test]
fn what_cannot_be_decoded_says_why() {
    let registry = registry();
    let json = |kind, version| {
        Event::json(kind, &())
            .map(|event| event.with_version(version))
            .unwrap()
    };
    assert_eq!(
        refusal(&registry, json(EventKind::new(0x2, 0x001), 1)),
        "event E has kind 0x2001, for which no type is registered"
    );
    assert_eq!(
        refusal(&registry, json(PLACED, 4)),
        "event E has version 4 of placed; the latest that this program knows is 3"
    );
    let newest_only = OrderEvent::registry().unwrap();
    assert_eq!(
        refusal(&newest_only, json(PLACED, 2)),
        "event E has version 2 of placed, from which there is no upcast to 3"
    );
    assert_eq!(
        refusal(&registry, json(PLACED, 2)),
        "the payload of event E is JSON, not MessagePack"
    );
    let damaged = refusal(&registry, json(PLACED, 3));
    assert!(damaged.contains("not of the type asked for"), "{damaged}");
    let total = u64::MAX;
    let too_much = refusal(&registry, Event::typed(&PlacedV1 { total }).unwrap());
    assert!(too_much.ends_with("too much money"), "{too_much}");
}

#[test]
fn one_type_alone_is_decoded_at_its_own_version() {
    let (store, id) = store_of([Event::typed(&PlacedV2 { cents: 1 }).unwrap()]);
    let event = store.snapshot().get(id).unwrap().unwrap();
    assert_eq!(event.decode::<PlacedV2>().unwrap(), PlacedV2 { cents: 1 });
    for error in [
        event.decode::<Placed>().unwrap_err(),
        event.decode::<Paid>().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Payload);
    }
}

#[test]
fn a_version_is_hashed_and_part_of_what_a_repeat_must_match() {
    let (store, first) = store_of([Event::bytes(PLACED, *b"x")]);
    let id = EventId::from_u128(1);
    let event = |version| {
        Event::bytes(PLACED, *b"x")
            .with_id(id)
            .with_version(version)
    };
    let at = at("order:1", "s");
    let receipt = store.append(&at, event(2)).unwrap();
    assert!(store.append(&at, event(2)).unwrap().repeated);
    let error = store.append(&at, event(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let error = store
        .append(&at, event(0).with_id(EventId::from_u128(2)))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let stored = store.snapshot().get(receipt.id).unwrap().unwrap();
    assert_eq!(stored.version(), 2);
    let stored = store.snapshot().get(first).unwrap().unwrap();
    assert!(stored.extensions.as_bytes().is_empty(), "version 1 is free");
}

#[derive(Debug, Serialize, Deserialize, EventPayload)]
#[event(kind = PLACED, name = "sent")]
struct Sent;

#[derive(Debug, Serialize, Deserialize, EventPayload)]
#[event(kind(0x1, 0x003), name = "placed")]
struct AlsoPlaced;

#[derive(Debug)]
enum Any {
    Placed,
    Sent,
    AlsoPlaced,
}

macro_rules! into_any {
    ($($payload:ident)*) => {$(
        impl From<$payload> for Any {
            fn from(_: $payload) -> Self {
                Self::$payload
            }
        }
    )*};
}

into_any! { Placed Sent AlsoPlaced }

#[test]
fn a_registry_refuses_two_claims_and_broken_chains() {
    let any = || Registry::<Any>::new().register::<Placed>().unwrap();
    let check = |refused: Result<Registry<Any>, strandline::Error>, says: &str| {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
    };
    check(any().register::<Sent>(), "both claim kind 0x1001");
    check(any().register::<Placed>(), "both claim kind 0x1001");
    check(any().register::<AlsoPlaced>(), "both called placed");
    let v2 = |_: PlacedV2| unreachable!("nothing is decoded");
    let v1 = |_: PlacedV1| PlacedV2 { cents: 0 };
    check(any().upcast(v1), "PlacedV2 is not registered");
    check(
        any()
            .upcast::<_, Placed>(v2)
            .unwrap()
            .upcast::<_, Placed>(v2),
        "version 2 has one already",
    );
    check(
        Registry::new().upcast::<_, Placed>(v2),
        "Placed is not registered",
    );
    check(
        any().upcast(|_: Placed| PlacedV2 { cents: 0 }),
        "version 3 is not before 2",
    );
    check(
        any().upcast(|_: Sent| PlacedV2 { cents: 0 }),
        "sent is kind",
    );
    check(
        any().upcast(|_: Sent| PlacedV2 { cents: 0 }),
        "their names differ, and forms of one payload share one",
    );
    assert_eq!(any().name(PLACED), Some("placed"));
    assert!(!any().knows(Paid::KIND));
}

struct BigEndian;

#[derive(Debug, PartialEq, EventPayload)]
#[event(kind = PLACED, name = "number", codec = BigEndian)]
struct Number(u32);

impl Codec<Number> for BigEndian {
    const ENCODING: PayloadEncoding = PayloadEncoding::from_code(128);

    fn encode(value: &Number) -> Result<Vec<u8>, CodecError> {
        Ok(value.0.to_be_bytes().to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Number, CodecError> {
        Ok(Number(u32::from_be_bytes(bytes.try_into()?)))
    }
}

#[test]
fn a_codec_of_the_callers_is_as_good_as_the_others() {
    let (store, id) = store_of([Event::typed(&Number(7)).unwrap()]);
    let event = store.snapshot().get(id).unwrap().unwrap();
    assert_eq!(event.payload().unwrap(), [0, 0, 0, 7]);
    assert_eq!(event.decode::<Number>().unwrap(), Number(7));
    let registry = Registry::<Number>::new().register::<Number>().unwrap();
    assert_eq!(registry.decode(&event).unwrap(), Number(7));
}
