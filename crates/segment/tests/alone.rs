//! A frame read by itself, from its bytes and the place where they stand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::MemFs;
use strandline_core::{Hash, Random, Sequence};
use strandline_segment::{CommitBuffer, Frame, LogOptions, Manifest, SegmentHeader, UncheckedLog};

/// The header of a segment, and its frames: where they stand, and their bytes.
fn frames() -> (SegmentHeader, Vec<(u32, Vec<u8>)>) {
    let (fs, dir) = (Arc::new(MemFs::new()), Path::new("/log"));
    let random = Random::from_seed(1);
    let log = UncheckedLog::create(fs.clone(), dir, LogOptions::default(), &random).unwrap();
    let scanned = log.scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
    let (mut writer, _, _) = scanned.unwrap().into_writer(&random).unwrap();
    let mut next = Sequence::ZERO;
    for bodies in [&["one"][..], &["two", "three"]] {
        let mut commit = CommitBuffer::default();
        for body in bodies {
            commit.push(&Hash::of(body.as_bytes()), |out| {
                out.extend_from_slice(body.as_bytes());
            });
        }
        writer.append(&mut commit, next, next).unwrap();
        next = next.checked_add(bodies.len() as u64).unwrap();
    }
    writer.active().sync().unwrap();
    drop(writer);
    let manifest = Manifest::read(&*fs, dir).unwrap().unwrap();
    let header = *manifest.segments().first().unwrap().header();
    let log = UncheckedLog::open(fs, dir, LogOptions::default()).unwrap();
    let mut frames = Vec::new();
    let scanned = log.unwrap().scan(None, Sequence::ZERO, |frame| {
        frames.push((frame.start().offset, frame.bytes().to_vec()));
        Ok::<_, Infallible>(())
    });
    scanned.unwrap();
    (header, frames)
}

#[test]
fn a_frame_is_read_without_what_is_before_it() {
    let (header, frames) = frames();
    let mut bodies = Vec::new();
    for (offset, bytes) in &frames {
        let longer = [bytes, &b"what follows"[..]].concat();
        let frame = Frame::decode_alone(&header, *offset, &longer).unwrap();
        assert_eq!(frame.bytes(), bytes);
        for record in frame.records() {
            bodies.push((record.sequence.get(), record.body.to_vec()));
        }
    }
    let expected = ["one", "two", "three"].map(|body| body.as_bytes().to_vec());
    assert_eq!(bodies, (0..).zip(expected).collect::<Vec<_>>());
}

#[test]
fn what_is_cut_changed_or_elsewhere_is_no_frame() {
    let (header, frames) = frames();
    let other = SegmentHeader {
        nonce: [9; 16],
        ..header
    };
    for (offset, bytes) in &frames {
        assert!(Frame::decode_alone(&other, *offset, bytes).is_err());
        assert!(Frame::decode_alone(&header, *offset + 8, bytes).is_err());
        for at in 0..bytes.len() {
            let (cut, _) = bytes.split_at(at);
            assert!(Frame::decode_alone(&header, *offset, cut).is_err());
            let mut changed = bytes.clone();
            *changed.get_mut(at).unwrap() ^= 1;
            assert!(Frame::decode_alone(&header, *offset, &changed).is_err());
        }
    }
}
