//! The index alone, with a million rows: in each layout, while they grow and as a block.
//!
//! `cargo bench -p strandline-benches --bench index`; a name after `--` chooses. The least of the
//! samples is the one to compare by: the machine does nothing faster by accident.

mod filled;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use filled::{RARE, ascending_id, coordinate, intern, random_id, row, scattered};
use std::sync::OnceLock;
use strandline_core::{EventId, EventKind, Hash, Region, Sequence};
use strandline_index::{Block, IndexLayout, IndexReader, IndexWriter, Snapshot, channel_with};

const ROWS: u32 = 1_000_000;
const ENTITIES: u32 = 10_000;
/// Lookups of one sample.
const LOOKUPS: u32 = 10_000;

/// How rows are kept.
#[derive(Debug, Clone, Copy)]
enum Form {
    Live,
    Block,
}

use Form::{Block as AsBlock, Live};
use IndexLayout::{Columns, Postings, Tiles};

const FORMS: [(IndexLayout, Form); 6] = [
    (Postings, Live),
    (Postings, AsBlock),
    (Columns, Live),
    (Columns, AsBlock),
    (Tiles, Live),
    (Tiles, AsBlock),
];

fn main() {
    divan::Divan::default()
        .sample_size(1)
        .sample_count(20)
        .config_with_args()
        .main();
}

#[divan::bench(args = [Postings, Columns, Tiles])]
fn insert(bencher: Bencher<'_, '_>, layout: IndexLayout) {
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| {
            let (mut writer, _reader) = channel_with(layout);
            let coordinates = intern(&mut writer, ENTITIES);
            writer.reserve(u64::from(ROWS)).expect("there is room");
            (writer, coordinates)
        })
        .bench_local_values(|(mut writer, coordinates)| {
            for number in 0..ROWS {
                let row = row(number, ascending_id(number), &coordinates);
                writer.insert(&row).expect("as reserved");
            }
            writer
        });
}

#[divan::bench(args = [Postings, Columns, Tiles])]
fn export(bencher: Bencher<'_, '_>, layout: IndexLayout) {
    let snapshot = rows(layout, Live);
    let all = Sequence::ZERO..snapshot.visible();
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| snapshot.export(all.clone()).expect("few rows").len());
}

mod get {
    use super::*;

    /// An id that there is, as the store's own are: above all before it.
    #[divan::bench(args = [Live, AsBlock])]
    fn ascending_hit(bencher: Bencher<'_, '_>, form: Form) {
        lookups(bencher, rows(Postings, form), ascending_id, 0);
    }

    #[divan::bench(args = [Live, AsBlock])]
    fn ascending_miss(bencher: Bencher<'_, '_>, form: Form) {
        lookups(bencher, rows(Postings, form), ascending_id, 1);
    }

    /// An id in no order, as ids from elsewhere are.
    #[divan::bench(args = [Live, AsBlock])]
    fn random_hit(bencher: Bencher<'_, '_>, form: Form) {
        lookups(bencher, random_rows(form), random_id, 0);
    }

    #[divan::bench(args = [Live, AsBlock])]
    fn random_miss(bencher: Bencher<'_, '_>, form: Form) {
        lookups(bencher, random_rows(form), random_id, 1);
    }

    fn lookups(
        bencher: Bencher<'_, '_>,
        snapshot: &Snapshot,
        id: fn(u32) -> EventId,
        beside: u128,
    ) {
        let mut numbers = scattered(ROWS);
        bencher.counter(ItemsCount::new(LOOKUPS)).bench_local(|| {
            let mut found = 0;
            for number in numbers.by_ref().take(LOOKUPS as usize) {
                let id = EventId::from_u128(id(number).as_u128() ^ beside);
                found += u64::from(snapshot.get(black_box(id)).is_some());
            }
            assert_eq!(found, u64::from(LOOKUPS) * u64::from(beside == 0));
        });
    }
}

mod query {
    use super::*;

    /// Every event of one kind of sixteen.
    #[divan::bench(args = FORMS)]
    fn kind(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all().kind(EventKind::new(1, 3)));
    }

    /// Every event of one scope of ten.
    #[divan::bench(args = FORMS)]
    fn scope(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all().scope("region-3"));
    }

    /// Every event of the entities with a prefix, one in ten.
    #[divan::bench(args = FORMS)]
    fn prefix(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all().entity_prefix("order:001"));
    }

    /// Every event.
    #[divan::bench(args = FORMS)]
    fn all(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all());
    }

    /// The hundred events of a rare kind.
    #[divan::bench(args = FORMS)]
    fn rare(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all().kind(RARE));
    }

    /// The hundred events of a stream.
    #[divan::bench(args = FORMS)]
    fn stream(bencher: Bencher<'_, '_>, form: (IndexLayout, Form)) {
        walk(bencher, form, Region::all().entity("order:004242"));
    }

    /// Looks at kind and clock of each event in a region.
    fn walk(bencher: Bencher<'_, '_>, (layout, form): (IndexLayout, Form), region: Region) {
        let snapshot = rows(layout, form);
        let matching = snapshot.query(&region).count();
        assert!(matching > 0);
        bencher.counter(ItemsCount::new(matching)).bench_local(|| {
            let rows = snapshot.query(black_box(&region));
            rows.fold(0_u64, |sum, row| {
                sum + u64::from(row.kind().bits()) + u64::from(row.clock())
            })
        });
    }
}

/// Names and ids among sealed rows: in one block, and in many, of which the oldest has what is asked for.
mod sealed {
    use super::*;

    /// Entities of a block, each with a row.
    const NAMES: u32 = 150_000;

