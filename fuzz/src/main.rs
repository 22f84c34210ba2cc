//! One program for every target: the variable `STRANDLINE_FUZZ_TARGET` names it.
//!
//! The targets are in `strandline_crash::fuzz`, where plain tests replay what was found.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use strandline_crash::fuzz::{TARGETS, Target};

/// The target that the environment names.
fn target() -> &'static Target {
    static TARGET: OnceLock<&'static Target> = OnceLock::new();
    TARGET.get_or_init(|| {
        let name = std::env::var("STRANDLINE_FUZZ_TARGET").unwrap_or_default();
        let found = TARGETS.iter().find(|target| target.name == name);
        found.unwrap_or_else(|| panic!("STRANDLINE_FUZZ_TARGET names no target: {name}"))
    })
}

fuzz_target!(|bytes: &[u8]| {
    if let Err(violation) = (target().run)(bytes) {
        panic!("{violation}");
    }
});
