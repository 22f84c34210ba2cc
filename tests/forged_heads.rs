//! Writers and indexes that say something else than the log, under checksums that are right. They trusted
//! them, and continued chains after the wrong hash, or under the wrong name, for good.

use crate::forge_index::{self as forge, Entry};
use crate::forged::{compacted, filled, problems, rebuild, rename, small};
use crate::harness::{CHANGED, KINDS, at, dir, event, files, read, write};
use crate::merged_index::{append_segments, inline, of_segments};
use std::ops::ControlFlow;
use std::path::Path;
use strandline::fs::{Fs, MemFs};
use strandline::maintenance::{self, Retention};
use strandline::{Batch, ErrorKind, Event, EventId, Hash, IndexLayout, Sequence, Store};
use strandline_segment::SegmentInfo;

/// Checks that a writer continues no chain by what `change` makes of a segment's rows, and does once
/// the index is rebuilt.
fn check_refused(what: &str, entity: &str, change: impl Fn(&mut Vec<Entry>)) {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    filled(&fs, layout).close().unwrap();
    seal(&fs);
    // Nobody has appended to these since.
    let is_of = |entry: &Entry| entry.coordinate.entity() == "alice";
    let has = |info: &&SegmentInfo| forge::entries(&fs, info).iter().any(is_of);
    let info = *forge::sealed(&fs).iter().rfind(has).unwrap();
    let mut entries = forge::entries(&fs, &info);
    change(&mut entries);
    forge::put_entries(&fs, &info, &entries, layout);
    let store = small(&fs, layout).open(dir()).unwrap();
    let before = (store.snapshot().visible(), store.verify().unwrap().log_hash);
    let append = || store.append(&at(entity, "scope"), event("next"));
    let expecting = strandline::ExpectedVersion::of(Some(1_000_000));
    for refused in [
        append(),
        append(),
        store.append(&at(entity, "scope"), event("next").expecting(expecting)),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
        let message = error.to_string();
        assert!(message.contains(&info.file_name()), "{what}: {message}");
        assert!(message.contains("rebuild"), "{what}: {message}");
    }
    let after = (store.snapshot().visible(), store.verify().unwrap().log_hash);
    assert_eq!(before, after, "{what}: nothing was written");
    drop(store);
    rebuild(&fs, layout);
    let store = small(&fs, layout).open(dir()).unwrap();
    if entity != "mallory" {
        assert!(
            store
                .append(&at(entity, "scope"), event("next"))
                .unwrap()
                .clock
                > 0
        );
    }
    assert_eq!(store.verify().unwrap().problems, [], "{what}");
}

/// Seals the active segment, and leaves the next without an event of the entities that others have.
fn seal(fs: &MemFs) {
    let store = small(fs, IndexLayout::Postings).open(dir()).unwrap();
    for _ in 0..70 {
        let filler = Event::bytes(CHANGED, vec![7; 1000]);
        store.append(&at("filler", "scope"), filler).unwrap();
    }
    store.close().unwrap();
}

#[test]
fn a_writer_continues_no_chain_by_a_lying_head() {
    let last = |entries: &[Entry], entity: &str| {
        let is_of = |entry: &Entry| entry.coordinate.entity() == entity;
        entries.iter().rposition(is_of).unwrap()
    };
    check_refused("another hash", "alice", |entries| {
        let at = last(entries, "alice");
        entries[at].hash = Hash::of(b"another");
    });
    check_refused("another clock", "alice", |entries| {
        let at = last(entries, "alice");
        entries[at].clock += 1;
    });
    check_refused("the position of another event", "alice", |entries| {
        let (at, other) = (last(entries, "alice"), last(entries, "bob"));
        entries[at].position = entries[other].position;
    });
    check_refused("an entity by another's name", "alice", |entries| {
        rename(entries, "alice", "?");
        rename(entries, "bob", "alice");
        rename(entries, "?", "bob");
    });
    check_refused("an entity that there is not", "mallory", |entries| {
        rename(entries, "alice", "mallory");
    });
}

