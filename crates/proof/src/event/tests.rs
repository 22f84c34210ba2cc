//! Disclosures: their text, their digest, and what is refused.

use super::*;
use proptest::prelude::*;
use strandline_core::record::{Record, RecordPayload};
use strandline_core::{
    Coordinate, EventHasher, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding,
    Sequence,
};

fn event() -> DisclosedEvent {
    DisclosedEvent {
        sequence: Sequence::new(17),
        coordinate: Coordinate::new("order:1042", "eu/payments").unwrap(),
        kind: EventKind::new(1, 2),
        encoding: PayloadEncoding::JSON,
        id: EventId::from_u128(7),
        correlation: EventId::from_u128(7),
        causation: None,
        clock: 3,
        hlc: Hlc::new(1_700_000_000_000, 1).unwrap(),
        extensions: Extensions::default(),
        previous: Hash::of(b"before"),
        payload: DisclosedPayload::Stored {
            nonce: Nonce([0xAB; 16]),
            bytes: br#"{"cents":4200}"#.to_vec(),
        },
    }
}

const TEXT: &str = concat!(
    r#"{"format":"strandline/event/1","sequence":17,"entity":"order:1042","scope":"eu/payments","#,
    r#""kind":"0x1002","encoding":1,"id":"00000000-0000-0000-0000-000000000007","clock":3,"#,
    r#""wall_ms":1700000000000,"counter":1,"#,
    r#""previous":"18c52a7ed981fbffa12fbf611b593c451f6a5700af2206c612b5c3dd2888909b","#,
    r#""nonce":"abababababababababababababababab","payload":"eyJjZW50cyI6NDIwMH0="}"#,
);

#[test]
fn the_text_is_that_of_the_format() {
    let disclosure = Disclosure::from(event());
    assert_eq!(disclosure.to_json(), TEXT);
    assert_eq!(Disclosure::parse(TEXT.as_bytes()).unwrap(), disclosure);
}

