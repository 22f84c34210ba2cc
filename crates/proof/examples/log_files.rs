//! A log of events as files that its owner hands out, and an auditor who has them and the owner's key.
//!
//! `cargo run -p strandline-proof --example log_files` does both in memory. `-- write DIR` writes the files
//! for tools of others to check, `-- check DIR` checks those that tools of others wrote.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use strandline_core::{
    Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence,
};
use strandline_proof::{
    Checkpoint, DisclosedEvent, DisclosedPayload, InclusionProof, LogPolicy, MemoryTree, ProofFile,
    SignedCheckpoint, SignerKey, Tile, TileKind, TileNodes, TileReader, TreeHead, VerifierKey,
    bundle_bytes, consistency, inclusion, leaf_hash, parse_bundle, root, tiles_between,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Files by their names: a directory that a web server hands out.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn put(&mut self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.insert(name.into(), bytes.into());
    }

    fn get(&self, name: &str) -> Outcome<&[u8]> {
        let file = self.0.get(name).map(Vec::as_slice);
        file.ok_or_else(|| format!("there is no {name}").into())
    }

    fn text(&self, name: &str) -> Outcome<&str> {
        Ok(std::str::from_utf8(self.get(name)?)?)
    }
}

impl TileReader for &Files {
    type Error = Box<dyn Error>;

    fn tile(&self, tile: &Tile) -> Outcome<Vec<u8>> {
        Ok(self.get(&tile.to_string())?.to_vec())
    }
}

/// An event of a log, as a store would have it.
fn event(number: u64, previous: Hash) -> Outcome<DisclosedEvent> {
    let id = EventId::from_u128(u128::from(number) + 1);
    Ok(DisclosedEvent {
        sequence: Sequence::new(number),
        coordinate: Coordinate::new("order:1042", "eu/payments")?,
        kind: EventKind::new(1, 1),
        encoding: PayloadEncoding::JSON,
        id,
        correlation: id,
        causation: None,
        clock: u32::try_from(number)?,
        hlc: Hlc::new(1_700_000_000_000 + number, 0)?,
        extensions: Extensions::default(),
        previous,
        payload: DisclosedPayload::Stored {
            nonce: Nonce((u128::from(number) * 0x9E37_79B9_7F4A_7C15).to_be_bytes()),
            bytes: format!("{{\"cents\":{number}}}").into_bytes(),
        },
    })
}

/// What the owner does: signs heads, and writes what others are to have.
fn write() -> Outcome<Files> {
    // Where a key is for more than an example, nobody can guess the 32 bytes of which it is made.
    let key = SignerKey::from_seed("example.org/orders".parse()?, [7; 32]);
    let witness = SignerKey::witness_from_seed("witness.example".parse()?, [8; 32]);
    let (mut files, mut tree) = (Files::default(), MemoryTree::default());
    files.put("key", key.verifier().to_string());
    files.put("witness-key", witness.verifier().to_string());
    let (mut events, mut digests) = (Vec::new(), Vec::new());
    let mut heads: Vec<TreeHead> = Vec::new();
    for size in [1, 300, 700] {
        while tree.size() < size {
            let previous = digests
                .last()
                .map_or(Hash::ZERO, |last| Hash::from_bytes(*last));
            let event = event(tree.size(), previous)?;
            digests.push(*event.digest().as_bytes());
            tree.push(leaf_hash(event.digest().as_bytes()));
            events.push(event);
        }
        let old = heads.last().map_or(0, |head| head.size);
        for tile in tiles_between(old, size) {
            let first = usize::try_from(tile.first())?;
            let own = digests.iter().skip(first).take(tile.width().into());
            let bytes = match tile.kind() {
                TileKind::Hashes { .. } => tile.hashes(&tree)?,
                TileKind::Entries => bundle_bytes(own),
            };
            files.put(tile.to_string(), bytes);
        }
        let checkpoint = Checkpoint::new("example.org/orders", tree.head())?;
        let mut signed = SignedCheckpoint::sign(checkpoint, &key)?;
        signed.add_signature_of(&witness, 1_700_000_000 + size)?;
        files.put(format!("checkpoint-{size}"), signed.to_string());
        if let Some(old) = heads.last() {
            let proof = consistency(old.size, size, &tree)?;
            let lines: Vec<_> = proof.hashes().iter().map(|hash| hash.to_base64()).collect();
            let name = format!("consistency-{}-{size}", old.size);
            files.put(name, lines.join("\n"));
        }
        for (event, index) in events.iter().zip(0..).step_by(97) {
            let proof = inclusion(index, size, &tree)?;
            let file = ProofFile::new(index, proof, signed.clone());
            let file = file.with_disclosure(&event.clone().into())?;
            files.put(format!("{index}-of-{size}.tlog-proof"), file.to_string());
        }
        heads.push(tree.head());
        files.put("checkpoint", signed.to_string());
    }
    Ok(files)
}