/// The heads of a list, each with where its entry begins and ends.
fn head_entries(heads: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let number = |at: usize| u32::from_le_bytes(heads[at..at + 4].try_into().unwrap()) as usize;
    let count = number(8) & 0x7FFF_FFFF;
    let entry = |at: usize| {
        let start = 12 + 4 * count + number(12 + 4 * at);
        let name = start + 1..start + 1 + usize::from(heads[start]);
        let text = String::from_utf8(heads[name.clone()].to_vec()).unwrap();
        (text, start..name.end + 4 + 8 + 32 + 8)
    };
    (0..count).map(entry).collect()
}

#[test]
fn a_writer_continues_no_chain_by_a_lying_head_of_a_removed_event() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    compacted(&fs);
    let has = |info: &&SegmentInfo| forge::footer(&fs, info).heads.len() > 100;
    let info = *forge::sealed(&fs).iter().rfind(has).unwrap();
    let good = forge::footer(&fs, &info);
    let [(bob, of_bob), (carol, of_carol)] = &head_entries(&good.heads)[..] else {
        panic!("there are two");
    };
    assert_eq!((bob.as_str(), carol.as_str()), ("bob", "carol"));
    let append = |store: &Store| store.append(&at("bob", "scope"), event("next"));
    let check = |what: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut heads = good.heads.clone();
        change(&mut heads);
        assert_ne!(heads, good.heads, "{what} changed nothing");
        forge::mend_heads(&mut heads);
        let changed = forge::FooterParts {
            heads,
            ..good.clone()
        };
        forge::put_footer(&fs, &info, &changed);
        let store = small(&fs, layout).open(dir()).unwrap();
        let before = store.snapshot().visible();
        let error = append(&store).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}: {error}");
        let message = error.to_string();
        assert!(message.contains(&info.file_name()), "{what}: {message}");
        assert!(message.contains("rebuild"), "{what}: {message}");
        assert_eq!(store.snapshot().visible(), before, "{what}");
    };
    // An entry ends in clock, sequence, hash and two offsets.
    for (what, from_end) in [
        ("clock", 48),
        ("sequence", 38),
        ("hash", 20),
        ("offset", 8),
        ("names", 4),
    ] {
        check(what, &|heads| heads[of_bob.end - from_end] ^= 1);
    }
    check("another entity's", &|heads| {
        let other = good.heads[of_carol.end - 52..of_carol.end].to_vec();
        heads[of_bob.end - 52..of_bob.end].copy_from_slice(&other);
    });
    rebuild(&fs, layout);
    let store = small(&fs, layout).open(dir()).unwrap();
    assert!(append(&store).unwrap().clock > 50);
    assert_eq!(store.verify().unwrap().problems, []);
}

/// Lists of an earlier version do not tell of records.
#[test]
fn a_list_of_removed_heads_without_records_is_held_against_the_frames() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    compacted(&fs);
    let mut last = 0;
    for info in forge::sealed(&fs) {
        let good = forge::footer(&fs, &info);
        let entries = head_entries(&good.heads);
        let mut heads = vec![0; 8];
        heads.extend((entries.len() as u32).to_le_bytes());
        let mut offset = 0;
        for (_, range) in &entries {
            heads.extend((offset as u32).to_le_bytes());
            offset += range.len() - 8;
        }
        for (entity, range) in &entries {
            let mut entry = good.heads[range.start..range.end - 8].to_vec();
            if entity == "carol" {
                last = heads.len() + entry.len() - 32;
                entry[range.len() - 8 - 32] ^= 1;
            }
            heads.extend(entry);
        }
        heads.resize(heads.len().next_multiple_of(8), 0);
        forge::mend_heads(&mut heads);
        let changed = forge::FooterParts { heads, ..good };
        forge::put_footer(&fs, &info, &changed);
    }
    assert!(last > 0);
    let found = problems(&fs, layout);
    assert_eq!(found.len(), forge::sealed(&fs).len(), "{found:?}");
    // The lie of carol is not believed, and bob's word is as good as the frames'.
    let store = small(&fs, layout).open(dir()).unwrap();
    for entity in ["bob", "carol"] {
        assert!(
            store
                .append(&at(entity, "scope"), event("next"))
                .unwrap()
                .clock
                > 50
        );
    }
    drop(store);
    rebuild(&fs, layout);
    assert_eq!(problems(&fs, layout), []);
}

