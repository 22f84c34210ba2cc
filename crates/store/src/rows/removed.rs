//! Where the streams of entities end whose newest event was removed: of each segment that has some, in its
//! footer, in a merged file of several segments, or as frames say. What the lists look like is in
//! [`heads`](super::heads).

use super::heads::{HeadMap, List, MergedHeads, RemovedHead, add_newer};
use super::merged::MergedBytes;
use super::rebuild::removed_heads_of;
use super::source::MergedSource;
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::{Region, Sequence};
use strandline_index::Snapshot;
use strandline_segment::{Footer, SealedFrames, SegmentId};
use tracing::Level;

/// The heads of a segment, or of several, wherever they are.
#[derive(Debug)]
pub(crate) enum RemovedHeads {
    /// Read from the frames.
    Map(HeadMap),
    /// Searched in the footer.
    InFooter(Box<HeadsInFooter>),
    /// Searched in a merged file.
    InMerged(Box<HeadsInMerged>),
}

/// A list in a footer, checked before its first use.
#[derive(Debug)]
pub(crate) struct HeadsInFooter {
    footer: Footer,
    /// Where the list is in it.
    range: Range<usize>,
    frames: SealedFrames,
    is_intact: OnceLock<bool>,
    /// What the frames say, where the list turned out to be damaged, or does not tell of records.
    anew: OnceLock<Result<HeadMap, String>>,
}

/// A list in a merged file, checked before its first use.
#[derive(Debug)]
pub(crate) struct HeadsInMerged {
    bytes: MergedBytes,
    /// Where the list is in it.
    range: Range<usize>,
    source: Arc<MergedSource>,
    is_intact: OnceLock<bool>,
    /// What the segments say, where the list turned out to be damaged.
    anew: OnceLock<Result<MergedHeads, String>>,
}

/// The head of an entity, and the segment that the list names, if it names one.
type Found = Option<(Option<SegmentId>, RemovedHead)>;

/// What frames say needs no confirming.
fn unplaced(head: &RemovedHead) -> RemovedHead {
    RemovedHead {
        place: None,
        ..*head
    }
}

impl RemovedHeads {
    /// The list at `range` of a footer; none if that is empty.
    pub(crate) fn in_footer(
        footer: Footer,
        range: Range<usize>,
        frames: SealedFrames,
    ) -> Option<Self> {
        (!range.is_empty()).then(|| {
            Self::InFooter(Box::new(HeadsInFooter {
                footer,
                range,
                frames,
                is_intact: OnceLock::new(),
                anew: OnceLock::new(),
            }))
        })
    }

    /// The list at `range` of a merged file. An empty one says that no stream ends in a removed event as long
    /// as no segment of the file is rewritten: afterwards its segments are asked, as with any other.
    pub(super) fn in_merged(
        bytes: MergedBytes,
        range: Range<usize>,
        source: Arc<MergedSource>,
    ) -> Self {
        Self::InMerged(Box::new(HeadsInMerged {
            bytes,
            range,
            source,
            is_intact: OnceLock::new(),
            anew: OnceLock::new(),
        }))
    }

    /// Whether a merged file has them, and they were found damaged there.
    fn is_damaged(&self) -> bool {
        match self {
            Self::InMerged(list) => list.is_intact.get() == Some(&false),
            Self::Map(_) | Self::InFooter(_) => false,
        }
    }

    /// The head of an entity; where its record is only if that is to be asked, since a file says it.
    fn find(&self, entity: &str) -> Result<Found, Error> {
        let of_one = |head| (None, head);
        match self {
            Self::Map(map) => Ok(map.get(entity).map(unplaced).map(of_one)),
            Self::InFooter(heads) => heads.find(entity),
            Self::InMerged(heads) => heads.find(entity),
        }
    }

