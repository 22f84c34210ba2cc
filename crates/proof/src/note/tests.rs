//! Keys and notes, held to texts of Go's tools and to every rule.

use super::*;

/// The example of Go's package `note`, and of the tests of everyone since.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\
    \n\
    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key_of(name: &str, seed: u8) -> SignerKey {
    SignerKey::from_seed(name.parse().unwrap(), [seed; 32])
}

fn witness_of(name: &str, seed: u8) -> SignerKey {
    SignerKey::witness_from_seed(name.parse().unwrap(), [seed; 32])
}

#[test]
fn keys_and_signatures_are_those_of_go() {
    let secret: SignerKey = GO_SECRET.parse().unwrap();
    let key: VerifierKey = GO_KEY.parse().unwrap();
    assert_eq!(secret.verifier(), key);
    assert_eq!(secret.secret_text(), GO_SECRET);
    assert_eq!(key.to_string(), GO_KEY);
    let note = SignedNote::parse(GO_NOTE.as_bytes()).unwrap();
    assert_eq!(note.to_string(), GO_NOTE);
    let verified = note.verify([&key]).unwrap();
    assert_eq!(verified.len(), 1);
    assert_eq!(verified[0].seconds, None);
    let again = SignedNote::sign(note.text(), &secret, 0).unwrap();
    assert_eq!(again.to_string(), GO_NOTE, "Ed25519 has no choice");
}

