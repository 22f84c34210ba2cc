//! Rooms: the top-level modules of a crate, in the order that its `Cargo.toml` gives them.
//!
//! ```toml
//! [package.metadata.tidy]
//! # Top to bottom: what stands on a line may use what stands on the lines below it.
//! rooms = ["open", "append read", "model"]
//! ```
//!
//! Rooms on one line do not know each other. The root, `lib.rs` or `main.rs`, stands above them all
//! and defines nothing that they use; and no files of a crate, in a room either, use each other in a
//! circle. A use is a name in a `use` or in a path, in macros and attributes too; re-exports are
//! looked through, and what a type has by an `impl` block, as `Type::f` or `self.f`, is used of the file
//! with that block. What is compiled for tests or the documentation alone is free, and so are the
//! examples, tests and benches beside `src`. Another call by method, `x.f()`, names no file, and is not
//! seen.

mod arrows;
mod bound;
mod circles;
mod free;
mod mention;
mod names;
mod order;
mod said;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use self::arrows::arrows;
use self::circles::circles;
use self::order::{Order, Stands};
use std::collections::BTreeSet;

/// What the rule knows of a package.
pub(super) struct Package {
    /// Its `Cargo.toml`, as all paths from the root of the repository.
    pub(super) manifest: String,
    /// The root files of its library and programs.
    pub(super) roots: Vec<String>,
    /// `package.metadata.tidy.rooms`, if it is there.
    pub(super) rooms: Option<Vec<String>>,
}

/// What is wrong with the rooms of a package; `text` is asked for the text of a file.
pub(super) fn check(package: &Package, text: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let manifest = &package.manifest;
    let mut findings = Vec::new();
    let mut there_are = BTreeSet::new();
    let rooms = package.rooms.as_deref().unwrap_or_default();
    for root in &package.roots {
        let tree = tree::read(root, text);
        there_are.extend(tree.rooms.iter().cloned());
        let order = Order::new(rooms, root);
        let mut within = Vec::new();
        for arrow in arrows(&tree) {
            let stands = match order.against(&arrow) {
                None => {
                    within.push(arrow);
                    continue;
                }
                Some(Stands::Above) => "stands above it",
                Some(Stands::Beside) => "stands beside it",
                Some(Stands::AtTheRoot) => "is the root, and above all rooms",
            };
            findings.push(format!("{arrow}, which {stands}"));
        }
        let in_circles = circles(&within).into_iter();
        findings.extend(in_circles.map(|(arrow, files)| {
            format!("{arrow}, from which uses lead back (a circle of {files} files)")
        }));
        findings.extend(tree.findings);
    }
    let mistakes = match &package.rooms {
        Some(rooms) => Order::mistakes(rooms, &there_are),
        None if there_are.is_empty() => Vec::new(),
        None => vec!["say in package.metadata.tidy how its rooms stand, top to bottom".to_owned()],
    };
    findings.extend(mistakes.iter().map(|what| format!("{manifest}: {what}")));
    findings
}
