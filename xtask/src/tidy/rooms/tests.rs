//! Each finding seen on a made-up crate of a few lines, and what is free seen to be free.

use super::{Package, check};

/// What is found in a crate with these rooms and files, beside a `lib.rs` that declares them.
fn found(rooms: &[&str], files: &[(&str, &str)]) -> Vec<String> {
    let mut declared = String::new();
    for (path, _) in files {
        let name = path.strip_suffix("/mod.rs").or(path.strip_suffix(".rs"));
        match name.filter(|name| !name.contains('/')) {
            Some("lib") | None => {}
            Some(name) => declared += &format!("mod {name}; "),
        }
    }
    let text = |path: &str| {
        let path = path.strip_prefix("x/src/")?;
        let file = files.iter().find(|(file, _)| *file == path);
        match (path, file) {
            ("lib.rs", file) => Some(declared.clone() + file.map_or("", |(_, text)| text)),
            (_, file) => file.map(|(_, text)| (*text).to_owned()),
        }
    };
    let package = Package {
        manifest: "x/Cargo.toml".to_owned(),
        roots: vec!["x/src/lib.rs".to_owned()],
        rooms: Some(rooms.iter().map(|line| (*line).to_owned()).collect()),
    };
    check(&package, &text)
}

/// Checks that the low room `low.rs`, with `text`, is found to use `item` of the high one, in the line
/// that names it.
fn finds(text: &str, item: &str) {
    let high = "pub struct Thing; pub fn make() {} pub const MAX: u8 = 1; pub enum Kind { One }";
    let found = found(&["high", "low"], &[("high.rs", high), ("low.rs", text)]);
    let line = text.lines().position(|line| line.contains("high"));
    let line = line.unwrap() + 1;
    let expected =
        format!("x/src/low.rs:{line}: uses `{item}` of x/src/high.rs, which stands above it");
    assert_eq!(found, [expected], "{text}");
}

/// Checks that the low room `low.rs`, with `text`, is free.
fn is_free(text: &str) {
    let high = "pub struct Thing; pub fn make() {}";
    let found = found(&["high", "low"], &[("high.rs", high), ("low.rs", text)]);
    assert_eq!(found, Vec::<String>::new(), "{text}");
}

#[test]
fn an_arrow_upward_is_found_however_it_is_written() {
    finds("use crate::high::Thing;", "Thing");
    finds("use super::high::{self, Thing as T};", "Thing");
    finds("\n\nuse crate::{ high::{Thing}};", "Thing");
    finds("use crate::high; fn f() { high::make() }", "make");
    finds("use crate::high as h; type T = h::Thing;", "Thing");
    finds("use crate::high::*; fn f(_: Thing) {}", "Thing");
    finds("use crate::high::Kind::*;", "Kind");
    finds("use crate::high::Kind::One;", "Kind");
    finds("fn f() {\n\n crate::high::make() }", "make");
    finds("fn f() -> u8 { super::high::MAX }", "MAX");
    finds("fn f() { use crate::high::make; make() }", "make");
    finds(
        "mod inner { fn f() { super::super::high::make() } }",
        "make",
    );
    finds("fn f() { println!(\"{}\", crate::high::MAX) }", "MAX");
    finds("use crate::high::*; fn f() { assert!(1 < MAX) }", "MAX");
    finds("macro_rules! m { () => { $crate::high::make() } }", "make");
    finds(
        "struct S { #[serde(with = \"crate::high::Thing\")] a: u8 }",
        "Thing",
    );
    finds("pub use crate::high::Thing;", "Thing");
    finds("pub use crate::high::*;", "*");
    finds("impl crate::high::Thing {}", "Thing");
    // What nothing in sight defines, as of a macro, is the module's.
    finds("use crate::high::Generated;", "Generated");
}

#[test]
fn an_arrow_through_a_prelude_or_a_sibling_is_found() {
    let prelude = [
        (
            "lib.rs",
            "pub(crate) mod prelude { pub use crate::high::*; }",
        ),
        ("high.rs", "pub struct Thing;"),
        ("low.rs", "use crate::prelude::*; fn f(_: Thing) {}"),
    ];
    assert_eq!(
        found(&["high", "low"], &prelude),
        ["x/src/low.rs:1: uses `Thing` of x/src/high.rs, which stands above it"]
    );
    let sibling = [
        ("high.rs", "pub struct Thing;"),
        ("low/mod.rs", "mod a; mod b;"),
        ("low/a.rs", "pub(super) use super::super::high::Thing;"),
        ("low/b.rs", "use super::a::Thing as T; fn f(_: T) {}"),
    ];
    assert_eq!(
        found(&["high", "low"], &sibling),
        [
            "x/src/low/a.rs:1: uses `Thing` of x/src/high.rs, which stands above it",
            "x/src/low/b.rs:1: uses `Thing` of x/src/high.rs, which stands above it",
        ]
    );
}

