//! What a path stands for: imports, re-exports and globs are looked through, to the file that
//! defines the item.
//!
//! Types and values are not told apart, visibility is the compiler's. A name that nothing in sight
//! defines, as of an item that a macro makes, is held to be the module's in which the path ends.

use super::tree::{ModulePath, Tree};
use std::collections::BTreeSet;

/// What a path of this crate stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Module(ModulePath),
    Item {
        /// The module that defines it.
        module: ModulePath,
        file: String,
        name: String,
    },
}

/// Looks names up in a tree.
pub(super) struct Names<'a> {
    tree: &'a Tree,
    /// Which names are being looked for, where, and whether as modules: globs may lead around.
    under_way: BTreeSet<(ModulePath, String, bool)>,
}

impl<'a> Names<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        Self {
            tree,
            under_way: BTreeSet::new(),
        }
    }

    /// What `path`, written in the module `scope`, stands for; none if it is another crate's, or is
    /// not known.
    pub(super) fn resolve(&mut self, scope: &[String], path: &[String]) -> Option<Named> {
        self.path(scope, path)
    }

    /// Whether `path` names a module, whether or not an item has its last name too.
    pub(super) fn is_module(&mut self, scope: &[String], path: &[String]) -> bool {
        self.as_module(scope, path).is_some()
    }

    fn path(&mut self, scope: &[String], path: &[String]) -> Option<Named> {
        let (first, mut rest) = path.split_first()?;
        let mut from = scope.to_vec();
        match first.as_str() {
            "" => {
                let (own, after) = rest.split_first()?;
                self.tree.own_names.contains(own).then_some(())?;
                from.clear();
                rest = after;
            }
            "crate" => from.clear(),
            "self" => {}
            "super" => {
                from.pop()?;
            }
            _ => return self.local(scope, path),
        }
        while let Some((next, after)) = rest.split_first()
            && next == "super"
        {
            from.pop()?;
            rest = after;
        }
        self.walk(from, rest)
    }

    /// A path whose first name is looked up where it stands, and may be another crate's.
    fn local(&mut self, scope: &[String], path: &[String]) -> Option<Named> {
        let (first, rest) = path.split_first()?;
        if rest.is_empty() {
            return match self.item(scope, first) {
                Some(found) => found,
                None => self.nearby(scope, first).map(Named::Module),
            };
        }
        match self.nearby(scope, first) {
            Some(module) => self.walk(module, rest),
            None => self.item(scope, first).flatten(),
        }
    }

    fn walk(&mut self, from: ModulePath, path: &[String]) -> Option<Named> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Named::Module(from));
        };
        if !rest.is_empty()
            && let Some(module) = self.module(&from, first)
        {
            return self.walk(module, rest);
        }
        if let Some(found) = self.item(&from, first) {
            return found;
        }
        if let Some(module) = self.module(&from, first) {
            return Some(Named::Module(module));
        }
        let file = self.tree.modules.get(&from)?.file.clone();
        Some(Named::Item {
            module: from,
            file,
            name: first.clone(),
        })
    }

    /// A module that is named without a path: one in sight, or the root by its own name.
    fn nearby(&mut self, scope: &[String], name: &str) -> Option<ModulePath> {
        let is_own = self.tree.own_names.contains(name);
        self.module(scope, name).or_else(|| is_own.then(Vec::new))
    }

    fn module(&mut self, at: &[String], name: &str) -> Option<ModulePath> {
        let mut child = at.to_vec();
        child.push(name.to_owned());
        if self.tree.modules.contains_key(&child) {
            return Some(child);
        }
        self.once(at, name, true, |this| this.imported_module(at, name))
    }

    /// Looks for a name, unless this is done already, further out.
    fn once<T>(
        &mut self,
        at: &[String],
        name: &str,
        is_module: bool,
        look: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let key = (at.to_vec(), name.to_owned(), is_module);
        if !self.under_way.insert(key.clone()) {
            return None;
        }
        let found = look(self);
        self.under_way.remove(&key);
        found
    }

    fn imported_module(&mut self, at: &[String], name: &str) -> Option<ModulePath> {
        let tree = self.tree;
        for import in &tree.modules.get(at)?.imports {
            // Looked for as a module: an item of the same name does not hide it.
            let found = if import.name == name {
                self.as_module(at, &import.path)
            } else if import.name == "*" {
                self.as_module(at, &import.path)
                    .and_then(|from| self.module(&from, name))
            } else {
                None
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The module that `path` names, whether or not an item has its last name too.
    fn as_module(&mut self, at: &[String], path: &[String]) -> Option<ModulePath> {
        let (last, before) = path.split_last()?;
        let is_from_root = before.first().is_some_and(String::is_empty) && before.len() == 1;
        if is_from_root || ["crate", "self", "super"].contains(&last.as_str()) {
            return match self.path(at, path)? {
                Named::Module(module) => Some(module),
                Named::Item { .. } => None,
            };
        }
        if before.is_empty() {
            return self.nearby(at, last);
        }
        let parent = self.as_module(at, before)?;
        self.module(&parent, last)
    }

    /// The item `name` of the module `at`: none if there is none, none inside if it is another
    /// crate's.
    #[expect(clippy::option_option, reason = "the two say different things")]
    fn item(&mut self, at: &[String], name: &str) -> Option<Option<Named>> {
        let module = self.tree.modules.get(at)?;
        let exported = self.tree.exported_macros.get(name);
        let file = match exported.filter(|_| at.is_empty()) {
            Some(file) => Some(file),
            None => module.defined.contains(name).then_some(&module.file),
        };
        if let Some(file) = file {
            return Some(Some(Named::Item {
                module: at.to_vec(),
                file: file.clone(),
                name: name.to_owned(),
            }));
        }
        self.once(at, name, false, |this| this.imported_item(at, name))
    }

    #[expect(clippy::option_option, reason = "as in `item`")]
    fn imported_item(&mut self, at: &[String], name: &str) -> Option<Option<Named>> {
        let tree = self.tree;
        let module = tree.modules.get(at)?;
        let mut is_imported = false;
        for import in module.imports.iter().filter(|i| i.name == name) {
            is_imported = true;
            if let Some(found @ Named::Item { .. }) = self.path(at, &import.path) {
                return Some(Some(found));
            }
        }
        for import in module.imports.iter().filter(|i| i.name == "*") {
            if let Some(from) = self.as_module(at, &import.path)
                && let Some(found) = self.item(&from, name)
            {
                return Some(found);
            }
        }
        (is_imported && self.module(at, name).is_none()).then_some(None)
    }
}
