//! `SegmentList`: the segments of a view, in chunks that views share. Knows no files.
//!
//! A rotation replaces the list of the newest view, under the commit lock. One that is copied as a whole
//! costs a rotation what there are segments; of this one the last chunk is copied, and a pointer for each
//! of the others.

use super::segment::ReadSegment;
use crate::format::{SegmentId, SegmentInfo};
use std::ops::RangeInclusive;
use std::sync::Arc;
use strandline_core::Sequence;

/// Most segments of a chunk.
const CHUNK: usize = 64;

/// The segments of a chunk: what stands in the list beside others of views.
type Chunk = Arc<Vec<Arc<ReadSegment>>>;

/// Segments with numbers that ascend; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct SegmentList {
    /// None is empty, and two that stand together have more than [`CHUNK`].
    chunks: Vec<Chunk>,
    /// How many there are.
    len: usize,
    /// How often segments got other frames since the first list.
    rewritings: u64,
}

impl SegmentList {
    /// Segments whose numbers ascend.
    pub(super) fn new(segments: impl Iterator<Item = Arc<ReadSegment>>) -> Self {
        let mut list = Self::default();
        for segment in segments {
            list.push(segment);
        }
        list
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// How often segments were [replaced](Self::replace) by others.
    pub(super) const fn rewritings(&self) -> u64 {
        self.rewritings
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<ReadSegment>> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The segments from a number on. O(log segments) to the first of them.
    pub(super) fn from(&self, id: SegmentId) -> impl Iterator<Item = &Arc<ReadSegment>> {
        let at = self.chunk_of(id).unwrap_or_default();
        let chunks = self.chunks.get(at..).unwrap_or_default().iter();
        chunks.enumerate().flat_map(move |(at, chunk)| {
            let skipped = match at {
                0 => chunk.partition_point(|segment| segment.info.id() < id),
                _ => 0,
            };
            chunk.get(skipped..).unwrap_or_default()
        })
    }

    pub(super) fn last(&self) -> Option<&Arc<ReadSegment>> {
        self.chunks.last()?.last()
    }

    /// The segment with this number. O(log segments).
    pub(super) fn find(&self, id: SegmentId) -> Option<&Arc<ReadSegment>> {
        let chunk = self.chunks.get(self.chunk_of(id)?)?;
        chunk.get(find_in(chunk, id)?)
    }

    /// The newest segment that begins at a sequence or before it. O(log segments).
    pub(super) fn at(&self, sequence: Sequence) -> Option<&Arc<ReadSegment>> {
        let has_begun = |segment: &Arc<ReadSegment>| segment.info.start().sequence <= sequence;
        let after = self
            .chunks
            .partition_point(|chunk| chunk.first().is_some_and(has_begun));
        let chunk = self.chunks.get(after.checked_sub(1)?)?;
        chunk.get(chunk.partition_point(has_begun).checked_sub(1)?)
    }

    /// Those that someone besides the list has: for a view that was cloned from it, has its chunks, or
    /// was there when a chunk was another one.
    pub(super) fn shared(&self) -> impl Iterator<Item = &Arc<ReadSegment>> {
        self.chunks.iter().flat_map(|chunk| {
            let is_shared = Arc::strong_count(chunk) > 1;
            chunk
                .iter()
                .filter(move |segment| is_shared || Arc::strong_count(segment) > 1)
        })
    }

    /// Adds one with a greater number than all. O(1), and the chunk if others have it.
    pub(super) fn push(&mut self, segment: Arc<ReadSegment>) {
        self.len += 1;
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                let chunk = Arc::make_mut(last);
                // One that was copied has room for no more.
                chunk.reserve_exact(CHUNK - chunk.len());
                chunk.push(segment);
            }
            _ => self.chunks.push(Arc::new(vec![segment])),
        }
    }

