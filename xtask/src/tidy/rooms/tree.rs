//! The modules of a crate, found from its root by their `mod` lines.
//!
//! A file that is declared for tests alone is not among them.

use super::mention::Mention;
use super::said::{self, Child, Given, Import, Said};
use std::collections::{BTreeMap, BTreeSet};

/// Names from the root of the crate to a module; none for the root.
pub(super) type ModulePath = Vec<String>;

#[derive(Default)]
pub(super) struct Tree {
    pub(super) modules: BTreeMap<ModulePath, Module>,
    /// The modules right under the root that have files of their own.
    pub(super) rooms: BTreeSet<String>,
    /// Macros by name, with the file that holds them, those that the root exports; and all, with the files.
    pub(super) exported_macros: BTreeMap<String, String>,
    pub(super) macros: BTreeMap<String, BTreeSet<String>>,
    /// Names by which the crate calls itself, as any other crate.
    pub(super) own_names: BTreeSet<String>,
    /// What could not be read.
    pub(super) findings: Vec<String>,
}

pub(super) struct Module {
    /// From the root of the repository.
    pub(super) file: String,
    pub(super) defined: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    pub(super) mentions: Vec<Mention>,
    pub(super) given: Vec<Given>,
}

/// Reads the crate whose root is the file `root`; `text` is asked for the text of a file.
pub(super) fn read(root: &str, text: &dyn Fn(&str) -> Option<String>) -> Tree {
    let mut tree = Tree::default();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    match text(root) {
        Some(content) => tree.read_file(Vec::new(), root, folder, &content, text),
        None => tree.findings.push(format!("{root}:1: cannot be read")),
    }
    tree
}

impl Tree {
    /// Reads a file that holds the module `path`, whose own files are in `folder`.
    fn read_file(
        &mut self,
        path: ModulePath,
        file: &str,
        folder: &str,
        content: &str,
        text: &dyn Fn(&str) -> Option<String>,
    ) {
        let said = match said::read(content) {
            Ok(Some(said)) => said,
            Ok(None) => return,
            Err(error) => {
                let line = error.span().start().line;
                self.findings.push(format!("{file}:{line}: {error}"));
                Said::default()
            }
        };
        if let [name] = path.as_slice() {
            self.rooms.insert(name.clone());
        }
        self.add(path, file, folder, said, text);
    }

    fn add(
        &mut self,
        path: ModulePath,
        file: &str,
        folder: &str,
        said: Said,
        text: &dyn Fn(&str) -> Option<String>,
    ) {
        let held = |name| (name, file.to_owned());
        self.exported_macros
            .extend(said.exported.into_iter().map(held));
        for name in said.macros {
            self.macros.entry(name).or_default().insert(file.to_owned());
        }
        self.own_names.extend(said.own_names);
        for (name, child) in said.children {
            let mut path = path.clone();
            path.push(name.clone());
            let inner_folder = format!("{folder}/{name}");
            match child {
                Child::Here(said) => self.add(path, file, &inner_folder, said, text),
                Child::File(line) => {
                    let candidates = [
                        format!("{folder}/{name}.rs"),
                        format!("{inner_folder}/mod.rs"),
                    ];
                    let found = candidates.iter().find_map(|file| Some((file, text(file)?)));
                    match found {
                        Some((file, content)) => {
                            self.read_file(path, file, &inner_folder, &content, text);
                        }
                        None => self
                            .findings
                            .push(format!("{file}:{line}: `mod {name}` has no file")),
                    }
                }
            }
        }
        let module = Module {
            file: file.to_owned(),
            defined: said.defined,
            imports: said.imports,
            mentions: said.mentions,
            given: said.given,
        };
        self.modules.insert(path, module);
    }
}
