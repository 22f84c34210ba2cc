//! `OfSegment`: the nodes of the tree that lie in one segment, in its footer or made of its frames.
//!
//! A footer's are used once their checksums were found right. Where there is no section, or it is damaged, and for
//! the active segment, the nodes are made of frames, each of which is checked, and stay in memory: a byte a record.

use crate::rows::tree_section::{Edges, Layout};
use crate::rows::{GROUP_LEVEL, SegmentTree};
use crate::trace;
use crate::{Error, ErrorKind};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use strandline_core::Sequence;
use strandline_core::sync::Mutex;
use strandline_proof::Hash as TreeHash;
use strandline_segment::{FooterOf, FooterPart, LogPosition, LogView, RecordPlace, SegmentInfo};
use tracing::Level;

/// A segment of a view, and the leaves of it that are wanted: all of a sealed one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'v> {
    pub(super) log: &'v LogView,
    pub(super) info: &'v SegmentInfo,
    /// The leaf after the last that is wanted.
    pub(super) end: u64,
}

impl<'v> Asked<'v> {
    /// Of the active segment the leaves before `size`.
    pub(super) fn new(log: &'v LogView, info: &'v SegmentInfo, size: u64) -> Self {
        let end = info.end().map_or(size, |end| end.sequence.get());
        Self { log, info, end }
    }

    fn leaves(&self) -> Range<u64> {
        self.info.start().sequence.get()..self.end
    }
}

/// The nodes in one segment.
#[derive(Debug, Default)]
pub(super) struct OfSegment {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    InFooter(Arc<InFooter>),
    Made(Box<Made>),
}

/// Made of frames.
#[derive(Debug)]
struct Made {
    tree: SegmentTree,
    /// The end of the last frame that is in it.
    at: LogPosition,
    /// Whether a footer was looked for that is not there, or not to be used.
    has_no_footer: bool,
}

/// In the section of a footer.
#[derive(Debug)]
struct InFooter {
    edges: Edges,
    footer: FooterOf,
    /// Where the section is, up to the edges.
    rest_range: Range<u64>,
    rest: OnceLock<FooterPart>,
}

/// What there is in a section, or that it is damaged.
type Found<T> = Result<Option<T>, Damaged>;

/// Why a section cannot be used.
enum Damaged {
    Rest,
    Io(Error),
}

impl InFooter {
    /// The section of a segment's footer; none if there is none, or it is damaged.
    fn find(asked: &Asked<'_>) -> Result<Option<Self>, Error> {
        let footer = match asked.log.footer_of(asked.info.id()) {
            Ok(Some(footer)) => footer,
            Ok(None) => return Ok(None),
            Err(error) if error.is_corruption() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // It is what the footer ends with, and its leaves say how long it is: the head of the footer, which says so too,
        // would be one more piece to fetch of a file that is elsewhere. What is no section is told by its checksum.
        let layout = Layout::of(asked.leaves());
        let section = footer.bytes().checked_sub(layout.bytes());
        let Some(section) = section.filter(|_| !asked.leaves().is_empty()) else {
            return Ok(None);
        };
        let rest_end = footer.bytes().saturating_sub(layout.edges_bytes());
        let edges = footer.part(rest_end..footer.bytes(), false)?;
        let Ok(edges) = Edges::decode(edges.as_ref(), asked.leaves()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            edges,
            footer,
            rest_range: section..rest_end,
            rest: OnceLock::new(),
        }))
    }

    /// What is before the edges, once it was checked.
    fn rest(&self) -> Result<&[u8], Damaged> {
        if let Some(rest) = self.rest.get() {
            return Ok(rest.as_ref());
        }
        let part = self.footer.part(self.rest_range.clone(), true);
        let part = part.map_err(|error| Damaged::Io(error.into()))?;
        match self.edges.is_rest(part.as_ref()) {
            true => Ok(self.rest.get_or_init(|| part).as_ref()),
            false => Err(Damaged::Rest),
        }
    }

    fn node(&self, level: u8, index: u64) -> Found<TreeHash> {
        if let Some(edge) = self.edges.node(level, index) {
            return Ok(Some(edge));
        }
        match level < GROUP_LEVEL {
            true => Ok(None),
            false => Ok(self.edges.layout.node(self.rest()?, level, index)),
        }
    }

    fn place(&self, group: u64) -> Found<RecordPlace> {
        Ok(self.edges.layout.place(self.rest()?, group))
    }

    fn bytes(&self) -> usize {
        let rest = match self.rest.get() {
            Some(FooterPart::Read(bytes)) => bytes.len(),
            _ => 0,
        };
        self.edges.bytes().saturating_add(rest)
    }
}

impl Made {
    fn begin(info: &SegmentInfo) -> Self {
        Self {
            tree: SegmentTree::of(info),
            at: info.start(),
            has_no_footer: false,
        }
    }

