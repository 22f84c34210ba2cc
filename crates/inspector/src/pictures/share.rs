//! A bar that shows a part of a whole.

use crate::text::share;
use maud::{Markup, html};

/// How much of a whole a part is.
pub(crate) fn share_bar(part: u64, whole: u64) -> Markup {
    html! {
        svg .share viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect .bar x="0" y="0" width=(share(part, whole)) height="10" {}
        }
    }
}
