//! Indexes that say something else than the log, under checksums that are right. Verification held
//! events against the rows of the index one by one, and looked at no list, name or head.

use crate::forge_index::{self as forge, Entry};
use crate::harness::{KINDS, assert_same, at, dir, event, written};
use std::ops::ControlFlow;
use strandline::fs::MemFs;
use strandline::maintenance::{self, Redaction, Retention};
use strandline::{
    ErrorKind, Event, EventId, Hash, IndexLayout, Problem, ProblemKind, Store, StoreOptions,
};
use strandline_segment::{SEGMENT_BYTES_LEAST, SegmentInfo};

const LAYOUTS: [IndexLayout; 3] = [
    IndexLayout::Postings,
    IndexLayout::Columns,
    IndexLayout::Tiles,
];

pub(crate) fn small(fs: &MemFs, layout: IndexLayout) -> StoreOptions {
    written(fs)
        .segment_bytes_max(SEGMENT_BYTES_LEAST)
        .index_layout(layout)
}

/// Some hundred events with links, tags and ids out of order, in several segments and a checkpoint.
pub(crate) fn filled(fs: &MemFs, layout: IndexLayout) -> Store {
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
pub(crate) fn problems(fs: &MemFs, layout: IndexLayout) -> Vec<Problem> {
    // Whoever reads mends nothing.
    let store = small(fs, layout).read_only().open(dir()).unwrap();
    store.verify().unwrap().problems
}

pub(crate) fn rebuild(fs: &MemFs, layout: IndexLayout) -> maintenance::Rebuilt {
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

pub(crate) fn rename(entries: &mut [Entry], from: &str, to: &str) {
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
        // The last section is of checksums, which are made right again.
        let sections = forge::sections(&good.block);
        let (_, sections) = sections.split_last().unwrap();
        for (section, range) in sections.iter().enumerate() {
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
pub(crate) fn compacted(fs: &MemFs) -> SegmentInfo {
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
    let (table, header) = (112..112 + 32 * 41, 112 + 32 * 41 + 8);
    let checksums = forge::sections(&good.block).pop().unwrap();
    for byte in (0..checksums.start).step_by(11) {
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
    let mut sections = forge::sections(&good.rows);
    // The last is of checksums, which are made right again.
    sections.pop();
    sections.retain(|range| !range.is_empty());
    for range in sections {
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
