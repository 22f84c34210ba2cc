//! The form that asks for events, and what it has asked.

use crate::asked::Asked;
use crate::views::Facet;
use maud::{Markup, html};

/// A field of the form: its name, what stands before it, and what it may look like.
type Field = (&'static str, &'static str, &'static str);

const FIRST: [Field; 7] = [
    ("kind", "Kind", "order.placed"),
    ("entity", "Entity", "order:1042"),
    ("prefix", "Entities from", "order:"),
    ("scope", "Scope", "eu/payments"),
    ("tag", "Tag", "customer:7"),
    ("since", "Since", "12h or 2026-01-31T12:00"),
    ("until", "Until", "before this time"),
];

const MORE: [Field; 6] = [
    ("not_kind", "Not of kind", "order.viewed"),
    ("any_tag", "Any of tags", "customer:7"),
    ("from", "From sequence", "100"),
    ("to", "Before sequence", "200"),
    ("correlation", "Belongs to", "id of an event"),
    ("caused_by", "Caused by", "id of an event"),
];

/// Names that may be asked several times.
const SEVERAL: [&str; 4] = ["kind", "not_kind", "tag", "any_tag"];

/// The form, and beside it what is asked, each with a link that leaves it out.
pub(super) fn filter(path: &str, asked: &Asked, kinds: &[Facet]) -> Markup {
    let is_more = MORE.iter().any(|(name, ..)| asked.one(name).is_some());
    let fresh = asked.with(&[("before", None), ("after", None)]);
    let pairs: Vec<_> = fresh
        .pairs()
        .filter(|(name, _)| label(name).is_some())
        .collect();
    html! {
        form .filter method="get" action=(path) role="search" aria-label="Filter" {
            @for name in SEVERAL {
                @for value in asked.all(name) { input type="hidden" name=(name) value=(value); }
            }
            @for name in ["order", "limit"] {
                @if let Some(value) = asked.one(name) { input type="hidden" name=(name) value=(value); }
            }
            div .fields { @for field in &FIRST { (input(field, asked)) } }
            details open[is_more] {
                summary { "More" }
                div .fields { @for field in &MORE { (input(field, asked)) } }
            }
            button type="submit" { "Filter" }
            datalist id="kinds" { @for kind in kinds { option value=(kind.value) {} } }
        }
        @if !pairs.is_empty() {
            p .chips {
                @for (name, value) in &pairs {
                    a .chip href=(fresh.toggled(name, value).at(path)) title="Leave it out" {
                        span .dim { (label(name).unwrap_or_default()) } " " bdi { (value) } " ×"
                    }
                    " "
                }
                a href=(path) { "clear all" }
            }
        }
    }
}

fn input((name, label, hint): &Field, asked: &Asked) -> Markup {
    let is_several = SEVERAL.contains(name);
    let value = asked.one(name).filter(|_| !is_several);
    let list = (*name == "kind" || *name == "not_kind").then_some("kinds");
    html! {
        label {
            span { (label) }
            input type="text" name=(name) placeholder=(hint) value=[value] list=[list] autocomplete="off" spellcheck="false";
        }
    }
}

fn label(name: &str) -> Option<&'static str> {
    let mut fields = FIRST.iter().chain(&MORE);
    fields
        .find(|(own, ..)| *own == name)
        .map(|(_, label, _)| *label)
}
