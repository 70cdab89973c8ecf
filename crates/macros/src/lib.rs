//! The derives and attributes of `bellwether-sdk`: label sets, label values, sets of metrics, functions that are tracked. What they mean is described there.
mod attributes;
mod label_value;
mod labels;
mod metric_set;
mod track;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `Labels` for a struct with named fields. A field of type `&str` is an open label, any other type must be a `LabelValue`.
///
/// `#[label(name = "...")]` gives the label another name; `max = N` says how many values an open label may have, and `max_len = N` how many bytes one may have. `normalise` replaces
/// ids in each value by `{id}`, `normalise(uuid, number)` only some of `uuid`, `number`, `hex` and `email` (and `lower` makes letters small), `deny` sends values with ids to the overflow
/// series, and `normalise = path` names a function `fn(&str) -> Cow<str>` that each value goes through.
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
/// `#[metric(unit = "seconds")]`, `name = "..."` (whole, without prefix and unit), `help = "..."`, and what `Opts` has methods for: `buckets = expression`, `max_series = N`, `merge`, `schema`,
/// `max_buckets`, `zero_threshold`, `quantiles`, `window`, `expire_after`, `exemplars`, `init`, `aliases = &[Alias::new("..")]`.
#[proc_macro_derive(MetricSet, attributes(metrics, metric))]
pub fn metric_set(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    metric_set::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Counts the runs of a function, measures how long they take and how many are in flight. Each option is an expression for an instrument; arguments of the function can be
/// used in it.
///
/// | option | meaning |
/// |---|---|
/// | `counter = ..` | counted once for each run that is over; `status` is its [`Status`](../bellwether_sdk/track/enum.Status.html) |
/// | `histogram = ..` | observes the seconds until then; `status` is there as well |
/// | `in_flight = ..` | a gauge that is one higher meanwhile |
/// | `ok = \|value\| ..` | what a result counts as: a `bool` (true is success) or a `Status`. Of a `Result` it gets what is in `Ok`; every `Ok` is a success without it |
/// | `err = \|error\| ..` | the same for what is in `Err`, which is a failure without it |
/// | `errors = ..`, `error_type = \|error\| ..` | counted for each `Err`; `error_type` is what the closure made of the error, a value out of a closed set |
/// | `slow(limit, callback)` | calls the callback with the duration of a run that took at least that long |
/// | `name = ".."`, `key = ..` | which operation this is, see below |
/// | `keep(name, other = value)` | copies an argument that the function gives away, or another value, before the function begins; the expressions above see a reference |
/// | `stream` | the function returns a stream, and a run is over when that is; `ok`, `err` and `errors` look at each item |
///
/// A run that panics has the status `panic`, and a future or stream that is dropped before its end is `cancelled`. Functions may be sync or async, methods, or return `impl Future`
/// or a boxed future; one of these begins when it is polled first.
///
/// **Once.** What is called inside of a run of the same operation is no further run. An operation is a function, or all functions with the same `name`; runs with different
/// `key`s are different operations, so that a workflow that starts another one counts both. A task that is spawned is not inside.
#[proc_macro_attribute]
pub fn track(options: TokenStream, item: TokenStream) -> TokenStream {
    let options = parse_macro_input!(options as track::Options);
    let function = parse_macro_input!(item as syn::ItemFn);
    track::expand(&options, function).unwrap_or_else(syn::Error::into_compile_error).into()
}
