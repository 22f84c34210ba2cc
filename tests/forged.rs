//! Indexes that say something else than the log, under checksums that are right. Verification held
//! events against the rows of the index one by one, and looked at no list, name or head; a writer
//! trusted them, and continued chains after the wrong hash, or under the wrong name.

use crate::forge::{self, Entry};
use crate::harness::{CHANGED, KINDS, assert_same, at, dir, event, written};
use std::ops::ControlFlow;
use std::path::Path;
use strandline::fs::MemFs;
use strandline::maintenance::{self, Redaction, Retention};
use strandline::{
    ErrorKind, Event, EventId, Hash, IndexLayout, Problem, ProblemKind, Sequence, Store,
    StoreOptions,
};
use strandline_segment::{SEGMENT_BYTES_LEAST, SegmentInfo};

const LAYOUTS: [IndexLayout; 3] = [
    IndexLayout::Postings,
    IndexLayout::Columns,
    IndexLayout::Tiles,
];

fn small(fs: &MemFs, layout: IndexLayout) -> StoreOptions {
    written(fs)
        .segment_bytes_max(SEGMENT_BYTES_LEAST)
        .index_layout(layout)
}

/// Some hundred events with links, tags and ids out of order, in several segments and a checkpoint.
fn filled(fs: &MemFs, layout: IndexLayout) -> Store {
    let store = small(fs, layout).open(dir()).unwrap();
    let mut before: Option<EventId> = None;
    for n in 0..185_u32 {
        let entity = ["alice", "bob", "carol"][(n % 3) as usize];
        let scope = if n % 5 == 0 { "other" } else { "scope" };
        let mut next = Event::bytes(KINDS[(n % 3) as usize], vec![7; 1000]);
        if n % 7 == 0 {
            next = next.with_id(EventId::from_u128(u128::from(1000 - n)));
        }
        if n % 4 == 0 {
            next = next.tagged(format!("tag:{}", n % 8)).tagged("every");
        }
        if let Some(before) = before
            && n % 3 == 0
        {
            next = next.caused_by(before).correlated_with(before);
        }
        before = Some(store.append(&at(entity, scope), next).unwrap().id);
    }
    store
}

/// What a reader's verification says is wrong.
fn problems(fs: &MemFs, layout: IndexLayout) -> Vec<Problem> {
    // Whoever reads mends nothing.
    let store = small(fs, layout).read_only().open(dir()).unwrap();
    store.verify().unwrap().problems
}

fn rebuild(fs: &MemFs, layout: IndexLayout) -> maintenance::Rebuilt {
    maintenance::rebuild(
        small(fs, layout),
        &dir(),
        &mut |_| ControlFlow::Continue(()),
    )
    .unwrap()
}

/// Checks that a change of a file is found there, and that a rebuild mends it.
fn check_found(fs: &MemFs, layout: IndexLayout, what: &str, file: &str) {
    let found = problems(fs, layout);
    assert!(!found.is_empty(), "{what} is not found");
    for problem in &found {
        assert_eq!(problem.kind, ProblemKind::Index, "{what}: {problem}");
        assert_eq!(problem.file.as_deref(), Some(file), "{what}: {problem}");
        assert!(problem.message.contains(file), "{what}: {problem}");
    }
    rebuild(fs, layout);
    assert_eq!(problems(fs, layout), [], "{what} is not mended");
}

/// Checks that what `change` makes of a segment's rows is found in the file of the segment.
fn check_lie(what: &str, change: impl Fn(&mut Vec<Entry>)) {
    for layout in LAYOUTS {
        let fs = MemFs::new();
        let store = filled(&fs, layout);
        let live = store.snapshot();
        store.close().unwrap();
        assert_eq!(problems(&fs, layout), []);
        let info = forge::sealed(&fs)[1];
        let mut entries = forge::entries(&fs, &info);
        let before = entries.clone();
        change(&mut entries);
        assert_ne!(entries, before, "{what} changed nothing");
        forge::put_entries(&fs, &info, &entries, layout);
        check_found(&fs, layout, what, &info.file_name());
        assert_same(&small(&fs, layout).open(dir()).unwrap().snapshot(), &live);
    }
}

