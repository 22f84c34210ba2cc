//! What one file says: what it defines, what it imports, which paths it goes by.
//!
//! It resolves nothing. What is there for tests alone is left out; of calls by method it sees those of
//! `self`.

use super::bound::{self, Bound, may_be_constant};
use super::free::{self, is_free};
use super::mention::{By, Mention};
use super::tokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta, TraitItem, Type, UseTree, Visibility};

/// What a module says, modules inside it in the same file included.
#[derive(Default)]
pub(super) struct Said {
    /// Names of the items that are defined here.
    pub(super) defined: BTreeSet<String>,
    /// Those of them that are macros, seen without a path by what stands below in the text.
    pub(super) macros: BTreeSet<String>,
    /// Macros that the root of the crate exports.
    pub(super) exported: BTreeSet<String>,
    pub(super) imports: Vec<Import>,
    pub(super) mentions: Vec<Mention>,
    /// What `impl` blocks without a trait give to types.
    pub(super) given: Vec<Given>,
    /// Names by which the crate calls itself, as any other crate.
    pub(super) own_names: BTreeSet<String>,
    pub(super) children: BTreeMap<String, Child>,
}

pub(super) enum Child {
    /// `mod x { .. }`.
    Here(Said),
    /// `mod x;`, with the line.
    File(usize),
}

/// One name of a `use`.
pub(super) struct Import {
    /// The name it has here; `*` for all.
    pub(super) name: String,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) is_reexport: bool,
}

/// A function or constant that a type has by an `impl` block without a trait.
pub(super) struct Given {
    pub(super) to: Vec<String>,
    pub(super) name: String,
}

/// Reads a file; none if it is there for tests alone.
pub(super) fn read(text: &str) -> syn::Result<Option<Said>> {
    let file = syn::parse_file(text)?;
    if is_free(&file.attrs) {
        return Ok(None);
    }
    let mut reader = Reader::default();
    reader.visit_file(&file);
    Ok(Some(reader.said))
}

#[derive(Default)]
struct Reader {
    said: Said,
    /// Blocks around the place that is read: what they define is nobody else's.
    blocks: usize,
    /// Names that stand for nothing outside what is around.
    bound: Bound,
    /// The type that the `impl` block around is of, and whether it is without a trait.
    own: Option<(Vec<String>, bool)>,
}

impl Reader {
    fn define(&mut self, name: &syn::Ident) {
        if self.blocks == 0 {
            self.said.defined.insert(name.unraw().to_string());
        }
    }

    fn mention(&mut self, mut path: Vec<String>, line: usize, by: By) {
        if let ([first, _, ..], Some((own, _))) = (path.as_slice(), &self.own)
            && first == "Self"
        {
            path.splice(..1, own.iter().cloned());
        }
        let is_bound = match path.as_slice() {
            [] => true,
            _ if by == By::Call => false,
            [only] if self.bound.variables.contains_key(only) => true,
            [first, ..] => self.bound.items.contains(first),
        };
        if !is_bound {
            self.said.mentions.push(Mention { path, line, by });
        }
    }

    fn mention_tokens(&mut self, found: Vec<Mention>) {
        for Mention { path, line, by } in found {
            self.mention(path, line, by);
        }
    }

    /// Reads what is evaluated before these variables are bound.
    fn before(&mut self, pattern: &syn::Pat, inside: impl FnOnce(&mut Self)) {
        let bound = Bound::by(|bound| bound.visit_pat(pattern));
        let mut hidden = Vec::new();
        for (name, count) in bound.variables {
            // Another pattern may bind it before.
            if self.bound.variables.get(&name) == Some(&count) {
                hidden.extend(self.bound.variables.remove_entry(&name));
            }
        }
        inside(self);
        self.bound.variables.extend(hidden);
    }

