//! Circles: files of which each reaches each other along the arrows.

use super::arrows::Arrow;
use std::collections::{BTreeMap, BTreeSet};

/// The arrows between files of a circle, with the number of files in it.
pub(super) fn circles(arrows: &[Arrow]) -> Vec<(&Arrow, usize)> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next
        .keys()
        .map(|file| (*file, reach(&next, file)))
        .collect();
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let in_circle = arrows
        .iter()
        .filter(|arrow| reaches(&arrow.to, &arrow.from));
    in_circle
        .map(|arrow| {
            let files = reached.get(arrow.from.as_str());
            let files = files.into_iter().flatten();
            (
                arrow,
                files.filter(|file| reaches(file, &arrow.from)).count(),
            )
        })
        .collect()
}

/// The files that `from` leads to.
fn reach<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = next.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = open.pop() {
        if found.insert(file) {
            open.extend(next.get(file).into_iter().flatten());
        }
    }
    found
}
