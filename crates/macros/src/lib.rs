//! The derives of `bellwether-sdk`: label sets, label values, sets of metrics. What they mean is described there.
mod attributes;
mod label_value;
mod labels;
mod metric_set;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `Labels` for a struct with named fields. A field of type `&str` is an open label, any other type must be a `LabelValue`.
///
/// `#[label(name = "...")]` gives the label another name; `max = N` says how many values an open label may have, and `max_len = N` how many bytes one may have. `normalise` replaces
/// ids in each value by `{id}`, `deny` sends values with ids to the overflow series, and `normalise = path` names a function `fn(&str) -> Cow<str>` that each value goes through.
///
/// Names of what is unique to an event (`request_id`, `user_id`, `trace_id`, ...) are refused: every value would be a series. `#[label(unbounded = "why it is not")]` takes
/// them all the same.
#[proc_macro_derive(Labels, attributes(label))]
pub fn labels(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    labels::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Derives `LabelValue` for an enum without fields. The values are the names of the variants in snake case, or what `#[label(name = "...")]` says.
#[proc_macro_derive(LabelValue, attributes(label))]
pub fn label_value(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    label_value::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Derives `MetricSet` for a struct whose fields are families. The name of a family is that of its field, with the prefix of `#[metrics(prefix = "...")]` in front and the unit behind; the
/// documentation of the field is its help text.
///
/// `#[metric(unit = "seconds")]`, `name = "..."` (whole, without prefix and unit), `help = "..."`, and what `Opts` has methods for: `buckets = expression`, `max_series = N`, `schema`,
/// `max_buckets`, `zero_threshold`, `quantiles`, `window`, `expire_after`, `exemplars`.
#[proc_macro_derive(MetricSet, attributes(metrics, metric))]
pub fn metric_set(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    metric_set::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
