//! Whatever a log goes through and however it is cut into pieces, its copy is the same log, and who reads
//! beside it reads on.

use super::source::{COPY, Source, assert_equal, is_same, options};
use proptest::prelude::*;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::fs::{Fs, MemFs};
use strandline_segment::{LogError, LogFollower, LogReceiver, ScanError, UncheckedLog};

#[derive(Debug, Clone)]
enum Act {
    Append(u8, u16),
    Unproven(u16),
    Note,
    Rotate(bool),
    Merge(usize, usize),
    Crash,
    Ship(Vec<u8>),
    List,
    Sync,
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1_u8..4, 0_u16..3000).prop_map(|(records, bytes)| Act::Append(records, bytes)),
        2 => (0_u16..3000).prop_map(Act::Unproven),
        1 => Just(Act::Note),
        3 => any::<bool>().prop_map(Act::Rotate),
        1 => (0_usize..8, 0_usize..8).prop_map(|(first, last)| Act::Merge(first, last)),
        1 => Just(Act::Crash),
        6 => prop::collection::vec(1_u8..9, 1..4).prop_map(Act::Ship),
        2 => Just(Act::List),
        1 => Just(Act::Sync),
        1 => Just(Act::Reopen),
    ]
}

/// A reader beside the receiver, and the sequence after the last one that it was told.
struct Reader {
    follower: LogFollower,
    next: Sequence,
}

impl Reader {
    fn open(fs: &MemFs) -> Self {
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let log = UncheckedLog::open(shared, Path::new(COPY), options().beside_writer());
        let scanned = log
            .unwrap()
            .unwrap()
            .scan(None, Sequence::ZERO, |_| Ok::<_, Infallible>(()));
        let (_, follower) = scanned.unwrap().into_follower().unwrap();
        let next = follower.position().sequence;
        Self { follower, next }
    }

    fn read_on(&mut self) -> Result<(), ScanError<Infallible>> {
        let next = &mut self.next;
        self.follower.follow(|frame| {
            *next = (*next).max(frame.end().sequence);
            Ok(())
        })?;
        Ok(())
    }
}

fn run(acts: &[Act], seed: u64) {
    let mut source = Source::new(seed);
    let fs = MemFs::new();
    let shared: Arc<dyn Fs> = Arc::new(fs.clone());
    let mut copy = source.begin(shared.clone()).unwrap();
    let mut reader = Reader::open(&fs);
    let last = [Act::List, Act::Ship(vec![3]), Act::List];
    for act in acts.iter().chain(&last) {
        let mut may_begin_anew = false;
        match act {
            Act::Append(records, bytes) => source.append(*records, usize::from(*bytes)),
            Act::Unproven(bytes) => source.append_unproven(usize::from(*bytes)),
            Act::Note => source.note(),
            Act::Rotate(with_footer) => source.rotate(*with_footer),
            Act::Merge(first, last) => source.merge(*first, *last),
            Act::Crash => source.crash(),
            Act::Ship(cuts) => {
                let mut cuts = cuts.iter().cycle();
                source
                    .ship(&fs, &mut copy, || usize::from(*cuts.next().unwrap()))
                    .unwrap();
                assert!(is_same(&copy.end(), &source.end()));
                may_begin_anew = true;
            }
            Act::List => {
                source.list(&fs, &mut copy).unwrap();
                may_begin_anew = true;
            }
            Act::Sync => copy.sync().unwrap(),
            Act::Reopen => {
                let (end, is_synced) = (copy.end(), copy.end() == copy.synced());
                drop(copy);
                copy = LogReceiver::open(shared.clone(), Path::new(COPY))
                    .unwrap()
                    .unwrap();
                assert_eq!((copy.end(), copy.synced()), (end, end));
                may_begin_anew = !is_synced;
            }
        }
        match reader.read_on() {
            Ok(()) => {}
            Err(ScanError::Log(LogError::OtherCourse { .. })) if may_begin_anew => {
                let before = reader.next;
                reader = Reader::open(&fs);
                assert!(reader.next >= before);
            }
            Err(error) => panic!("{act:?}: {error}"),
        }
        assert_eq!(reader.next, copy.end().sequence, "{act:?}");
    }
    copy.sync().unwrap();
    assert_eq!(copy.end(), source.end());
    assert_equal(&source, &fs);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, .. ProptestConfig::default() })]

    #[test]
    fn a_copy_is_its_log_however_that_comes(
        acts in prop::collection::vec(act(), 1..40),
        seed in any::<u64>(),
    ) {
        run(&acts, seed);
    }
}

