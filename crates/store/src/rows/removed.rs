//! `RemovedHeads`: where the streams end whose newest event was removed, as the footer of a segment says it,
//! a merged file of several, or frames. What the lists look like is in [`heads`](super::heads); which counts for
//! which segment in [`removed_segments`](super::removed_segments).

use super::heads::{HeadMap, List, MergedHeads, RemovedHead, add_newer};
use super::merged::MergedBytes;
use super::rebuild::removed_heads_of;
use super::source::MergedSource;
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
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
pub(super) type Found = Option<(Option<SegmentId>, RemovedHead)>;

/// What frames say needs no confirming.
pub(super) fn unplaced(head: &RemovedHead) -> RemovedHead {
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
    pub(super) fn is_damaged(&self) -> bool {
        match self {
            Self::InMerged(list) => list.is_intact.get() == Some(&false),
            Self::Map(_) | Self::InFooter(_) => false,
        }
    }

    /// The head of an entity; where its record is only if that is to be asked, since a file says it.
    pub(super) fn find(&self, entity: &str) -> Result<Found, Error> {
        let of_one = |head| (None, head);
        match self {
            Self::Map(map) => Ok(map.get(entity).map(unplaced).map(of_one)),
            Self::InFooter(heads) => heads.find(entity),
            Self::InMerged(heads) => heads.find(entity),
        }
    }

    /// Adds every head of `segments` to those that are newer than what is there; `own` is the segment
    /// of a list that names none.
    pub(super) fn add_to(
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
pub(super) fn unknown(entity: &str, reason: &str) -> Error {
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
            self.source.discard_copy();
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
