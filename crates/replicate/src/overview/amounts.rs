//! `ObjectAmounts`: how many objects there are of each kind, and their bytes.

use crate::object::Key;

/// Objects of a bucket, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ObjectAmounts {
    /// Who reigns.
    pub terms: Amount,
    /// Frames as they were shipped.
    pub chunks: Amount,
    /// Lists of what there is.
    pub states: Amount,
    /// Whole files of segments.
    pub segments: Amount,
    /// Chunks that were joined.
    pub tails: Amount,
    /// Merged files of the index.
    pub indexes: Amount,
    /// What has no key of a log. Nobody reads or deletes it.
    pub others: Amount,
}

impl ObjectAmounts {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> Amount {
        let kinds = [
            self.terms,
            self.chunks,
            self.states,
            self.segments,
            self.tails,
            self.indexes,
            self.others,
        ];
        kinds.iter().fold(Amount::default(), |sum, kind| Amount {
            objects: sum.objects.saturating_add(kind.objects),
            bytes: sum.bytes.saturating_add(kind.bytes),
        })
    }

    pub(super) fn of(&mut self, key: Option<&Key>) -> &mut Amount {
        match key {
            Some(Key::Term(_)) => &mut self.terms,
            Some(Key::Chunk { .. }) => &mut self.chunks,
            Some(Key::State { .. }) => &mut self.states,
            Some(Key::Data { name, .. }) => match name.as_str() {
                name if name.starts_with("tail-") => &mut self.tails,
                name if name.starts_with("index-") => &mut self.indexes,
                _ => &mut self.segments,
            },
            None => &mut self.others,
        }
    }
}

/// A number of objects, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Amount {
    pub(super) fn add(&mut self, bytes: u64) {
        self.objects = self.objects.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
