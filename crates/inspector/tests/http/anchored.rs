//! The log held against heads that are kept elsewhere, and proofs that are signed.

use crate::client::Server;
use crate::sample::store;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::OsFs;
use strandline::{Coordinate, Event, EventKind, Store, TreeHead};
use strandline_anchor::proof::{
    Checkpoint, Disclosure, LogPolicy, ProofFile, SignedCheckpoint, SignerKey, VerifierKey,
};
use strandline_anchor::{Anchors, FileSink, KeptHeads};
use strandline_inspector::Inspector;

fn key() -> SignerKey {
    SignerKey::from_seed("example.org/orders".parse().unwrap(), [7; 32])
}

fn witness() -> SignerKey {
    SignerKey::witness_from_seed("witness.example".parse().unwrap(), [8; 32])
}

fn policy() -> LogPolicy {
    LogPolicy::new(key().verifier()).witness(witness().verifier())
}

fn with_heads(dir: &Path, heads: &Path) -> Server {
    let heads = heads.to_owned();
    let read = move || KeptHeads::read(&OsFs, &heads).map_err(|error| error.to_string());
    Server::with(dir, |inspector: Inspector| inspector.heads(read, policy()))
}

fn anchored(server: &Server) -> Value {
    server.json("/api/integrity")["anchors"].clone()
}

fn append(store: &Store, events: u64) {
    let at = Coordinate::new("later", "s").unwrap();
    for _ in 0..events {
        store
            .append(&at, Event::bytes(EventKind::new(1, 1), *b"x"))
            .unwrap();
    }
    store.sync().unwrap();
}

fn keep(heads: &Path, head: TreeHead, signs: &[SignerKey]) {
    let checkpoint = Checkpoint::new("example.org/orders", head).unwrap();
    let mut signed = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
    for key in signs {
        signed.add_signature_of(key, 1_700_000_000).unwrap();
    }
    let mut text = std::fs::read_to_string(heads).unwrap_or_default();
    text.push_str(&format!("{signed}\n"));
    std::fs::write(heads, text).unwrap();
}

fn parts(json: &Value) -> Vec<(u64, u64, String)> {
    let parts = json["found"]["parts"].as_array().unwrap().iter();
    let number = |value: &Value| value.as_u64().unwrap();
    parts
        .map(|part| {
            let state = part["state"].as_str().unwrap().to_owned();
            (number(&part["first"]), number(&part["end"]), state)
        })
        .collect()
}

#[test]
fn the_line_has_what_is_proved_by_whom_and_what_is_open() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("orders.strand");
    let heads = place.path().join("orders.heads");
    let store = store(&dir);
    store.sync().unwrap();
    let first = store.durable_head().unwrap();
    keep(&heads, first, &[witness()]);
    append(&store, 5);
    let mut anchors = Anchors::new(key()).sink(FileSink::new(Arc::new(OsFs), &heads));
    assert!(anchors.anchor(&store).unwrap().failed.is_empty());
    let second = first.size + 5;
    append(&store, 3);
    let server = with_heads(&dir, &heads);
    let json = anchored(&server);
    assert_eq!(
        parts(&json),
        [
            (0, second, "proved".to_owned()),
            (second, second + 3, "open".to_owned())
        ]
    );
    let found = &json["found"];
    assert_eq!(found["is_sound"], true);
    assert_eq!(found["marks"].as_array().unwrap().len(), 2);
    let signers = found["signers"].as_array().unwrap();
    let of = |role: &str| signers.iter().find(|one| one["role"] == role).unwrap();
    assert_eq!(
        (&of("log")["heads"], &of("log")["proved"]),
        (&2.into(), &second.into())
    );
    let seen = of("witness");
    assert_eq!(
        (&seen["heads"], &seen["proved"]),
        (&1.into(), &first.size.into())
    );
    assert_eq!(seen["last_seconds"], 1_700_000_000);
    let page = server.page("/integrity");
    assert!(page.contains("witness.example") && page.contains("class=\"span\""));
}

