//! What goes in comes out equal, or is refused at the append: values as payloads, in each codec.

use crate::harness::{at, written};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize as SerializeTrait, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use strandline::fs::MemFs;
use strandline::{
    Codec, Error, ErrorKind, Event, EventKind, EventPayload, Json, MessagePack, Store, StoredEvent,
};

const KIND: EventKind = EventKind::new(0x1, 0x001);

thread_local! {
    static STORE: OnceCell<Store> = const { OnceCell::new() };
}

/// What a store gives back for an event.
fn stored(event: Event) -> StoredEvent {
    STORE.with(|store| {
        let store = store.get_or_init(|| {
            let fs = MemFs::new();
            let options = written(&fs);
            options.open(crate::harness::dir()).unwrap()
        });
        store.append(&at("value", "tests"), event).unwrap();
        store.snapshot().latest("value").unwrap().unwrap()
    })
}

/// Appends and reads a value in each way. An upper case letter for each way that takes it: as JSON and
/// MessagePack of a value, and of a type that says its codec. What is taken must come back equal.
fn ways<T>(value: &T, equal: impl Fn(&T, &T) -> bool) -> (String, Vec<String>)
where
    T: Serialize + DeserializeOwned + Debug,
{
    let mut taken = String::new();
    let mut refusals = Vec::new();
    let mut way = |letter: char, outcome: Result<T, String>| match outcome {
        Ok(found) => {
            assert!(equal(&found, value), "{letter}: {value:?} became {found:?}");
            taken.push(letter);
        }
        Err(refusal) => {
            refusals.push(refusal);
            taken.push('-');
        }
    };
    let refused = |error: Error| {
        assert_eq!(error.kind(), ErrorKind::Payload);
        error.to_string()
    };
    let readable = |read: Result<T, Error>| read.unwrap();
    let json = Event::json(KIND, value).map_err(refused);
    way(
        'J',
        json.map(|event| readable(stored(event).payload_json())),
    );
    let packed = Event::message_pack(KIND, value).map_err(refused);
    way(
        'M',
        packed.map(|event| readable(stored(event).payload_message_pack())),
    );
    let json = Json::encode(value).map_err(|error| error.to_string());
    way('j', json.map(|bytes| Json::decode(&bytes).unwrap()));
    let packed = MessagePack::encode(value).map_err(|error| error.to_string());
    way(
        'm',
        packed.map(|bytes| MessagePack::decode(&bytes).unwrap()),
    );
    (taken, refusals)
}

#[track_caller]
fn check<T: Serialize + DeserializeOwned + Debug + PartialEq>(value: T, taken: &str) {
    let (found, refusals) = ways(&value, PartialEq::eq);
    assert_eq!(found, taken, "{value:?}: {refusals:?}");
}