    /// Adds every head of `segments` to those that are newer than what is there; `own` is the segment
    /// of a list that names none.
    fn add_to(
        &self,
        heads: &mut MergedHeads,
        own: SegmentId,
        is_one: impl Fn(SegmentId) -> bool,
    ) -> Result<(), Error> {
        let mut add = |entity: &str, segment: Option<SegmentId>, head: &RemovedHead| {
            let segment = segment.unwrap_or(own);
            if is_one(segment) {
                add_newer(heads, entity, segment, head);
            }
        };
        let anew = match self {
            Self::Map(map) => Ok(map),
            Self::InFooter(list) => match list.intact() {
                Some(intact) => {
                    let entries = intact.entries();
                    entries.for_each(|(entity, segment, head)| add(entity, segment, &head));
                    return Ok(());
                }
                None => list.anew().as_ref(),
            },
            // It says of an entity the newest head alone, which may be of a segment that is not asked about.
            Self::InMerged(list) if !list.is_of_all(&is_one) => {
                let own = list.source.heads_of(&is_one)?;
                let entries = own.iter();
                entries.for_each(|(entity, (segment, head))| add(entity, Some(*segment), head));
                return Ok(());
            }
            Self::InMerged(list) => {
                match (list.intact(), list.anew.get()) {
                    (Some(intact), _) => {
                        let entries = intact.entries();
                        entries.for_each(|(entity, segment, head)| add(entity, segment, &head));
                    }
                    (None, _) => {
                        let anew = list.anew().as_ref().map_err(|reason| unknown("", reason))?;
                        let entries = anew.iter();
                        entries.for_each(|(entity, (segment, head))| {
                            add(entity, Some(*segment), head);
                        });
                    }
                }
                return Ok(());
            }
        };
        let map = anew.map_err(|reason| unknown("", reason))?;
        map.iter()
            .for_each(|(entity, head)| add(entity, None, head));
        Ok(())
    }
}

/// The error of a stream whose end cannot be told.
fn unknown(entity: &str, reason: &str) -> Error {
    let of = match entity {
        "" => String::new(),
        entity => format!(" of {entity}"),
    };
    Error::new(
        ErrorKind::Corrupt,
        format!("it cannot be told where the stream{of} ends: {reason}"),
    )
}

impl HeadsInFooter {
    fn list(&self) -> List<'_> {
        let list = self.footer.as_ref().get(self.range.clone());
        List(list.unwrap_or_default())
    }

    /// The list, if it is whole and tells of records.
    fn intact(&self) -> Option<List<'_>> {
        let list = self.list();
        let is_intact = *self
            .is_intact
            .get_or_init(|| list.check() && !list.is_of_segments());
        (is_intact && list.is_located()).then_some(list)
    }

    fn anew(&self) -> &Result<HeadMap, String> {
        self.anew.get_or_init(|| {
            let segment = self.frames.info().id().get();
            trace::tell(Level::WARN, move || {
                tracing::warn!(
                    segment,
                    "reading the heads of removed events from the frames"
                );
            });
            removed_heads_of(&self.frames).map_err(|error| error.to_string())
        })
    }

    fn find(&self, entity: &str) -> Result<Found, Error> {
        let _held = trace::hold();
        if self.anew.get().is_none() && *self.is_intact.get_or_init(|| self.list().check()) {
            let found = self.list().find(entity);
            if found.is_none_or(|(_, head)| head.place.is_some()) {
                return Ok(found.map(|(_, head)| (None, head)));
            }
        }
        match self.anew() {
            Ok(map) => Ok(map.get(entity).map(|head| (None, unplaced(head)))),
            Err(reason) => Err(unknown(entity, reason)),
        }
    }
}

impl HeadsInMerged {
    /// Whether every segment of the file is one of those that are asked about.
    fn is_of_all(&self, is_one: impl Fn(SegmentId) -> bool) -> bool {
        self.source.segments.iter().all(|own| is_one(own.id))
    }

