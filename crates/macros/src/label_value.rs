use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Fields, Ident, Result};

use crate::attributes::{settings, text};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new(input.span(), "only an enum has a closed set of values"));
    };
    if data.variants.is_empty() {
        return Err(Error::new(input.span(), "a label needs at least one value"));
    }
    let mut values: Vec<String> = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(variant.span(), "a value out of a closed set has no fields"));
        }
        let settings = settings(&variant.attrs, "label", &["name"])?;
        let value = text(&settings, "name")?.map_or_else(|| snake_case(&variant.ident), |name| name.value());
        if values.contains(&value) {
            return Err(Error::new(variant.span(), format!("there are two values {value:?}")));
        }
        values.push(value);
    }
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let variants: Vec<&Ident> = data.variants.iter().map(|variant| &variant.ident).collect();
    let indices = 0..values.len();
    Ok(quote! {
        impl #generics ::bellwether_sdk::LabelValue for #name #arguments #bounds {
            const VALUES: &'static [&'static str] = &[#(#values),*];

            const ALL: &'static [Self] = &[#(Self::#variants),*];

            #[inline]
            fn index(self) -> usize {
                match self {
                    #(Self::#variants => #indices,)*
                }
            }
        }
    })
}

/// `TimedOut` as `timed_out`.
fn snake_case(ident: &Ident) -> String {
    let text = ident.to_string();
    let chars: Vec<char> = text.trim_start_matches("r#").chars().collect();
    let mut out = String::new();
    for (idx, c) in chars.iter().enumerate() {
        let before_is_lower = idx > 0 && !chars[idx - 1].is_uppercase();
        let after_is_lower = idx > 0 && chars.get(idx + 1).is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && (before_is_lower || after_is_lower) && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_variants_become_words() {
        let snake = |text: &str| snake_case(&Ident::new(text, proc_macro2::Span::call_site()));
        assert_eq!(snake("Ok"), "ok");
        assert_eq!(snake("TimedOut"), "timed_out");
        assert_eq!(snake("HTTPError"), "http_error");
        assert_eq!(snake("Gpt4"), "gpt4");
        assert_eq!(snake("Half_open"), "half_open");
    }
}
