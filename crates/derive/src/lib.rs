//! The derive macros of Strandline, which re-exports them behind its feature `derive`.
//!
//! `#[derive(EventPayload)]` says of a type which kind, name and version of event it is.
//! `#[derive(EventEnum)]` makes of an enum, each variant of which holds one such type, what a
//! registry decodes into. Neither knows how payloads become bytes: that is the codec's.

#![forbid(unsafe_code)]

mod event_enum;
mod payload;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `EventPayload` for a type.
///
/// `#[event(..)]` on the type takes:
///
/// - `kind(0x1, 0x001)`, the category and type of the event's kind, or `kind = ORDER_PLACED`, a
///   constant: required.
/// - `name = "order.placed"`: by default the name of the type. A store keeps the name of a kind for good, so a
///   type that is called another way later has to say the name that it had.
/// - `version = 2`: by default 1.
/// - `codec = MessagePack`, any type that is a codec of it: by default `strandline::Json`, which
///   asks for serde's `Serialize` and `Deserialize`.
#[proc_macro_derive(EventPayload, attributes(event))]
pub fn derive_event_payload(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    payload::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Implements `EventEnum` for an enum, and `From` for the type of each variant.
///
/// Each variant holds one value, of a type of its own that is an `EventPayload`.
#[proc_macro_derive(EventEnum)]
pub fn derive_event_enum(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    event_enum::expand(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
