//! What documents say of the code: the files that they name, and the picture of each crate's rooms.
//!
//! Holds nothing against what the files say.

use super::rooms::Package;

/// The document with the pictures.
pub(super) const PICTURES: &str = "ARCHITECTURE.md";

/// Files of Rust that a document names in backticks and nobody has. A path is given from the root, or without
/// `crates` and `src`, or by its end; `a/{b,c}.rs` are two.
pub(super) fn names_what_is_there(path: &str, text: &str, files: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        for name in quoted.flat_map(each) {
            if !files.iter().any(|file| is_end_of(&name, file)) {
                let line = number + 1;
                findings.push(format!("{path}:{line}: names {name}, which is no file"));
            }
        }
    }
    findings
}

/// The files that a quoted text names, if it is a path of some.
fn each(quoted: &str) -> Vec<String> {
    if !quoted.ends_with(".rs") || quoted.contains([' ', '*']) {
        return Vec::new();
    }
    match quoted.split_once('{') {
        Some((before, rest)) => {
            let (names, after) = rest.split_once('}').unwrap_or((rest, ""));
            let names = names.split(',');
            names.map(|name| format!("{before}{name}{after}")).collect()
        }
        None => vec![quoted.to_owned()],
    }
}

fn is_end_of(name: &str, file: &str) -> bool {
    let short = file.trim_start_matches("crates/").replacen("/src/", "/", 1);
    let ends = |whole: &str| {
        let before = whole.strip_suffix(name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    ends(file) || ends(&short)
}

/// Whether the picture of a crate is that of its rooms: the first block of text under the heading that has its
/// folder. Each line of the picture begins with a line of the list; two spaces end it.
pub(super) fn shows_the_rooms(text: &str, package: &Package) -> Vec<String> {
    let folder = package.manifest.trim_end_matches("/Cargo.toml");
    let rooms = package.rooms.as_deref().unwrap_or_default();
    let heading = format!("### `{folder}`");
    let Some(section) = text.split("\n## ").find_map(|part| section(part, &heading)) else {
        // Of siblings alone there is nothing to draw.
        return match rooms.len() {
            0 | 1 => Vec::new(),
            _ => vec![format!("{PICTURES}: has no picture of {folder}")],
        };
    };
    let lines = section
        .lines()
        .skip_while(|line| *line != "```text")
        .skip(1);
    let lines = lines.take_while(|line| *line != "```");
    let drawn: Vec<_> = lines.filter_map(|line| line.split("  ").next()).collect();
    if drawn == rooms {
        return Vec::new();
    }
    let rooms = rooms.join(", ");
    vec![format!(
        "{PICTURES}: the picture of {folder} is not that of its list of rooms: {rooms}"
    )]
}

/// What stands under a heading of the third level.
fn section<'a>(part: &'a str, heading: &str) -> Option<&'a str> {
    let (_, after) = part.split_once(heading)?;
    after.split("\n### ").next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let files = ["crates/store/src/open/log.rs", "tests/golden.rs"].map(str::to_owned);
        let named = |text: &str| names_what_is_there("a.md", text, &files).len();
        assert_eq!(named("`open/log.rs`, `store/open/log.rs`"), 0);
        assert_eq!(named("`crates/store/src/open/{log,lock}.rs`"), 1);
        assert_eq!(named("`pen/log.rs` and\n`golden.rs`"), 1);
        assert_eq!(named("`*.rs`, log.rs"), 0);
    }

    #[test]
    fn a_picture_is_that_of_the_list() {
        let package = |rooms: &[&str]| Package {
            manifest: "crates/a/Cargo.toml".to_owned(),
            roots: Vec::new(),
            rooms: Some(rooms.iter().map(|room| (*room).to_owned()).collect()),
        };
        let text =
            "# A\n\n### `crates/a`\n\n```text\nb c    what\nd      else\n```\n\n### `crates/e`\n";
        assert!(shows_the_rooms(text, &package(&["b c", "d"])).is_empty());
        assert_eq!(shows_the_rooms(text, &package(&["b", "d"])).len(), 1);
        assert_eq!(shows_the_rooms("# A\n", &package(&["b", "d"])).len(), 1);
        assert!(shows_the_rooms("# A\n", &package(&["b d"])).is_empty());
    }
}