    /// The list, if it is whole.
    fn intact(&self) -> Option<List<'_>> {
        let list = self.bytes.as_ref().get(self.range.clone());
        let list = List(list.unwrap_or_default());
        let is_whole =
            || list.0.is_empty() || list.check() && list.is_located() && list.is_of_segments();
        self.is_intact.get_or_init(is_whole).then_some(list)
    }

    fn anew(&self) -> &Result<MergedHeads, String> {
        self.anew.get_or_init(|| {
            let file = self.source.name().to_string();
            trace::tell(Level::WARN, move || {
                tracing::warn!(
                    file,
                    "reading the heads of removed events from the segments"
                );
            });
            self.source.heads().map_err(|error| error.to_string())
        })
    }

    fn find(&self, entity: &str) -> Result<Found, Error> {
        let _held = trace::hold();
        if let Some(list) = self.intact() {
            return Ok(list.find(entity));
        }
        match self.anew() {
            Ok(map) => {
                let found = map.get(entity).copied();
                Ok(found.map(|(segment, head)| (Some(segment), head)))
            }
            Err(reason) => Err(unknown(entity, reason)),
        }
    }
}

/// A list, and the segments that it counts for, which ascend.
#[derive(Debug, Clone)]
struct Lists {
    of: Vec<SegmentId>,
    heads: Arc<RemovedHeads>,
}

impl Lists {
    fn has(&self, segment: SegmentId) -> bool {
        self.of.binary_search(&segment).is_ok()
    }
}

/// The heads of all segments: no more lists than the index has parts.
#[derive(Debug, Default)]
pub(crate) struct RemovedInSegments {
    /// Of one segment each, oldest first.
    single: Vec<(SegmentId, Arc<RemovedHeads>)>,
    /// Of several each; no segment is in two of them, nor in one of these and among the others.
    merged: Vec<Lists>,
}

impl RemovedInSegments {
    /// Notes what a segment has, in place of what it had. O(segments of a list that has it).
    pub(crate) fn set(&mut self, segment: SegmentId, heads: Option<RemovedHeads>) {
        self.forget_merged(|id| id == segment);
        let at = self.single.binary_search_by_key(&segment, |(id, _)| *id);
        match (at, heads) {
            (Ok(at), Some(heads)) => {
                if let Some(own) = self.single.get_mut(at) {
                    own.1 = Arc::new(heads);
                }
            }
            (Ok(at), None) => drop(self.single.remove(at)),
            (Err(at), Some(heads)) => self.single.insert(at, (segment, Arc::new(heads))),
            (Err(_), None) => {}
        }
    }

    /// Notes what segments have, which ascend, in place of what each of them had.
    pub(crate) fn set_merged(&mut self, of: Vec<SegmentId>, heads: RemovedHeads) {
        let is_one = |id: SegmentId| of.binary_search(&id).is_ok();
        self.single.retain(|(id, _)| !is_one(*id));
        self.forget_merged(is_one);
        let heads = Arc::new(heads);
        self.merged.push(Lists { of, heads });
    }

    /// The first segment of each list of a merged file that turned out to be damaged.
    pub(crate) fn damaged(&self) -> impl Iterator<Item = SegmentId> {
        let damaged = self.merged.iter().filter(|list| list.heads.is_damaged());
        damaged.filter_map(|list| list.of.first().copied())
    }

    fn forget_merged(&mut self, is_one: impl Fn(SegmentId) -> bool) {
        for list in &mut self.merged {
            list.of.retain(|id| !is_one(*id));
        }
        self.merged.retain(|list| !list.of.is_empty());
    }

    /// What was read from the frames of a segment.
    pub(crate) fn map_of(&self, segment: SegmentId) -> HeadMap {
        let mut all = self.single.iter();
        match all
            .find(|(id, _)| *id == segment)
            .map(|(_, heads)| &**heads)
        {
            Some(RemovedHeads::Map(map)) => map.clone(),
            _ => HeadMap::new(),
        }
    }

