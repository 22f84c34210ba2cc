//! Single functions of the lower layers, each alone: what an append, a read or a query is made of.
//!
//! `cargo bench -p strandline-benches --bench micro`; a name after `--` chooses.

mod filled;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use filled::{WALL_MS, ascending_id, coordinate, intern, random_id, row, scattered};
use strandline_core::record::{Record, RecordPayload};
use strandline_core::{
    CanonicalHeader, EventHasher, EventId, EventKind, Extensions, Hash, Hlc, LogHasher, Nonce,
    PayloadEncoding, Sequence,
};
use strandline_index::{IndexLayout, SequenceGate, channel};

/// The payload of the other benchmarks.
const PAYLOAD: [u8; 200] = [0xA5; 200];
/// Rows of the index that is read.
const ROWS: u32 = 200_000;
/// Entities of the index that is read.
const ENTITIES: u32 = 1_000;

fn main() {
    // Left to itself, divan judges by the first calls, which are slow, and times single ones.
    divan::Divan::default()
        .sample_size(1000)
        .config_with_args()
        .main();
}

mod gate {
    use super::*;

    #[divan::bench]
    fn reserve_and_publish(bencher: Bencher<'_, '_>) {
        let gate = SequenceGate::new();
        bencher.bench_local(|| {
            let first = gate.reserve(1).expect("there are sequences left");
            gate.publish(Sequence::new(first.get() + 1));
        });
    }

    #[divan::bench]
    fn visible(bencher: Bencher<'_, '_>) {
        let gate = SequenceGate::new();
        bencher.bench_local(|| black_box(&gate).visible());
    }
}

mod codec {
    use super::*;

    fn record() -> Record<'static> {
        Record {
            local_coordinate: 7,
            coordinate: None,
            previous: None,
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::RAW,
            clock: 7,
            hlc: Hlc::new(WALL_MS, 0).expect("within range"),
            id: EventId::from_u128(7),
            correlation: EventId::from_u128(7),
            causation: None,
            extensions: Extensions::default(),
            payload: RecordPayload::Stored {
                nonce: Nonce([9; Nonce::BYTES]),
                bytes: &PAYLOAD,
            },
        }
    }

    #[divan::bench]
    fn encode_200(bencher: Bencher<'_, '_>) {
        let record = record();
        let mut bytes = Vec::with_capacity(512);
        bencher.bench_local(|| {
            bytes.clear();
            black_box(&record).encode(&mut bytes);
            black_box(bytes.as_slice());
        });
    }

    #[divan::bench]
    fn decode_200(bencher: Bencher<'_, '_>) {
        let mut bytes = Vec::new();
        record().encode(&mut bytes);
        bencher.bench_local(|| {
            black_box(Record::decode(black_box(&bytes))).expect("encoded above");
        });
    }
}

mod hash {
    use super::*;

    #[divan::bench]
    fn payload_200(bencher: Bencher<'_, '_>) {
        let nonce = Nonce([9; Nonce::BYTES]);
        bencher
            .counter(BytesCount::new(PAYLOAD.len()))
            .bench_local(|| strandline_core::payload_hash(black_box(nonce), black_box(&PAYLOAD)));
    }

    #[divan::bench]
    fn event(bencher: Bencher<'_, '_>) {
        let extensions = Extensions::default();
        let header = CanonicalHeader {
            entity: "order:001042",
            scope: "region-2",
            kind: EventKind::new(1, 1),
            encoding: PayloadEncoding::RAW,
            id: EventId::from_u128(7),
            correlation: EventId::from_u128(7),
            causation: None,
            clock: 7,
            hlc: Hlc::new(WALL_MS, 0).expect("within range"),
            sequence: Sequence::new(7),
            extensions: &extensions,
        };
        let (previous, payload) = (Hash::of(b"previous"), Hash::of(b"payload"));
        let mut hasher = EventHasher::default();
        bencher.bench_local(|| hasher.hash(black_box(&previous), black_box(&header), &payload));
    }

    /// The link of a commit of so many records.
    #[divan::bench(args = [1, 100])]
    fn log(bencher: Bencher<'_, '_>, records: usize) {
        let record = Hash::of(b"record");
        let mut previous = Hash::ZERO;
        let mut hasher = LogHasher::default();
        bencher.counter(ItemsCount::new(records)).bench_local(|| {
            hasher.clear();
            for _ in 0..records {
                hasher.add(black_box(&record));
            }
            previous = hasher.hash(&previous);
        });
    }
}

mod checksum {
    use super::*;
    use strandline_core::Salt;

    #[divan::bench]
    fn frame_300(bencher: Bencher<'_, '_>) {
        let salt = Salt::derive(b"a segment");
        let bytes = [0x5A; 300];
        bencher
            .counter(BytesCount::new(bytes.len()))
            .bench_local(|| salt.checksum(black_box(4096), black_box(&bytes)));
    }
}

mod interner {
    use super::*;

