//! Files of proofs: what is written is read, and each part of it counts.

use super::*;
use crate::checkpoint::{Checkpoint, CheckpointError, LogPolicy, SignedCheckpoint};
use crate::note::{SignedNote, SignerKey};
use crate::tree::{MemoryTree, ProofError, inclusion, leaf_hash};

const DIGESTS: [[u8; 32]; 5] = [[1; 32], [2; 32], [3; 32], [4; 32], [5; 32]];

fn key() -> SignerKey {
    SignerKey::from_seed("example.org/log".parse().unwrap(), [1; 32])
}

fn policy() -> LogPolicy {
    LogPolicy::new(key().verifier())
}

fn file(index: u64) -> ProofFile {
    let mut tree = MemoryTree::default();
    for digest in &DIGESTS {
        tree.push(leaf_hash(digest));
    }
    let checkpoint = Checkpoint::new("example.org/log", tree.head()).unwrap();
    let checkpoint = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
    ProofFile::new(index, inclusion(index, 5, &tree).unwrap(), checkpoint)
}

#[test]
fn files_round_trip_and_prove() {
    for (index, digest) in (0..).zip(&DIGESTS) {
        let file = file(index);
        let text = file.to_string();
        let again = ProofFile::parse(text.as_bytes()).unwrap();
        assert_eq!(again, file);
        let checkpoint = again.verify(digest, &policy()).unwrap();
        assert_eq!(checkpoint.head().size, 5);
        for other in DIGESTS.iter().filter(|other| *other != digest) {
            let error = again.verify(other, &policy()).unwrap_err();
            assert!(matches!(error, ProofFileError::Proof(_)));
        }
    }
    let extra = file(1).with_extra(b"anything\n\0".to_vec()).unwrap();
    let again = ProofFile::parse(extra.to_string().as_bytes()).unwrap();
    assert_eq!(again.extra(), Some(b"anything\n\0".as_slice()));
    let nothing = file(1).with_extra(Vec::new()).unwrap();
    let again = ProofFile::parse(nothing.to_string().as_bytes()).unwrap();
    assert_eq!(again.extra(), Some(b"".as_slice()));
}

#[test]
fn each_part_counts() {
    let text = file(1).to_string();
    let of = |text: &str| ProofFile::parse(text.as_bytes()).unwrap();
    let verify = |text: &str| of(text).verify(&DIGESTS[1], &policy()).unwrap_err();
    let other_index = text.replace("index 1\n", "index 2\n");
    assert!(matches!(
        verify(&other_index),
        ProofFileError::Proof(ProofError::WrongRoot { .. })
    ));
    let outside = text.replace("index 1\n", "index 5\n");
    assert!(matches!(
        verify(&outside),
        ProofFileError::Proof(ProofError::NotInTree { .. })
    ));
    let mut lines: Vec<_> = text.split('\n').collect();
    lines.remove(2);
    assert!(matches!(
        verify(&lines.join("\n")),
        ProofFileError::Proof(ProofError::WrongLength { .. })
    ));
    let resized = text.replace("\n5\n", "\n6\n");
    assert!(matches!(
        verify(&resized),
        ProofFileError::Checkpoint(CheckpointError::Note(_))
    ));
    let policy = LogPolicy::new(
        SignerKey::from_seed("example.org/log".parse().unwrap(), [2; 32]).verifier(),
    );
    let error = of(&text).verify(&DIGESTS[1], &policy).unwrap_err();
    assert!(matches!(error, ProofFileError::Checkpoint(_)));
}