#[test]
fn re_exports_are_looked_through() {
    let files = [
        ("lib.rs", "pub use top::Thing;"),
        ("top/mod.rs", "mod child; pub use child::*;"),
        ("top/child.rs", "pub struct Thing;"),
        ("low.rs", "use crate::Thing;"),
    ];
    assert_eq!(
        found(&["top", "low"], &files),
        ["x/src/low.rs:1: uses `Thing` of x/src/top/child.rs, which stands above it"]
    );
    assert!(found(&["low", "top"], &files).is_empty());
}

#[test]
fn an_arrow_between_siblings_is_found() {
    let files = [("a.rs", "use crate::b::B;"), ("b.rs", "pub struct B;")];
    assert_eq!(
        found(&["a b"], &files),
        ["x/src/a.rs:1: uses `B` of x/src/b.rs, which stands beside it"]
    );
}

#[test]
fn a_use_of_what_the_root_defines_is_found() {
    let files = [
        (
            "lib.rs",
            "pub struct Root;\n#[macro_export] macro_rules! m { () => {} }",
        ),
        ("a.rs", "use crate::Root;"),
    ];
    assert_eq!(
        found(&["a"], &files),
        ["x/src/a.rs:1: uses `Root` of x/src/lib.rs, which is the root, and above all rooms"]
    );
}

#[test]
fn a_circle_is_found_in_a_room_too() {
    let files = [
        (
            "a/mod.rs",
            "mod b; mod c; pub const MAX: u8 = 1; fn f() { b::g() }",
        ),
        ("a/b.rs", "use super::c::h; pub fn g() { h() }"),
        ("a/c.rs", "\npub fn h() -> u8 { super::MAX }"),
    ];
    assert_eq!(
        found(&["a"], &files),
        [
            "x/src/a/b.rs:1: uses `h` of x/src/a/c.rs, from which uses lead back (a circle of 3 files)",
            "x/src/a/c.rs:2: uses `MAX` of x/src/a/mod.rs, from which uses lead back (a circle of 3 files)",
            "x/src/a/mod.rs:1: uses `g` of x/src/a/b.rs, from which uses lead back (a circle of 3 files)",
        ]
    );
}

#[test]
fn a_name_that_is_exported_and_used_in_the_same_file_is_an_arrow() {
    let files = [
        ("a/mod.rs", "mod b; pub use b::B; pub struct A(B);"),
        ("a/b.rs", "pub struct B; fn f() { super::A(B); }"),
    ];
    assert_eq!(found(&["a"], &files).len(), 2);
}

#[test]
fn what_is_compiled_for_tests_alone_is_free() {
    is_free("#[cfg(test)] mod tests { use crate::high::Thing; }");
    is_free("#[cfg(all(test, loom))] mod model;");
    is_free("#[cfg(any(test, all(test, loom)))] use crate::high::Thing;");
    is_free("#[test] fn f() { crate::high::make() }");
    is_free("struct S; impl S { #[cfg(test)] fn f() { crate::high::make() } }");
    is_free("fn f() { #[cfg(test)] let x = crate::high::make(); }");
    is_free("fn f() { #[cfg(test)] crate::high::make(); #[cfg(test)] crate::high::m!(); }");
    is_free("fn f() { #[cfg(test)] crate::high::make().then(1)?; }");
    is_free("fn f(#[cfg(test)] x: crate::high::Thing) {}");
    is_free("trait T { #[cfg(test)] fn f() { crate::high::make() } }");
    is_free("#[cfg(doc)] use crate::high::Thing;");
    let files = [
        ("high.rs", "pub struct Thing;"),
        ("low.rs", "#![cfg(test)] use crate::high::Thing;"),
    ];
    assert!(found(&["high"], &files).is_empty());
    finds("#[cfg(not(test))] use crate::high::Thing;", "Thing");
    finds(
        "#[cfg(any(test, feature = \"x\"))] use crate::high::Thing;",
        "Thing",
    );
}

#[test]
fn what_is_not_of_the_crate_is_free() {
    is_free("use std::fmt; use high::Thing; fn f() { other::high::make() }");
    is_free("/// See [`crate::high::Thing`].\npub(in crate::low) struct S;");
    is_free("fn f() { println!(\"{}\", x.make()); y.make(); z! { ::high::make, a: make } }");
    is_free("use std::sync::*; fn f(thing: u8) -> u8 { thing }");
}

