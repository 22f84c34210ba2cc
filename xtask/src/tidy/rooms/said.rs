//! What one file says: what it defines, what it imports, which paths it goes by.
//!
//! It resolves nothing. What is there for tests alone is left out; of calls by method it sees
//! nothing.

use super::tokens;
use std::collections::{BTreeMap, BTreeSet};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, Meta, Token, TraitItem, UseTree, Visibility};

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

/// A path in the text, by which something is used.
pub(super) struct Mention {
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    /// Whether a macro is called by it.
    pub(super) is_macro: bool,
}

/// Reads a file; none if it is there for tests alone.
pub(super) fn read(text: &str) -> syn::Result<Option<Said>> {
    let file = syn::parse_file(text)?;
    if is_for_tests(&file.attrs) {
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
    /// Names that the function around binds: they stand for nothing outside it.
    bound: BTreeSet<String>,
}

impl Reader {
    fn define(&mut self, name: &syn::Ident) {
        if self.blocks == 0 {
            self.said.defined.insert(name.unraw().to_string());
        }
    }

    fn mention(&mut self, path: Vec<String>, line: usize, is_macro: bool) {
        let is_bound = match path.as_slice() {
            [only] => !is_macro && self.bound.contains(only),
            _ => path.is_empty(),
        };
        if !is_bound {
            self.said.mentions.push(Mention {
                path,
                line,
                is_macro,
            });
        }
    }

    fn mention_tokens(&mut self, tokens: &proc_macro2::TokenStream) {
        for (path, line) in tokens::paths(tokens) {
            self.mention(path, line, false);
        }
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
        let Some(ident) = &item.ident else { return };
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
    fn within(&mut self, bound: BTreeSet<String>, inside: impl FnOnce(&mut Self)) {
        let added: Vec<_> = bound.difference(&self.bound).cloned().collect();
        self.bound.extend(added.iter().cloned());
        self.blocks += 1;
        inside(self);
        self.blocks -= 1;
        for name in added {
            self.bound.remove(&name);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Use(item) => {
                let is_reexport = !matches!(item.vis, Visibility::Inherited);
                if item.leading_colon.is_none() {
                    self.import(&item.tree, &mut Vec::new(), is_reexport);
                }
                return;
            }
            Item::Mod(module) => {
                self.read_module(module);
                return;
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
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let mut bound = Bound::default();
        bound.visit_item_fn(item);
        self.within(bound.names, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = match item {
            ImplItem::Const(item) => &item.attrs,
            ImplItem::Fn(item) => &item.attrs,
            ImplItem::Type(item) => &item.attrs,
            ImplItem::Macro(item) => &item.attrs,
            _ => return,
        };
        if !is_for_tests(attributes) {
            let mut bound = Bound::default();
            bound.visit_impl_item(item);
            self.within(bound.names, |this| visit::visit_impl_item(this, item));
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let mut bound = Bound::default();
        bound.visit_trait_item(item);
        self.within(bound.names, |this| visit::visit_trait_item(this, item));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_field_value(&mut self, value: &'ast syn::FieldValue) {
        if !is_for_tests(&value.attrs) {
            visit::visit_field_value(self, value);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !is_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if !is_for_tests(&arm.attrs) {
            visit::visit_arm(self, arm);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !is_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_expr_block(&mut self, block: &'ast syn::ExprBlock) {
        if !is_for_tests(&block.attrs) {
            visit::visit_expr_block(self, block);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let segments = path.segments.iter();
            let names = segments.map(|segment| segment.ident.unraw().to_string());
            let line = path.segments.first().map(|s| s.ident.span().start().line);
            self.mention(names.collect(), line.unwrap_or_default(), false);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        let segments = called.path.segments.iter();
        let names = segments.map(|segment| segment.ident.unraw().to_string());
        let line = called.path.segments.first();
        let line = line.map(|s| s.ident.span().start().line);
        self.mention(names.collect(), line.unwrap_or_default(), true);
        self.mention_tokens(&called.tokens);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        match &attribute.meta {
            Meta::Path(path) => self.visit_path(path),
            Meta::List(list) => self.mention_tokens(&list.tokens),
            Meta::NameValue(pair) => self.visit_expr(&pair.value),
        }
    }
}

/// The names that patterns of a function bind.
#[derive(Default)]
struct Bound {
    names: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        let name = pattern.ident.unraw().to_string();
        // A constant in a pattern looks the same, and binds nothing.
        if name.starts_with(|first: char| first.is_lowercase() || first == '_') {
            self.names.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether what bears these attributes is never compiled but for tests.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|of| needs_test(&of))
        }
        _ => false,
    })
}

fn needs_test(predicate: &Meta) -> bool {
    let Meta::List(list) = predicate else {
        return predicate.path().is_ident("test");
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let Ok(parts) = parts else { return false };
    if list.path.is_ident("all") {
        return parts.iter().any(needs_test);
    }
    list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(needs_test)
}