/// As [`check`], where each refusal must have these words.
#[track_caller]
fn refused<T: Serialize + DeserializeOwned + Debug>(value: T, taken: &str, words: &str) {
    // NaN is not equal to itself.
    let shown = |value: &T| format!("{value:?}");
    let (found, refusals) = ways(&value, |a, b| shown(a) == shown(b));
    assert_eq!(found, taken, "{value:?}: {refusals:?}");
    for refusal in refusals {
        assert!(refusal.contains(words), "{value:?}: {refusal}");
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    value: f64,
}

impl EventPayload for Reading {
    type Codec = Json;
    const KIND: EventKind = KIND;
    const NAME: &'static str = "reading";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(f32, f32),
    Box { height: f64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapper<T>(T);

/// JSON has no number for NaN and the infinities. `serde_json` writes null for them, which is refused or
/// taken for none when it is read, so that a stream could never be read again.
#[test]
fn a_float_that_json_has_not_is_refused_wherever_it_is() {
    for value in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let words = if value.is_nan() { "NaN" } else { "infinity" };
        refused(value, "-M-m", words);
        refused(Reading { value }, "-M-m", "`value` is");
        refused(Some(value), "-M-m", words);
        refused(vec![0.0, value], "-M-m", "`[1]`");
        refused((1, value), "-M-m", "`[1]`");
        refused(Wrapper(value), "-M-m", words);
        refused(Shape::Circle(value), "-M-m", "`Circle`");
        refused(Shape::Box { height: value }, "-M-m", "`height`");
        let map = BTreeMap::from([("a".to_owned(), vec![Reading { value }])]);
        refused(map, "-M-m", "`[\"a\"][0].value`");
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        refused(value, "-M-m", "number");
        refused(Shape::Line(1.0, value), "-M-m", "number");
    }
    for fine in [Shape::Point, Shape::Circle(0.1), Shape::Line(0.1, -0.0)] {
        check(fine, "JMjm");
    }
}

/// A float among the keys of a map is a text in JSON, and has to come back from that.
#[test]
fn floats_that_are_keys_are_held_to_the_same() {
    #[derive(Debug, Clone, Copy)]
    struct Keyed(f64);
    impl SerializeTrait for Keyed {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(&self.0, &1)?;
            map.end()
        }
    }
    assert!(Event::json(KIND, &Keyed(1.5)).is_ok());
    for value in [f64::NAN, f64::INFINITY] {
        assert!(Event::json(KIND, &Keyed(value)).is_err());
    }
}

/// `serde_json` reads floats one bit off unless it is told not to: three in ten of all.
#[test]
fn floats_come_back_to_the_bit() {
    let bits = |value: f64| {
        let json = stored(Event::json(KIND, &Reading { value }).unwrap());
        assert_eq!(
            json.payload_json::<Reading>().unwrap().value.to_bits(),
            value.to_bits()
        );
        let bytes = Json::encode(&value).unwrap();
        let read: f64 = Json::decode(&bytes).unwrap();
        assert_eq!(read.to_bits(), value.to_bits(), "{value:?}");
        let any: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(
            any.as_f64().unwrap().to_bits(),
            value.to_bits(),
            "{value:?}"
        );
    };
    for value in [
        0.0,
        -0.0,
        1.577_777_777_777_000_1,
        117.633_311_393_999_97,
        0.914_615_523_521_910_7,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::from_bits((1 << 52) - 1),
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        9_007_199_254_740_993.0,
        1e23,
        5e-324,
    ] {
        bits(value);
    }
    for value in [
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::MAX,
        -0.0,
        0.1,
        16_777_216.0,
    ] {
        let bytes = Json::encode(&value).unwrap();
        let read: f32 = Json::decode(&bytes).unwrap();
        assert_eq!(read.to_bits(), value.to_bits(), "{value:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100_000))]

    #[test]
    fn any_finite_float_comes_back_to_the_bit(double: u64, single: u32) {
        let (double, single) = (f64::from_bits(double), f32::from_bits(single));
        for value in [double, double.fract(), f64::from(single)] {
            let Ok(bytes) = Json::encode(&value) else {
                prop_assert!(!value.is_finite());
                continue;
            };
            let read: f64 = Json::decode(&bytes).unwrap();
            prop_assert_eq!(read.to_bits(), value.to_bits());
        }
        let Ok(bytes) = Json::encode(&single) else {
            prop_assert!(!single.is_finite());
            return Ok(());
        };
        let read: f32 = Json::decode(&bytes).unwrap();
        prop_assert_eq!(read.to_bits(), single.to_bits());
    }
}

/// JSON and MessagePack write `Some` of nothing, and nothing, as null.
#[test]
fn an_option_that_holds_nothing_is_not_taken_for_none() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Patch {
        note: Option<Option<u8>>,
    }
    check(None::<Option<u8>>, "JMjm");
    check(Some(Some(7_u8)), "JMjm");
    check(
        Patch {
            note: Some(Some(7)),
        },
        "JMjm",
    );
    check(Patch { note: None }, "JMjm");
    refused(Some(None::<u8>), "----", "null");
    refused(Some(Some(None::<u8>)), "----", "null");
    refused(Patch { note: Some(None) }, "----", "`note` is an option");
    refused(Some(()), "----", "null");
    refused(Some(Wrapper(None::<u8>)), "----", "null");
    refused(vec![Some(Value::Null)], "----", "`[0]`");
    // MessagePack has an array without items for it.
    refused(Some(Unit), "-M-m", "null");
    for fine in [(), ()] {
        check(fine, "JMjm");
        check(vec![fine], "JMjm");
    }
    check(Unit, "JMjm");
    check(json!({ "a": null, "b": [null] }), "JMjm");
}

/// A type may tell a null from nothing where it is left out; then it is not refused where it can be tried.
#[test]
fn an_option_whose_type_keeps_null_apart_comes_back() {
    fn null_or_more<'de, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<u8>>, D::Error> {
        Option::deserialize(from).map(Some)
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Patch {
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "null_or_more"
        )]
        note: Option<Option<u8>>,
    }
    check(Patch { note: Some(None) }, "--jm");
    check(
        Patch {
            note: Some(Some(1)),
        },
        "JMjm",
    );
    check(Patch { note: None }, "JMjm");
}

/// Arrays in arrays.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Chain {
    End,
    Link(Box<Self>),
}

fn nest(levels: usize) -> Nest {
    (1..levels).fold(Nest(Vec::new()), |inner, _| Nest(vec![inner]))
}

fn chain(levels: usize) -> Chain {
    (0..levels).fold(Chain::End, |inner, _| Chain::Link(Box::new(inner)))
}

/// Readers of JSON stop at 128 levels, those of MessagePack at 1,024 or when the stack overflows, and writers
/// did not: what was nested deeper could be appended and never read.
#[test]
fn nesting_that_could_not_be_read_is_refused() {
    for levels in [1, 2, 126, 127] {
        check(nest(levels), "JMjm");
        check(chain(levels), "JMjm");
    }
    for levels in [128, 129, 1000, 5000] {
        refused(nest(levels), "----", "127 levels");
        refused(chain(levels), "----", "127 levels");
    }
    let value = (0..127).fold(json!(1), |inner, _| json!([inner]));
    check(value.clone(), "JMjm");
    refused(json!({ "a": value }), "----", "levels");
    // Levels that are beside each other do not add up.
    check(vec![vec![nest(100)], vec![nest(100)]], "JMjm");
    check((chain(100), chain(100), chain(100)), "JMjm");
}

