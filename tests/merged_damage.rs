//! Merged files of the index that are damaged, where what is damaged is met at an awkward moment: while the store
//! is being opened, and after a segment of theirs was rewritten.

use crate::answers::Answers;
use crate::compact::{copy, run_redact, small};
use crate::harness::{at, contents, dir, event, files, read, write};
use crate::merged_index::{append_one, inline, merged, of_segments};
use std::path::{Path, PathBuf};
use strandline::Store;
use strandline::fs::MemFs;
use strandline::maintenance::Redaction;

/// A store with a merged file, whose active segment has events of an entity that no other has, and no
/// checkpoint of these.
fn filled() -> (MemFs, PathBuf) {
    let fs = MemFs::new();
    let store = of_segments(&fs, 9);
    append(&store, "first of its entity");
    drop(store);
    let path = files(&fs, "index-").pop().unwrap();
    (fs, path)
}

fn append(store: &Store, entity: &str) {
    store.append(&at(entity, "scope/0"), event("next")).unwrap();
}

/// Copies of the store in which a bit of the file is flipped, at places all over it.
fn damaged<'f>(fs: &'f MemFs, path: &'f Path) -> impl Iterator<Item = (usize, MemFs)> + 'f {
    let bytes = read(fs, path);
    let step = (bytes.len() / 30).max(1);
    (0..bytes.len()).step_by(step).map(move |at| {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        let own = copy(fs);
        write(&own, path, &flipped);
        (at, own)
    })
}

#[test]
fn what_an_opening_meets_of_a_damaged_file_changes_no_answer() {
    let (fs, path) = filled();
    let answers = Answers::of(&small(&fs).read_only().open(dir()).unwrap());
    for (place, fs) in damaged(&fs, &path) {
        let store = small(&fs).read_only().open(dir()).unwrap();
        assert_eq!(Answers::of(&store), answers, "{place}");
        drop(store);
        let store = inline(&fs).open(dir()).unwrap();
        assert_eq!(Answers::of(&store), answers, "{place}");
        append(&store, "second of its entity");
        append(&store, "entity:3");
    }
}

#[test]
fn what_is_damaged_of_a_file_is_made_anew_before_a_segment_of_it_is_rewritten() {
    let (fs, path) = filled();
    let chosen = {
        let store = small(&fs).read_only().open(dir()).unwrap();
        contents(&store.snapshot())[20].id
    };
    let redaction = Redaction::new().event(chosen);
    let answers = {
        let fs = copy(&fs);
        let store = inline(&fs).open(dir()).unwrap();
        run_redact(&store, &redaction);
        Answers::of(&store)
    };
    for (place, fs) in damaged(&fs, &path) {
        let store = inline(&fs).open(dir()).unwrap();
        run_redact(&store, &redaction);
        append(&store, "second of its entity");
        append(&store, "entity:3");
        let now = Answers::of(&store);
        assert_eq!(
            now.events[..answers.events.len()],
            answers.events[..],
            "{place}"
        );
        assert_eq!(now.names[1].len(), answers.names[1].len());
    }
}

/// Cuts and flipped bits in one file after the other, at places of every part of it.
#[test]
fn whatever_is_damaged_of_them_answers_are_the_same() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 9);
    let answers = Answers::of(&store);
    drop(store);
    let path = merged(&fs).pop().unwrap();
    let bytes = read(&fs, &path);
    let step = (bytes.len() / 24).max(1);
    for at in (0..bytes.len())
        .step_by(step)
        .chain([8, 12, 40, bytes.len() - 1])
    {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        for damaged in [flipped, bytes[..at].to_vec()] {
            let fs = copy(&fs);
            write(&fs, &path, &damaged);
            let store = small(&fs).read_only().open(dir()).unwrap();
            assert_eq!(Answers::of(&store), answers, "{at} of {}", bytes.len());
            drop(store);
            let store = inline(&fs).open(dir()).unwrap();
            assert_eq!(Answers::of(&store), answers, "{at} of {}", bytes.len());
            append_one(&store);
        }
    }
}
