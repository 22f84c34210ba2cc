//! Proofs as their readers have them: one checked, a head signed, a whole file with its event checked.
//!
//! No store is asked: the tree is one of as many events, all the same, whose nodes are one a level. How long a
//! proof takes to make is another scenario's.

use super::measure::{histogram, note, now, percentiles};
use super::own::BACK;
use super::work::{Job, Phase, Scenario};
use crate::engine::EngineEntry;
use crate::results::Measured;
use std::convert::Infallible;
use std::hint::black_box;
use strandline_core::{
    Coordinate, EventId, EventKind, Extensions, Hash, Hlc, Nonce, PayloadEncoding, Sequence,
};
use strandline_proof::{
    Checkpoint, DisclosedEvent, DisclosedPayload, LogPolicy, Nodes, ProofFile, SignedCheckpoint,
    SignerKey, TreeHead, inclusion, leaf_hash, node_hash, root,
};

pub(super) const PROVED: Scenario = Scenario {
    name: "proof/read",
    works: &["proof/verify", "proof/sign", "proof/file"],
    events_max: u64::MAX,
    phases: &[Phase::new(read)],
    ..BACK
};

/// How often each is done.
const TIMES: usize = 2000;
/// Bytes of the payload in a file.
const PAYLOAD: usize = 200;

/// A tree whose leaves are all the same.
struct Uniform(Vec<strandline_proof::Hash>);

impl Nodes for Uniform {
    type Error = Infallible;

    fn node(&self, level: u8, _: u64) -> Result<strandline_proof::Hash, Infallible> {
        let node = self.0.get(usize::from(level)).copied();
        Ok(node.unwrap_or(strandline_proof::Hash::EMPTY))
    }
}

fn some_event() -> anyhow::Result<DisclosedEvent> {
    let id = EventId::from_u128(7);
    Ok(DisclosedEvent {
        sequence: Sequence::new(7),
        coordinate: Coordinate::new("order:1042", "eu/payments")?,
        kind: EventKind::new(1, 1),
        encoding: PayloadEncoding::JSON,
        id,
        correlation: id,
        causation: None,
        clock: 0,
        hlc: Hlc::new(1_700_000_000_000, 0)?,
        extensions: Extensions::default(),
        previous: Hash::ZERO,
        payload: DisclosedPayload::Stored {
            nonce: Nonce([9; 16]),
            bytes: vec![b'x'; PAYLOAD],
        },
    })
}

fn read(job: &Job, _: &EngineEntry) -> anyhow::Result<Vec<Measured>> {
    let event = some_event()?;
    let digest = *event.digest().as_bytes();
    let up = |node: &strandline_proof::Hash| Some(node_hash(node, node));
    let nodes = Uniform(
        std::iter::successors(Some(leaf_hash(&digest)), up)
            .take(64)
            .collect(),
    );
    let size = job.events;
    let head = TreeHead {
        size,
        root: root(size, &nodes)?,
    };
    let key = SignerKey::from_seed("example.org/orders".parse()?, [7; 32]);
    let policy = LogPolicy::new(key.verifier());
    let checkpoint = Checkpoint::new("example.org/orders", head)?;
    let (index, proof) = (size / 2, inclusion(size / 2, size, &nodes)?);
    let signed = SignedCheckpoint::sign(checkpoint.clone(), &key)?;
    let file = ProofFile::new(index, proof.clone(), signed);
    let file = file.with_disclosure(&event.into())?.to_string();
    let mut measured = Vec::new();
    measure(job, "proof/verify", &mut measured, || {
        Ok(black_box(&proof).verify(&digest, index, &head)?)
    })?;
    measure(job, "proof/sign", &mut measured, || {
        black_box(SignedCheckpoint::sign(checkpoint.clone(), &key)?);
        Ok(())
    })?;
    measure(job, "proof/file", &mut measured, || {
        let file = ProofFile::parse(black_box(file.as_bytes()))?;
        black_box(file.verify_disclosed(&policy)?);
        Ok(())
    })?;
    Ok(measured)
}

/// Latencies of `work`, if it is wanted.
fn measure(
    job: &Job,
    name: &str,
    measured: &mut Vec<Measured>,
    mut work: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if !job.wants(name) {
        return Ok(());
    }
    let mut latencies = histogram()?;
    for _ in 0..TIMES {
        let started = now();
        work()?;
        note(&mut latencies, started.elapsed());
    }
    measured.extend(percentiles(job, name, &latencies));
    Ok(())
}