/// Rotations, footers and a carried tail, without one moment at which a reader has to begin anew.
#[test]
fn a_reader_beside_reads_on_over_rotations_footers_and_carried_tails() {
    let mut source = Source::new(7);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    let mut reader = Reader::open(&fs);
    for round in 0..12_u8 {
        for _ in 0..4 {
            source.append(2, 900);
        }
        match round % 4 {
            0 => source.rotate(true),
            1 => {
                source.append_unproven(700);
                source.ship(&fs, &mut copy, || 1).unwrap();
                source.crash();
                assert_ne!(source.manifest().segments(), copy.manifest().segments());
                source.list(&fs, &mut copy).unwrap();
            }
            2 => source.rotate(false),
            _ => source.note(),
        }
        source.ship(&fs, &mut copy, || 3).unwrap();
        source.list(&fs, &mut copy).unwrap();
        reader.read_on().unwrap();
        assert_eq!(reader.next, source.end().sequence);
    }
    assert_equal(&source, &fs);
}

/// A footer that comes later takes its place in a new file with the same frames.
#[test]
fn a_sealed_segment_gets_its_footer() {
    let mut source = Source::new(8);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    source.append(3, 100);
    source.rotate(true);
    source.ship(&fs, &mut copy, || 1).unwrap();
    let manifest = source.manifest();
    let first = manifest.segments()[0];
    let footer =
        |fs: &MemFs| strandline_segment::footer_on_disk(fs, Path::new(COPY), &first).unwrap();
    assert!(footer(&fs).is_none());
    source.stage(&fs, &[first]);
    copy.list(&manifest).unwrap();
    assert_eq!(footer(&fs).unwrap().as_ref(), b"what the rows are");
    assert_equal(&source, &fs);
}

/// A copy whose active segment is that of the log takes what it lacks of it from a staged file.
#[test]
fn a_copy_takes_what_it_lacks_of_its_active_segment() {
    let mut source = Source::new(9);
    source.append(2, 100);
    let fs = MemFs::new();
    let mut copy = source.begin(Arc::new(fs.clone())).unwrap();
    let mut reader = Reader::open(&fs);
    source.append(2, 100);
    source.note();
    let manifest = source.manifest();
    source.stage(&fs, manifest.segments());
    assert_eq!(copy.list(&manifest).unwrap(), source.end());
    reader.read_on().unwrap();
    assert_eq!(reader.next, source.end().sequence);
    // An older one changes nothing.
    let older = source.frozen();
    source.append(1, 10);
    source.ship(&fs, &mut copy, || 1).unwrap();
    older.stage(&fs, manifest.segments());
    assert_eq!(copy.list(&manifest).unwrap(), source.end());
    assert_equal(&source, &fs);
    // One that went on otherwise.
    let mut other = older.other(10);
    other.append(1, 20);
    other.append(1, 30);
    let refused = other.list(&fs, &mut copy);
    assert!(
        matches!(refused, Err(LogError::OtherCourse { .. })),
        "{refused:?}"
    );
    source.append(1, 10);
    source.ship(&fs, &mut copy, || 1).unwrap();
    assert_equal(&source, &fs);
}

#[test]
fn a_manifest_that_ends_earlier_is_one_of_an_earlier_moment() {
    let mut source = Source::new(10);
    source.append(1, 10);
    let before = source.manifest();
    source.rotate(false);
    source.append(1, 10);
    let after = source.manifest();
    let first = after.segments()[0].id();
    let cut = after.ending_in(first).unwrap();
    assert_eq!(cut.segments(), before.segments());
    assert_eq!(after.ending_in(after.segments()[1].id()).unwrap(), after);
    assert!(
        after
            .ending_in(strandline_segment::SegmentId::new(77))
            .is_none()
    );
}