    /// A coordinate that is known, among so many.
    #[divan::bench(args = [1_000, 200_000])]
    fn lookup(bencher: Bencher<'_, '_>, coordinates: u32) {
        let (mut writer, reader) = channel();
        let names: Vec<_> = (0..coordinates).map(coordinate).collect();
        for name in &names {
            writer.intern(name).expect("there is room");
        }
        let mut numbers = scattered(coordinates);
        bencher.bench_local(|| {
            let name = &names[numbers.next().unwrap_or(0) as usize];
            black_box(reader.lookup(black_box(name))).expect("interned above")
        });
    }
}

mod columns {
    use super::*;

    #[divan::bench]
    fn insert(bencher: Bencher<'_, '_>) {
        let (mut writer, _reader) = channel();
        let coordinates = intern(&mut writer, ENTITIES);
        writer.reserve(1 << 31).expect("there are sequences left");
        let mut numbers = 0..;
        bencher.bench_local(|| {
            let number = numbers.next().unwrap_or(0);
            let row = row(number, ascending_id(number), &coordinates);
            writer.insert(&row).expect("as reserved")
        });
    }

    /// By an id that was greater than all before it, as the store's own are.
    #[divan::bench]
    fn get_ascending_id(bencher: Bencher<'_, '_>) {
        get(bencher, ascending_id);
    }

    /// By an id in no order, as ids from elsewhere are.
    #[divan::bench]
    fn get_any_id(bencher: Bencher<'_, '_>) {
        get(bencher, random_id);
    }

    fn get(bencher: Bencher<'_, '_>, id: fn(u32) -> EventId) {
        let (_writer, reader) = filled::index(IndexLayout::default(), ROWS, ENTITIES, id);
        let snapshot = reader.snapshot();
        let mut numbers = scattered(ROWS);
        bencher.bench_local(|| {
            let id = id(numbers.next().unwrap_or(0));
            let row = snapshot.get(black_box(id)).expect("inserted above");
            row.position()
        });
    }

    /// Kind and clock of every row of a stream.
    #[divan::bench]
    fn stream(bencher: Bencher<'_, '_>) {
        let (_writer, reader) = filled::index(IndexLayout::default(), ROWS, ENTITIES, ascending_id);
        let snapshot = reader.snapshot();
        let names: Vec<_> = (0..ENTITIES).map(coordinate).collect();
        let mut entities = scattered(ENTITIES);
        bencher
            .counter(ItemsCount::new(ROWS / ENTITIES))
            .bench_local(|| {
                let name = &names[entities.next().unwrap_or(0) as usize];
                let rows = snapshot.stream(name.entity());
                rows.fold(0_u64, |sum, row| {
                    sum + u64::from(row.kind().bits()) + u64::from(row.clock())
                })
            });
    }
}

/// A segment of a store of very many entities: nearly each row brings a name that its part does not have.
mod new_names {
    use super::*;
    use strandline_core::Coordinate;
    use strandline_index::{IndexReader, IndexWriter};

    /// Events of a segment of 64 MiB with payloads of 300 bytes.
    const NEW: u32 = 150_000;

    fn append(writer: &mut IndexWriter, names: &[Coordinate]) {
        writer.reserve(u64::from(NEW)).expect("there is room");
        for (number, name) in (0..).zip(names) {
            let coordinate = writer.intern(name).expect("there is room");
            let row = row(number, ascending_id(number), &[coordinate]);
            writer.insert(&row).expect("as reserved");
        }
        writer.publish(writer.gate().allocated());
    }

    fn names() -> Vec<Coordinate> {
        let numbers = scattered(2_000_003).take(NEW as usize);
        numbers.map(coordinate).collect()
    }

    fn filled() -> (IndexWriter, IndexReader) {
        let (mut writer, reader) = channel();
        append(&mut writer, &names());
        (writer, reader)
    }

    #[divan::bench(sample_size = 1, sample_count = 10)]
    fn intern_and_insert(bencher: Bencher<'_, '_>) {
        let names = names();
        bencher
            .counter(ItemsCount::new(NEW))
            .with_inputs(channel)
            .bench_local_values(|(mut writer, reader)| {
                append(&mut writer, &names);
                (writer, reader)
            });
    }

    #[divan::bench(sample_size = 1, sample_count = 10)]
    fn seal(bencher: Bencher<'_, '_>) {
        bencher
            .with_inputs(filled)
            .bench_local_values(|(mut writer, reader)| {
                black_box(writer.seal()).expect("all are visible");
                (writer, reader)
            });
    }

    #[divan::bench(sample_size = 1, sample_count = 10)]
    fn export(bencher: Bencher<'_, '_>) {
        let (_writer, reader) = filled();
        let snapshot = reader.snapshot();
        let all = Sequence::ZERO..snapshot.visible();
        bencher
            .counter(ItemsCount::new(NEW))
            .bench_local(|| snapshot.export(all.clone()).expect("they can be numbered"));
    }

    /// The first list of names, which puts them in order.
    #[divan::bench(sample_size = 1, sample_count = 10)]
    fn first_in_order(bencher: Bencher<'_, '_>) {
        bencher
            .counter(ItemsCount::new(NEW))
            .with_inputs(filled)
            .bench_local_values(|(writer, reader)| {
                let first = reader.snapshot().entities("order:").next();
                (writer, reader, first)
            });
    }
}
