//! The arrows of a crate: which file uses which item of which other file.
//!
//! A `mod` line is none, nor is the table of contents of a folder, which re-exports what its own
//! files define. A re-export of anything else is a use.

use super::names::{Named, Names};
use super::said::{Import, Mention};
use super::tree::{Module, Tree};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    pub(super) from: String,
    pub(super) line: usize,
    pub(super) to: String,
    pub(super) item: String,
}

impl fmt::Display for Arrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            line,
            to,
            item,
        } = self;
        write!(f, "{from}:{line}: uses `{item}` of {to}")
    }
}

/// Each use of an item of another file once, at the first line that has it.
pub(super) fn arrows(tree: &Tree) -> Vec<Arrow> {
    let mut arrows = Vec::new();
    for (scope, module) in &tree.modules {
        let imports = module.imports.iter();
        arrows.extend(imports.filter_map(|import| of_import(tree, scope, module, import)));
        let mentions = module.mentions.iter();
        arrows.extend(mentions.filter_map(|mention| of_mention(tree, scope, module, mention)));
    }
    arrows
        .sort_by(|a, b| (&a.from, &a.to, &a.item, a.line).cmp(&(&b.from, &b.to, &b.item, b.line)));
    arrows.dedup_by(|a, b| (&a.from, &a.to, &a.item) == (&b.from, &b.to, &b.item));
    arrows.sort();
    arrows
}

fn of_import(tree: &Tree, scope: &[String], module: &Module, import: &Import) -> Option<Arrow> {
    let mut names = Names::new(tree);
    let found = names.resolve(scope, &import.path)?;
    let (at, file, item) = match found {
        // Which of the two is meant is seen where it is used.
        Named::Item { .. } if import.name != "*" && names.is_module(scope, &import.path) => {
            return None;
        }
        Named::Item { module, file, name } => (module, file, name),
        // What of it is used is seen where it is used.
        Named::Module(_) if !(import.is_reexport && import.name == "*") => return None,
        Named::Module(at) => {
            let file = tree.modules.get(&at)?.file.clone();
            (at, file, "*".to_owned())
        }
    };
    let is_contents = import.is_reexport && at.starts_with(scope);
    arrow(module, import.line, file, item).filter(|_| !is_contents)
}

fn of_mention(tree: &Tree, scope: &[String], module: &Module, mention: &Mention) -> Option<Arrow> {
    let found = Names::new(tree).resolve(scope, &mention.path);
    let (file, item) = match (found, mention.path.as_slice()) {
        (Some(Named::Item { file, name, .. }), _) => (file, name),
        (None, [name]) if mention.is_macro => (tree.macros.get(name)?.clone(), name.clone()),
        _ => return None,
    };
    arrow(module, mention.line, file, item)
}

fn arrow(from: &Module, line: usize, to: String, item: String) -> Option<Arrow> {
    (from.file != to).then(|| Arrow {
        from: from.file.clone(),
        line,
        to,
        item,
    })
}
