//! `#[derive(EventPayload)]`: kind, name, version and codec of a type. Knows nothing of its fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Expr, LitInt, LitStr, Result, Token, Type, parenthesized};

/// What `#[event(..)]` says.
#[derive(Default)]
struct Attributes {
    kind: Option<TokenStream>,
    name: Option<LitStr>,
    version: Option<LitInt>,
    codec: Option<Type>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let attributes = parse(input)?;
    let Some(kind) = attributes.kind else {
        let message = "which kind of event is it? say #[event(kind(0x1, 0x001))]";
        return Err(Error::new(input.ident.span(), message));
    };
    let name = match attributes.name {
        Some(name) if name.value().is_empty() => {
            return Err(Error::new(name.span(), "the name is empty"));
        }
        Some(name) if name.value().len() > 255 || name.value().chars().any(char::is_control) => {
            let message = "a name has 1 to 255 bytes, and no control characters";
            return Err(Error::new(name.span(), message));
        }
        Some(name) => quote!(#name),
        None => {
            let name = input.ident.to_string();
            quote!(#name)
        }
    };
    let version = match attributes.version {
        Some(version) if version.base10_parse::<u16>()? == 0 => {
            return Err(Error::new(version.span(), "versions begin at 1"));
        }
        Some(version) => quote!(#version),
        None => quote!(1),
    };
    let codec = match attributes.codec {
        Some(codec) => quote!(#codec),
        None => quote!(::strandline::Json),
    };
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::strandline::EventPayload for #ident #arguments #bounds {
            type Codec = #codec;
            const KIND: ::strandline::EventKind = #kind;
            const NAME: &'static str = #name;
            const VERSION: u16 = #version;
        }
    })
}

fn parse(input: &DeriveInput) -> Result<Attributes> {
    let mut attributes = Attributes::default();
    let own = input
        .attrs
        .iter()
        .filter(|one| one.path().is_ident("event"));
    for attribute in own {
        attribute.parse_nested_meta(|meta| {
            let once = |given: bool| match given {
                true => Err(meta.error("given twice")),
                false => Ok(()),
            };
            if meta.path.is_ident("kind") {
                once(attributes.kind.is_some())?;
                attributes.kind = Some(if meta.input.peek(Token![=]) {
                    let kind: Expr = meta.value()?.parse()?;
                    quote!(#kind)
                } else {
                    let parts;
                    parenthesized!(parts in meta.input);
                    let category: Expr = parts.parse()?;
                    parts.parse::<Token![,]>()?;
                    let number: Expr = parts.parse()?;
                    if !parts.is_empty() {
                        let message = "a kind is a category and a type";
                        return Err(Error::new(parts.span(), message));
                    }
                    quote!(::strandline::EventKind::new(#category, #number))
                });
            } else if meta.path.is_ident("name") {
                once(attributes.name.is_some())?;
                attributes.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("version") {
                once(attributes.version.is_some())?;
                attributes.version = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("codec") {
                once(attributes.codec.is_some())?;
                attributes.codec = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("it is kind, name, version or codec that can be given"));
            }
            Ok(())
        })?;
    }
    Ok(attributes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn refusal(input: &DeriveInput) -> String {
        expand(input).unwrap_err().to_string()
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let missing = refusal(&parse_quote! { struct Placed; });
        assert!(missing.contains("which kind"), "{missing}");
        let unknown = refusal(&parse_quote! { #[event(kinds = A)] struct Placed; });
        assert!(
            unknown.contains("kind, name, version or codec"),
            "{unknown}"
        );
        let zero = refusal(&parse_quote! { #[event(kind = A, version = 0)] struct Placed; });
        assert_eq!(zero, "versions begin at 1");
        let large = refusal(&parse_quote! { #[event(kind = A, version = 65536)] struct Placed; });
        assert!(large.contains("too large"), "{large}");
        let twice = refusal(&parse_quote! { #[event(kind = A, kind(1, 2))] struct Placed; });
        assert_eq!(twice, "given twice");
        let three = refusal(&parse_quote! { #[event(kind(1, 2, 3))] struct Placed; });
        assert!(!three.is_empty());
        let empty = refusal(&parse_quote! { #[event(kind = A, name = "")] struct Placed; });
        assert_eq!(empty, "the name is empty");
        let wrong = refusal(&parse_quote! { #[event(kind = A, name = "a\n")] struct Placed; });
        assert!(wrong.contains("no control characters"), "{wrong}");
    }

    #[test]
    fn name_version_and_codec_have_defaults() {
        let placed = parse_quote! { #[event(kind(0x1, 0x001))] struct Placed; };
        let expected = quote! {
            impl ::strandline::EventPayload for Placed {
                type Codec = ::strandline::Json;
                const KIND: ::strandline::EventKind = ::strandline::EventKind::new(0x1, 0x001);
                const NAME: &'static str = "Placed";
                const VERSION: u16 = 1;
            }
        };
        assert_eq!(expand(&placed).unwrap().to_string(), expected.to_string());
    }
}
