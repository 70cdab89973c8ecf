use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Fields, Result};

use crate::attributes::{documentation, settings, text, value};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.span(), "a set of metrics is a struct"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new(input.span(), "metrics need names"));
    };
    let settings_of_all = settings(&input.attrs, "metrics", &["prefix"])?;
    let prefix = text(&settings_of_all, "prefix")?.map(|p| p.value()).filter(|p| !p.is_empty());
    let mut registrations = Vec::new();
    for field in &fields.named {
        let known = ["name", "unit", "buckets", "max_series", "help"];
        let settings = settings(&field.attrs, "metric", &known)?;
        let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "metrics need names"))?;
        let unit = text(&settings, "unit")?.map(|unit| unit.value()).unwrap_or_default();
        let name = match text(&settings, "name")? {
            Some(name) => name.value(),
            None => full_name(prefix.as_deref(), ident.to_string().trim_start_matches("r#"), &unit),
        };
        let help = match text(&settings, "help")? {
            Some(help) => help.value(),
            None => documentation(&field.attrs),
        };
        if help.is_empty() {
            let message = "say what this measures in a documentation comment: it is the help text";
            return Err(Error::new(ident.span(), message));
        }
        let buckets = value(&settings, "buckets").map(|buckets| quote!(.buckets(#buckets)));
        let max_series = value(&settings, "max_series").map(|max| quote!(.max_series(#max)));
        let ty = &field.ty;
        registrations.push(quote! {
            #ident: <#ty as ::bellwether_sdk::Instrument>::register(
                registry,
                ::bellwether_sdk::Opts::new(#name, #help).unit(#unit) #buckets #max_series,
            )?
        });
    }
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::bellwether_sdk::MetricSet for #name #arguments #bounds {
            fn register(
                registry: &::bellwether_sdk::Registry,
            ) -> ::core::result::Result<Self, ::bellwether_sdk::RegisterError> {
                ::core::result::Result::Ok(Self { #(#registrations),* })
            }
        }
    })
}

/// `prefix_field_unit`, without saying the unit twice.
fn full_name(prefix: Option<&str>, field: &str, unit: &str) -> String {
    let has_unit = unit.is_empty() || field == unit || field.ends_with(&format!("_{unit}"));
    let unit = if has_unit { None } else { Some(unit) };
    prefix.into_iter().chain([field]).chain(unit).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn names_end_in_their_unit_once() {
        assert_eq!(full_name(Some("dag"), "node_duration", "seconds"), "dag_node_duration_seconds");
        assert_eq!(full_name(Some("dag"), "node_executions", "executions"), "dag_node_executions");
        assert_eq!(full_name(None, "up", ""), "up");
    }
}
