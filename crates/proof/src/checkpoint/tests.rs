//! Checkpoints: their text, and every rule of a policy.

use super::*;
use crate::note::{KeyName, NoteError, SignatureKind, SignerKey, VerifierKey};
use crate::tree::{Hash, TREE_SIZE_MAX, TreeHead};

const TEXT: &str = "example.org/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn log_key(seed: u8) -> SignerKey {
    SignerKey::from_seed("example.org/log".parse().unwrap(), [seed; 32])
}

fn witness(number: u8) -> SignerKey {
    let name = format!("witness{number}.example").parse().unwrap();
    SignerKey::witness_from_seed(name, [100 + number; 32])
}

fn signed(key: &SignerKey) -> SignedCheckpoint {
    SignedCheckpoint::sign(TEXT.parse().unwrap(), key).unwrap()
}

#[test]
fn texts_round_trip() {
    let checkpoint: Checkpoint = TEXT.parse().unwrap();
    assert_eq!(checkpoint.origin(), "example.org/log");
    assert_eq!(checkpoint.head().size, 20_852_163);
    assert_eq!(checkpoint.to_string(), TEXT);
    let extended = checkpoint.extension("made by hand").unwrap();
    assert_eq!(extended.to_string(), format!("{TEXT}made by hand\n"));
    assert_eq!(extended.to_string().parse(), Ok(extended.clone()));
    assert_eq!(extended.extensions(), ["made by hand"]);
    let signed = SignedCheckpoint::sign(extended, &log_key(1)).unwrap();
    let again = SignedCheckpoint::parse(signed.to_string().as_bytes());
    assert_eq!(again, Ok(signed));
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    for (text, number, reason) in [
        (String::new(), 1, "does not end with a newline"),
        (TEXT.trim_end().to_owned(), 1, "does not end with a newline"),
        ("\n".to_owned(), 2, "is no number of leaves"),
        (format!("\n0\n{root}\n"), 1, "is empty"),
        (format!("log\n00\n{root}\n"), 2, "is no number of leaves"),
        (format!("log\n-1\n{root}\n"), 2, "is no number of leaves"),
        (
            format!("log\n9223372036854775809\n{root}\n"),
            2,
            "is more leaves than there can be",
        ),
        (
            "log\n0\n".to_owned(),
            3,
            "is not base64 of a root of 32 bytes",
        ),
        (
            "log\n1\nAAAA\n".to_owned(),
            3,
            "is not base64 of a root of 32 bytes",
        ),
        (
            TEXT.replace("\n20852163\n", "\n0\n"),
            3,
            "is not the root of no leaves",
        ),
        (format!("{TEXT}\n"), 4, "is empty"),
        (format!("{TEXT}a\n\n"), 5, "is empty"),
        (format!("{TEXT}a\tb\n"), 4, "has a control character"),
    ] {
        let error = CheckpointError::Line { number, reason };
        assert_eq!(text.parse::<Checkpoint>(), Err(error), "{text}");
    }
    let largest = TreeHead {
        size: TREE_SIZE_MAX,
        root: Hash::EMPTY,
    };
    assert!(Checkpoint::new("log", largest).is_ok());
    assert!(Checkpoint::new("lo\ng", TreeHead::EMPTY).is_err());
}

fn policy() -> LogPolicy {
    LogPolicy::new(log_key(1).verifier())
}

#[test]
fn a_checkpoint_counts_if_its_log_has_signed_it() {
    let own = signed(&log_key(1));
    let verified = own.verify(&policy()).unwrap();
    assert_eq!(verified.head().size, 20_852_163);
    assert_eq!(verified.witnesses(), []);

    let forged = signed(&log_key(2));
    let unknown = CheckpointError::Note(NoteError::UnknownKeys);
    assert_eq!(forged.verify(&policy()), Err(unknown));
    let with_both = policy().log_key(log_key(2).verifier());
    assert!(
        forged.verify(&with_both).is_ok(),
        "of a log that has two keys"
    );

    let other = LogPolicy::new(log_key(1).verifier()).origin("example.org/other");
    assert!(matches!(
        own.verify(&other),
        Err(CheckpointError::WrongOrigin { .. })
    ));

    let changed = own.to_string().replace("20852163", "20852164");
    let changed = SignedCheckpoint::parse(changed.as_bytes()).unwrap();
    let error = changed.verify(&policy()).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::Note(NoteError::WrongSignature { .. })
    ));
}

/// Whoever is known as a witness could otherwise speak for the log.
#[test]
fn a_witness_is_not_the_log() {
    let name: KeyName = "example.org/log".parse().unwrap();
    let alone = signed(&witness(1));
    let policy = policy().witness(witness(1).verifier());
    let error = CheckpointError::NotByLog(name.clone());
    assert_eq!(alone.verify(&policy), Err(error.clone()));

    // Nor is a witness whose key was given for the log's.
    let confused = LogPolicy::new(SignerKey::witness_from_seed(name, [9; 32]).verifier());
    let own = SignerKey::witness_from_seed("example.org/log".parse().unwrap(), [9; 32]);
    assert_eq!(signed(&own).verify(&confused), Err(error));
}

#[test]
fn as_many_witnesses_as_are_asked_for_have_signed() {
    let mut own = signed(&log_key(1));
    own.add_signature_of(&witness(1), 1000).unwrap();
    own.add_signature_of(&witness(1), 2000).unwrap();
    own.add_signature_of(&witness(3), 3000).unwrap();
    let two = policy()
        .witness(witness(1).verifier())
        .witness(witness(2).verifier());
    let one_asked = two.clone().witnesses_required(1);
    let verified = own.verify(&one_asked).unwrap();
    let name = witness(1).name().clone();
    let seconds = Some(1000);
    assert_eq!(verified.witnesses(), [Witnessed { name, seconds }]);
    let (required, got) = (2, 1);
    let error = CheckpointError::TooFewWitnesses { required, got };
    assert_eq!(own.verify(&two.clone().witnesses_required(2)), Err(error));
    own.add_signature_of(&witness(2), 4000).unwrap();
    assert!(own.verify(&two.witnesses_required(2)).is_ok());
}

/// Whoever has the log's key would be its witness otherwise.
#[test]
fn the_log_is_no_witness_of_itself() {
    let mut own = signed(&log_key(1));
    let name = "alias.example".parse().unwrap();
    let alias = VerifierKey::from_bytes(
        name,
        SignatureKind::Ed25519,
        log_key(1).verifier().as_bytes(),
    );
    let cosigner = SignerKey::witness_from_seed("other.example".parse().unwrap(), [1; 32]);
    own.add_signature_of(&cosigner, 1000).unwrap();
    let two = policy()
        .witness(log_key(1).verifier())
        .witness(alias.unwrap())
        .witness(cosigner.verifier());
    assert_eq!(own.verify(&two).unwrap().witnesses(), []);
    assert!(own.verify(&two.witnesses_required(1)).is_err());
}

/// Whoever is known under two names has one voice.
#[test]
fn a_witness_counts_once() {
    let mut own = signed(&log_key(1));
    let alias = SignerKey::witness_from_seed("alias.example".parse().unwrap(), [101; 32]);
    own.add_signature_of(&witness(1), 1000).unwrap();
    own.add_signature_of(&alias, 1000).unwrap();
    let key: VerifierKey = witness(1).verifier();
    let two = policy()
        .witness(key.clone())
        .witness(key)
        .witness(alias.verifier())
        .witnesses_required(2);
    let error = own.verify(&two).unwrap_err();
    assert!(matches!(
        error,
        CheckpointError::TooFewWitnesses { got: 1, .. }
    ));
}
