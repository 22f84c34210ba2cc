//! The arrows of a crate: which file uses which item of which other file.
//!
//! A `mod` line is none, nor is the table of contents of a folder, which re-exports what its own
//! files define. A re-export of anything else is a use.

use super::mention::{By, Mention};
use super::names::{Named, Names};
use super::said::Import;
use super::tree::{Module, ModulePath, Tree};
use std::collections::{BTreeMap, BTreeSet};
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
    let given = given(tree);
    for (scope, module) in &tree.modules {
        let imports = module.imports.iter();
        arrows.extend(imports.filter_map(|import| of_import(tree, scope, module, import)));
        let mentions = module.mentions.iter();
        arrows.extend(
            mentions
                .clone()
                .filter_map(|mention| of_mention(tree, scope, module, mention)),
        );
        arrows
            .extend(mentions.filter_map(|mention| of_given(&given, tree, scope, module, mention)));
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
        (Some(Named::Module(at)), [.., name]) if mention.by == By::Text => {
            let file = tree.modules.get(&at).filter(|_| !scope.starts_with(&at))?;
            (file.file.clone(), name.clone())
        }
        (None, [name]) if mention.by == By::Call => {
            let is_imported = module.imports.iter().any(|import| import.name == *name);
            let files = tree
                .macros
                .get(name)
                .filter(|files| !is_imported && files.len() == 1);
            (files?.first()?.clone(), name.clone())
        }
        _ => return None,
    };
    arrow(module, mention.line, file, item)
}

/// The functions and constants that `impl` blocks without a trait give to each type, with their files.
type GivenTo = BTreeMap<(ModulePath, String), BTreeMap<String, BTreeSet<String>>>;

fn given(tree: &Tree) -> GivenTo {
    let mut given = GivenTo::new();
    for (scope, module) in &tree.modules {
        for one in &module.given {
            if let Some(Named::Item {
                module: at, name, ..
            }) = Names::new(tree).resolve(scope, &one.to)
            {
                let of_type = given.entry((at, name)).or_default();
                let files = of_type.entry(one.name.clone()).or_default();
                files.insert(module.file.clone());
            }
        }
    }
    given
}

/// A use of what a type has by an `impl` block in another file than its own.
fn of_given(
    given: &GivenTo,
    tree: &Tree,
    scope: &[String],
    module: &Module,
    mention: &Mention,
) -> Option<Arrow> {
    let (last, before) = mention.path.split_last()?;
    let Named::Item {
        module: at, name, ..
    } = Names::new(tree).resolve(scope, before)?
    else {
        return None;
    };
    let item = format!("{name}::{last}");
    let files = given.get(&(at, name))?.get(last)?;
    // One of several may be meant, as of several systems.
    let file = files.first().filter(|_| files.len() == 1)?;
    arrow(module, mention.line, file.clone(), item)
}

fn arrow(from: &Module, line: usize, to: String, item: String) -> Option<Arrow> {
    (from.file != to).then(|| Arrow {
        from: from.file.clone(),
        line,
        to,
        item,
    })
}