    #[divan::bench(args = [(1, 1), (1, 1000), (20, 1), (20, 1000)])]
    fn head_hit(bencher: Bencher<'_, '_>, (parts, batch): (usize, usize)) {
        heads(bencher, parts, batch, "");
    }

    #[divan::bench(args = [(1, 1), (1, 1000), (20, 1), (20, 1000)])]
    fn head_miss(bencher: Bencher<'_, '_>, (parts, batch): (usize, usize)) {
        heads(bencher, parts, batch, "x");
    }

    #[divan::bench(args = [(1, 1), (1, 1000), (20, 1), (20, 1000)])]
    fn id_miss(bencher: Bencher<'_, '_>, (parts, batch): (usize, usize)) {
        let writer = index(parts);
        let mut numbers = scattered(NAMES);
        let batches = bencher.counter(ItemsCount::new(LOOKUPS));
        let batches = batches.with_inputs(|| {
            let ids = numbers.by_ref().take(LOOKUPS as usize);
            let ids = ids.map(|number| EventId::from_u128(random_id(number).as_u128() ^ 1));
            ids.collect::<Vec<_>>()
        });
        batches.bench_local_refs(|ids| match batch {
            1 => assert!(!ids.iter().any(|id| writer.contains(*id))),
            _ => assert!(!ids.chunks(batch).any(|ids| writer.contains_any(ids))),
        });
    }

    /// Every event with any of many tags, of which each block has each name as one.
    #[divan::bench(args = [1, 20], sample_count = 5)]
    fn any_of_10000_tags(bencher: Bencher<'_, '_>, parts: usize) {
        let snapshot = index(parts).reader().snapshot();
        let tags = scattered(NAMES)
            .take(LOOKUPS as usize)
            .map(|tag| format!("t:{tag}"));
        let region = Region::all().any_tag(tags);
        let found = (LOOKUPS as usize) * parts;
        bencher
            .counter(ItemsCount::new(LOOKUPS))
            .bench_local(|| assert_eq!(snapshot.query(black_box(&region)).count(), found));
    }

    fn heads(bencher: Bencher<'_, '_>, parts: usize, batch: usize, after: &str) {
        let writer = index(parts);
        let names = (0..NAMES).map(|number| coordinate(number).entity().to_owned() + after);
        let names: Vec<_> = names.collect();
        let mut numbers = scattered(NAMES);
        let batches = bencher.counter(ItemsCount::new(LOOKUPS));
        let batches = batches.with_inputs(|| {
            let batch = numbers.by_ref().take(LOOKUPS as usize);
            let batch = batch.map(|number| names[number as usize].as_str());
            batch.collect::<Vec<_>>()
        });
        batches.bench_local_refs(|names| match batch {
            1 => names
                .iter()
                .filter_map(|name| writer.claimed_head(name))
                .count(),
            _ => {
                let heads = names
                    .chunks(batch)
                    .flat_map(|names| writer.sealed_heads(names));
                heads.flatten().count()
            }
        });
    }

    /// So many blocks, each of entities of its own, and of tags that all have.
    fn index(parts: usize) -> &'static IndexWriter {
        static INDEXES: [OnceLock<IndexWriter>; 2] = [const { OnceLock::new() }; 2];
        INDEXES[usize::from(parts > 1)].get_or_init(|| {
            let (mut writer, reader) = channel_with(IndexLayout::default());
            let total = NAMES * parts as u32;
            writer.reserve(total.into()).expect("there is room");
            for first in (0..total).step_by(NAMES as usize) {
                for number in first..first + NAMES {
                    let known = writer.intern(&coordinate(number)).expect("there is room");
                    let mut row = row(number, random_id(number), &[known]);
                    row.hash = Some(Hash::of(b"head"));
                    let tag = format!("t:{}", number - first);
                    let inserted = writer.insert_known(&row, &[&tag], None);
                    inserted.expect("as reserved");
                }
                writer.publish(Sequence::new((first + NAMES).into()));
                replace(&mut writer, &reader);
            }
            writer
        })
    }
}

/// A million rows with ascending ids, made once.
fn rows(layout: IndexLayout, form: Form) -> &'static Snapshot {
    static ROWS: [OnceLock<Snapshot>; FORMS.len()] = [const { OnceLock::new() }; FORMS.len()];
    let of = |other: &(IndexLayout, Form)| {
        other.0 == layout && matches!(other.1, Live) == matches!(form, Live)
    };
    let at = FORMS.iter().position(of).expect("every form is listed");
    ROWS[at].get_or_init(|| filled(layout, form, ascending_id))
}

/// A million rows with ids in no order, made once.
fn random_rows(form: Form) -> &'static Snapshot {
    static ROWS: [OnceLock<Snapshot>; 2] = [const { OnceLock::new() }; 2];
    let at = usize::from(matches!(form, Live));
    ROWS[at].get_or_init(|| filled(Postings, form, random_id))
}

fn filled(layout: IndexLayout, form: Form, id: fn(u32) -> EventId) -> Snapshot {
    let (mut writer, reader) = filled::index(layout, ROWS, ENTITIES, id);
    if matches!(form, AsBlock) {
        replace(&mut writer, &reader);
    }
    reader.snapshot()
}

fn replace(writer: &mut IndexWriter, reader: &IndexReader) {
    let sealed = writer.seal().expect("all is visible").expect("rows");
    let bytes = reader.snapshot().export(sealed).expect("few rows");
    let block = Block::from_vec(bytes).expect("made just now");
    reader.replace(block).expect("made of these rows");
}
