//! A term begun: what the bucket lacks is put there, then the first state.

use super::ask::Patient;
use super::catalog::{Catalog, InObject, Join, Shipped};
use super::error::ReplicateError;
use super::look::{self, Place};
use super::owner::OwnerFile;
use super::source::Source;
use super::take::{self, Left, TakenTerm};
use super::upload;
use crate::bucket::Bucket;
use crate::object::{FileName, Key, Owner, Predecessor, STATE_BYTES_MAX, State, Term};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::time::Duration;
use strandline_core::Sequence;
use strandline_core::fs::EntryKind;
use strandline_segment::{LogPosition, LogView, Manifest, ScanError, SegmentInfo};

/// A term that has begun: its chunks go on from `end`.
#[derive(Debug)]
pub(crate) struct BegunTerm {
    pub(crate) term: Term,
    pub(crate) owner: Owner,
    /// The bytes of the term's object.
    pub(crate) record: Bytes,
    pub(crate) predecessor: Option<Predecessor>,
    pub(crate) end: LogPosition,
    pub(crate) catalog: Catalog,
    /// What the first state lists.
    pub(crate) listed: Vec<Key>,
    /// What was put, or may have been, and is not listed: files that were rewritten meanwhile.
    pub(crate) unlisted: BTreeSet<Key>,
    /// Objects that were not as the terms before had put them: put again, and such as cannot be.
    pub(crate) mended: u64,
    pub(crate) lost: BTreeSet<Key>,
    /// The terms before have left segments that were rewritten since. Something may have been redacted.
    pub(crate) is_rewritten: bool,
}

fn is_rewritten(left: &Left, manifest: &Manifest) -> bool {
    let listed = left.state.manifest.segments().iter();
    let shipped = left.chunks.iter().map(|chunk| &chunk.header);
    let mut left = listed.map(SegmentInfo::header).chain(shipped);
    !left.all(|header| manifest.lists(header))
}

/// Puts what the bucket lacks of the log, and the first state of a term that was taken. Everything that is durable is
/// replicated then.
///
/// # Errors
///
/// [`ReplicateError::BucketAhead`] and [`ReplicateError::Diverged`] if the log that was left in the bucket is not the
/// beginning of that of the store; [`ReplicateError::Fenced`]; [`ReplicateError::Stopped`].
pub(crate) fn begin(
    patient: &mut Patient<'_>,
    source: &Source,
    owners: &mut OwnerFile,
    taken: TakenTerm,
) -> Result<BegunTerm, ReplicateError> {
    let TakenTerm {
        mut machine,
        term,
        owner,
        record,
        left,
        ..
    } = taken;
    let mut catalog = Catalog::default();
    if let Some(left) = &left {
        catalog = Catalog::of(&left.state);
        left.chunks
            .iter()
            .map(Shipped::of)
            .for_each(|chunk| catalog.add_chunk(&chunk));
        check_prefix(source, left)?;
    }
    let (mended, lost) = forget_lacking(patient, source, &mut catalog)?;
    let predecessor = left.as_ref().map(Left::predecessor);
    let mut put = BTreeSet::new();
    let state = loop {
        match compose(patient, source, &mut catalog, term, &mut put) {
            Ok(Some((manifest, end, files))) => {
                break State {
                    term,
                    number: 0,
                    owner,
                    predecessor,
                    end,
                    manifest,
                    files,
                };
            }
            // The log went on or was rewritten meanwhile.
            Ok(None) => patient.stop.wait(Duration::from_millis(1))?,
            Err(error) if error.is_passing() => patient.failed(error)?,
            Err(error) => return Err(error),
        }
    };
    let is_rewritten =
        owners.is_owing() || left.is_some_and(|left| is_rewritten(&left, &state.manifest));
    // Before the state, which is all that the next start sees.
    owners.owe(is_rewritten || !put.is_empty())?;
    take::begin(patient, &mut machine, encoded(&state, STATE_BYTES_MAX)?)?;
    // What was rewritten is in no state of this term.
    catalog.retain(|_, header| header.is_none_or(|header| state.manifest.lists(header)));
    let parts = state.files.iter().flat_map(|file| &file.parts);
    let listed: Vec<Key> = parts.map(|part| part.key.clone()).collect();
    for key in &listed {
        put.remove(key);
    }
    clear_unfinished(patient.bucket, term);
    tracing::info!(
        term = term.get(),
        bucket = patient.bucket.name(),
        "a term has begun"
    );
    Ok(BegunTerm {
        term,
        owner,
        record,
        predecessor,
        end: state.end,
        listed,
        mended,
        lost,
        unlisted: put,
        is_rewritten,
        catalog,
    })
}

