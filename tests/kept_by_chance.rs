//! Values by chance as payloads: whatever their type is made of, they come back equal or are refused.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strandline::{Codec, Event, EventKind, Json, MessagePack, PayloadEncoding};

const KIND: EventKind = EventKind::new(0x1, 0x001);

/// Every shape that serde's derive gives a type.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Any {
    Unit,
    Nothing(()),
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Wide(u128),
    WideSigned(i128),
    Double(f64),
    Single(f32),
    Character(char),
    Text(String),
    Bytes(Vec<u8>),
    Perhaps(Option<Box<Self>>),
    Twice(Option<Option<u8>>),
    PerhapsNothing(Option<()>),
    Array(Vec<Self>),
    Pair(Box<Self>, Box<Self>),
    Texts(BTreeMap<String, Self>),
    Numbers(BTreeMap<i64, Self>),
    Struct {
        first: Option<String>,
        second: Box<Self>,
    },
    Newtype(Newtype),
    Tagged(Tagged),
    Adjacent(Adjacent),
    Loose(Loose),
    Flat(Flat),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Newtype(Option<f64>);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    One { value: f64, wide: u128 },
    Two { keys: BTreeMap<u8, i8>, single: f32 },
    Three,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    One(Option<Option<bool>>),
    Two(u64, f64),
    Three,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Loose {
    Signed(i64),
    Wide(u128),
    Double(f64),
    Text(String),
    Pair(i8, Option<()>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Flat {
    name: u8,
    #[serde(flatten)]
    more: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Option<u8>>,
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        Just(f64::NAN),
        Just(1e16),
        -9.0..9.0
    ]
}

fn single() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits)
}

/// Names that clash with those of the types now and then.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("name".to_owned()),
        Just("kind".to_owned()),
        "\\PC{0,3}",
        "[0-9]{1,2}"
    ]
}

fn shaped() -> impl Strategy<Value = Any> {
    let wide = || prop_oneof![any::<u128>(), any::<u64>().prop_map(u128::from)];
    let keys = btree_map(any::<u8>(), any::<i8>(), 0..3);
    prop_oneof![
        option::of(double()).prop_map(|value| Any::Newtype(Newtype(value))),
        (double(), wide()).prop_map(|(value, wide)| Any::Tagged(Tagged::One { value, wide })),
        (keys, single()).prop_map(|(keys, single)| Any::Tagged(Tagged::Two { keys, single })),
        Just(Any::Tagged(Tagged::Three)),
        option::of(option::of(any::<bool>())).prop_map(|one| Any::Adjacent(Adjacent::One(one))),
        (any::<u64>(), double()).prop_map(|(a, b)| Any::Adjacent(Adjacent::Two(a, b))),
        Just(Any::Adjacent(Adjacent::Three)),
        any::<i64>().prop_map(|value| Any::Loose(Loose::Signed(value))),
        // One that fits in 64 bits is read as the first of them.
        wide().prop_map(|value| Any::Loose(Loose::Wide(value | 1 << 100))),
        double().prop_map(|value| Any::Loose(Loose::Double(value))),
        name().prop_map(|value| Any::Loose(Loose::Text(value))),
        any::<i8>().prop_map(|value| Any::Loose(Loose::Pair(value, None))),
        (
            any::<u8>(),
            btree_map(name(), any::<u64>(), 0..3),
            option::of(option::of(any::<u8>()))
        )
            .prop_map(|(name, more, last)| Any::Flat(Flat { name, more, last })),
    ]
}

fn values() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Unit),
        Just(Any::Nothing(())),
        any::<bool>().prop_map(Any::Bool),
        any::<i64>().prop_map(Any::Signed),
        any::<u64>().prop_map(Any::Unsigned),
        any::<u128>().prop_map(Any::Wide),
        any::<i128>().prop_map(Any::WideSigned),
        double().prop_map(Any::Double),
        single().prop_map(Any::Single),
        any::<char>().prop_map(Any::Character),
        any::<String>().prop_map(Any::Text),
        any::<Vec<u8>>().prop_map(Any::Bytes),
        option::of(option::of(any::<u8>())).prop_map(Any::Twice),
        option::of(Just(())).prop_map(Any::PerhapsNothing),
        shaped(),
    ];
    leaf.prop_recursive(5, 20, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        prop_oneof![
            option::of(boxed()).prop_map(Any::Perhaps),
            vec(inner.clone(), 0..4).prop_map(Any::Array),
            (boxed(), boxed()).prop_map(|(first, second)| Any::Pair(first, second)),
            btree_map(name(), inner.clone(), 0..4).prop_map(Any::Texts),
            btree_map(any::<i64>(), inner.clone(), 0..4).prop_map(Any::Numbers),
            (option::of(name()), boxed()).prop_map(|(first, second)| Any::Struct { first, second }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    /// What a type does not give back is found by holding what comes back against what went in. NaN has
    /// bits that no one promises, so values are compared as they are shown.
    #[test]
    fn a_value_comes_back_equal_or_is_refused(value in values()) {
        let shown = |value: &Any| format!("{value:?}");
        let json = Json::encode(&value).ok();
        if let Some(bytes) = &json {
            prop_assert_eq!(shown(&Json::decode(bytes).unwrap()), shown(&value));
        }
        let packed = MessagePack::encode(&value).ok();
        if let Some(bytes) = &packed {
            prop_assert_eq!(shown(&MessagePack::decode(bytes).unwrap()), shown(&value));
        }
        // Without its type a value is not tried, and refused where hardly a type would read it back.
        if let Ok(event) = Event::json(KIND, &value) {
            prop_assert!(json.is_none_or(|bytes| event == Event::encoded(KIND, PayloadEncoding::JSON, bytes)));
        }
        if let Ok(event) = Event::message_pack(KIND, &value) {
            let encoding = PayloadEncoding::MESSAGE_PACK;
            prop_assert!(packed.is_none_or(|bytes| event == Event::encoded(KIND, encoding, bytes)));
        }
    }
}