fn rename(entries: &mut [Entry], from: &str, to: &str) {
    for entry in entries {
        if entry.coordinate.entity() == from {
            entry.coordinate = at(to, entry.coordinate.scope());
        }
    }
}

#[test]
fn what_was_not_changed_is_intact_however_it_was_written() {
    for layout in LAYOUTS {
        let fs = MemFs::new();
        let store = filled(&fs, layout);
        assert_eq!(store.verify().unwrap().problems, []);
        drop(store);
        assert_eq!(problems(&fs, layout), [], "killed");
        let store = small(&fs, layout).open(dir()).unwrap();
        assert_eq!(store.verify().unwrap().problems, [], "opened again");
        store.checkpoint().unwrap();
        for _ in 0..5 {
            store.append(&at("bob", "scope"), event("more")).unwrap();
        }
        assert_eq!(store.verify().unwrap().problems, [], "after a checkpoint");
        let rules = Retention::new().drop_entity("carol").keep_newest(20);
        let go_on = &mut |_| ControlFlow::Continue(());
        maintenance::compact(&store, &rules, go_on).unwrap();
        assert_eq!(store.verify().unwrap().problems, [], "compacted");
        let chosen = Redaction::new().entity("bob");
        maintenance::redact(&store, &chosen, &mut |_| ControlFlow::Continue(())).unwrap();
        store.append(&at("carol", "scope"), event("again")).unwrap();
        assert_eq!(store.verify().unwrap().problems, [], "redacted");
        store.close().unwrap();
        assert_eq!(problems(&fs, layout), [], "closed");
        let rebuilt = rebuild(&fs, layout);
        assert_eq!(rebuilt.footers, 0, "no footer is written again");
        assert_eq!(rebuilt.footers_sound, forge::sealed(&fs).len());
        assert_eq!(problems(&fs, layout), [], "rebuilt");
        // What one layout has written another reads.
        for other in LAYOUTS {
            assert_eq!(problems(&fs, other), [], "read in {other:?}");
        }
    }
}

#[test]
fn another_name_of_an_entity_or_a_scope_is_found() {
    check_lie("an entity", |entries| rename(entries, "bob", "bert"));
    check_lie("two entities, exchanged", |entries| {
        rename(entries, "bob", "?");
        rename(entries, "alice", "bob");
        rename(entries, "?", "alice");
    });
    check_lie("one entity everywhere", |entries| {
        rename(entries, "bob", "alice");
        rename(entries, "carol", "alice");
    });
    check_lie("a scope", |entries| {
        entries[3].coordinate = at(entries[3].coordinate.entity(), "elsewhere");
    });
}

#[test]
fn another_column_is_found() {
    check_lie("a kind", |entries| {
        let other = KINDS.into_iter().find(|kind| *kind != entries[4].kind);
        entries[4].kind = other.unwrap();
    });
    check_lie("a clock", |entries| entries[5].clock += 1);
    check_lie("a time", |entries| entries[5].wall_ms += 1);
    check_lie("an id", |entries| {
        let other = EventId::from_u128(12345);
        entries[6].id = other;
    });
    check_lie("a position", |entries| {
        entries[7].position = entries[8].position;
    });
    check_lie("a correlation", |entries| {
        entries[9].correlation = EventId::from_u128(5);
    });
    check_lie("a causation", |entries| {
        entries[9].causation = Some(EventId::from_u128(5));
    });
    check_lie("links that are gone", |entries| {
        for entry in entries {
            (entry.correlation, entry.causation) = (entry.id, None);
        }
    });
}

#[test]
fn another_tag_is_found() {
    check_lie("a tag that is gone", |entries| {
        entries.iter_mut().for_each(|entry| entry.tags.truncate(1));
    });
    check_lie("a tag that was not given", |entries| {
        entries[1].tags.push("every".to_owned());
    });
    check_lie("another name of a tag", |entries| {
        for tag in entries.iter_mut().flat_map(|entry| &mut entry.tags) {
            *tag = tag.replace("every", "never");
        }
    });
}

#[test]
fn another_hash_of_a_head_is_found() {
    check_lie("a hash", |entries| {
        entries.last_mut().unwrap().hash = Hash::of(b"another");
    });
}

