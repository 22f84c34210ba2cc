//! Targets for a fuzzer: each takes bytes, feeds them to a decoder, a directory or a store, and says
//! what is wrong. A panic is wrong too.
//!
//! `fuzz/`, a workspace of its own, drives them with libFuzzer; `crash/tests/fuzz.rs` replays its
//! corpora and what it found.
//!
//! It knows the machine, the damaged store and verdicts, and stands above them.

mod decoders;
mod directory;
mod golden;
mod lines;
mod mend;
mod names;
mod proofs;

use crate::machine::{Call, run as run_machine, run_with};
use crate::verdict::Violation;

/// What a fuzzer drives.
#[derive(Debug)]
pub struct Target {
    /// What it is called, and its corpus.
    pub name: &'static str,
    /// Longest input that is worth while, in bytes.
    pub bytes_max: usize,
    /// Takes an input.
    pub run: fn(&[u8]) -> Result<(), Violation>,
}

const fn target(
    name: &'static str,
    bytes_max: usize,
    run: fn(&[u8]) -> Result<(), Violation>,
) -> Target {
    Target {
        name,
        bytes_max,
        run,
    }
}

/// Most calls of the machine that are made of one input.
const CALLS_MAX: usize = 60;

/// Every target.
pub const TARGETS: &[Target] = &[
    target("segment-header", 256, decoders::segment_header),
    target("frames", 4096, directory::frames),
    target("records", 4096, decoders::records),
    target("removals", 2048, decoders::removals),
    target("block", 8192, decoders::block),
    target("manifest", 1024, decoders::manifest),
    target("checkpoint", 4096, decoders::checkpoint),
    target("directory", 512, directory::directory),
    target("merged-files", 512, directory::merged_files),
    target("merged-bytes", 8192, directory::merged_bytes),
    target("salvage", 512, directory::salvage),
    target("names", 512, names::names),
    target("regions", 512, names::regions),
    target("lines", 2048, lines::lines),
    target("cloud-events", 2048, lines::cloud_events),
    target("proofs", 4096, proofs::proofs),
    target("disclosures", 2048, proofs::disclosures),
    target("merging-machine", 4 * CALLS_MAX, |bytes| {
        run_with(Some(1), Call::all(bytes).take(CALLS_MAX))
    }),
    target("machine", 4 * CALLS_MAX, |bytes| {
        run_machine(Call::all(bytes).take(CALLS_MAX))
    }),
];
