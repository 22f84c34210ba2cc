//! The page of a request that has no answer.

use crate::views::Fault;
use maud::{Markup, html};

/// Its title, and what is said.
pub(crate) fn fault(fault: &Fault) -> (&'static str, Markup) {
    match fault {
        Fault::Wrong(wrong) => ("This cannot be asked", html! { p .note.bad { (wrong) } }),
        Fault::NotThere(what) => ("Not there", html! { p .note.bad { (what) } }),
        Fault::Store(error) => ("This cannot be read", html! { p .note.bad { (error) } }),
        Fault::Busy => (
            "Too much at once",
            html! { p .note.bad { "Try again in a moment." } },
        ),
        // It is said around the page.
        Fault::Closed(_) => ("The store does not open", html! {}),
    }
}
