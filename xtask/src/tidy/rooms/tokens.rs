//! Paths in what stands inside a macro or an attribute, where there is no syntax yet, only tokens.

use proc_macro2::{Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// The paths among `tokens`, each with its line: names with `::` between them, one name alone too.
///
/// What follows a dot is a field or a method, what follows `::` alone another crate's. A text that
/// is a path from `crate`, `self` or `super`, as serde takes them, counts.
pub(super) fn paths(tokens: &TokenStream) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: &TokenStream, found: &mut Vec<(Vec<String>, usize)>) {
    let mut before = Before::Other;
    let mut path: Vec<String> = Vec::new();
    let mut start = 0;
    for token in tokens.clone() {
        let next = follow(&before, &token);
        if !matches!(next, Before::Name | Before::Colon | Before::Colons) {
            finish(&mut path, start, found);
        }
        match &token {
            TokenTree::Ident(ident) if matches!(next, Before::Name) => {
                if !matches!(before, Before::Colons) {
                    finish(&mut path, start, found);
                    start = ident.span().start().line;
                }
                path.push(ident.unraw().to_string());
            }
            TokenTree::Group(group) => collect(&group.stream(), found),
            TokenTree::Literal(literal) => {
                let line = literal.span().start().line;
                found.extend(written(&literal.to_string()).map(|path| (path, line)));
            }
            _ => {}
        }
        before = next;
    }
    finish(&mut path, start, found);
}

/// What stood before a token.
enum Before {
    Other,
    /// A name of the path that is being read, the first `:` after it, and both.
    Name,
    Colon,
    Colons,
    /// A name that is not looked up in this scope, the first `:` after it, and both.
    Foreign,
    ForeignColon,
    ForeignColons,
    Dot,
    Quote,
    Dollar,
}

fn follow(before: &Before, token: &TokenTree) -> Before {
    match token {
        TokenTree::Ident(ident) => match before {
            Before::ForeignColons | Before::Dot | Before::Quote => Before::Foreign,
            Before::Dollar if *ident != "crate" => Before::Foreign,
            _ => Before::Name,
        },
        TokenTree::Punct(punct) => match (punct.as_char(), before) {
            (':', Before::Colon) => Before::Colons,
            (':', Before::ForeignColon) => Before::ForeignColons,
            (':', _) if punct.spacing() == Spacing::Alone => Before::Other,
            (':', Before::Name) => Before::Colon,
            (':', _) => Before::ForeignColon,
            // Two dots are a range, or the rest of a struct.
            ('.', Before::Dot) => Before::Other,
            ('.', _) => Before::Dot,
            ('\'', _) => Before::Quote,
            ('$', _) => Before::Dollar,
            _ => Before::Other,
        },
        TokenTree::Group(_) | TokenTree::Literal(_) => Before::Other,
    }
}

fn finish(path: &mut Vec<String>, line: usize, found: &mut Vec<(Vec<String>, usize)>) {
    if !path.is_empty() {
        found.push((std::mem::take(path), line));
    }
}

fn written(literal: &str) -> Option<Vec<String>> {
    let text = literal.strip_prefix('"')?.strip_suffix('"')?;
    let path = syn::parse_str::<syn::Path>(text).ok()?;
    let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    let begins = names.first()?;
    let is_ours = ["crate", "self", "super"].contains(&begins.as_str());
    (is_ours && names.len() > 1).then_some(names)
}
