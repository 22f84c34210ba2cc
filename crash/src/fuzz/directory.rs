//! A small store whose files are changed, with checksums made right where the input says so, opened
//! in every way. Answers and errors alike are welcome; a panic is not.

use super::golden::{self, Golden};
use super::mend;
use crate::verdict::Violation;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::maintenance::{Inventory, Kept, removals, salvage as save, verify_files};
use strandline::{Coordinate, Event, EventId, EventKind, Region, Store, StoreOptions};
use strandline_segment::SegmentHeader;

const DIR: &str = "/store";
/// Most events that are asked for.
const EVENTS_MAX: usize = 200;

fn options(fs: &MemFs) -> StoreOptions {
    StoreOptions::new()
        .fs(Arc::new(fs.clone()))
        .random_seed(5)
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(40 << 10)
        .no_background_sync()
        .background_inline()
}

/// Asks a store for everything.
fn ask(store: &Store) {
    let now = store.snapshot();
    let region = Region::all();
    for event in now.query(&region).take(EVENTS_MAX).flatten() {
        let _ = now.get(event.id);
        let _ = now.latest(event.coordinate.entity());
    }
    let _ = now
        .query(region.tag("t").scope("scope/1"))
        .rev()
        .take(EVENTS_MAX)
        .count();
    let _ = now.get(EventId::from_u128(3));
    let _ = now
        .entities("")
        .chain(now.scopes(""))
        .chain(now.tags(""))
        .take(EVENTS_MAX)
        .count();
    let _ = now.damage();
    let _ = store.verify();
    let _ = removals(store, &mut |_| ControlFlow::Continue(()));
    let _ = store.stats();
}

/// Opens what is there in every way, and goes on writing.
fn provoke(fs: &MemFs) {
    let _ = Inventory::of(fs, Path::new(DIR));
    if let Ok(store) = options(fs).read_only().open(DIR) {
        ask(&store);
        let _ = store.refresh();
    }
    if let Ok(store) = options(fs).open(DIR) {
        ask(&store);
        let at = Coordinate::new("entity:0", "scope/0").unwrap_or_else(|error| panic!("{error}"));
        let _ = store.append(&at, Event::bytes(EventKind::new(1, 1), *b"next"));
        let _ = store.close();
    }
}

/// The small store with changes: of each six bytes the first chooses a file, the next two where, then
/// how, then what.
fn changed(golden: &Golden, input: &[u8]) -> MemFs {
    let fs = golden.fs.fork();
    let mut files: Vec<_> = golden
        .files
        .iter()
        .map(|(path, bytes)| (path, bytes.clone()))
        .collect();
    let mut touched = vec![false; files.len()];
    let mut mends = true;
    for change in input.as_chunks::<6>().0.iter().take(40) {
        let [which, low, high, how, first, second] = *change;
        let place = usize::from(which) % files.len();
        touched[place] = true;
        let bytes = &mut files[place].1;
        let Some(at) = usize::from(u16::from_le_bytes([low, high])).checked_rem(bytes.len()) else {
            continue;
        };
        // From the end as well: trailers are there.
        let at = if how & 8 == 0 {
            at
        } else {
            bytes.len() - 1 - at
        };
        let value: &[u8] = match how & 7 {
            0 => &[first],
            1 => &[first, second],
            2 => &[first, second, 0, 0],
            3 => &[first, second, 0, 0, 0, 0, 0, 0],
            4 => &[0xff, 0xff, 0xff, first],
            5 => &[first, 0xff, 0xff, 0x7f],
            6 => {
                bytes.truncate(at);
                &[]
            }
            _ => {
                mends = false;
                &[first ^ 1]
            }
        };
        for (to, from) in bytes.iter_mut().skip(at).zip(value) {
            *to = *from;
        }
    }
    for ((path, bytes), touched) in files.iter_mut().zip(touched) {
        if !touched {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match name.as_ref() {
            _ if !mends => {}
            "MANIFEST" => mend::manifest(bytes),
            name if name.starts_with("index-") => mend::merged(bytes),
            name if name.starts_with("segment-") => mend::segment(bytes, true),
            _ => mend::checkpoint(bytes),
        }
        golden::put(&fs, path, bytes);
    }
    fs
}

pub(super) fn directory(input: &[u8]) -> Result<(), Violation> {
    provoke(&changed(golden::store(), input));
    Ok(())
}

/// Changes of merged files of the index, of their heads, tables, pieces and all.
pub(super) fn merged_files(input: &[u8]) -> Result<(), Violation> {
    provoke(&changed(golden::merged(), input));
    Ok(())
}

/// The input as a merged file of the index, as it is or with checksums made right.
pub(super) fn merged_bytes(input: &[u8]) -> Result<(), Violation> {
    let Some((first, input)) = input.split_first() else {
        return Ok(());
    };
    let golden = golden::merged();
    let fs = golden.fs.fork();
    let mut bytes = input.to_vec();
    if first % 2 == 1 {
        mend::merged(&mut bytes);
    }
    if let Some((path, _)) = golden
        .files
        .get(usize::from(first / 2) % golden.files.len())
    {
        golden::put(&fs, path, &bytes);
    }
    provoke(&fs);
    Ok(())
}

pub(super) fn salvage(input: &[u8]) -> Result<(), Violation> {
    let fs = changed(golden::store(), input);
    let target = options(&MemFs::new()).open("/saved");
    let target = target.map_err(|error| Violation::new(error.to_string()))?;
    let mut go_on = |_| ControlFlow::Continue(());
    let _ = verify_files(&fs, Path::new(DIR), &Kept::default(), &mut go_on);
    let _ = save(&fs, Path::new(DIR), &target, &mut go_on);
    crate::verdict::expect_whole(&target)
}

/// The input as the frames of the active segment, with checksums made right if its first byte is odd.
pub(super) fn frames(input: &[u8]) -> Result<(), Violation> {
    let Some((first, input)) = input.split_first() else {
        return Ok(());
    };
    let fs = golden::store().fs.fork();
    let (path, whole) = golden::file("segment-0000000002");
    let mut bytes = whole[..mend::FRAMES_AT].to_vec();
    bytes.extend_from_slice(input);
    if first % 2 == 1
        && let Ok(header) = SegmentHeader::decode("", whole)
    {
        mend::frames(&mut bytes, header.salt(), header.start().log_hash);
    }
    golden::put(&fs, path, &bytes);
    if first & 2 == 0 {
        // The checkpoint would say at once that the log is another.
        golden::put(&fs, &golden::file("checkpoint-").0, &[]);
    }
    provoke(&fs);
    Ok(())
}
