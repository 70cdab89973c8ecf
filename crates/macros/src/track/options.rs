use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, Ident, Result, Token, Type, parenthesized};

use super::types::is_result;

/// What the attribute can say.
const OPTIONS: [&str; 12] = [
    "counter",
    "histogram",
    "in_flight",
    "errors",
    "ok",
    "err",
    "error_type",
    "slow",
    "name",
    "key",
    "keep",
    "stream",
];

/// What stands in the attribute.
#[derive(Default)]
pub(crate) struct Options {
    counter: Option<Expr>,
    histogram: Option<Expr>,
    in_flight: Option<Expr>,
    errors: Option<Expr>,
    pub(super) ok: Option<Expr>,
    err: Option<Expr>,
    error_type: Option<Expr>,
    /// From which duration on, and what is called then.
    slow: Option<(Expr, Expr)>,
    name: Option<Expr>,
    key: Option<Expr>,
    /// What expressions need of what the function gives away.
    keep: Vec<(Ident, Option<Expr>)>,
    pub(super) stream: Option<Span>,
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let text = key.to_string();
            if !OPTIONS.contains(&text.as_str()) {
                let message = format!("unknown option `{text}`; there are {}", OPTIONS.join(", "));
                return Err(Error::new(key.span(), message));
            }
            if seen.contains(&text) {
                return Err(Error::new(key.span(), format!("`{text}` is set twice")));
            }
            options.parse_option(&key, &text, input)?;
            seen.push(text);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        options.check()
    }
}

impl Options {
    fn parse_option(&mut self, key: &Ident, text: &str, input: ParseStream<'_>) -> Result<()> {
        if text == "stream" {
            self.stream = Some(key.span());
            return Ok(());
        }
        if text == "slow" || text == "keep" {
            if !input.peek(syn::token::Paren) {
                let form = if text == "slow" { "slow(limit, callback)" } else { "keep(name, other = value)" };
                return Err(Error::new(key.span(), format!("expected `{form}`")));
            }
            let content;
            parenthesized!(content in input);
            return if text == "slow" { self.parse_slow(&content) } else { self.parse_keep(&content) };
        }
        if !input.peek(Token![=]) {
            return Err(Error::new(key.span(), format!("expected `{text} = expression`")));
        }
        input.parse::<Token![=]>()?;
        let option = match text {
            "counter" => &mut self.counter,
            "histogram" => &mut self.histogram,
            "in_flight" => &mut self.in_flight,
            "errors" => &mut self.errors,
            "ok" => &mut self.ok,
            "err" => &mut self.err,
            "error_type" => &mut self.error_type,
            "name" => &mut self.name,
            _ => &mut self.key,
        };
        *option = Some(input.parse()?);
        Ok(())
    }

    fn parse_slow(&mut self, content: ParseStream<'_>) -> Result<()> {
        let limit = content.parse()?;
        content.parse::<Token![,]>()?;
        self.slow = Some((limit, content.parse()?));
        content.parse::<Option<Token![,]>>()?;
        if content.is_empty() { Ok(()) } else { Err(content.error("expected `slow(limit, callback)`")) }
    }