/// What the auditor does: trusts the two keys, and nothing else.
fn check(files: &Files) -> Outcome {
    let log: VerifierKey = files.text("key")?.parse()?;
    let witness: VerifierKey = files.text("witness-key")?.parse()?;
    let policy = LogPolicy::new(log).witness(witness).witnesses_required(1);
    let checkpoint = SignedCheckpoint::parse(files.get("checkpoint")?)?;
    let checkpoint = checkpoint.verify(&policy)?;
    let head = *checkpoint.head();
    let nodes = TileNodes::new(files, head.size);
    if root(head.size, &nodes).map_err(|error| error.to_string())? != head.root {
        return Err("the tiles are not those of the checkpoint".into());
    }
    let (mut proofs, mut earlier) = (0, 0);
    for (name, bytes) in &files.0 {
        if name.ends_with(".tlog-proof") {
            let file = ProofFile::parse(bytes)?;
            let (disclosure, _) = file.verify_disclosed(&policy)?;
            let event = disclosure.event().ok_or("the event is not there")?;
            assert_eq!(event.coordinate.entity(), "order:1042");
            proofs += 1;
        }
        if name.starts_with("checkpoint-") {
            let old = SignedCheckpoint::parse(bytes)?;
            let old = *old.verify(&policy)?.head();
            let proof = consistency(old.size, head.size, &nodes);
            let proof = proof.map_err(|error| error.to_string())?;
            proof.verify(&old, &head)?;
            earlier += 1;
        }
    }
    // Every entry of the log is in its tree.
    for tile in tiles_between(0, head.size).filter(|tile| tile.kind() == TileKind::Entries) {
        let bundle = parse_bundle(files.get(&tile.to_string())?, tile.width())?;
        for (digest, index) in bundle.iter().zip(tile.first()..) {
            let proof: InclusionProof = inclusion(index, head.size, &nodes)
                .map_err(|error| format!("leaf {index}: {error}"))?;
            proof.verify(digest, index, &head)?;
        }
    }
    println!(
        "{} events of {}, {proofs} proofs with their events, {earlier} earlier heads: all right",
        head.size,
        checkpoint.checkpoint().origin(),
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example has files of its own")]
fn write_dir(files: &Files, dir: &Path) -> Outcome {
    for (name, bytes) in &files.0 {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        std::fs::write(path, bytes)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example has files of its own")]
fn read_dir(files: &mut Files, dir: &Path, below: &str) -> Outcome {
    for entry in std::fs::read_dir(dir.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            read_dir(files, dir, &name)?;
        } else {
            files.put(name, std::fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn main() -> Outcome {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] => check(&write()?),
        ["write", dir] => write_dir(&write()?, Path::new(dir)),
        ["check", dir] => {
            let mut files = Files::default();
            read_dir(&mut files, Path::new(dir), "")?;
            check(&files)
        }
        _ => Err("give nothing, `write DIR` or `check DIR`".into()),
    }
}
