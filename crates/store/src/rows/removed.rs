//! Where the streams of entities end whose newest event was removed: of each segment that has some, in its
//! footer or as its frames say. What the list in a footer looks like is in [`heads`](super::heads).

use super::heads::{HeadMap, List, RemovedHead};
use super::rebuild::removed_heads_of;
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::OnceLock;
use strandline_segment::{Footer, SealedFrames, SegmentId};
use tracing::Level;

/// The heads of a segment, wherever they are.
#[derive(Debug)]
pub(crate) enum RemovedHeads {
    /// Read from the frames.
    Map(HeadMap),
    /// Searched in the footer.
    InFooter(Box<HeadsInFooter>),
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

    /// The head of an entity; where its record is only if that is to be asked, since a footer says it.
    fn find(&self, entity: &str) -> Result<Option<RemovedHead>, Error> {
        match self {
            Self::Map(map) => Ok(map.get(entity).map(|head| RemovedHead {
                place: None,
                ..*head
            })),
            Self::InFooter(heads) => heads.find(entity),
        }
    }
}

impl HeadsInFooter {
    fn find(&self, entity: &str) -> Result<Option<RemovedHead>, Error> {
        let list = self.footer.as_ref().get(self.range.clone());
        let list = List(list.unwrap_or_default());
        let _held = trace::hold();
        if self.anew.get().is_none() && *self.is_intact.get_or_init(|| list.check()) {
            let found = list.find(entity);
            if found.is_none_or(|head| head.place.is_some()) {
                return Ok(found);
            }
        }
        let anew = self.anew.get_or_init(|| {
            let segment = self.frames.info().id().get();
            trace::tell(Level::WARN, move || {
                tracing::warn!(
                    segment,
                    "reading the heads of removed events from the frames"
                );
            });
            removed_heads_of(&self.frames).map_err(|error| error.to_string())
        });
        match anew {
            // What the frames say needs no confirming.
            Ok(map) => Ok(map.get(entity).map(|head| RemovedHead {
                place: None,
                ..*head
            })),
            Err(reason) => Err(Error::new(
                ErrorKind::Corrupt,
                format!("it cannot be told where the stream of {entity} ends: {reason}"),
            )),
        }
    }
}

/// The heads of all segments that have some, oldest first.
#[derive(Debug, Default)]
pub(crate) struct RemovedInSegments(Vec<(SegmentId, RemovedHeads)>);

impl RemovedInSegments {
    /// Notes what a segment has, in place of what it had.
    pub(crate) fn set(&mut self, segment: SegmentId, heads: Option<RemovedHeads>) {
        let at = self.0.binary_search_by_key(&segment, |(id, _)| *id);
        match (at, heads) {
            (Ok(at), Some(heads)) => {
                if let Some(own) = self.0.get_mut(at) {
                    own.1 = heads;
                }
            }
            (Ok(at), None) => drop(self.0.remove(at)),
            (Err(at), Some(heads)) => self.0.insert(at, (segment, heads)),
            (Err(_), None) => {}
        }
    }

    /// What was read from the frames of a segment.
    pub(crate) fn map_of(&self, segment: SegmentId) -> HeadMap {
        let mut all = self.0.iter();
        match all.find(|(id, _)| *id == segment) {
            Some((_, RemovedHeads::Map(map))) => map.clone(),
            _ => HeadMap::new(),
        }
    }

    /// The newest of an entity in the segments from `first` on, or in all, and its segment; where its record
    /// is only if that has to confirm it. O(log entities) for each segment that has some.
    ///
    /// # Errors
    ///
    /// `Corrupt` if a list is damaged and its segment too.
    pub(crate) fn find_since(
        &self,
        entity: &str,
        first: Option<SegmentId>,
    ) -> Result<Option<(SegmentId, RemovedHead)>, Error> {
        let is_asked = |(segment, _): &&_| first.is_none_or(|first| *segment >= first);
        for (segment, heads) in self.0.iter().rev().take_while(is_asked) {
            if let Some(head) = heads.find(entity)? {
                return Ok(Some((*segment, head)));
            }
        }
        Ok(None)
    }
}