    fn parse_keep(&mut self, content: ParseStream<'_>) -> Result<()> {
        while !content.is_empty() {
            let name: Ident = content.parse()?;
            let value = content.parse::<Option<Token![=]>>()?.map(|_| content.parse()).transpose()?;
            self.keep.push((name, value));
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn check(self) -> Result<Self> {
        match (&self.errors, &self.error_type) {
            (Some(errors), None) => {
                let message =
                    "`errors` counts by the type of the error: say which with `error_type = |error| ..`";
                Err(Error::new(errors.span(), message))
            }
            (None, Some(error_type)) => {
                let message =
                    "`error_type` is for the labels of `errors`: say what counts with `errors = ..`";
                Err(Error::new(error_type.span(), message))
            }
            _ if self.counter.is_none()
                && self.histogram.is_none()
                && self.in_flight.is_none()
                && self.errors.is_none()
                && self.slow.is_none() =>
            {
                let message =
                    "nothing is tracked: say at least one of counter, histogram, in_flight, errors, slow";
                Err(Error::new(Span::call_site(), message))
            }
            _ => Ok(self),
        }
    }

    /// What was kept, by its name; in each expression anew, so that the function itself sees its own arguments.
    pub(super) fn kept(&self) -> TokenStream {
        self.keep
            .iter()
            .map(|(name, _)| {
                let place = place(name);
                quote!(#[allow(unused_variables)] let #name = &#place;)
            })
            .collect()
    }

    pub(super) fn keep(&self) -> TokenStream {
        self.keep
            .iter()
            .map(|(name, value)| {
                let place = place(name);
                let value = value
                    .as_ref()
                    .map_or_else(|| quote!(::core::clone::Clone::clone(&#name)), ToTokens::to_token_stream);
                quote!(let #place = #value;)
            })
            .collect()
    }

    pub(super) fn operation(&self, function: &Ident) -> TokenStream {
        let name = self.name.as_ref().map_or_else(
            || {
                let name = function.to_string();
                quote!(::core::concat!(::core::module_path!(), ":", ::core::line!(), ":", ::core::column!(), ":", #name))
            },
            ToTokens::to_token_stream,
        );
        let key = self.key.as_ref().map_or_else(|| quote!(()), ToTokens::to_token_stream);
        quote!(::bellwether_sdk::track::operation(#name, &(#key)))
    }

    pub(super) fn in_flight(&self) -> TokenStream {
        self.in_flight.as_ref().map_or_else(|| quote!(()), |gauge| quote!((#gauge).track()))
    }

    /// Counts what is over; `status` and `elapsed` are there.
    pub(super) fn record(&self) -> TokenStream {
        let counter = self.counter.as_ref().map(|counter| quote!((#counter).inc();));
        let histogram = self
            .histogram
            .as_ref()
            .map(|histogram| quote!((#histogram).observe(::core::time::Duration::as_secs_f64(&elapsed));));
        let slow = self
            .slow
            .as_ref()
            .map(|(limit, callback)| quote!(if elapsed >= #limit { (#callback)(elapsed); }));
        quote!(#counter #histogram #slow)
    }

    /// The status of a value that is called `value`, of this type.
    pub(super) fn status(&self, of: Option<&Type>) -> Result<TokenStream> {
        let into = |closure: Option<&Expr>, default: &str| {
            let default = Ident::new(default, Span::call_site());
            closure.map_or_else(
                || quote!(::bellwether_sdk::track::Status::#default),
                |closure| {
                    quote!(::core::convert::Into::<::bellwether_sdk::track::Status>::into(
                        ::bellwether_sdk::track::judge(value, #closure)
                    ))
                },
            )
        };
        let ok = into(self.ok.as_ref(), "Success");
        if !of.is_some_and(is_result) {
            if let Some((option, name)) =
                self.err.as_ref().map(|e| (e, "err")).or(self.errors.as_ref().map(|e| (e, "errors")))
            {
                let message = format!(
                    "`{name}` is for functions whose type is written as a `Result<..>`; this one is not"
                );
                return Err(Error::new(option.span(), message));
            }
            return Ok(ok);
        }
        let err = into(self.err.as_ref(), "Failure");
        let errors = self.errors.as_ref().zip(self.error_type.as_ref()).map(|(errors, error_type)| {
            quote! {{
                let error_type = ::bellwether_sdk::track::judge(value, #error_type);
                (#errors).inc();
            }}
        });
        Ok(quote! {
            match value {
                ::core::result::Result::Ok(value) => #ok,
                ::core::result::Result::Err(value) => { #errors #err }
            }
        })
    }
}

/// Where a value is kept. The function cannot see it.
fn place(name: &Ident) -> Ident {
    format_ident!("__kept_{}", name, span = Span::mixed_site())
}
