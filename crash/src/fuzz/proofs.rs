//! What somebody hands in as a proof: files of proofs, notes, keys, paths of tiles, disclosures. Whatever is read
//! is written again as it was.

use crate::verdict::Violation;
use strandline_proof::{
    Disclosure, LogPolicy, NoteSignature, ProofFile, SignedCheckpoint, SignedNote, SignerKey, Tile,
    VerifierKey, parse_bundle,
};

fn same(what: &str, written: &str, read: &str) -> Result<(), Violation> {
    match written == read {
        true => Ok(()),
        false => Err(Violation::new(format!("{what} is written as {written:?}"))),
    }
}

pub(super) fn proofs(input: &[u8]) -> Result<(), Violation> {
    let text = String::from_utf8_lossy(input);
    let key = SignerKey::from_seed(name()?, [7; 32]).verifier();
    let policy = LogPolicy::new(key.clone());
    if let Ok(note) = SignedNote::parse(input) {
        same("a note", &note.to_string(), &text)?;
        let _ = note.verify([&key]);
    }
    if let Ok(checkpoint) = SignedCheckpoint::parse(input) {
        same("a checkpoint", &checkpoint.to_string(), &text)?;
        let body = checkpoint.unverified().to_string();
        same("a checkpoint", &body, checkpoint.note().text())?;
        let _ = checkpoint.verify(&policy);
    }
    if let Ok(file) = ProofFile::parse(input) {
        same("a proof", &file.to_string(), &text)?;
        let _ = file.verify(&[0; 32], &policy);
        let _ = file.verify_disclosed(&policy);
    }
    let line = text.lines().next().unwrap_or_default();
    if let Ok(key) = line.parse::<VerifierKey>() {
        same("a key", &key.to_string(), line)?;
    }
    if let Ok(key) = line.parse::<SignerKey>() {
        same("a secret key", &key.secret_text(), line)?;
    }
    if let Ok(signature) = line.parse::<NoteSignature>() {
        same("a signature", &signature.to_string(), line)?;
    }
    if let Ok(tile) = line.parse::<Tile>() {
        same("a path", &tile.to_string(), line)?;
        let _ = parse_bundle(input, tile.width());
    }
    Ok(())
}

fn name() -> Result<strandline_proof::KeyName, Violation> {
    "example.org/orders"
        .parse()
        .map_err(|error| Violation::new(format!("{error}")))
}

pub(super) fn disclosures(input: &[u8]) -> Result<(), Violation> {
    let Ok(disclosure) = Disclosure::parse(input) else {
        return Ok(());
    };
    let text = disclosure.to_json();
    let again = Disclosure::parse(text.as_bytes());
    let again = again.map_err(|error| Violation::new(error.to_string()))?;
    if again != disclosure || again.digest() != disclosure.digest() {
        return Err(Violation::new("a disclosure does not read back"));
    }
    same("a disclosure", &again.to_json(), &text)
}