#[test]
fn a_digest_alone_is_a_disclosure() {
    let digest = event().digest();
    let disclosure = Disclosure::Digest(digest);
    let text = disclosure.to_json();
    assert_eq!(
        text,
        format!(r#"{{"format":"strandline/digest/1","digest":"{digest}"}}"#)
    );
    assert_eq!(Disclosure::parse(text.as_bytes()).unwrap(), disclosure);
    assert_eq!(disclosure.digest(), digest);
    assert_eq!(disclosure.event(), None);
}

/// The message of the error of a text.
fn refused(text: &str) -> String {
    Disclosure::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_no_disclosure_is_refused() {
    let with = |from: &str, to: &str| {
        assert!(TEXT.contains(from), "{from}");
        refused(&TEXT.replacen(from, to, 1))
    };
    let json = "the disclosure is not the JSON that it has to be";
    assert_eq!(refused(""), json);
    assert_eq!(refused("[]"), json);
    assert_eq!(refused(&format!("{TEXT}x")), json);
    assert_eq!(with("\"clock\"", "\"other\":1,\"clock\""), json);
    assert_eq!(with("\"clock\":3", "\"clock\":3,\"clock\":3"), json);
    assert_eq!(with("\"clock\":3", "\"clock\":4294967296"), json);
    assert_eq!(with("\"clock\":3", "\"clock\":-1"), json);
    assert_eq!(with("\"encoding\":1", "\"encoding\":256"), json);
    assert_eq!(
        with("strandline/event/1", "strandline/event/2"),
        "the disclosure is of the format \"strandline/event/2\", which is not known here"
    );
    for field in [
        "sequence", "entity", "scope", "kind", "encoding", "id", "clock", "wall_ms", "counter",
        "previous", "nonce", "payload",
    ] {
        let value: serde_json::Value = serde_json::from_str(TEXT).unwrap();
        let mut fields = value.as_object().unwrap().clone();
        fields.remove(field).unwrap();
        let text = serde_json::to_string(&fields).unwrap();
        assert_eq!(refused(&text), format!("the disclosure has no `{field}`"));
        let digest = Disclosure::Digest(Hash::ZERO).to_json();
        let own = value.get(field).unwrap();
        let more = digest.replace('}', &format!(",\"{field}\":{own}}}"));
        assert_eq!(
            refused(&more),
            format!("the disclosure has `{field}`, which does not go with its other fields")
        );
    }
    for (from, to, message) in [
        (
            "0x1002",
            "4098",
            "`kind` is not `0x` and 4 hexadecimal digits",
        ),
        (
            "0x1002",
            "0x+002",
            "`kind` is not `0x` and 4 hexadecimal digits",
        ),
        (
            "order:1042",
            "",
            "`entity` or `scope` is no name that an entity or scope has",
        ),
        (
            "1700000000000",
            "281474976710656",
            "`wall_ms` needs more than 48 bits",
        ),
        ("00000000-", "0000000-", "`id` is not 32 hexadecimal digits"),
        (
            "\"18c52a7e",
            "\"18c52a7",
            "`previous` is not 64 hexadecimal digits",
        ),
        ("\"ababab", "\"abab", "`nonce` is not 32 hexadecimal digits"),
        (
            "\"ababab",
            "\"+babab",
            "`nonce` is not 32 hexadecimal digits",
        ),
        ("eyJj", "eyJ", "`payload` is not base64"),
        (
            "\"previous\"",
            "\"extensions\":\"\",\"previous\"",
            "`extensions` is not what an event has",
        ),
        (
            "\"previous\"",
            "\"extensions\":\"AQAC\",\"previous\"",
            "`extensions` is not what an event has",
        ),
        (
            "\"previous\"",
            "\"extensions\":\"!\",\"previous\"",
            "`extensions` is not base64",
        ),
    ] {
        assert_eq!(with(from, to), message);
    }
    let hash = Hash::ZERO;
    assert_eq!(
        with("\"clock\"", &format!("\"digest\":\"{hash}\",\"clock\"")),
        "the disclosure has `digest`, which does not go with its other fields"
    );
    let more = |name| format!("\"payload_hash\":\"{hash}\",\"{name}\"");
    assert_eq!(
        with("\"payload\"", &more("payload")),
        "the disclosure has `payload`, which does not go with its other fields"
    );
    assert_eq!(
        with(
            "\"payload\":\"eyJjZW50cyI6NDIwMH0=\"",
            &format!("\"payload_hash\":\"{hash}\"")
        ),
        "the disclosure has `nonce`, which does not go with its other fields"
    );
}

fn some_payload() -> impl Strategy<Value = DisclosedPayload> {
    let stored = (
        any::<[u8; 16]>(),
        prop::collection::vec(any::<u8>(), 0..200),
    );
    prop_oneof![
        stored.prop_map(|(nonce, bytes)| DisclosedPayload::Stored {
            nonce: Nonce(nonce),
            bytes
        }),
        any::<[u8; 32]>().prop_map(|hash| DisclosedPayload::Hash(Hash::from_bytes(hash))),
    ]
}

prop_compose! {
    fn some_event()(
        payload in some_payload(),
        names in prop::array::uniform2("[^\\p{Cc}]{1,60}"),
        ids in any::<[u128; 2]>(),
        causation in any::<Option<u128>>(),
        numbers in any::<(u64, u16, u8, u32, u32)>(),
        wall_ms in 0..1_u64 << 48,
        extension in prop::option::of((any::<u16>(), prop::collection::vec(any::<u8>(), 0..40))),
        previous in any::<[u8; 32]>(),
    ) -> DisclosedEvent {
        let extensions = extension.iter().map(|(tag, bytes)| (*tag, &**bytes));
        DisclosedEvent {
            sequence: Sequence::new(numbers.0),
            coordinate: Coordinate::new(&names[0], &names[1]).unwrap(),
            kind: EventKind::from_bits(numbers.1),
            encoding: PayloadEncoding::from_code(numbers.2),
            id: EventId::from_u128(ids[0]),
            correlation: EventId::from_u128(ids[1]),
            causation: causation.map(EventId::from_u128),
            clock: numbers.3,
            hlc: Hlc::new(wall_ms, numbers.4).unwrap(),
            extensions: Extensions::new(extensions).unwrap(),
            previous: Hash::from_bytes(previous),
            payload,
        }
    }
}

proptest! {
    /// What a log makes of the record that it has.
    #[test]
    fn the_digest_is_that_of_the_log(event in some_event()) {
        let payload = match &event.payload {
            DisclosedPayload::Stored { nonce, bytes } => RecordPayload::Stored { nonce: *nonce, bytes },
            DisclosedPayload::Hash(hash) => RecordPayload::Redacted { hash: *hash },
        };
        let record = Record {
            local_coordinate: 0,
            coordinate: None,
            previous: None,
            kind: event.kind,
            encoding: event.encoding,
            clock: event.clock,
            hlc: event.hlc,
            id: event.id,
            correlation: event.correlation,
            causation: event.causation,
            extensions: event.extensions.clone(),
            payload,
        };
        let mut hasher = EventHasher::default();
        let (coordinate, sequence) = (&event.coordinate, event.sequence);
        let digest = record.hash_after(&event.previous, coordinate, sequence, &mut hasher);
        prop_assert_eq!(event.digest(), digest);
        let of_record =
            DisclosedEvent::of_record(&record, coordinate.clone(), sequence, event.previous);
        prop_assert_eq!(&of_record, &event);
        let payload = event.payload.redacted();
        let is_hash = matches!(payload, DisclosedPayload::Hash(_));
        let redacted = DisclosedEvent { payload, ..event };
        prop_assert!(is_hash);
        prop_assert_eq!(redacted.digest(), digest, "without the payload too");
    }

    #[test]
    fn texts_round_trip(event in some_event()) {
        let disclosure = Disclosure::from(event);
        let text = disclosure.to_json();
        prop_assert!(!text.contains('\n'));
        prop_assert_eq!(Disclosure::parse(text.as_bytes()).unwrap(), disclosure);
    }

    /// A text that is read as something else is of another digest.
    #[test]
    fn a_changed_text_has_another_digest(event in some_event(), at in any::<prop::sample::Index>(), to in 32..127_u8) {
        let disclosure = Disclosure::from(event);
        let mut text = disclosure.to_json().into_bytes();
        let at = at.index(text.len());
        text[at] = to;
        if let Ok(other) = Disclosure::parse(&text) {
            prop_assert_eq!(other == disclosure, other.digest() == disclosure.digest());
        }
    }
}