#[test]
fn what_contradicts_a_head_and_what_is_missing_are_parts_of_their_own() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("orders.strand");
    let heads = place.path().join("orders.heads");
    let store = store(&dir);
    store.sync().unwrap();
    let good = store.durable_head().unwrap();
    append(&store, 10);
    let size = good.size;
    keep(&heads, good, &[]);
    // Of another log, or of this one before somebody changed it; and of one that went further.
    keep(
        &heads,
        TreeHead {
            size: size + 4,
            ..good
        },
        &[],
    );
    keep(
        &heads,
        TreeHead {
            size: size + 30,
            ..good
        },
        &[],
    );
    let server = with_heads(&dir, &heads);
    let json = anchored(&server);
    let expected = [
        (0, size, "proved"),
        (size, size + 4, "contradicted"),
        (size + 4, size + 10, "open"),
        (size + 10, size + 30, "missing"),
    ];
    assert_eq!(
        parts(&json),
        expected.map(|(first, end, state)| (first, end, state.to_owned()))
    );
    assert_eq!(json["found"]["is_sound"], false);
    let page = server.page("/integrity");
    assert!(page.contains("The log is not the one that was signed"));
    assert!(page.contains("manipulation") && page.contains("gap"));
    // Heads that cannot be read say so; the rest of the page is there.
    std::fs::remove_file(&heads).unwrap();
    let server = with_heads(&dir, &heads);
    assert!(anchored(&server)["error"].is_string());
    server.page("/integrity");
}

/// The proof, checked as a stranger does.
fn proves(text: &str, key: VerifierKey, id: &str) {
    let proof = ProofFile::parse(text.as_bytes()).unwrap();
    let (disclosure, _) = proof.verify_disclosed(&LogPolicy::new(key)).unwrap();
    let Disclosure::Event(event) = disclosure else {
        panic!("the event is not in it");
    };
    assert_eq!(event.id.to_string(), id);
}

#[test]
fn proofs_are_signed_by_the_key_or_the_newest_head_that_counts() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("orders.strand");
    let heads = place.path().join("orders.heads");
    let store = store(&dir);
    store.sync().unwrap();
    keep(&heads, store.durable_head().unwrap(), &[]);
    let id = store
        .snapshot()
        .latest("order:7")
        .unwrap()
        .unwrap()
        .id
        .to_string();
    append(&store, 1);
    let late = store.snapshot().latest("later").unwrap().unwrap().id;
    let path = format!("/api/event/signed-proof?id={id}");
    // Nobody signs where nothing was given.
    let server = Server::of(&dir);
    assert_eq!(server.get(&path).status, 404);
    assert!(
        !server
            .page(&format!("/event?id={id}"))
            .contains("signed-proof")
    );
    let server = with_heads(&dir, &heads);
    let by_head = server.get(&path);
    assert_eq!(by_head.status, 200);
    proves(&by_head.text(), key().verifier(), &id);
    // It is after the head.
    let after = server.get(&format!("/api/event/signed-proof?id={late}"));
    assert_eq!(after.status, 404);
    assert!(after.text().contains("not in it"), "{}", after.text());
    // What is durable of a log that is closed is all of it.
    store.close().unwrap();
    let server = Server::with(&dir, |inspector| {
        inspector.signer(key(), "example.org/orders")
    });
    assert!(
        server
            .page(&format!("/event?id={id}"))
            .contains("signed-proof")
    );
    let by_key = server.get(&path);
    assert_eq!(by_key.status, 200, "{}", by_key.text());
    proves(&by_key.text(), key().verifier(), &id);
    let without = server.get(&format!("{path}&payload=without")).text();
    proves(&without, key().verifier(), &id);
    assert!(without.len() < by_key.text().len());
    let path = format!("/api/event/signed-proof?id={late}");
    let of_late = server.get(&path).text();
    proves(&of_late, key().verifier(), &late.to_string());
}