    /// Puts what `new` gives in the place of the segment with this number, which has the same frames; leaves
    /// it if there is none such, or `new` gives none. O(log segments), and the chunk.
    pub(super) fn renew(
        &mut self,
        id: SegmentId,
        new: impl FnOnce(&ReadSegment) -> Option<ReadSegment>,
    ) {
        let chunk = self.chunk_of(id).and_then(|at| self.chunks.get_mut(at));
        if let Some(chunk) = chunk
            && let Some(at) = find_in(chunk, id)
            && let Some(new) = chunk.get(at).and_then(|old| new(old))
            && let Some(place) = Arc::make_mut(chunk).get_mut(at)
        {
            *place = Arc::new(new);
        }
    }

    /// Puts one in the place of the segments with these numbers, the first of which is its own; leaves the
    /// list if that is not there. O(chunks + segments that are replaced).
    pub(super) fn replace(&mut self, ids: RangeInclusive<SegmentId>, new: Arc<ReadSegment>) {
        let ends = self.chunk_of(*ids.start()).zip(self.chunk_of(*ids.end()));
        let Some((first, last)) = ends.filter(|(first, last)| first <= last) else {
            return;
        };
        let chunks = self.chunks.get(first..=last).unwrap_or_default();
        let mut joined: Vec<_> = chunks
            .iter()
            .flat_map(|chunk| chunk.iter().cloned())
            .collect();
        let Some(at) = find_in(&joined, *ids.start()) else {
            return;
        };
        let before = joined.len();
        let after = joined.partition_point(|segment| segment.info.id() <= *ids.end());
        joined.splice(at..after, [new]);
        self.len -= before - joined.len();
        self.rewritings += 1;
        self.put(first, last, joined);
    }

    /// Puts segments in the place of the chunks that had them, with their neighbours as far as these fit.
    fn put(&mut self, first: usize, last: usize, mut segments: Vec<Arc<ReadSegment>>) {
        let (mut start, mut end) = (first, last + 1);
        if let Some(chunk) = first.checked_sub(1).and_then(|at| self.chunks.get(at))
            && chunk.len() + segments.len() <= CHUNK
        {
            segments.splice(..0, chunk.iter().cloned());
            start -= 1;
        }
        let in_last = segments.len().saturating_sub(1) % CHUNK + 1;
        if let Some(chunk) = self.chunks.get(end)
            && chunk.len() + in_last <= CHUNK
        {
            segments.extend(chunk.iter().cloned());
            end += 1;
        }
        let chunks = segments.chunks(CHUNK).map(|chunk| Arc::new(chunk.to_vec()));
        self.chunks.splice(start..end, chunks.collect::<Vec<_>>());
    }

    /// The chunk that has a number, if any has.
    fn chunk_of(&self, id: SegmentId) -> Option<usize> {
        let has_begun = |chunk: &Chunk| chunk.first().is_some_and(|first| first.info.id() <= id);
        self.chunks.partition_point(has_begun).checked_sub(1)
    }
}