/// The record that named an entity's coordinate may be gone, and the frames say it all the same.
#[test]
fn a_chain_goes_on_where_the_first_events_of_its_segment_were_removed() {
    let fs = MemFs::new();
    let layout = IndexLayout::Postings;
    let store = filled(&fs, layout);
    let rules = Retention::new().keep_newest(1);
    maintenance::compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    store.close().unwrap();
    seal(&fs);
    let store = small(&fs, layout).open(dir()).unwrap();
    for entity in ["alice", "bob", "carol"] {
        let next = store.append(&at(entity, "scope"), event("next")).unwrap();
        assert!(next.clock > 50, "{}", next.clock);
    }
    assert_eq!(store.verify().unwrap().problems, []);
}

#[test]
fn a_repeat_is_not_answered_by_a_lying_index() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    filled(&fs, layout).close().unwrap();
    let info = forge::sealed(&fs)[0];
    let good = forge::entries(&fs, &info);
    let given = |entry: &&Entry| entry.id.as_u128() < 2000;
    let chosen: Vec<_> = good.iter().filter(given).cloned().collect();
    let again = |store: &Store, entry: &Entry| {
        let n = 1000 - entry.id.as_u128() as u32;
        let mut next = Event::bytes(KINDS[(n % 3) as usize], vec![7; 1000]).with_id(entry.id);
        for tag in &entry.tags {
            next = next.tagged(tag.clone());
        }
        if let Some(cause) = entry.causation {
            next = next.caused_by(cause).correlated_with(cause);
        }
        store.append(&entry.coordinate, next)
    };
    let store = small(&fs, layout).open(dir()).unwrap();
    assert!(again(&store, &chosen[1]).unwrap().repeated);
    drop(store);
    let changes: [&dyn Fn(&mut Entry); 2] =
        [&|entry| entry.id = EventId::from_u128(1500), &|entry| {
            entry.coordinate = at("mallory", "scope")
        }];
    for change in changes {
        let mut entries = good.clone();
        let at = good.iter().position(|entry| *entry == chosen[1]).unwrap();
        change(&mut entries[at]);
        forge::put_entries(&fs, &info, &entries, layout);
        let store = small(&fs, layout).open(dir()).unwrap();
        let asked = Entry {
            id: entries[at].id,
            coordinate: entries[at].coordinate.clone(),
            ..chosen[1].clone()
        };
        let next = Event::bytes(asked.kind, vec![7; 1000]).with_id(asked.id);
        let error = store.append(&asked.coordinate, next).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains("rebuild"), "{error}");
    }
}

/// Changes the hash of each head in the checkpoint, checksums made right, and gives its number.
fn forge_heads_of_checkpoint(fs: &MemFs) -> u64 {
    let mut parts = forge::checkpoint(fs);
    // The section of hashes of heads.
    let range = forge::sections(&parts.rows)[29].clone();
    for byte in range.step_by(32) {
        parts.rows[byte] ^= 1;
    }
    forge::mend_block(&mut parts.rows);
    forge::put_checkpoint(fs, &parts);
    parts.number
}

#[test]
fn a_checkpoint_that_lies_of_a_head_is_refused_by_its_name() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    filled(&fs, layout).close().unwrap();
    let number = forge_heads_of_checkpoint(&fs);
    let store = small(&fs, layout).open(dir()).unwrap();
    let error = store.append(&at("alice", "scope"), event("next"));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let file = strandline_checkpoint::file_name(number);
    assert!(error.to_string().contains(&file), "{error}");
    assert!(Path::new(&file).extension().is_some());
    assert_eq!(store.snapshot().visible(), Sequence::new(number));
}