    /// Reads on until every leaf is there that is wanted. O(bytes of the frames that are read).
    fn read_on(&mut self, asked: &Asked<'_>) -> Result<(), Error> {
        let Asked { log, info, end } = *asked;
        let left_out = || {
            let message = format!("{}: its frames do not go up to {end}", info.file_name());
            Error::new(ErrorKind::Corrupt, message)
        };
        let until = match (info.end(), end.checked_sub(1)) {
            (Some(end), _) => end,
            (None, Some(last)) => {
                let commit = log.commit_at(Sequence::new(last), None)?;
                commit.ok_or_else(left_out)?.after
            }
            (None, None) => return Ok(()),
        };
        let Self { tree, at, .. } = self;
        let reached = log.scan(until, Some(*at), |frame| {
            tree.frame(frame)?;
            *at = frame.end();
            Ok::<_, Error>(())
        })?;
        // What the manifest says of a sealed segment, or the header of the commit.
        match reached == until && self.tree.leaves().end >= end {
            true => Ok(()),
            false => Err(left_out()),
        }
    }

    /// Whether it has the leaves that are wanted: of a sealed segment all and no others, which a segment had
    /// before its end was carried into another one.
    fn is_enough(&self, asked: &Asked<'_>) -> bool {
        match asked.info.is_sealed() {
            true => self.tree.leaves().end == asked.end,
            false => self.tree.leaves().end >= asked.end,
        }
    }
}

impl OfSegment {
    /// What `made` or `in_footer` gives of the nodes, with all that are asked for.
    fn with<T>(
        &self,
        asked: &Asked<'_>,
        made: impl FnOnce(&SegmentTree) -> T,
        in_footer: impl FnOnce(&InFooter) -> Result<T, Damaged>,
    ) -> Result<T, Error> {
        let _held = trace::hold();
        let mut state = self.state.lock();
        Self::complete(&mut state, asked)?;
        let found = match &*state {
            State::InFooter(found) => found.clone(),
            State::Made(found) => return Ok(made(&found.tree)),
            State::Unknown => return Err(Error::new(ErrorKind::Corrupt, "no tree was made")),
        };
        drop(state);
        match in_footer(&found) {
            Ok(given) => Ok(given),
            Err(Damaged::Io(error)) => Err(error),
            Err(Damaged::Rest) => {
                self.make_anew(asked)?;
                match &*self.state.lock() {
                    State::Made(found) => Ok(made(&found.tree)),
                    _ => Err(Error::new(ErrorKind::Corrupt, "no tree was made")),
                }
            }
        }
    }

    /// Makes the nodes known that are asked for.
    fn complete(state: &mut State, asked: &Asked<'_>) -> Result<(), Error> {
        let wants_footer = asked.info.is_sealed()
            && match state {
                State::InFooter(_) => return Ok(()),
                State::Made(made) => !made.has_no_footer,
                State::Unknown => true,
            };
        if wants_footer && let Some(found) = InFooter::find(asked)? {
            *state = State::InFooter(Arc::new(found));
            return Ok(());
        }
        if let State::InFooter(_) = state {
            // The view is older than the end of the segment.
            return Ok(());
        }
        let is_beyond = |made: &Made| asked.info.is_sealed() && made.tree.leaves().end > asked.end;
        let made = match state {
            State::Made(made) if !is_beyond(made) => made,
            _ => {
                *state = State::Made(Box::new(Made::begin(asked.info)));
                let State::Made(made) = state else {
                    return Ok(());
                };
                made
            }
        };
        made.has_no_footer = wants_footer || made.has_no_footer;
        match made.is_enough(asked) {
            true => Ok(()),
            false => made.read_on(asked),
        }
    }

    /// Makes the nodes of the frames, whatever was known of them: they contradict the records.
    ///
    /// # Errors
    ///
    /// `Corrupt` if the frames are damaged, `Io`.
    pub(super) fn make_anew(&self, asked: &Asked<'_>) -> Result<(), Error> {
        let _held = trace::hold();
        let segment = asked.info.id().get();
        trace::tell(Level::WARN, move || {
            tracing::warn!(segment, "making the nodes of the tree of its frames");
        });
        let mut made = Made {
            has_no_footer: true,
            ..Made::begin(asked.info)
        };
        made.read_on(asked)?;
        *self.state.lock() = State::Made(Box::new(made));
        Ok(())
    }

    /// The node, if it is known: of [`GROUP_LEVEL`] or above, or one that is not in a whole group.
    pub(super) fn node(
        &self,
        asked: &Asked<'_>,
        level: u8,
        index: u64,
    ) -> Result<Option<TreeHash>, Error> {
        self.with(
            asked,
            |made| made.node(level, index),
            |found| found.node(level, index),
        )
    }

    /// Where a group begins that begins in the segment.
    pub(super) fn place(
        &self,
        asked: &Asked<'_>,
        group: u64,
    ) -> Result<Option<RecordPlace>, Error> {
        self.with(asked, |made| made.place(group), |found| found.place(group))
    }

    /// The leaf after the last that is known.
    pub(super) fn end(&self, asked: &Asked<'_>) -> Result<u64, Error> {
        self.with(
            asked,
            |made| made.leaves().end,
            |found| Ok(found.edges.layout.leaves().end),
        )
    }

    /// Bytes that it takes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        match &*self.state.lock() {
            State::Unknown => 0,
            State::InFooter(found) => found.bytes(),
            State::Made(made) => made.tree.bytes(),
        }
    }

    /// Whether it has a section in memory that was read: it is not mapped.
    pub(super) fn is_read(&self) -> bool {
        match &*self.state.lock() {
            State::InFooter(found) => matches!(found.rest.get(), Some(FooterPart::Read(_))),
            _ => false,
        }
    }
}