    fn import(&mut self, tree: &UseTree, path: &mut Vec<String>, is_reexport: bool) {
        let (last, name) = match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.unraw().to_string());
                self.import(&inner.tree, path, is_reexport);
                path.pop();
                return;
            }
            UseTree::Group(group) => {
                for inner in &group.items {
                    self.import(inner, path, is_reexport);
                }
                return;
            }
            UseTree::Name(name) => (Some(&name.ident), &name.ident),
            UseTree::Rename(rename) => (Some(&rename.ident), &rename.rename),
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.push_import("*".to_owned(), path.clone(), line, is_reexport);
                return;
            }
        };
        let mut whole = path.clone();
        whole.extend(last.map(|last| last.unraw().to_string()));
        let mut name_here = name.unraw().to_string();
        if whole.last().is_some_and(|last| last == "self") && whole.len() > 1 {
            whole.pop();
            if name_here == "self" {
                name_here = whole.last().cloned().unwrap_or_default();
            }
        }
        self.push_import(name_here, whole, name.span().start().line, is_reexport);
    }

    fn push_import(&mut self, name: String, path: Vec<String>, line: usize, is_reexport: bool) {
        self.said.imports.push(Import {
            name,
            path,
            line,
            is_reexport,
        });
    }

    fn read_module(&mut self, module: &syn::ItemMod) {
        let name = module.ident.unraw().to_string();
        let child = match &module.content {
            None => Child::File(module.ident.span().start().line),
            Some((_, items)) => {
                let mut inside = Self::default();
                for item in items {
                    inside.visit_item(item);
                }
                Child::Here(inside.said)
            }
        };
        self.said.children.insert(name, child);
    }

    fn read_macro(&mut self, item: &syn::ItemMacro) {
        let Some(ident) = item.ident.as_ref().filter(|_| self.blocks == 0) else {
            return;
        };
        self.define(ident);
        let name = ident.unraw().to_string();
        if item
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("macro_export"))
        {
            self.said.exported.insert(name.clone());
        }
        self.said.macros.insert(name);
    }

    /// Reads what is in a function, where `bound` stands for nothing outside it.
    fn within(&mut self, bound: Bound, inside: impl FnOnce(&mut Self)) {
        self.blocks += 1;
        self.with(bound, inside);
        self.blocks -= 1;
    }

    fn with(&mut self, bound: Bound, inside: impl FnOnce(&mut Self)) {
        let Bound { variables, items } = bound;
        for (name, count) in &variables {
            *self.bound.variables.entry(name.clone()).or_default() += count;
        }
        let added: Vec<_> = items.difference(&self.bound.items).cloned().collect();
        self.bound.items.extend(added.iter().cloned());
        inside(self);
        for name in added {
            self.bound.items.remove(&name);
        }
        for (name, count) in variables {
            if let Some(all) = self.bound.variables.get_mut(&name) {
                *all -= count;
            }
        }
        self.bound.variables.retain(|_, count| *count > 0);
    }
}

/// The names of a path; an empty one first if it is another crate's.
fn names(path: &syn::Path) -> Vec<String> {
    let foreign = path.leading_colon.map(|_| String::new());
    let segments = path.segments.iter();
    let names = segments.map(|segment| segment.ident.unraw().to_string());
    foreign.into_iter().chain(names).collect()
}

