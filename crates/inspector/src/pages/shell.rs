//! What is around every page: where one can go, what gives the same elsewhere, and which keys there are.

use crate::asked::Asked;
use crate::site::Closed;
use crate::views::Same;
use maud::{DOCTYPE, Markup, html};

/// What a page stands in.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    /// What the store is called.
    pub(crate) store: String,
    /// The path of the page, and what is asked.
    pub(crate) path: &'a str,
    pub(crate) asked: &'a Asked,
    /// Why the store does not open.
    pub(crate) closed: Option<&'a Closed>,
    /// What gives the same.
    pub(crate) same: Option<&'a Same>,
}

/// Where one can go, and by which key after `g`.
const PLACES: [(&str, &str, &str); 8] = [
    ("/", "Overview", "o"),
    ("/events", "Events", "e"),
    ("/names", "Names", "n"),
    ("/consumers", "Consumers", "c"),
    ("/files", "Files", "f"),
    ("/integrity", "Integrity", "i"),
    ("/search", "Search", "s"),
    ("/export", "Export", "x"),
];

/// Keys beside those of the places.
const KEYS: [(&str, &str); 7] = [
    ("/", "search"),
    ("j k", "next and previous row"),
    ("Enter", "open the row"),
    ("n", "next page"),
    ("p", "pause or go on, in a live list"),
    ("t", "dark or light"),
    ("?", "these keys"),
];

/// A page.
pub(crate) fn shell(around: &Around<'_>, title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (around.store) }
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/assets/page.css";
                script src="/assets/theme.js" {}
                script type="module" src="/assets/page.js" {}
            }
            body {
                a .skip href="#main" { "To the content" }
                (header(around))
                main #main tabindex="-1" {
                    h1 { (title) }
                    @if let Some(closed) = around.closed { (not_open(closed)) }
                    (body)
                    @if let Some(same) = around.same { (elsewhere(around, same)) }
                }
                footer { "Times are UTC. Read only: nothing here changes the store. " kbd { "?" } " lists the keys." }
                (keys())
            }
        }
    };
    page.into_string()
}

fn header(around: &Around<'_>) -> Markup {
    html! {
        header {
            a .store href="/" { span .dim { "strandline" } " " bdi { (around.store) } }
            nav aria-label="Views" {
                @for (path, name, key) in &PLACES {
                    a href=(path) data-key=(key) aria-current=[(*path == around.path).then_some("page")] { (name) }
                }
            }
            form method="get" action="/search" role="search" aria-label="Everywhere" {
                input #search type="search" name="q" placeholder="id, sequence, entity, tag, time" aria-label="Search" autocomplete="off" spellcheck="false";
            }
            button #theme type="button" title="Dark or light" aria-label="Dark or light" { "◐" }
        }
    }
}

fn not_open(closed: &Closed) -> Markup {
    html! {
        div .note.bad role="alert" {
            p { strong { "The store does not open. " } (closed.reason) }
            p { "What to do: " (closed.next) ". " a href="/files" { "Files" } " and " a href="/integrity" { "integrity" } " show what is there." }
        }
    }
}

fn elsewhere(around: &Around<'_>, same: &Same) -> Markup {
    let path = match around.path {
        "/" => "/overview",
        "/export" => "/exports",
        path => path,
    };
    html! {
        details .same {
            summary { "The same elsewhere" }
            p {
                a href=(around.asked.at(&format!("/api{path}"))) { "JSON" } " · "
                a href=(around.asked.at(&format!("/api{path}.csv"))) { "CSV" }
            }
            div .code { pre { code { (same.command) } } button type="button" .copy { "Copy" } }
            div .code { pre { code { (same.rust) } } button type="button" .copy { "Copy" } }
        }
    }
}

fn keys() -> Markup {
    html! {
        dialog #keys aria-label="Keys" {
            h2 { "Keys" }
            table {
                tbody {
                    @for (key, what) in &KEYS { tr { th scope="row" { kbd { (key) } } td { (what) } } }
                    @for (_, name, key) in &PLACES { tr { th scope="row" { kbd { "g " (key) } } td { (name) } } }
                }
            }
            form method="dialog" { button { "Close" } }
        }
    }
}
