//! The order of a crate's rooms, as its manifest has it, and what goes against it.

use super::arrows::Arrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The place of each room: its line, from the top.
pub(super) struct Order {
    lines: BTreeMap<String, usize>,
    /// The root file, `lib.rs` or `main.rs`; the rooms are beside it.
    root: String,
}

/// How what is used stands to what uses it.
pub(super) enum Stands {
    Above,
    Beside,
    /// It is the root of the crate.
    AtTheRoot,
}

impl Order {
    /// The order of `rooms`, each line with the rooms on it, below the root file.
    pub(super) fn new(rooms: &[String], root: &str) -> Self {
        let lines = rooms.iter().enumerate();
        let places =
            lines.flat_map(|(line, rooms)| rooms.split_whitespace().map(move |r| (r, line)));
        Self {
            lines: places.map(|(room, line)| (room.to_owned(), line)).collect(),
            root: root.to_owned(),
        }
    }

    /// What the list says too much or too little about the rooms that there are.
    pub(super) fn mistakes(rooms: &[String], there_are: &BTreeSet<String>) -> Vec<String> {
        let mut listed = BTreeSet::new();
        let mut mistakes = Vec::new();
        for room in rooms.iter().flat_map(|line| line.split_whitespace()) {
            if !listed.insert(room.to_owned()) {
                mistakes.push(format!("rooms names `{room}` twice"));
            } else if !there_are.contains(room) {
                mistakes.push(format!("rooms names `{room}`, which is no module"));
            }
        }
        let missing = there_are.difference(&listed);
        mistakes.extend(missing.map(|room| format!("say in rooms where `{room}` stands")));
        mistakes
    }

    /// What is wrong with an arrow; none if it goes down, or stays in its room.
    pub(super) fn against(&self, arrow: &Arrow) -> Option<Stands> {
        if arrow.from == self.root {
            return None;
        }
        if arrow.to == self.root {
            return Some(Stands::AtTheRoot);
        }
        let (from, to) = (self.room(&arrow.from)?, self.room(&arrow.to)?);
        let (from_line, to_line) = (self.lines.get(from)?, self.lines.get(to)?);
        match from_line.cmp(to_line) {
            Ordering::Greater => Some(Stands::Above),
            Ordering::Equal if from != to => Some(Stands::Beside),
            _ => None,
        }
    }

    /// The room that a file belongs to.
    fn room<'a>(&self, file: &'a str) -> Option<&'a str> {
        let folder = self.root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let within = file.strip_prefix(folder)?.strip_prefix('/')?;
        let room = within.split('/').next()?;
        Some(room.strip_suffix(".rs").unwrap_or(room))
    }
}