/// Keys that are equal once they are written, of which a reader keeps one or refuses both.
#[test]
fn a_map_with_a_key_twice_is_refused() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Extended {
        name: String,
        #[serde(flatten)]
        more: BTreeMap<String, String>,
    }
    let extended = |key: &str| Extended {
        name: "a".into(),
        more: BTreeMap::from([(key.to_owned(), "b".to_owned())]),
    };
    check(extended("other"), "JMjm");
    check(extended(""), "JMjm");
    refused(extended("name"), "----", "a key twice");

    struct Twice;
    impl SerializeTrait for Twice {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map([(1, 1), (2, 2), (1, 3)])
        }
    }
    assert!(Event::json(KIND, &Twice).is_err());
    assert!(Event::message_pack(KIND, &Twice).is_err());
    let nested = json!({ "a": { "a": { "a": 1, "b": 2 } }, "b": { "a": 1 } });
    check(nested, "JMjm");
}

/// Numbers of 128 bits, and keys that are numbers, come back where their type is read from the text itself,
/// and not where serde buffers what it read: in tagged, untagged and flattened types.
#[test]
fn numbers_that_serde_cannot_buffer_are_tried_where_they_can_be() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Account {
        id: u128,
        balance: i128,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type")]
    enum Tagged {
        Opened { id: u128 },
        Counted { by: HashMap<u32, u8> },
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Whole(u128),
        Part(f64),
    }
    let (id, balance) = (123_456_789_012_345_678_901_234_567_890, i128::MIN);
    check(Account { id, balance }, "JMjm");
    check(u128::MAX, "JMjm");
    check(u64::MAX, "JMjm");
    check(i64::MIN, "JMjm");
    check((1_u64 << 53) + 1, "JMjm");
    check(Loose::Part(0.5), "JMjm");
    let number_keys = HashMap::from([(7_u32, 1_u8), (8, 2)]);
    check(number_keys.clone(), "JMjm");
    check(BTreeMap::from([(-7_i64, 'x'), (8, 'ß')]), "JMjm");
    check(BTreeMap::from([(true, 1), (false, 2)]), "JMjm");
    check(BTreeMap::from([('a', 1)]), "JMjm");
    // A value alone cannot be tried; a type that says its codec can.
    for value in [Tagged::Opened { id }, Tagged::Counted { by: number_keys }] {
        let shown = format!("{value:?}");
        match Json::encode(&value) {
            Ok(bytes) => assert_eq!(Json::decode(&bytes).ok(), Some(value), "{shown}"),
            Err(error) => assert!(error.to_string().contains("read back"), "{error}"),
        }
    }
    let error = Json::encode(&Loose::Whole(id)).unwrap_err().to_string();
    assert!(error.contains("another value"), "{error}");
    assert!(MessagePack::encode(&Loose::Whole(1)).is_err());
}

#[test]
fn everything_else_that_serde_knows_comes_back() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        text: String,
        character: char,
        bytes: Vec<u8>,
        nothing: (),
        none: Option<u8>,
        pair: (i8, String),
        unit: [(); 0],
        r#type: Shape,
        map: BTreeMap<String, Vec<Shape>>,
        value: Value,
        large: u64,
        small: i64,
        newtype: Wrapper<Wrapper<bool>>,
    }
    let text = "\0\u{1}\"\\/\u{7f}\u{2028}\u{fffd}\u{10ffff}ß日".to_owned();
    let all = All {
        text: text.clone(),
        character: '\u{10ffff}',
        bytes: (0..=255).collect(),
        nothing: (),
        none: None,
        pair: (-128, String::new()),
        unit: [],
        r#type: Shape::Box { height: -0.5 },
        map: BTreeMap::from([(text, vec![Shape::Point, Shape::Circle(1.0)])]),
        value: json!({ "": [1, -1, 1.0, u64::MAX, null, { "a": {} }, []] }),
        large: u64::MAX,
        small: i64::MIN,
        newtype: Wrapper(Wrapper(true)),
    };
    check(all, "JMjm");
    check(Vec::<u8>::new(), "JMjm");
    check(String::new(), "JMjm");
    check(
        (0..1000)
            .map(|n| (n.to_string(), n))
            .collect::<HashMap<_, _>>(),
        "JMjm",
    );
    // What was JSON before is written as it is.
    let raw = RawValue::from_string("{\"a\" : 1e2, \"b\": 123456789012345678901234567890}".into());
    let raw = raw.unwrap();
    let event = stored(Event::json(KIND, &[&raw]).unwrap());
    assert_eq!(event.payload().unwrap(), format!("[{raw}]").as_bytes());
}

/// What it costs a stream: one reading that cannot be read, and the aggregate is lost.
#[test]
fn a_refused_payload_leaves_the_stream_as_it_was() {
    stored(Event::typed(&Reading { value: 0.1 }).unwrap());
    let error = Event::typed(&Reading { value: f64::NAN }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Payload);
    let said = error.to_string();
    assert!(
        said.contains("reading") && said.contains("`value` is not a number (NaN)"),
        "{said}"
    );
}