#[test]
fn a_local_variable_is_no_item_of_the_same_name() {
    let files = [
        (
            "a/mod.rs",
            "mod plan; pub use plan::plan; fn f(plan: u8) { g(plan, m!(plan)) } pub struct A;",
        ),
        ("a/plan.rs", "use super::A; pub fn plan() {}"),
    ];
    assert!(found(&["a"], &files).is_empty());
}

#[test]
fn contents_of_a_folder_and_uses_from_outside_a_crate_are_no_arrows() {
    let files = [
        ("lib.rs", "pub use other::Thing; pub use a::A;"),
        ("a/mod.rs", "mod b; pub(crate) use b::{A, *};"),
        ("a/b.rs", "use crate::Thing; pub struct A;"),
    ];
    assert!(found(&["a"], &files).is_empty());
}

#[test]
fn macros_are_followed_to_where_they_are() {
    let files = [
        ("high.rs", "macro_rules! m { () => {} } pub(crate) use m;"),
        ("low.rs", "crate::high::m!();\nn!();"),
        ("top.rs", "macro_rules! n { () => {} }"),
    ];
    assert_eq!(
        found(&["top", "high", "low"], &files),
        [
            "x/src/low.rs:1: uses `m` of x/src/high.rs, which stands above it",
            "x/src/low.rs:2: uses `n` of x/src/top.rs, which stands above it",
        ]
    );
}

#[test]
fn globs_that_lead_around_come_to_an_end() {
    let files = [
        ("a/mod.rs", "mod b; pub use b::*; pub struct A;"),
        (
            "a/b.rs",
            "pub use super::*; pub use crate::c::*; fn f(_: Nothing, _: C) {}",
        ),
        ("c.rs", "pub use crate::a::*; pub struct C;"),
    ];
    let found = found(&["a", "c"], &files);
    assert!(
        found
            .iter()
            .all(|finding| finding.starts_with("x/src/c.rs:1: uses `*`"))
    );
}

#[test]
fn the_list_names_every_room_once() {
    let files = [("a.rs", ""), ("b.rs", "")];
    assert_eq!(
        found(&["a a", "c"], &files),
        [
            "x/Cargo.toml: rooms names `a` twice",
            "x/Cargo.toml: rooms names `c`, which is no module",
            "x/Cargo.toml: say in rooms where `b` stands",
        ]
    );
}

#[test]
fn a_package_with_modules_has_a_list() {
    let package = |roots: &str| Package {
        manifest: "x/Cargo.toml".to_owned(),
        roots: vec![roots.to_owned()],
        rooms: None,
    };
    let text = |path: &str| match path {
        "x/src/main.rs" => Some("mod a;".to_owned()),
        "x/src/alone.rs" | "x/src/a.rs" => Some(String::new()),
        _ => None,
    };
    assert_eq!(
        check(&package("x/src/main.rs"), &text),
        ["x/Cargo.toml: say in package.metadata.tidy how its rooms stand, top to bottom"]
    );
    assert!(check(&package("x/src/alone.rs"), &text).is_empty());
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(
        found(&["a"], &[("a.rs", "mod b;")]),
        ["x/src/a.rs:1: `mod b` has no file"]
    );
    let unclear = found(&["a"], &[("a.rs", "fn fn")]);
    assert_eq!(unclear.len(), 1, "{unclear:?}");
    assert!(unclear[0].starts_with("x/src/a.rs:1: expected identifier"));
}

#[test]
fn an_arrow_is_found_though_a_developer_did_not_mean_to_hide_it() {
    finds("extern crate self as x; fn f() { x::high::make() }", "make");
    finds(
        "extern crate self as x; fn f() { ::x::high::make() }",
        "make",
    );
    finds("use crate as x; fn f() { x::high::make() }", "make");
    finds(
        "use super::{self as up}; fn f() { up::high::make() }",
        "make",
    );
    finds(
        "use crate::high::*; fn f() { println!(\"{MAX:>8} {x}\", x = 1) }",
        "MAX",
    );
    finds(
        "use crate::high::*; fn f(n: u8) -> bool { matches!(n, 0 | MAX) }",
        "MAX",
    );
    finds(
        "use crate::high::*; fn f(n: u8) { match n { MAX => {} _ => {} } }",
        "MAX",
    );
    finds(
        "use crate::high::*; fn f() { let make = make(); g(make) }",
        "make",
    );
    finds(
        "use crate::high::*; fn f() { if let Some(make) = make() {} }",
        "make",
    );
    finds("use crate::high::Thing as _;", "Thing");
    finds("type T = Vec<crate::high::Thing>;", "Thing");
    finds("impl From<crate::high::Thing> for u8 {}", "Thing");
    finds("use crate::high; pub use high::Thing;", "Thing");
    finds(
        "macro_rules! m { ($a:ident) => { $crate::high::$a() } }",
        "high",
    );
    finds("m! { use crate::high::{Thing, MAX}; }", "high");
    finds("m! { use crate::high::*; }", "high");
    finds("#[serde(with = \"crate::high\")] struct S;", "high");
    finds(
        "use crate::high; #[serde(with = \"high\")] struct S;",
        "high",
    );
    finds(
        "use crate::high; struct S { #[serde(default = \"high::make\")] a: u8 }",
        "make",
    );
}