/// The numbers of sections of a block: each holds something that no other does.
#[test]
fn one_number_in_any_section_is_found() {
    for layout in LAYOUTS {
        let fs = MemFs::new();
        filled(&fs, layout).close().unwrap();
        let info = forge::sealed(&fs)[1];
        let good = forge::footer(&fs, &info);
        let mut tried = 0;
        for (section, range) in forge::sections(&good.block).into_iter().enumerate() {
            for place in [range.start, range.start + range.len() / 2] {
                if range.is_empty() {
                    continue;
                }
                let mut parts = good.clone();
                parts.block[place] ^= 1;
                forge::mend_block(&mut parts.block);
                forge::put_footer(&fs, &info, &parts);
                let found = problems(&fs, layout);
                let file = Some(info.file_name());
                let is_found = found.iter().any(|problem| problem.file == file);
                assert!(is_found, "section {section} of {layout:?}: {found:?}");
                tried += 1;
            }
        }
        assert!(tried > 40, "{tried}");
        check_found(&fs, layout, "the last", &info.file_name());
    }
}

/// Lists that are sound and not those of the rows: a row that is missing from one is in another, or
/// the order of two is exchanged.
#[test]
fn lists_in_another_order_are_found() {
    let fs = MemFs::new();
    let layout = IndexLayout::Postings;
    filled(&fs, layout).close().unwrap();
    let info = forge::sealed(&fs)[1];
    let good = forge::footer(&fs, &info);
    // The first word of lists of 8 bits or less has two rows in its first bytes or more.
    for section in [17, 19, 21, 26, 27, 34] {
        let range = forge::sections(&good.block)[section].clone();
        let mut parts = good.clone();
        parts.block.swap(range.start, range.start + 1);
        if parts.block == good.block {
            continue;
        }
        forge::mend_block(&mut parts.block);
        forge::put_footer(&fs, &info, &parts);
        check_found(&fs, layout, &format!("list {section}"), &info.file_name());
    }
}

#[test]
fn another_clock_reading_of_a_footer_is_found() {
    let fs = MemFs::new();
    let layout = IndexLayout::Postings;
    filled(&fs, layout).close().unwrap();
    let info = forge::sealed(&fs)[1];
    let good = forge::footer(&fs, &info);
    let newest = good.newest;
    for newest in [
        (newest.0 - 1, newest.1),
        (newest.0 + 3_600_000, 0),
        (0, 0),
        (1 << 47, 0),
    ] {
        let changed = forge::FooterParts {
            newest,
            ..good.clone()
        };
        forge::put_footer(&fs, &info, &changed);
        check_found(&fs, layout, &format!("{newest:?}"), &info.file_name());
    }
}

/// A store whose second segment has lost all events of an entity, so that its footer has a list.
fn compacted(fs: &MemFs) -> SegmentInfo {
    let store = filled(fs, IndexLayout::Postings);
    let rules = Retention::new().drop_entity("carol").drop_entity("bob");
    maintenance::compact(&store, &rules, &mut |_| ControlFlow::Continue(())).unwrap();
    store.close().unwrap();
    assert_eq!(problems(fs, IndexLayout::Postings), []);
    forge::sealed(fs)[1]
}

#[test]
fn another_list_of_removed_heads_is_found() {
    let fs = MemFs::new();
    let layout = IndexLayout::Postings;
    let info = compacted(&fs);
    let good = forge::footer(&fs, &info);
    assert!(good.heads.len() > 100);
    let check = |what: &str, heads: Vec<u8>| {
        let changed = forge::FooterParts {
            heads,
            ..good.clone()
        };
        forge::put_footer(&fs, &info, &changed);
        check_found(&fs, layout, what, &info.file_name());
    };
    for byte in 8..good.heads.len() {
        let mut heads = good.heads.clone();
        heads[byte] ^= 1;
        forge::mend_heads(&mut heads);
        check(&format!("byte {byte}"), heads);
    }
    check("none", Vec::new());
}

