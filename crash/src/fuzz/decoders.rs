//! Decoders by themselves: the input as it is, and with checksums made right.

use super::golden;
use super::mend;
use crate::verdict::Violation;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline_checkpoint::Checkpoint;
use strandline_core::record::{Record, RecordView, RemovalNote, RemovalStage};
use strandline_index::Block;
use strandline_segment::{Manifest, SegmentHeader};

pub(super) fn segment_header(input: &[u8]) -> Result<(), Violation> {
    let mut bytes = input.to_vec();
    for _ in 0..2 {
        if let Ok(header) = SegmentHeader::decode("segment", &bytes) {
            let again = SegmentHeader::decode("segment", &header.encode());
            if again.ok() != Some(header) {
                return Err(Violation::new("a header does not read back"));
            }
        }
        bytes.resize(128, 0);
        mend::segment_header(&mut bytes);
    }
    Ok(())
}

pub(super) fn records(input: &[u8]) -> Result<(), Violation> {
    if let Ok(view) = RecordView::parse(input) {
        let _ = (
            view.coordinate(),
            view.previous(),
            view.causation(),
            view.hlc(),
        );
        let _ = (view.extensions(), view.payload(), view.layout());
    }
    let Ok(record) = Record::decode(input) else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    if bytes == input {
        return Ok(());
    }
    // What is not as the store writes it must at least mean the same.
    match Record::decode(&bytes) {
        Ok(again) if format!("{again:?}") == format!("{record:?}") => Ok(()),
        again => Err(Violation::new(format!(
            "{record:?} reads back as {again:?}"
        ))),
    }
}

pub(super) fn removals(input: &[u8]) -> Result<(), Violation> {
    let Ok(note) = RemovalNote::decode(input) else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    note.encode(&mut bytes);
    if bytes != input {
        return Err(Violation::new(format!(
            "{note:?} reads back as other bytes"
        )));
    }
    // What was read is written in parts that read back too, with every run in one of them.
    let RemovalStage::Begun(part) = &note.stage else {
        return Ok(());
    };
    let mut runs = Vec::new();
    for body in note.begin(part) {
        match RemovalNote::decode(&body).map(|note| note.stage) {
            Ok(RemovalStage::Begun(part)) => runs.extend(part.runs),
            other => return Err(Violation::new(format!("a part reads back as {other:?}"))),
        }
    }
    match runs == part.runs {
        true => Ok(()),
        false => Err(Violation::new("parts have other sequences")),
    }
}

pub(super) fn block(input: &[u8]) -> Result<(), Violation> {
    let mut bytes = input.to_vec();
    for _ in 0..2 {
        if let Ok(block) = Block::from_vec(bytes.clone()) {
            let _ = block.check_all();
        }
        mend::block(&mut bytes, 0);
    }
    Ok(())
}

pub(super) fn manifest(input: &[u8]) -> Result<(), Violation> {
    let mut bytes = input.to_vec();
    for _ in 0..2 {
        let fs = MemFs::new();
        let dir = std::path::Path::new("/m");
        let _ = strandline::fs::Fs::create_dir_all(&fs, dir);
        golden::put(&fs, &dir.join("MANIFEST"), &bytes);
        if let Ok(Some(manifest)) = Manifest::read(&fs, dir) {
            let _ = manifest.segments().len();
        }
        if golden::read(&fs, &dir.join("MANIFEST")) != bytes {
            return Err(Violation::new("reading a manifest changed it"));
        }
        mend::manifest(&mut bytes);
    }
    Ok(())
}

pub(super) fn checkpoint(input: &[u8]) -> Result<(), Violation> {
    let mut bytes = input.to_vec();
    for _ in 0..2 {
        if let Ok(checkpoint) = Checkpoint::decode(bytes.clone()) {
            let checkpoint = Arc::new(checkpoint);
            let names: Vec<_> = checkpoint.sections().map(str::to_owned).collect();
            for name in names {
                let _ = checkpoint.metadata::<(u64, String, Vec<u8>)>(&name);
                let section = checkpoint.section(&name).map(<[u8]>::to_vec);
                if let Some(section) = section {
                    let _ = Block::from_vec(section).map(|block| block.check_all());
                }
            }
        }
        mend::checkpoint(&mut bytes);
    }
    Ok(())
}