/// What is found in two rooms, of which the high one has a block of methods of a type of the low one.
fn found_of_given(block: &str, low: &str) -> Vec<String> {
    let high = format!("use crate::low::Low; {block}");
    found(&["high", "low"], &[("high.rs", &high), ("low.rs", low)])
}

#[test]
fn what_a_type_has_by_a_block_in_another_file_is_of_that_file() {
    let block =
        "impl Low { pub const MAX: u8 = 1; pub fn new() -> Self { Low } pub fn go(&self) {} }";
    for low in [
        "pub struct Low; impl Low { fn f(&self) { self.go() } }",
        "pub struct Low; impl Drop for Low { fn drop(&mut self) { self.go() } }",
        "pub struct Low; fn f() { let go = Low::go; }",
        "pub struct Low; impl Low { fn f() { Self::go(&Low) } }",
        "pub struct Low; mod inner { fn f() { super::Low::go(&super::Low) } }",
        "pub struct Low; fn f() { m!(Low::go) }",
        "pub struct Low; impl Low { fn f(&self) { assert!(a && self.go()) } }",
    ] {
        let expected = "x/src/low.rs:1: uses `Low::go` of x/src/high.rs, which stands above it";
        assert_eq!(found_of_given(block, low), [expected], "{low}");
    }
    let constant = "pub struct Low; const N: u8 = Low::MAX;";
    assert_eq!(found_of_given(block, constant).len(), 1);
    // Whose method it is cannot be told.
    for low in [
        "pub struct Low; fn f(x: Low) { x.go() }",
        "pub struct Low; pub struct Own; impl Own { fn go(&self) {} fn f(&self) { self.go() } }",
        "pub struct Low(Vec<u8>); impl Low { fn f(&self) { self.0.go() } }",
        "pub struct Low { go: u8 } impl Low { fn f(&self) { m!(self.go, self.a.go(), x.go()) } }",
        "pub struct Low; #[cfg(a)] impl Low { fn go(&self) {} } fn f() { Low::go(&Low) }",
    ] {
        assert_eq!(found_of_given(block, low), Vec::<String>::new(), "{low}");
    }
    let of_trait = "trait Go { fn go(&self); } impl Go for Low { fn go(&self) {} }";
    let low = "pub struct Low; impl Low { fn f(&self) { self.go() } }";
    assert_eq!(found_of_given(of_trait, low), Vec::<String>::new());
}

#[test]
fn a_name_that_stands_for_something_else_is_no_item_that_a_glob_brings() {
    for free in [
        "struct S<Thing>(Thing);",
        "impl<Thing: Default> From<Vec<Thing>> for S { fn f() { Thing::default() } }",
        "fn f<Thing: Default>() -> Thing { Thing::default() }",
        "fn f<const MAX: u8>() -> u8 { MAX }",
        "fn f() { struct Thing; g(Thing) }",
        "fn f() { enum Kind { One } Kind::One }",
        "fn f(make: u8) { g(make); let make = make; println!(\"{make}\") }",
        "static S: F = F::new(|make| g(make));",
        "fn f() { info!(make = 1, \"made\"); g!(Thing2 { make: 1 }); }",
        "fn f() { println!(\"{{make}} {} {0} {make2}\", 1) }",
        "#[error(\"cannot {make}\")] struct S { #[serde(rename = \"make\")] a: u8 }",
        "use tracing::note; fn f() { note!() }",
    ] {
        let high = "pub struct Thing; pub fn make() {} pub const MAX: u8 = 1; pub enum Kind { One } \
                    fn f() { macro_rules! note { () => {} } } mod inner { macro_rules! note { () => {} } }";
        let low = format!("use crate::high::*; {free}");
        let found = found(&["high", "low"], &[("high.rs", high), ("low.rs", &low)]);
        assert_eq!(found, Vec::<String>::new(), "{free}");
    }
}