#[test]
fn what_is_no_file_is_refused() {
    let text = file(1).to_string();
    let hash = text.lines().nth(2).unwrap();
    let refused = |text: &str| ProofFile::parse(text.as_bytes()).unwrap_err();
    for (text, number, reason) in [
        (String::new(), 1, "is not there, or does not end"),
        (
            text.replace("@v1", "@v2"),
            1,
            "is not `c2sp.org/tlog-proof@v1`",
        ),
        (
            text.replace('\n', "\r\n"),
            1,
            "is not `c2sp.org/tlog-proof@v1`",
        ),
        (
            text.replace("index 1", "extra !\nindex 1"),
            2,
            "is not base64 after `extra `",
        ),
        (
            text.replace("index 1", "extra AA==\nextra AA==\nindex 1"),
            3,
            "is not `index ` and a number",
        ),
        (
            text.replace("index 1", "index 01"),
            2,
            "is not `index ` and a number",
        ),
        (
            text.replace("index 1", "Index 1"),
            2,
            "is not `index ` and a number",
        ),
        (
            text.replace(hash, &hash[1..]),
            3,
            "is not base64 of 32 bytes",
        ),
        (
            text.replace(hash, &format!("{hash}\n").repeat(64)),
            66,
            "is one more hash than a proof can have",
        ),
        (
            text[..text.find("\n\n").unwrap()].to_owned(),
            5,
            "is not there, or does not end",
        ),
    ] {
        let error = refused(&text).to_string();
        assert_eq!(error, format!("line {number} of the proof: {reason}"));
    }
    assert!(matches!(
        ProofFile::parse(b"c2sp.org/tlog-proof@v1\n\xFF\n").unwrap_err(),
        ProofFileError::Line { number: 2, .. }
    ));
    let end = text.find("\n\n").unwrap();
    assert!(matches!(
        refused(&text[..end + 2]),
        ProofFileError::Checkpoint(CheckpointError::Note(_))
    ));
    let other = SignedNote::sign("no checkpoint\n", &key(), 0).unwrap();
    let text = format!("{}\n\n{other}", &text[..end]);
    assert!(matches!(
        refused(&text),
        ProofFileError::Checkpoint(CheckpointError::Line { number: 2, .. })
    ));
}

#[cfg(feature = "event")]
mod disclosed {
    use super::*;
    use crate::event::{DisclosedEvent, DisclosedPayload, Disclosure};
    use strandline_core::{
        Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence,
    };

    fn event() -> DisclosedEvent {
        DisclosedEvent {
            sequence: Sequence::new(3),
            coordinate: Coordinate::new("order:1", "eu").unwrap(),
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::RAW,
            id: EventId::from_u128(5),
            correlation: EventId::from_u128(5),
            causation: Some(EventId::from_u128(4)),
            clock: 0,
            hlc: Hlc::new(1, 0).unwrap(),
            extensions: Extensions::default(),
            previous: Hash::ZERO,
            payload: DisclosedPayload::Stored {
                nonce: Nonce([9; 16]),
                bytes: b"paid".to_vec(),
            },
        }
    }

    fn file_of(event: &DisclosedEvent) -> ProofFile {
        let mut tree = MemoryTree::default();
        for digest in [[1; 32], *event.digest().as_bytes(), [3; 32]] {
            tree.push(leaf_hash(&digest));
        }
        let checkpoint = Checkpoint::new("example.org/log", tree.head()).unwrap();
        let checkpoint = SignedCheckpoint::sign(checkpoint, &key()).unwrap();
        ProofFile::new(1, inclusion(1, 3, &tree).unwrap(), checkpoint)
    }

    #[test]
    fn the_event_beside_the_proof_is_the_one_that_is_proved() {
        let event = event();
        let proof = file_of(&event);
        let file = proof
            .clone()
            .with_disclosure(&event.clone().into())
            .unwrap();
        let file = ProofFile::parse(file.to_string().as_bytes()).unwrap();
        let (disclosure, checkpoint) = file.verify_disclosed(&policy()).unwrap();
        assert_eq!(disclosure.event(), Some(&event));
        assert_eq!(checkpoint.head().size, 3);

        let digest = Disclosure::Digest(event.digest());
        let file = proof.clone().with_disclosure(&digest).unwrap();
        assert!(file.verify_disclosed(&policy()).is_ok());

        let forged = DisclosedEvent {
            payload: DisclosedPayload::Stored {
                nonce: Nonce([9; 16]),
                bytes: b"owed".to_vec(),
            },
            ..event
        };
        let file = proof.clone().with_disclosure(&forged.into()).unwrap();
        let error = file.verify_disclosed(&policy()).unwrap_err();
        assert!(matches!(
            error,
            ProofFileError::Proof(ProofError::WrongRoot { .. })
        ));

        let nothing = proof.verify_disclosed(&policy()).unwrap_err();
        assert!(matches!(nothing, ProofFileError::NothingDisclosed));
        let other = proof.with_extra(b"{}".to_vec()).unwrap();
        let error = other.verify_disclosed(&policy()).unwrap_err();
        assert!(matches!(error, ProofFileError::Disclosure(_)));
    }
}
