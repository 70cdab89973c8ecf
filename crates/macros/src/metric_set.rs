use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Expr, ExprLit, Fields, Lit, Result};

use crate::attributes::{documentation, settings, settings_and_flags, text, value};

/// Settings that are methods of `Opts` with one argument.
const OPTIONS: [&str; 9] = [
    "buckets",
    "max_series",
    "merge",
    "schema",
    "max_buckets",
    "zero_threshold",
    "quantiles",
    "window",
    "expire_after",
];
/// Settings that are methods of `Opts` without one.
const FLAGS: [&str; 2] = ["exemplars", "init"];

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
        let known: Vec<&str> =
            ["name", "unit", "help", "aliases"].into_iter().chain(OPTIONS).chain(FLAGS).collect();
        let settings = settings_and_flags(&field.attrs, "metric", &known, &FLAGS)?;
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
        let options = OPTIONS.into_iter().filter_map(|option| {
            let (value, option) = (value(&settings, option)?, format_ident!("{option}"));
            Some(quote!(.#option(#value)))
        });
        let mut flags = Vec::new();
        for flag in FLAGS {
            match value(&settings, flag) {
                Some(Expr::Lit(ExprLit { lit: Lit::Bool(is_set), .. })) => {
                    let flag = format_ident!("{flag}");
                    flags.extend(is_set.value.then(|| quote!(.#flag())));
                }
                Some(other) => {
                    return Err(Error::new(other.span(), "this stands alone, or is true or false"));
                }
                None => {}
            }
        }
        // A constant, so that calls in it make what lives for ever.
        let aliases = value(&settings, "aliases").map(|aliases| quote!(.aliases(const { #aliases })));
        let ty = &field.ty;
        registrations.push(quote! {
            #ident: <#ty as ::bellwether_sdk::Instrument>::register(
                registry,
                ::bellwether_sdk::Opts::new(#name, #help).unit(#unit) #(#options)* #(#flags)* #aliases,
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