/// Any byte of a footer, with every checksum over it made right.
#[test]
fn any_byte_of_a_footer_is_found() {
    let fs = MemFs::new();
    let layout = IndexLayout::Tiles;
    filled(&fs, layout).close().unwrap();
    let info = forge::sealed(&fs)[0];
    let good = forge::footer(&fs, &info);
    let (table, header) = (112..112 + 32 * 35, 112 + 32 * 35 + 8);
    for byte in (0..good.block.len()).step_by(11) {
        // Checksums are made right again.
        let is_checksum = table.contains(&byte) && (8..16).contains(&((byte - 112) % 32))
            || (table.end..header).contains(&byte);
        if is_checksum {
            continue;
        }
        let mut parts = good.clone();
        parts.block[byte] ^= 0x10;
        forge::mend_block(&mut parts.block);
        forge::put_footer(&fs, &info, &parts);
        let found = problems(&fs, layout);
        let file = Some(info.file_name());
        assert!(!found.is_empty(), "byte {byte}");
        assert!(found.iter().all(|problem| problem.file == file), "{byte}");
    }
}

#[test]
fn another_checkpoint_is_found() {
    let fs = MemFs::new();
    let layout = IndexLayout::Postings;
    filled(&fs, layout).close().unwrap();
    let good = forge::checkpoint(&fs);
    let file = strandline_checkpoint::file_name(good.number);
    let check = |what: &str, parts: &forge::CheckpointParts| {
        forge::put_checkpoint(&fs, parts);
        // A place that the log does not have is refused by opening.
        let opened = small(&fs, layout).read_only().open(dir());
        match opened {
            Err(error) => assert_eq!(error.kind(), ErrorKind::LogBehindCheckpoint, "{what}"),
            Ok(_) => {
                let found = problems(&fs, layout);
                assert!(!found.is_empty(), "{what} is not found");
                let of_file = |problem: &Problem| problem.file.as_ref() == Some(&file);
                assert!(found.iter().all(of_file), "{what}: {found:?}");
            }
        }
    };
    // At its end the clock reading, which may be later than that of any event, but by little.
    let reading = good.state.len() - 13;
    for byte in 0..reading {
        let mut parts = good.clone();
        parts.state[byte] ^= 1;
        check(&format!("state, byte {byte}"), &parts);
    }
    let later = (reading..good.state.len()).filter(|byte| {
        let mut parts = good.clone();
        parts.state[*byte] ^= 0x40;
        forge::put_checkpoint(&fs, &parts);
        !problems(&fs, layout).is_empty()
    });
    assert!(later.count() > 5);
    for byte in 0..good.names.len() {
        let mut parts = good.clone();
        parts.names[byte] ^= 1;
        check(&format!("names, byte {byte}"), &parts);
    }
    for range in forge::sections(&good.rows) {
        if range.is_empty() {
            continue;
        }
        let mut parts = good.clone();
        parts.rows[range.start] ^= 1;
        forge::mend_block(&mut parts.rows);
        check(&format!("rows, byte {}", range.start), &parts);
    }
    let mut exchanged = good.clone();
    let (first, rest) = exchanged.names.split_at_mut(4);
    first.swap_with_slice(&mut rest[..4]);
    check("exchanged names", &exchanged);
    rebuild(&fs, layout);
    assert_eq!(problems(&fs, layout), []);
    forge::put_checkpoint(&fs, &good);
    assert_eq!(problems(&fs, layout), []);
}

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

#[test]
fn a_checkpoint_that_lies_of_a_head_is_refused_by_its_name() {
    let layout = IndexLayout::Postings;
    let fs = MemFs::new();
    filled(&fs, layout).close().unwrap();
    let mut parts = forge::checkpoint(&fs);
    // The section of hashes of heads.
    let range = forge::sections(&parts.rows)[29].clone();
    for byte in range.step_by(32) {
        parts.rows[byte] ^= 1;
    }
    forge::mend_block(&mut parts.rows);
    forge::put_checkpoint(&fs, &parts);
    let store = small(&fs, layout).open(dir()).unwrap();
    let error = store.append(&at("alice", "scope"), event("next"));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let file = strandline_checkpoint::file_name(parts.number);
    assert!(error.to_string().contains(&file), "{error}");
    assert!(Path::new(&file).extension().is_some());
    assert_eq!(store.snapshot().visible(), Sequence::new(parts.number));
}