/// Drops from what the bucket has the files of which an object is missing there, or cut off, if they are in the directory:
/// they are put again, under the keys of this term. Says of how many objects that is, and of which it is not.
fn forget_lacking(
    patient: &mut Patient<'_>,
    source: &Source,
    catalog: &mut Catalog,
) -> Result<(u64, BTreeSet<Key>), ReplicateError> {
    let wanted = catalog.needed();
    let (mut again, mut lost) = (0, BTreeSet::new());
    if wanted.is_empty() {
        return Ok((again, lost));
    }
    let mut listed = Vec::new();
    for folder in look::FOLDERS {
        listed.extend(patient.listed(|bucket| bucket.start_list(folder, None))?);
    }
    for lack in look::lacking(&wanted, &listed) {
        let name = match catalog.in_object(&lack.key) {
            Some(InObject::Whole { name, .. }) => Some(name),
            Some(InObject::Part(join)) => join.header.file_name().parse().ok(),
            // It was in a file that was dropped for another object.
            None => None,
        };
        let place = name.as_ref().map(|name| Place::of(source, name.as_str()));
        match (name, place) {
            (_, Some(Place::Bucket)) => {
                tracing::error!(%lack, "an object of the bucket is lost, and nothing of it is here");
                lost.insert(lack.key);
                continue;
            }
            (Some(name), Some(Place::Nowhere)) => {
                catalog.forget(&name);
                continue;
            }
            (name, _) => name.iter().for_each(|name| catalog.forget(name)),
        }
        tracing::warn!(%lack, "what an object of the bucket had is put there again");
        again += 1;
    }
    Ok((again, lost))
}

/// Removes what writers of earlier terms were putting into a directory when they were killed.
fn clear_unfinished(bucket: &Bucket, begun: Term) {
    match bucket.remove_unfinished(begun) {
        Ok(removed) if removed.is_empty() => {}
        Ok(removed) => tracing::info!(
            files = removed.len(),
            "removed what killed writers have left"
        ),
        // Nothing waits for it: the next term does it.
        Err(error) => tracing::warn!(%error, "what killed writers have left stays"),
    }
}

/// The bytes of a state, if it is as long as whoever reads it takes.
///
/// # Errors
///
/// [`ReplicateError::StateTooLong`].
pub(crate) fn encoded(state: &State, most: usize) -> Result<Bytes, ReplicateError> {
    let bytes = state.encode();
    match bytes.len() > most {
        true => Err(ReplicateError::StateTooLong {
            bytes: bytes.len(),
            most,
        }),
        false => Ok(bytes.into()),
    }
}

type Composed = (Manifest, LogPosition, Vec<crate::object::FileParts>);

