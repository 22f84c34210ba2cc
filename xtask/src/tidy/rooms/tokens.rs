//! Paths in what stands inside a macro or an attribute, where there is no syntax yet, only tokens.

use super::mention::{By, Mention};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// Arguments of attributes whose text is a path, as serde takes them.
const KEYS: [&str; 10] = [
    "default",
    "deserialize_with",
    "from",
    "getter",
    "into",
    "remote",
    "serialize_with",
    "skip_serializing_if",
    "try_from",
    "with",
];

/// The paths among the tokens that a macro is called with: names with `::` between them, one name alone
/// too, and those that a text to be formatted has in braces.
///
/// What follows a dot is a field or a method, what follows `::` alone another crate's, what is before `=`
/// or `:` an argument or a field. A text that is a path from `crate`, `self` or `super` counts.
pub(super) fn of_macro(tokens: &TokenStream) -> Vec<Mention> {
    let mut reader = Reader::default();
    reader.read(tokens, true);
    reader.found
}

/// The paths among the tokens of an attribute: as [`of_macro`], and texts that serde takes for paths.
pub(super) fn of_attribute(tokens: &TokenStream) -> Vec<Mention> {
    let mut reader = Reader::default();
    reader.read(tokens, false);
    reader.found
}

#[derive(Default)]
struct Reader {
    /// The path that is being read, and its line.
    path: Vec<String>,
    line: usize,
    found: Vec<Mention>,
}

impl Reader {
    fn read(&mut self, tokens: &TokenStream, is_macro: bool) {
        let mut before = Before::Other;
        let mut key = None;
        let (mut is_of_self, mut method) = (false, None);
        for token in tokens.clone() {
            let next = follow(&before, &token);
            let follows_self = matches!(before, Before::Name) && self.path == ["self"];
            if is_of_name(&token) && matches!(before, Before::Name) && self.path.len() == 1 {
                key = self.path.pop();
            } else if !matches!(next, Before::Name | Before::Colon | Before::Colons) {
                // Which of a module's items are meant is not said here: `a::{b, c}`, `a::*`, `a::$b`.
                let is_open = matches!(before, Before::Colons);
                self.finish(if is_open { By::Text } else { By::Path });
            }
            if let Some(method) = method.take()
                && matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis)
            {
                self.push(vec!["Self".to_owned(), method], By::Path);
            }
            match &token {
                TokenTree::Ident(ident) if matches!(next, Before::Name) => {
                    if !matches!(before, Before::Colons) {
                        self.finish(By::Path);
                        self.line = ident.span().start().line;
                    }
                    self.path.push(ident.unraw().to_string());
                }
                TokenTree::Ident(ident) if is_of_self => {
                    method = Some(ident.unraw().to_string());
                }
                TokenTree::Group(group) => self.read(&group.stream(), is_macro),
                TokenTree::Literal(literal) => {
                    self.line = literal.span().start().line;
                    let takes_path = key.take().is_some_and(|key| KEYS.contains(&key.as_str()));
                    self.text(&literal.to_string(), takes_path && !is_macro, is_macro);
                }
                _ => {}
            }
            is_of_self = follows_self && matches!(next, Before::Dot);
            before = next;
        }
        self.finish(By::Path);
    }

    fn finish(&mut self, by: By) {
        let path = std::mem::take(&mut self.path);
        self.push(path, by);
    }

    fn push(&mut self, path: Vec<String>, by: By) {
        if !path.is_empty() {
            let line = self.line;
            self.found.push(Mention { path, line, by });
        }
    }

    fn text(&mut self, literal: &str, takes_path: bool, is_formatted: bool) {
        let text = literal
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let Some(text) = text else { return };
        if let Some(path) = written(text, takes_path) {
            self.push(path, By::Text);
        } else if is_formatted {
            for name in captured(text) {
                self.push(vec![name], By::Path);
            }
        }
    }
}

/// Whether the name before this is one of an argument or a field, `=` or `:` alone being after it.
fn is_of_name(token: &TokenTree) -> bool {
    matches!(
        token,
        TokenTree::Punct(punct)
            if matches!(punct.as_char(), '=' | ':') && punct.spacing() == Spacing::Alone
    )
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

/// The path that a text is: any if `takes_path`, one from the crate otherwise.
fn written(text: &str, takes_path: bool) -> Option<Vec<String>> {
    let path = syn::parse_str::<syn::Path>(text).ok()?;
    let names: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    let begins = names.first()?;
    let is_ours = ["crate", "self", "super"].contains(&begins.as_str()) && names.len() > 1;
    (path.leading_colon.is_none() && (is_ours || takes_path)).then_some(names)
}

/// The names in the braces of a text to be formatted, in which two braces are one that is written.
fn captured(text: &str) -> Vec<String> {
    let text = text.replace("{{", "");
    let names = text.split('{').skip(1).filter_map(|after| {
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        let (name, rest) = after.split_at(end);
        let is_name = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
        (is_name && rest.starts_with(['}', ':'])).then(|| name.to_owned())
    });
    names.collect()
}
