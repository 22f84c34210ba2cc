//! What is never compiled but for tests, or for the documentation: the rule leaves it out.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, FnArg, ImplItem, Item, Meta, Stmt, Token, TraitItem};

/// Whether what bears these attributes is never compiled but for tests, or for the documentation.
pub(super) fn is_free(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("cfg") => {
            list.parse_args::<Meta>().is_ok_and(|of| is_of_none(&of))
        }
        _ => false,
    })
}

fn is_of_none(predicate: &Meta) -> bool {
    let Meta::List(list) = predicate else {
        return predicate.path().is_ident("test") || predicate.path().is_ident("doc");
    };
    let parts = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    let Ok(parts) = parts else { return false };
    if list.path.is_ident("all") {
        return parts.iter().any(is_of_none);
    }
    list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(is_of_none)
}

pub(super) fn of_item(item: &Item) -> &[Attribute] {
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

pub(super) fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    match item {
        ImplItem::Const(item) => &item.attrs,
        ImplItem::Fn(item) => &item.attrs,
        ImplItem::Type(item) => &item.attrs,
        ImplItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

pub(super) fn of_trait_item(item: &TraitItem) -> &[Attribute] {
    match item {
        TraitItem::Const(item) => &item.attrs,
        TraitItem::Fn(item) => &item.attrs,
        TraitItem::Type(item) => &item.attrs,
        TraitItem::Macro(item) => &item.attrs,
        _ => &[],
    }
}

pub(super) fn of_argument(argument: &FnArg) -> &[Attribute] {
    match argument {
        FnArg::Receiver(argument) => &argument.attrs,
        FnArg::Typed(argument) => &argument.attrs,
    }
}

pub(super) fn of_statement(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Item(item) => of_item(item),
        Stmt::Expr(expression, _) => of_expression(expression),
        Stmt::Macro(called) => &called.attrs,
    }
}

/// Of those expressions that are written as statements.
fn of_expression(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(one) => of_first(&one.attrs, &one.left),
        Expr::Await(one) => of_first(&one.attrs, &one.base),
        Expr::Binary(one) => of_first(&one.attrs, &one.left),
        Expr::Block(one) => &one.attrs,
        Expr::Call(one) => of_first(&one.attrs, &one.func),
        Expr::ForLoop(one) => &one.attrs,
        Expr::If(one) => &one.attrs,
        Expr::Loop(one) => &one.attrs,
        Expr::Macro(one) => &one.attrs,
        Expr::Match(one) => &one.attrs,
        Expr::MethodCall(one) => of_first(&one.attrs, &one.receiver),
        Expr::Path(one) => &one.attrs,
        Expr::Return(one) => &one.attrs,
        Expr::Try(one) => of_first(&one.attrs, &one.expr),
        Expr::Unsafe(one) => &one.attrs,
        Expr::While(one) => &one.attrs,
        _ => &[],
    }
}

/// The attributes of a statement may be parsed as those of the first expression in it.
fn of_first<'a>(attributes: &'a [Attribute], first: &'a Expr) -> &'a [Attribute] {
    match attributes {
        [] => of_expression(first),
        own => own,
    }
}