/// What this process made of its own rows is taken without a record, but not what it made of rows that a file
/// said: the footer of a segment whose first rows are of a checkpoint.
#[test]
fn a_footer_that_was_made_of_a_lying_checkpoint_is_held_against_the_log() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    filled(&fs, layout).close().unwrap();
    forge_heads_of_checkpoint(&fs);
    let options = small(&fs, layout).background_inline();
    let store = options.open(dir()).unwrap();
    let segments = store.stats().unwrap().segments;
    while store.stats().unwrap().segments < segments + 2 {
        let filler = Event::bytes(CHANGED, vec![7; 1000]);
        store.append(&at("filler", "scope"), filler).unwrap();
    }
    let error = store.append(&at("alice", "scope"), event("next"));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// The sequence of an event in the middle of a commit is told by no record: its frame is looked for in the
/// log. A receipt would have given the one that the index says.
#[test]
fn a_repeat_in_the_middle_of_a_batch_is_given_the_sequence_that_its_frame_says() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    let id = EventId::from_u128;
    let member = |number: u128| Event::bytes(CHANGED, vec![7; 3000]).with_id(id(1 + number));
    let entity = |number: u128| at(["a", "b", "c"][(number % 3) as usize], "scope");
    let store = small(&fs, layout).open(dir()).unwrap();
    for first in (0..60).step_by(3) {
        let numbers = first..first + 3;
        let members = numbers.map(|number| (entity(number), member(number)));
        let batch = members.fold(Batch::new(), |batch, (at, event)| batch.push(&at, event));
        store.append_batch(batch).unwrap();
    }
    // Without the rows between there is room for another sequence.
    let rules = Retention::new().drop_entity("b");
    maintenance::compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    store.close().unwrap();
    let info = forge::sealed(&fs)[0];
    let good = forge::entries(&fs, &info);
    let at = good
        .iter()
        .position(|entry| entry.sequence == Sequence::new(5))
        .unwrap();
    let again = |store: &Store| store.append(&entity(5), member(5));
    let store = small(&fs, layout).open(dir()).unwrap();
    let receipt = again(&store).unwrap();
    assert!(receipt.repeated && receipt.sequence == Sequence::new(5));
    drop(store);
    let mut entries = good.clone();
    entries[at].sequence = Sequence::new(4);
    forge::put_entries(&fs, &info, &entries, layout);
    let store = small(&fs, layout).open(dir()).unwrap();
    let error = again(&store).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.to_string().contains("rebuild"), "{error}");
}

/// A segment that is looked into when it is used first, and is not what it was: no index is blamed for that.
#[test]
fn no_index_is_blamed_where_the_segment_of_a_head_is_gone_or_another() {
    let fs = MemFs::new();
    let store = of_segments(&fs, 1);
    store.append(&at("old", "s"), event("first")).unwrap();
    append_segments(&store, 14);
    store.close().unwrap();
    let path = files(&fs, "segment-").remove(1);
    let own = read(&fs, &path);
    for other in [None, Some(read(&fs, &files(&fs, "segment-")[5]))] {
        let store = inline(&fs).open(dir()).unwrap();
        assert_eq!(store.stats().unwrap().segments_unchecked, 0);
        fs.remove_file(&path).unwrap();
        if let Some(other) = other {
            write(&fs, &path, &other);
        }
        let refused = store.append(&at("old", "s"), event("next")).unwrap_err();
        let told = refused.to_string();
        assert_eq!(refused.kind(), ErrorKind::Corrupt, "{told}");
        assert!(told.contains("segment-0000000002.log"), "{told}");
        assert!(!told.contains("index"), "{told}");
        drop(store);
        fs.remove_file(&path).ok();
        write(&fs, &path, &own);
    }
    let store = inline(&fs).open(dir()).unwrap();
    let appended = store.append(&at("old", "s"), event("next")).unwrap();
    assert_eq!(appended.clock, 1);
}
