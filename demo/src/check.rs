//! The check: what the events of each file add up to, against the tree.

use crate::blobs::Blobs;
use crate::git::Repository;
use crate::ingest::FileChange;
use crate::names;
use anyhow::{Context, ensure};
use std::collections::HashMap;
use strandline::{Region, Snapshot};

/// What the events of a file add up to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Fold {
    pub(crate) lines: i64,
    pub(crate) changes: u64,
}

/// What the events say, read back from the store.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) files: HashMap<String, Fold>,
    /// Time of each event, in seconds since 1970, by the commit order.
    pub(crate) times: Vec<i64>,
}

/// Reads every event of the snapshot.
pub(crate) fn fold(snapshot: &Snapshot) -> anyhow::Result<Folded> {
    let mut folded = Folded::default();
    for event in snapshot.query(Region::all()) {
        let event = event?;
        let change: FileChange = event.payload_json()?;
        let entity = event.coordinate.entity();
        let file = match folded.files.get_mut(entity) {
            Some(file) => file,
            None => folded.files.entry(entity.to_owned()).or_default(),
        };
        file.lines += i64::try_from(change.added)? - i64::try_from(change.deleted)?;
        file.changes += 1;
        folded.times.push(change.time);
    }
    Ok(folded)
}

/// A file whose events do not add up to its lines.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) name: String,
    pub(crate) in_tree: i64,
    pub(crate) in_store: Option<i64>,
}

/// What the check found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) files: u64,
    pub(crate) differing: Vec<Difference>,
}

/// Compares the fold of each file with its lines in the tree, and with none for files that are
/// not in the tree.
pub(crate) fn against_tree(repository: &Repository, folded: &Folded) -> anyhow::Result<Checked> {
    let output = repository
        .git(&["ls-tree", "-r", "-z", "--full-tree", &repository.head])
        .output()
        .context("cannot start git ls-tree")?;
    ensure!(
        output.status.success(),
        "git cannot list the tree: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let mut blobs = Blobs::start(repository)?;
    let mut checked = Checked::default();
    let mut in_tree = HashMap::new();
    for entry in output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|entry| !entry.is_empty())
    {
        let tab = entry
            .iter()
            .position(|byte| *byte == b'\t')
            .context("git ls-tree is odd")?;
        let (fields, path) = entry.split_at(tab);
        let fields = String::from_utf8_lossy(fields);
        let mut fields = fields.split(' ').skip(1);
        let (Some("blob"), Some(hash)) = (fields.next(), fields.next()) else {
            continue;
        };
        let lines = i64::try_from(blobs.lines(hash)?)?;
        in_tree.insert(names::name(path.get(1..).unwrap_or_default()), lines);
    }
    checked.files = in_tree.len() as u64;
    for (name, lines) in &in_tree {
        let fold = folded.files.get(name).map(|fold| fold.lines);
        if fold != Some(*lines) {
            checked.differing.push(Difference {
                name: name.clone(),
                in_tree: *lines,
                in_store: fold,
            });
        }
    }
    let gone = folded
        .files
        .iter()
        .filter(|(name, _)| !in_tree.contains_key(*name));
    for (name, fold) in gone.filter(|(_, fold)| fold.lines != 0) {
        checked.differing.push(Difference {
            name: name.clone(),
            in_tree: 0,
            in_store: Some(fold.lines),
        });
    }
    checked.differing.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(checked)
}