fn line_of(path: &syn::Path) -> usize {
    let first = path.segments.first();
    first.map_or(0, |first| first.ident.span().start().line)
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_free(free::of_item(item)) {
            return;
        }
        match item {
            Item::Use(item) => {
                let is_reexport = !matches!(item.vis, Visibility::Inherited);
                let mut path: Vec<_> = item
                    .leading_colon
                    .map(|_| String::new())
                    .into_iter()
                    .collect();
                self.import(&item.tree, &mut path, is_reexport);
                return;
            }
            Item::Mod(module) => {
                self.read_module(module);
                return;
            }
            Item::ExternCrate(item) if item.ident == "self" => {
                let name = item.rename.iter().map(|(_, name)| name.unraw().to_string());
                self.said.own_names.extend(name);
            }
            Item::Macro(item) => self.read_macro(item),
            Item::Fn(item) => self.define(&item.sig.ident),
            Item::Struct(item) => self.define(&item.ident),
            Item::Enum(item) => self.define(&item.ident),
            Item::Union(item) => self.define(&item.ident),
            Item::Trait(item) => self.define(&item.ident),
            Item::TraitAlias(item) => self.define(&item.ident),
            Item::Type(item) => self.define(&item.ident),
            Item::Const(item) => self.define(&item.ident),
            Item::Static(item) => self.define(&item.ident),
            _ => {}
        }
        let bound = Bound::by(|bound| match item {
            Item::Const(_) | Item::Static(_) => visit::visit_item(bound, item),
            _ => bound::generics(item)
                .into_iter()
                .for_each(|all| bound.visit_generics(all)),
        });
        self.with(bound, |this| visit::visit_item(this, item));
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let bound = Bound::by(|bound| bound.visit_item_fn(item));
        self.within(bound, |this| visit::visit_item_fn(this, item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let own = match &*item.self_ty {
            Type::Path(of) if of.qself.is_none() => Some((names(&of.path), item.trait_.is_none())),
            _ => None,
        };
        let around = std::mem::replace(&mut self.own, own);
        visit::visit_item_impl(self, item);
        self.own = around;
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        if is_free(free::of_impl_item(item)) {
            return;
        }
        let name = match item {
            ImplItem::Const(item) => Some(&item.ident),
            ImplItem::Fn(item) => Some(&item.sig.ident),
            _ => None,
        };
        if let (Some(name), Some((to, true))) = (name, &self.own) {
            let (to, name) = (to.clone(), name.unraw().to_string());
            self.said.given.push(Given { to, name });
        }
        let bound = Bound::by(|bound| bound.visit_impl_item(item));
        self.within(bound, |this| visit::visit_impl_item(this, item));
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        if !is_free(free::of_trait_item(item)) {
            let bound = Bound::by(|bound| bound.visit_trait_item(item));
            self.within(bound, |this| visit::visit_trait_item(this, item));
        }
    }

    fn visit_fn_arg(&mut self, argument: &'ast syn::FnArg) {
        if !is_free(free::of_argument(argument)) {
            visit::visit_fn_arg(self, argument);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_free(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, value: &'ast syn::FieldValue) {
        if !is_free(&value.attrs) {
            visit::visit_field_value(self, value);
        }
    }

    fn visit_field_pat(&mut self, pattern: &'ast syn::FieldPat) {
        if !is_free(&pattern.attrs) {
            visit::visit_field_pat(self, pattern);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_free(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_free(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        if !is_free(free::of_statement(statement)) {
            visit::visit_stmt(self, statement);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        local.attrs.iter().for_each(|one| self.visit_attribute(one));
        self.visit_pat(&local.pat);
        if let Some(init) = &local.init {
            self.before(&local.pat, |this| this.visit_expr(&init.expr));
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
        }
    }

    fn visit_expr_let(&mut self, one: &'ast syn::ExprLet) {
        self.visit_pat(&one.pat);
        self.before(&one.pat, |this| this.visit_expr(&one.expr));
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if bound::is_self(&call.receiver) {
            let path = ["Self".to_owned(), call.method.unraw().to_string()];
            let line = call.method.span().start().line;
            self.mention(path.to_vec(), line, By::Path);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        if may_be_constant(pattern) {
            let name = pattern.ident.unraw().to_string();
            let line = pattern.ident.span().start().line;
            self.mention(vec![name], line, By::Path);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(names(path), line_of(path), By::Path);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.mention(names(&called.path), line_of(&called.path), By::Call);
        self.mention_tokens(tokens::of_macro(&called.tokens));
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        match &attribute.meta {
            Meta::Path(path) => self.visit_path(path),
            Meta::List(list) => self.mention_tokens(tokens::of_attribute(&list.tokens)),
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
        }
    }
}
