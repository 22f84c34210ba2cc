//! `#[derive(EventEnum)]`: an enum, as what a registry decodes into. Knows nothing of its variants' types.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result, Type, Variant};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new(input.ident.span(), "it is not an enum"));
    };
    let variants = data
        .variants
        .iter()
        .map(|variant| Ok((&variant.ident, payload_of(variant)?)))
        .collect::<Result<Vec<(&Ident, &Type)>>>()?;
    if variants.is_empty() {
        return Err(Error::new(input.ident.span(), "it has no variants"));
    }
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let names = variants.iter().map(|(name, _)| name);
    let types = variants.iter().map(|(_, payload)| payload);
    let conversions = variants.iter().map(|(name, payload)| {
        quote! {
            impl #generics ::core::convert::From<#payload> for #ident #arguments #bounds {
                fn from(payload: #payload) -> Self {
                    Self::#name(payload)
                }
            }
        }
    });
    Ok(quote! {
        #(#conversions)*

        impl #generics ::strandline::EventEnum for #ident #arguments #bounds {
            fn registry() -> ::core::result::Result<
                ::strandline::Registry<Self>,
                ::strandline::Error,
            > {
                let registry = ::strandline::Registry::new();
                #(let registry = registry.register::<#types>()?;)*
                ::core::result::Result::Ok(registry)
            }

            fn to_event(&self) -> ::core::result::Result<
                ::strandline::Event,
                ::strandline::Error,
            > {
                match self {
                    #(Self::#names(payload) => ::strandline::Event::typed(payload),)*
                }
            }
        }
    })
}

/// The type that a variant holds.
fn payload_of(variant: &Variant) -> Result<&Type> {
    if let Fields::Unnamed(fields) = &variant.fields {
        let mut types = fields.unnamed.iter().map(|field| &field.ty);
        if let (Some(payload), None) = (types.next(), types.next()) {
            return Ok(payload);
        }
    }
    let message = "a variant holds one value, the payload: Placed(Placed)";
    Err(Error::new(variant.ident.span(), message))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn what_is_no_enum_of_payloads_is_refused() {
        let refusal = |input: &DeriveInput| expand(input).unwrap_err().to_string();
        assert_eq!(refusal(&parse_quote! { struct A; }), "it is not an enum");
        assert_eq!(refusal(&parse_quote! { enum A {} }), "it has no variants");
        let forms: [DeriveInput; 3] = [
            parse_quote! { enum A { B } },
            parse_quote! { enum A { B(C, D) } },
            parse_quote! { enum A { B { c: C } } },
        ];
        for form in forms {
            assert!(refusal(&form).contains("holds one value"));
        }
        assert!(expand(&parse_quote! { enum A { B(C), D(E) } }).is_ok());
    }
}
