//! Whatever parts a file is cut into, and whatever is kept of it, its bytes are those of the file.

use crate::bucket::TestBucket;
use proptest::prelude::*;
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{Fs, MemFs, OpenMode};
use strandline_replicate::{BucketFs, Catalog, NotFetched, RemoteFile, RemoteOptions, RemotePart};

#[derive(Debug, Clone)]
enum Step {
    Read {
        file: usize,
        from: u64,
        bytes: usize,
    },
    /// Of the requests that follow, those that fail.
    Fail(Vec<bool>),
    Fetch {
        file: usize,
        from: u64,
        bytes: u64,
    },
    /// Another process opens it: what is in memory is gone.
    Open,
    /// A block on the disk is changed.
    Damage {
        which: usize,
        at: usize,
    },
    /// The catalog is replaced by one in which the files are in other objects.
    Move(u16),
}

/// A place in a file: any, or near the end of a block.
fn place() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..70_000_u64,
        (1..17_u64, 0..3_u64).prop_map(|(block, near)| block * 4096 + near - 1)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let file = 0..3_usize;
    prop_oneof![
        8 => (file.clone(), place(), prop_oneof![0..50_000_usize, 0..10_usize])
            .prop_map(|(file, from, bytes)| Step::Read { file, from, bytes }),
        2 => proptest::collection::vec(any::<bool>(), 1..4).prop_map(Step::Fail),
        1 => (file, place(), 0..50_000_u64)
            .prop_map(|(file, from, bytes)| Step::Fetch { file, from, bytes }),
        1 => Just(Step::Open),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(which, at)| Step::Damage { which, at }),
        1 => any::<u16>().prop_map(Step::Move),
    ]
}

/// Puts a file into objects, cut at places, each with something before and after its bytes.
fn put(bucket: &TestBucket, name: &str, bytes: &[u8], cuts: &[u16], turn: u16) -> RemoteFile {
    let mut places: Vec<usize> = cuts
        .iter()
        .map(|cut| usize::from(cut.wrapping_add(turn)) % bytes.len().max(1))
        .collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.dedup();
    let mut parts = Vec::new();
    for pair in places.windows(2) {
        let (from, end) = (pair[0], pair[1]);
        let before = usize::from(turn) % 50;
        let key = format!("{turn}/{name}/{from}");
        let object = [&vec![1; before][..], &bytes[from..end], &[2; 30]].concat();
        bucket.put(&key, object);
        parts.push(RemotePart {
            from: from as u64,
            bytes: (end - from) as u64,
            key: key.into(),
            offset: before as u64,
        });
    }
    RemoteFile::new(bytes.len() as u64, parts).unwrap()
}

const DIR: &str = "/store";
const CACHE: &str = "/store.cache";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_file_reads_as_it_is_however_it_is_cut(
        lengths in [0..60_000_usize, 0..60_000, 0..200],
        cuts in proptest::collection::vec(any::<u16>(), 0..12),
        block_bytes in prop_oneof![Just(4_096_u64), Just(16 << 10), Just(1 << 20)],
        memory in prop_oneof![Just(0_u64), 0..40_000_u64, Just(1 << 20)],
        disk in prop_oneof![Just(0_u64), 0..60_000_u64, Just(1 << 20)],
        ahead in prop_oneof![Just(0_u64), Just(8 << 20)],
        steps in proptest::collection::vec(step(), 1..30),
    ) {
        let bucket = TestBucket::new();
        let below: Arc<dyn Fs> = Arc::new(MemFs::new());
        let contents = lengths.map(|length| {
            (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 7) as u8).collect::<Vec<u8>>()
        });
        let catalog = |turn: u16| {
            let mut catalog = Catalog::default();
            for (at, bytes) in contents.iter().enumerate() {
                let name = format!("file-{at}");
                catalog.insert(&name, put(&bucket, &name, bytes, &cuts, turn)).unwrap();
            }
            catalog
        };
        let options = RemoteOptions::default()
            .block_bytes(block_bytes)
            .memory_bytes_max(memory)
            .disk_bytes_max(disk)
            .ahead_bytes_max(ahead)
            .requests_max(3);
        let mut turn = 0;
        let open = |turn| {
            BucketFs::open(below.clone(), Path::new(DIR), bucket.clone(), catalog(turn), &options)
                .unwrap()
        };
        let mut fs = open(turn);
        for step in steps {
            match step {
                Step::Read { file, from, bytes } => {
                    let path = Path::new(DIR).join(format!("file-{file}"));
                    let opened = fs.open(&path, OpenMode::Read).unwrap();
                    prop_assert_eq!(opened.len().unwrap(), contents[file].len() as u64);
                    let own = contents[file].get(from as usize..).unwrap_or_default();
                    let own = &own[..own.len().min(bytes)];
                    let mut buffer = vec![0; bytes];
                    match opened.read_up_to(&mut buffer, from) {
                        Ok(count) => prop_assert!(&buffer[..count] == own),
                        // A failure is told as what it is, and the next read may do better.
                        Err(error) => {
                            prop_assert!(NotFetched::in_error(&error).is_some());
                            bucket.fail_next(Vec::new());
                            let mut again = opened.read_up_to(&mut buffer, from);
                            // A request that had failed before may have been waited for.
                            while again.is_err() {
                                again = opened.read_up_to(&mut buffer, from);
                            }
                            prop_assert!(&buffer[..again.unwrap()] == own);
                        }
                    }
                }
                Step::Fail(fails) => {
                    let fail = |fails: bool| fails.then_some(io::ErrorKind::TimedOut);
                    bucket.fail_next(fails.into_iter().map(fail).collect());
                }
                Step::Fetch { file, from, bytes } => {
                    let name = format!("file-{file}");
                    let _ = fs.fetch(&[(&name, from..from + bytes)]);
                }
                Step::Open => {
                    drop(fs);
                    fs = open(turn);
                }
                Step::Damage { which, at } => {
                    let blocks = below.list(Path::new(CACHE)).unwrap_or_default();
                    let blocks: Vec<_> =
                        blocks.into_iter().filter(|entry| entry.name != "LOCK").collect();
                    let Some(block) = blocks.get(which % blocks.len().max(1)) else {
                        continue;
                    };
                    let path = Path::new(CACHE).join(&block.name);
                    // What is read ahead may have had it removed, or be about to write it.
                    let read = strandline_core::fs::read_file(&*below, &path, 1 << 30);
                    let Some(mut bytes) = read.ok().filter(|bytes| !bytes.is_empty()) else {
                        continue;
                    };
                    let at = at % bytes.len();
                    bytes[at] ^= 1;
                    strandline_core::fs::replace_file(&*below, &path, &bytes).unwrap();
                }
                Step::Move(to) => {
                    turn = to;
                    fs.replace_catalog(catalog(turn));
                }
            }
            let stats = fs.stats();
            prop_assert!(stats.memory_bytes <= memory);
            prop_assert!(stats.disk_bytes <= disk);
        }
    }
}
