//! `Texts`: the names of coordinates in one piece of memory, by number, each so that sorting the texts sorts
//! by entity, then scope. Sorts nothing itself.

/// Between entity and scope, and in no name: so an entity comes before all that it begins.
const BETWEEN: char = '\0';

/// Names of coordinates, by number.
#[derive(Default)]
pub(super) struct Texts {
    all: String,
    /// Where each begins in `all`, and where its scope does.
    starts: Vec<(usize, usize)>,
}

impl Texts {
    /// Adds the names of the coordinate after all others.
    pub(super) fn push(&mut self, entity: &str, scope: &str) {
        let start = self.all.len();
        self.all.push_str(entity);
        self.all.push(BETWEEN);
        self.starts.push((start, self.all.len()));
        self.all.push_str(scope);
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where one begins, where its scope does, and where it ends.
    fn bounds(&self, number: u32) -> Option<(usize, usize, usize)> {
        let (start, scope) = *self.starts.get(number as usize)?;
        let next = self.starts.get(number as usize + 1);
        Some((
            start,
            scope,
            next.map_or(self.all.len(), |(start, _)| *start),
        ))
    }

    /// The whole text of a number; empty if there is none.
    pub(super) fn text(&self, number: u32) -> &[u8] {
        let text = self
            .bounds(number)
            .and_then(|(start, _, end)| self.all.as_bytes().get(start..end));
        text.unwrap_or_default()
    }

    pub(super) fn entity(&self, number: u32) -> &str {
        let entity = self
            .bounds(number)
            .and_then(|(start, scope, _)| self.all.get(start..scope - BETWEEN.len_utf8()));
        entity.unwrap_or_default()
    }

    pub(super) fn scope(&self, number: u32) -> &str {
        let scope = self
            .bounds(number)
            .and_then(|(_, scope, end)| self.all.get(scope..end));
        scope.unwrap_or_default()
    }
}