/// One try to have everything that the manifest lists in the bucket. Adds to `put` what was put for it.
fn compose(
    patient: &mut Patient<'_>,
    source: &Source,
    catalog: &mut Catalog,
    term: Term,
    put: &mut BTreeSet<Key>,
) -> Result<Option<Composed>, ReplicateError> {
    // The end first: what a record below it says is gone is gone from what the manifest lists. Whoever takes over from
    // the state has to look at the records after it alone.
    let end = source.durable_end()?;
    let manifest = source.manifest()?;
    for info in manifest.segments() {
        let Some(end) = info.end() else {
            continue;
        };
        if patient.stop.is_stopped() {
            return Err(ReplicateError::Stopped);
        }
        let length = catalog.length(info.header());
        if length.is_some_and(|length| length >= u64::from(end.offset)) {
            continue;
        }
        let Ok(name) = info.file_name().parse::<FileName>() else {
            continue;
        };
        let mut tried = None;
        let whole = upload::whole(
            source,
            patient.bucket,
            patient.stop,
            term,
            &name,
            &mut tried,
        );
        put.extend(tried);
        match whole {
            Ok((length, key)) => catalog.add_whole(name, length, key, Some(*info.header())),
            Err(ReplicateError::File { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    let Some(active) = manifest.segments().last() else {
        return Ok(None);
    };
    let view = source.log()?;
    let in_view = view
        .info(active.id())
        .is_some_and(|info| info.header() == active.header());
    if end.segment != active.id() || !in_view {
        return Ok(None);
    }
    let from = catalog
        .length(active.header())
        .filter(|from| *from <= u64::from(end.offset));
    let join = Join::of(*active.header(), from.unwrap_or(0), u64::from(end.offset));
    if join.from < join.to {
        let mut tried = None;
        let tail = upload::tail(&view, patient.bucket, patient.stop, term, &join, &mut tried);
        put.extend(tried);
        let key = tail?;
        if !catalog.add_tail(&join, key) {
            return Ok(None);
        }
    }
    let beside = merged_files(source)?;
    Ok(catalog
        .files_of(&manifest, &end, &beside)
        .map(|files| (manifest, end, files)))
}

/// The names of merged files of the index in the directory of the store.
pub(crate) fn merged_files(source: &Source) -> Result<Vec<FileName>, ReplicateError> {
    let listed = source.fs().list_names(source.dir());
    let listed = listed.map_err(super::error::of_file(source.dir()))?;
    let files = listed.iter().filter(|entry| entry.kind == EntryKind::File);
    let merged =
        files.filter(|entry| entry.name.starts_with("index-") && entry.name.ends_with(".idx"));
    Ok(merged.filter_map(|entry| entry.name.parse().ok()).collect())
}

/// Checks that the log that was left is the beginning of that of the store: by sequence and log hash of its end.
pub(crate) fn check_prefix(source: &Source, left: &Left) -> Result<(), ReplicateError> {
    let end = left.end();
    let durable = source.durable_end()?;
    if end.is_same_place(&durable) {
        return Ok(());
    }
    if end.sequence > durable.sequence {
        return Err(ReplicateError::BucketAhead {
            bucket: end.sequence,
            store: durable.sequence,
        });
    }
    let view = source.log()?;
    // Where a place is in a run nothing speaks for it or against it: the one before tells, where a segment began.
    let segments = left.state.manifest.segments().iter().rev();
    let starts = segments.map(SegmentInfo::start);
    for place in std::iter::once(*end).chain(starts) {
        match find_place(&view, &place, &durable)? {
            Found::Here => return Ok(()),
            Found::InRun => {}
            Found::Nowhere => return Err(ReplicateError::Diverged(end.sequence)),
        }
    }
    Ok(())
}

/// What is known of a place.
enum Found {
    Here,
    /// It is within a run of removed events.
    InRun,
    Nowhere,
}

/// Whether a commit of the log, or a note, ends at this place. Reads the frames of the segments that may have it: one,
/// or more where several begin with the same sequence.
fn find_place(
    view: &LogView,
    place: &LogPosition,
    durable: &LogPosition,
) -> Result<Found, ReplicateError> {
    struct Stop(Found);
    let is_at = |position: &LogPosition| position.is_same_place(place);
    let infos = || {
        view.infos()
            .filter(|info| info.start().sequence <= place.sequence)
    };
    if infos().any(|info| is_at(&info.start()) || info.end().is_some_and(|end| is_at(&end))) {
        return Ok(Found::Here);
    }
    let goes_there = |end: &LogPosition| end.sequence >= place.sequence;
    for info in infos() {
        let until = info.end().unwrap_or(*durable);
        if until.segment != info.id() || !goes_there(&until) {
            continue;
        }
        let scanned = view.scan(until, Some(info.start()), |frame| {
            let end = frame.end();
            let is_within = |run: Range<Sequence>| run.start < place.sequence;
            match end.sequence > place.sequence {
                _ if is_at(&end) => Err(Stop(Found::Here)),
                true if frame.run().is_some_and(is_within) => Err(Stop(Found::InRun)),
                true => Err(Stop(Found::Nowhere)),
                false => Ok(()),
            }
        });
        match scanned {
            Ok(_) | Err(ScanError::Visit(Stop(Found::Nowhere))) => {}
            Err(ScanError::Visit(Stop(found))) => return Ok(found),
            Err(ScanError::Log(error)) => return Err(error.into()),
        }
    }
    Ok(Found::Nowhere)
}