    /// The lists of segments, which ascend, as they are now. O(lists + segments).
    pub(crate) fn of(&self, segments: &[SegmentId]) -> HeadsOf {
        let is_one = |id: &SegmentId| segments.binary_search(id).is_ok();
        let single = self.single.iter().filter(|(id, _)| is_one(id));
        let single = single.map(|(id, heads)| Lists {
            of: vec![*id],
            heads: heads.clone(),
        });
        let merged = self.merged.iter().filter_map(|list| {
            let of: Vec<_> = list.of.iter().copied().filter(is_one).collect();
            let heads = list.heads.clone();
            (!of.is_empty()).then_some(Lists { of, heads })
        });
        HeadsOf(single.chain(merged).collect())
    }

    /// The newest of an entity in the segments from `first` on, or in all, and its segment; where its record
    /// is only if that has to confirm it. O(log entities) for each list.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too.
    pub(crate) fn find_since(
        &self,
        entity: &str,
        first: Option<SegmentId>,
    ) -> Result<Option<(SegmentId, RemovedHead)>, Error> {
        let is_asked = |segment: SegmentId| first.is_none_or(|first| segment >= first);
        let mut newest: Option<(SegmentId, RemovedHead)> = None;
        let single = self.single.iter().rev();
        for (segment, heads) in single.take_while(|(segment, _)| is_asked(*segment)) {
            if let Some((_, head)) = heads.find(entity)? {
                newest = Some((*segment, head));
                break;
            }
        }
        let merged = self.merged.iter();
        for list in merged.filter(|list| list.of.last().copied().is_some_and(is_asked)) {
            // A segment that was rewritten since has a list of its own, which says the same or more.
            if let Some((Some(segment), head)) = list.heads.find(entity)?
                && list.has(segment)
                && is_asked(segment)
                && newest.is_none_or(|(_, known)| known.clock < head.clock)
            {
                newest = Some((segment, head));
            }
        }
        Ok(newest)
    }
}

/// The lists of some segments as they were at one moment.
#[derive(Debug)]
pub(crate) struct HeadsOf(Vec<Lists>);

impl HeadsOf {
    /// The newest head of each entity. Takes memory for all of them: their names, and some 120 bytes each; for
    /// no more than `most` and those of one list.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too; `TooLarge` if there are more than `most`.
    pub(crate) fn newest(&self, most: usize) -> Result<MergedHeads, Error> {
        let _held = trace::hold();
        let mut heads = MergedHeads::new();
        for list in &self.0 {
            let own = list.of.first().copied().unwrap_or(SegmentId::FIRST);
            list.heads.add_to(&mut heads, own, |id| list.has(id))?;
            if heads.len() > most {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("more than {most} streams end in a removed event there"),
                ));
            }
        }
        Ok(heads)
    }
}

/// Leaves of heads those that no event with these sequences is newer than.
pub(crate) fn retain_newest(
    heads: &mut MergedHeads,
    index: &Snapshot,
    sequences: &Range<Sequence>,
) {
    let Range { start, end } = sequences;
    heads.retain(|entity, (_, head)| {
        let region = Region::all()
            .entity(&**entity)
            .sequence(start.get()..end.get());
        let newest = index.query(&region).next_back();
        newest.is_none_or(|row| row.clock() < head.clock)
    });
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use strandline_core::Hash;

    /// Of a merge all heads are in memory at once.
    #[test]
    fn more_heads_than_may_be_are_refused() {
        let mut removed = RemovedInSegments::default();
        for segment in 1..=3 {
            let head = RemovedHead {
                clock: segment,
                sequence: Sequence::new(segment.into()),
                hash: Hash::ZERO,
                place: None,
            };
            let names = ["of all".to_owned(), format!("of {segment}")];
            let map = names.map(|name| (name.into_boxed_str(), head));
            let heads = RemovedHeads::Map(map.into());
            removed.set(SegmentId::new(segment), Some(heads));
        }
        let lists = removed.of(&[1, 2, 3].map(SegmentId::new));
        assert_eq!(lists.newest(4).unwrap().len(), 4);
        assert_eq!(lists.newest(3).unwrap_err().kind(), ErrorKind::TooLarge);
    }
}
