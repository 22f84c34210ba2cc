//! Which names a function binds, or brings along: they stand for nothing outside it. Reads no path.

use std::collections::{BTreeMap, BTreeSet};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Expr, GenericParam, Generics, Item};

/// Names that stand for nothing outside the place that they are of.
#[derive(Default)]
pub(super) struct Bound {
    /// Variables, each with how many patterns bind it.
    pub(super) variables: BTreeMap<String, usize>,
    /// Items within a function, and parameters for types and constants.
    pub(super) items: BTreeSet<String>,
}

impl Bound {
    /// What a part of a file binds, by a visit of it.
    pub(super) fn by(visit: impl FnOnce(&mut Self)) -> Self {
        let mut bound = Self::default();
        visit(&mut bound);
        bound
    }

    fn item(&mut self, name: &syn::Ident) {
        self.items.insert(name.unraw().to_string());
    }
}

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        if !may_be_constant(pattern) {
            let name = pattern.ident.unraw().to_string();
            *self.variables.entry(name).or_default() += 1;
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_generics(&mut self, generics: &'ast Generics) {
        for parameter in &generics.params {
            match parameter {
                GenericParam::Type(parameter) => self.item(&parameter.ident),
                GenericParam::Const(parameter) => self.item(&parameter.ident),
                GenericParam::Lifetime(_) => {}
            }
        }
        visit::visit_generics(self, generics);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Const(item) => self.item(&item.ident),
            Item::Enum(item) => self.item(&item.ident),
            Item::Fn(item) => self.item(&item.sig.ident),
            Item::Static(item) => self.item(&item.ident),
            Item::Struct(item) => self.item(&item.ident),
            Item::Trait(item) => self.item(&item.ident),
            Item::Type(item) => self.item(&item.ident),
            Item::Union(item) => self.item(&item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }
}

/// Whether a pattern looks like a variable and may be a constant or a variant: by its name it is one.
pub(super) fn may_be_constant(pattern: &syn::PatIdent) -> bool {
    let name = pattern.ident.unraw().to_string();
    pattern.by_ref.is_none()
        && pattern.mutability.is_none()
        && pattern.subpat.is_none()
        && name.starts_with(char::is_uppercase)
}

/// The parameters of an item, where it has any.
pub(super) fn generics(item: &Item) -> Option<&Generics> {
    Some(match item {
        Item::Enum(item) => &item.generics,
        Item::Impl(item) => &item.generics,
        Item::Struct(item) => &item.generics,
        Item::Trait(item) => &item.generics,
        Item::Type(item) => &item.generics,
        Item::Union(item) => &item.generics,
        _ => return None,
    })
}

/// Whether an expression is `self`.
pub(super) fn is_self(expression: &Expr) -> bool {
    matches!(expression, Expr::Path(path) if path.path.is_ident("self"))
}