fn find_in(chunk: &[Arc<ReadSegment>], id: SegmentId) -> Option<usize> {
    SegmentInfo::find(chunk, id, |segment| &segment.info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::SegmentFile;
    use crate::format::{LogPosition, SegmentHeader};
    use proptest::prelude::*;
    use std::path::{Path, PathBuf};
    use strandline_core::fs::{Fs, MemFs, OpenMode};
    use strandline_core::{Hash, Random};

    /// How many sequences a segment of the tests has.
    const RECORDS: u64 = 10;

    struct Maker {
        file: SegmentFile,
        random: Random,
    }

    impl Maker {
        fn new() -> Self {
            let fs = MemFs::new();
            fs.create_dir_all(Path::new("/d")).unwrap();
            let file = fs.open(Path::new("/d/f"), OpenMode::Create).unwrap();
            let random = Random::from_seed(1);
            let header = Self::header(1, &random);
            let file = SegmentFile::new(&header, PathBuf::from("/d/f"), file);
            Self { file, random }
        }

        /// Each number has its place among the sequences, wherever numbers are left out.
        fn header(id: u32, random: &Random) -> SegmentHeader {
            let before = LogPosition {
                segment: SegmentId::new(id),
                offset: 0,
                last_frame: 0,
                sequence: Sequence::new(u64::from(id) * RECORDS),
                log_hash: Hash::of(b"any"),
            };
            SegmentHeader::after([7; 16], SegmentId::new(id), &before, random)
        }

        /// A segment that differs from all others.
        fn segment(&self, id: u32) -> ReadSegment {
            let header = Self::header(id, &self.random);
            ReadSegment::new(SegmentInfo { header, end: None }, self.file.clone())
        }
    }

    #[derive(Debug, Clone)]
    enum Change {
        Push(u32),
        Renew(u32),
        Replace(u32, u32),
        /// A view is taken, and let go some changes later.
        View,
        LetGo,
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (1..200_u32).prop_map(Change::Push),
            2 => any::<u32>().prop_map(Change::Renew),
            3 => (any::<u32>(), 0..150_u32).prop_map(|(at, count)| Change::Replace(at, count)),
            1 => Just(Change::View),
            1 => Just(Change::LetGo),
        ]
    }

    fn ids(list: &SegmentList) -> Vec<(SegmentId, [u8; 16])> {
        let of = |segment: &Arc<ReadSegment>| (segment.info.id(), segment.info.header.nonce);
        list.iter().map(of).collect()
    }

    fn check(list: &SegmentList, plain: &[Arc<ReadSegment>]) {
        assert_eq!(list.len(), plain.len());
        assert!(list.iter().zip(plain).all(|(a, b)| Arc::ptr_eq(a, b)));
        assert_eq!(list.iter().count(), plain.len());
        let same = |a: Option<&Arc<ReadSegment>>, b: Option<&Arc<ReadSegment>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (a, b) => a.is_none() && b.is_none(),
        };
        assert!(same(list.last(), plain.last()));
        let last = plain.last().map_or(1, |last| last.info.id().get());
        for id in (0..=last + 2).step_by(7).chain(last..=last + 1) {
            let at = plain.iter().position(|one| one.info.id().get() == id);
            assert!(same(
                list.find(SegmentId::new(id)),
                at.and_then(|at| plain.get(at))
            ));
            let from = plain.partition_point(|one| one.info.id().get() < id);
            assert!(list.from(SegmentId::new(id)).eq_by_pointer(&plain[from..]));
            let sequence = Sequence::new(u64::from(id) * RECORDS + 3);
            let begun = plain.partition_point(|one| one.info.start().sequence <= sequence);
            let newest = begun.checked_sub(1).and_then(|at| plain.get(at));
            assert!(same(list.at(sequence), newest));
        }
        // So a list has few chunks, whatever was done to it.
        let together = |pair: &[Chunk]| pair[0].len() + pair[1].len() > CHUNK;
        assert!(list.chunks.windows(2).all(together));
        assert!(
            list.chunks
                .iter()
                .all(|chunk| (1..=CHUNK).contains(&chunk.len()))
        );
    }

    trait EqByPointer {
        fn eq_by_pointer(self, others: &[Arc<ReadSegment>]) -> bool;
    }

    impl<'a, I: Iterator<Item = &'a Arc<ReadSegment>>> EqByPointer for I {
        fn eq_by_pointer(self, others: &[Arc<ReadSegment>]) -> bool {
            let all: Vec<_> = self.collect();
            all.len() == others.len() && all.iter().zip(others).all(|(a, b)| Arc::ptr_eq(a, b))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn gives_what_a_plain_list_gives(changes in proptest::collection::vec(change(), 1..40)) {
            let maker = Maker::new();
            let (mut list, mut plain) = (SegmentList::default(), Vec::<Arc<ReadSegment>>::new());
            let mut next = 1;
            let mut views = Vec::new();
            for change in changes {
                let chosen = |at: u32| plain.get(at as usize % plain.len().max(1)).cloned();
                match change {
                    Change::Push(count) => {
                        for _ in 0..count {
                            let segment = Arc::new(maker.segment(next));
                            next += 1;
                            list.push(segment.clone());
                            plain.push(segment);
                        }
                    }
                    Change::Renew(at) => {
                        let Some(old) = chosen(at) else { continue };
                        let id = old.info.id();
                        list.renew(id, |_| None);
                        list.renew(SegmentId::new(next), |_| panic!("there is none"));
                        list.renew(id, |segment| {
                            assert_eq!(segment.info, old.info);
                            Some(maker.segment(id.get()))
                        });
                        let at = plain.iter().position(|one| one.info.id() == id).unwrap();
                        plain[at] = list.find(id).unwrap().clone();
                        prop_assert!(!Arc::ptr_eq(&plain[at], &old));
                    }
                    Change::Replace(at, count) => {
                        let Some(old) = chosen(at) else { continue };
                        let (first, last) = (old.info.id(), old.info.id().get() + count);
                        let new = Arc::new(maker.segment(first.get()));
                        let before = list.rewritings();
                        list.replace(first..=SegmentId::new(last), new.clone());
                        prop_assert!(list.rewritings() > before);
                        let is_one = |one: &Arc<ReadSegment>| {
                            (first.get()..=last).contains(&one.info.id().get())
                        };
                        let at = plain.iter().position(is_one).unwrap();
                        plain.retain(|one| !is_one(one));
                        plain.insert(at, new);
                    }
                    Change::View => views.push((list.clone(), ids(&list))),
                    Change::LetGo => drop(views.pop()),
                }
                check(&list, &plain);
            }
            for (view, had) in views {
                prop_assert_eq!(ids(&view), had);
            }
        }

        /// Whatever a view has is shared, however the list was changed since, and nothing else.
        #[test]
        fn what_views_have_is_shared(
            count in 1..200_u32,
            pushed in 0..100_u32,
            renewed in any::<u32>(),
        ) {
            let maker = Maker::new();
            let all = (1..=count).map(|id| Arc::new(maker.segment(id)));
            let mut list = SegmentList::new(all);
            prop_assert_eq!(list.shared().count(), 0);
            let view = list.clone();
            for id in 0..pushed {
                list.push(Arc::new(maker.segment(count + 1 + id)));
            }
            let renewed = SegmentId::new(1 + renewed % count);
            list.renew(renewed, |_| Some(maker.segment(renewed.get())));
            let shared: Vec<_> = list.shared().map(|one| one.info.id()).collect();
            let expected = (1..=count).map(SegmentId::new).filter(|id| *id != renewed);
            prop_assert_eq!(shared, expected.collect::<Vec<_>>());
            drop(view);
            prop_assert_eq!(list.shared().count(), 0);
        }
    }

    #[test]
    fn a_change_leaves_the_other_chunks_to_both() {
        let maker = Maker::new();
        let mut list = SegmentList::new((1..=1_000).map(|id| Arc::new(maker.segment(id))));
        let view = list.clone();
        list.push(Arc::new(maker.segment(1_001)));
        let pairs = view.chunks.iter().zip(&list.chunks);
        let own = pairs.filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!(own, 1, "the last one alone");
    }

    #[test]
    fn a_number_that_is_not_there_changes_nothing() {
        let maker = Maker::new();
        let mut list =
            SegmentList::new([1, 5, 6].into_iter().map(|id| Arc::new(maker.segment(id))));
        let before = ids(&list);
        for (first, last) in [(2, 3), (7, 9), (0, 1), (2, 5)] {
            let new = Arc::new(maker.segment(first));
            list.replace(SegmentId::new(first)..=SegmentId::new(last), new);
        }
        assert_eq!(ids(&list), before);
        assert_eq!(list.rewritings(), 0);
    }
}
