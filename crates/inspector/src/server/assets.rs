//! The files of the pages, as they are in the binary.

/// A file: its path, its type, and what is in it.
pub(super) type Asset = (&'static str, &'static str, &'static str);

/// The files of the pages.
pub(super) const ASSETS: [Asset; 4] = [
    (
        "/assets/page.css",
        "text/css; charset=utf-8",
        include_str!("../assets/page.css"),
    ),
    (
        "/assets/page.js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/page.js"),
    ),
    (
        "/assets/theme.js",
        "text/javascript; charset=utf-8",
        include_str!("../assets/theme.js"),
    ),
    (
        "/assets/icon.svg",
        "image/svg+xml",
        include_str!("../assets/icon.svg"),
    ),
];
