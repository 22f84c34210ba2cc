//! Heads that a witness of C2SP signs: what has only grown.

use crate::witness_server::{Witness, start_for, witness_key};
use crate::{ORIGIN, against, checked, file, fill, key, policy};
use std::sync::{Arc, Mutex};
use strandline::Store;
use strandline_anchor::{AnchorError, Anchors, SinkError, WitnessSink, heads_at};

/// Bytes as base64, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let number = (0..3).fold(0, |all, at| {
            all << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        let digits = (0..4).map(|at| char::from(DIGITS[(number >> (18 - 6 * at) & 63) as usize]));
        let kept = digits.take(three.len() + 1).collect::<String>();
        format!("{kept:=<4}")
    };
    bytes.chunks(3).map(group).collect()
}

/// A witness of the log of these tests.
fn start() -> (String, Arc<Mutex<Witness>>) {
    start_for(policy())
}

#[test]
fn a_witness_signs_what_has_only_grown() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let (url, witness) = start();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    let mut anchors = Anchors::new(key(7))
        .sink(WitnessSink::new(&url))
        .sink(file(&heads));
    for count in [3, 40, 100] {
        fill(&store, count, "paid");
        let anchored = anchors.anchor(&store).unwrap();
        assert_eq!(anchored.kept.len(), 2, "{anchored:?}");
    }
    // Whoever asks for the witness finds it in what the file has.
    let kept = strandline_anchor::KeptHeads::read(&strandline::fs::OsFs, &heads).unwrap();
    let asked = policy()
        .witness(witness_key().verifier())
        .witnesses_required(1);
    for head in &kept.heads {
        assert_eq!(head.verify(&asked).unwrap().witnesses().len(), 1);
    }
    assert_eq!(witness.lock().unwrap().asked, [0, 3, 43]);
    assert_eq!(heads_at(&format!("{url}heads")).unwrap(), kept);

    // One who has forgotten how far it was is told.
    fill(&store, 1, "paid");
    let mut anew = Anchors::new(key(7)).sink(WitnessSink::new(&url));
    assert_eq!(anew.anchor(&store).unwrap().kept.len(), 1);
    assert_eq!(witness.lock().unwrap().asked, [0, 3, 43, 0, 143]);
    assert!(checked(&store, &heads).is_sound());
}

#[test]
fn a_witness_signs_no_other_log_and_no_shorter_one() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let (url, _witness) = start();
    let anchors = || {
        Anchors::new(key(7))
            .sink(WitnessSink::new(&url))
            .sink(file(&heads))
    };
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 20, "paid");
    anchors().anchor(&store).unwrap();
    std::fs::remove_file(&heads).unwrap();
    for (name, count, is_shorter) in [
        ("longer", 30, false),
        ("same", 20, false),
        ("shorter", 7, true),
    ] {
        let forged = Store::open(dir.path().join(name)).unwrap();
        fill(&forged, count, "not paid");
        let error = anchors().anchor(&forged).unwrap_err();
        let AnchorError::Refused { error, .. } = error else {
            panic!("{error}");
        };
        match is_shorter {
            true => assert!(matches!(error, SinkError::Ahead { kept: 20, size: 7 })),
            false => assert!(
                matches!(error, SinkError::Contradicted { kept: 20 }),
                "{error}"
            ),
        }
        assert!(!heads.exists(), "what is after it keeps none");
    }
}

#[test]
fn a_witness_out_of_order_keeps_others_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let heads = dir.path().join("heads");
    let (url, witness) = start();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    let line = |name: &str, id: u32, end: &str| {
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend_from_slice(end.as_bytes());
        format!("— {name} {}\n", base64(&bytes))
    };
    let many: String = (0..500).map(|id| line("w", id, "xx")).collect();
    let own = line(ORIGIN, key(7).verifier().id().get(), &"x".repeat(64));
    for broken in [
        (500, "x"),
        (200, "x"),
        (200, &*many),
        (200, &*own),
        (409, "x"),
        (409, "99999999999999999999"),
        (403, ""),
    ] {
        witness.lock().unwrap().broken = Some((broken.0, broken.1.to_owned()));
        fill(&store, 1, "paid");
        let mut anchors = Anchors::new(key(7))
            .sink(WitnessSink::new(&url))
            .sink(file(&heads));
        let anchored = anchors.anchor(&store).unwrap();
        assert_eq!(
            (anchored.kept.len(), anchored.failed.len()),
            (1, 1),
            "{broken:?}"
        );
    }
    // None of it is in what the file has, where it would make a head look changed.
    assert!(checked(&store, &heads).is_sound());
    let nobody = WitnessSink::new("http://127.0.0.1:1");
    fill(&store, 1, "paid");
    let anchored = Anchors::new(key(7)).sink(nobody).anchor(&store).unwrap();
    assert!(matches!(anchored.failed[0].1, SinkError::Io(_)));
    assert!(against(&checked(&store, &heads)).is_empty());
}

/// Cause: what it had said was kept in mind, and it was not asked again.
#[test]
fn a_witness_that_was_ahead_by_mistake_is_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let (url, witness) = start();
    let store = Store::open(dir.path().join("a.strand")).unwrap();
    fill(&store, 3, "paid");
    let mut anchors = Anchors::new(key(7)).sink(WitnessSink::new(&url));
    witness.lock().unwrap().broken = Some((409, "1000\n".to_owned()));
    let refused = anchors.anchor(&store).unwrap_err();
    let AnchorError::Refused { error, .. } = refused else {
        panic!("{refused}");
    };
    assert!(matches!(
        error,
        SinkError::Ahead {
            kept: 1000,
            size: 3
        }
    ));
    witness.lock().unwrap().broken = None;
    assert_eq!(anchors.anchor(&store).unwrap().kept.len(), 1);
}

#[test]
fn heads_are_read_at_a_url() {
    let (url, _witness) = start();
    let base = url.strip_suffix("/log/").unwrap();
    assert!(heads_at(&format!("{base}/elsewhere")).is_err());
    let nonsense = heads_at(&format!("{base}/nonsense")).unwrap();
    assert!(nonsense.heads.is_empty() && nonsense.unreadable.len() == 1);
}