#[test]
fn a_key_that_was_changed_or_is_another_is_refused() {
    let parse = |text: &str| text.parse::<VerifierKey>().map(|key| key.to_string());
    assert_eq!(parse(GO_SECRET), Err(KeyError::Secret));
    let renamed = GO_KEY.replace("Peter", "Pieter");
    assert!(matches!(parse(&renamed), Err(KeyError::Id { .. })));
    assert!(matches!(
        renamed
            .replace("PieterNeumann", "PRIVATE+KEY+PieterNeumann")
            .parse::<SignerKey>(),
        Err(KeyError::Id { .. })
    ));
    let (front, bytes) = GO_KEY.rsplit_once('+').unwrap();
    let other_kind = bytes.replacen("AR", "Ah", 1);
    for (text, error) in [
        ("", KeyError::Form),
        ("name", KeyError::Form),
        ("name+00000000", KeyError::Form),
        ("na me+00000000+AAAA", KeyError::Name),
        ("+00000000+AAAA", KeyError::Name),
        ("name+0000000+AAAA", KeyError::IdForm),
        ("name+C74F20A3+AAAA", KeyError::IdForm),
        ("name+00000000+", KeyError::Key),
        ("name+00000000+AQAA", KeyError::Key),
        ("name+00000000+!!!!", KeyError::Key),
        (&format!("{front}+{other_kind}"), KeyError::Kind(2)),
        (
            &format!("name+00000000+{}", "A".repeat(5000)),
            KeyError::Key,
        ),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

/// Under a key of small order one signature is right for many texts.
#[test]
fn a_key_that_signs_anything_is_refused() {
    let name: KeyName = "name".parse().unwrap();
    let mut identity = [0; 32];
    identity[0] = 1;
    for bytes in [[0; 32], identity, [2; 32]] {
        let key = VerifierKey::from_bytes(name.clone(), SignatureKind::Ed25519, &bytes);
        assert_eq!(key, Err(KeyError::Point), "{bytes:?}");
    }
}

#[test]
fn names_of_keys_are_in_one_piece() {
    for name in [
        "a",
        "example.org/orders",
        "strandline/0af1",
        &"n".repeat(255),
    ] {
        assert_eq!(KeyName::new(name).unwrap().as_str(), name);
    }
    for name in [
        "",
        "a b",
        "a+b",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\nb",
        "a\u{7f}b",
        &"n".repeat(256),
    ] {
        assert_eq!(KeyName::new(name), Err(KeyError::Name), "{name:?}");
    }
}

#[test]
fn a_signature_of_a_known_key_has_to_be_right_and_others_are_passed_over() {
    let (own, other, stranger) = (key_of("own", 1), key_of("other", 2), key_of("stranger", 3));
    let mut note = SignedNote::sign("text\n", &stranger, 0).unwrap();
    assert_eq!(note.verify([&own.verifier()]), Err(NoteError::UnknownKeys));
    assert_eq!(note.verify([]), Err(NoteError::UnknownKeys));
    note.add_signature_of(&own, 0).unwrap();
    note.add_signature_of(&own, 0).unwrap();
    note.add_signature_of(&other, 0).unwrap();
    assert_eq!(note.signatures().len(), 3);
    let keys = [other.verifier(), own.verifier()];
    let names = |verified: Vec<VerifiedSignature<'_>>| -> Vec<_> {
        verified
            .iter()
            .map(|one| one.key.name().to_string())
            .collect()
    };
    assert_eq!(names(note.verify(&keys).unwrap()), ["own", "other"]);

    // A key of the same name is another one, and so is one of the same bytes.
    let namesake = key_of("own", 9).verifier();
    assert_eq!(note.verify([&namesake]), Err(NoteError::UnknownKeys));
    let renamed = key_of("mine", 1).verifier();
    assert_eq!(note.verify([&renamed]), Err(NoteError::UnknownKeys));

    // Ids are short, so a key of another name can have the same.
    let mut same_id = SignedNote::sign("text\n", &stranger, 0).unwrap();
    let (name, id) = ("elsewhere".parse().unwrap(), own.verifier().id());
    same_id
        .add(NoteSignature::new(name, id, vec![0; 64]))
        .unwrap();
    assert_eq!(
        same_id.verify([&own.verifier()]),
        Err(NoteError::UnknownKeys)
    );

    let changed = note.to_string().replacen("text", "Text", 1);
    let changed = SignedNote::parse(changed.as_bytes()).unwrap();
    for key in &keys {
        let (name, id) = (key.name().clone(), key.id());
        let wrong = NoteError::WrongSignature { name, id };
        assert_eq!(changed.verify([key]), Err(wrong));
    }

    // One right signature does not make up for a wrong one by another known key.
    let mut mixed = SignedNote::sign("text\n", &own, 0).unwrap();
    let of_other = SignedNote::sign("Text\n", &other, 0).unwrap();
    mixed.add(of_other.signatures()[0].clone()).unwrap();
    assert!(mixed.verify([&own.verifier()]).is_ok());
    let error = mixed.verify(&keys).unwrap_err();
    assert!(matches!(error, NoteError::WrongSignature { .. }));
}

#[test]
fn a_cosignature_has_a_time_and_is_no_signature_of_the_text() {
    let witness = witness_of("witness.example", 4);
    let key = witness.verifier();
    assert_eq!(key.to_string().parse::<VerifierKey>(), Ok(key.clone()));
    let again: SignerKey = witness.secret_text().parse().unwrap();
    assert_eq!(again.kind(), SignatureKind::Cosignature);
    let note = SignedNote::sign("log\n1\nroot\n", &witness, 1_679_315_147).unwrap();
    let verified = note.verify([&key]).unwrap();
    assert_eq!(verified[0].seconds, Some(1_679_315_147));

    // The same 32 bytes as a key of the other kind are another key, with another id.
    let log = key_of("witness.example", 4);
    assert_ne!(log.verifier().id(), key.id());
    assert_eq!(note.verify([&log.verifier()]), Err(NoteError::UnknownKeys));

    // With another time it is wrong, and so is one that says none.
    let line = &note.signatures()[0];
    for bytes in [
        [&1_679_315_148_u64.to_be_bytes(), &line.bytes()[8..]].concat(),
        line.bytes()[8..].to_vec(),
        [line.bytes(), &[0]].concat(),
        vec![0],
    ] {
        let mut other = SignedNote::sign("log\n1\nroot\n", &key_of("x", 5), 0).unwrap();
        let forged = NoteSignature::new(line.name().clone(), line.id(), bytes);
        other.add(forged).unwrap();
        let error = other.verify([&key]).unwrap_err();
        assert!(matches!(error, NoteError::WrongSignature { .. }));
    }
    let late = SignedNote::sign("log\n1\nroot\n", &witness, 1 << 63).unwrap();
    let error = late.verify([&key]).unwrap_err();
    assert!(matches!(error, NoteError::WrongSignature { .. }));
}

/// Anyone can make a key with a given name and id: 32 bits are soon found.
#[test]
fn two_keys_of_one_name_and_id_are_ambiguous() {
    let note = SignedNote::sign("text\n", &key_of("own", 1), 0).unwrap();
    let own = key_of("own", 1).verifier();
    assert!(note.verify([&own, &own]).is_ok(), "the same key twice");
    let double = own.with_id_of_another([9; 32]);
    let (name, id) = (own.name().clone(), own.id());
    let ambiguous = NoteError::AmbiguousKey { name, id };
    assert_eq!(note.verify([&own, &double]), Err(ambiguous));
}

#[test]
fn what_is_no_note_is_refused() {
    let line = "— own AAAAAQI=\n";
    let long = format!("{}\n\n{line}", "a".repeat(NOTE_BYTES_MAX));
    let many = format!("text\n\n{}", line.repeat(NOTE_SIGNATURES_MAX + 1));
    let reason = |number, reason| NoteError::SignatureLine { number, reason };
    let of_line = |line: &str| format!("text\n\n— own AAAAAQI=\n{line}\n");
    for (note, error) in [
        ("", NoteError::NoSignatures),
        ("text\n", NoteError::NoSignatures),
        ("text\n— own AAAAAQI=\n", NoteError::NoSignatures),
        ("text\n\n— own AAAAAQI=", NoteError::NoSignatures),
        ("text\n\n", NoteError::NoSignatures),
        (
            "te\txt\n\n— own AAAAAQI=\n",
            NoteError::ControlCharacter { at: 2 },
        ),
        (
            "text\r\n\r\n— own AAAAAQI=\r\n",
            NoteError::ControlCharacter { at: 4 },
        ),
        (&long, NoteError::TooLong { bytes: long.len() }),
        (&many, NoteError::TooManySignatures),
        (
            &of_line("- own AAAAAQI="),
            reason(2, "does not begin with an em dash and a space"),
        ),
        (
            &of_line("— own"),
            reason(2, "has no space between name and signature"),
        ),
        (
            &of_line("— o+n AAAAAQI="),
            reason(2, "has a name that no key has"),
        ),
        (&of_line("— own AAAAAQI"), reason(2, "is not base64")),
        (
            &of_line("— own AAAAAQ=="),
            reason(2, "has no bytes after the id of the key"),
        ),
        (
            &of_line("— own AAAA"),
            reason(2, "has no bytes after the id of the key"),
        ),
        (
            &of_line(&format!("— own {}", "AAAA".repeat(20_000))),
            reason(2, "is too long"),
        ),
        (&of_line("— own AAAA AQI="), reason(2, "is not base64")),
    ] {
        let got = SignedNote::parse(note.as_bytes());
        assert_eq!(
            got,
            Err(error),
            "{}",
            note.chars().take(80).collect::<String>()
        );
    }
    let not_utf8 = SignedNote::parse(b"te\xFFt\n\n\xE2\x80\x94 own AAAAAQI=\n");
    assert_eq!(not_utf8, Err(NoteError::NotUtf8 { at: 2 }));
    let key = key_of("own", 1);
    assert_eq!(SignedNote::sign("text", &key, 0), Err(NoteError::TextEnd));
    assert_eq!(SignedNote::sign("", &key, 0), Err(NoteError::TextEnd));
    let control = NoteError::ControlCharacter { at: 1 };
    assert_eq!(SignedNote::sign("a\0\n", &key, 0), Err(control));
}

#[test]
fn the_text_ends_at_the_last_empty_line() {
    let key = key_of("own", 1);
    for text in [
        "\n",
        "a\n",
        "a\n\nb\n",
        "a\n\n",
        "\n\n\n",
        "a\n\n— own AAAAAQI=\n",
    ] {
        let note = SignedNote::sign(text, &key, 0).unwrap();
        let again = SignedNote::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(again.text(), text);
        assert_eq!(again, note);
        assert!(again.verify([&key.verifier()]).is_ok());
    }
}

#[test]
fn a_secret_is_not_shown_by_accident() {
    assert_eq!(format!("{:?}", key_of("own", 1)), "SignerKey(own)");
}
