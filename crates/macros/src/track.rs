use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{
    Block, Error, Expr, GenericArgument, Ident, ItemFn, PathArguments, Result, ReturnType, Stmt, Token, Type,
    TypeParamBound, parenthesized,
};

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
    ok: Option<Expr>,
    err: Option<Expr>,
    error_type: Option<Expr>,
    /// From which duration on, and what is called then.
    slow: Option<(Expr, Expr)>,
    name: Option<Expr>,
    key: Option<Expr>,
    /// What expressions need of what the function gives away.
    keep: Vec<(Ident, Option<Expr>)>,
    stream: Option<Span>,
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
    fn kept(&self) -> TokenStream {
        self.keep
            .iter()
            .map(|(name, _)| {
                let place = place(name);
                quote!(#[allow(unused_variables)] let #name = &#place;)
            })
            .collect()
    }

    fn keep(&self) -> TokenStream {
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

    fn operation(&self, function: &Ident) -> TokenStream {
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

    fn in_flight(&self) -> TokenStream {
        self.in_flight.as_ref().map_or_else(|| quote!(()), |gauge| quote!((#gauge).track()))
    }

    /// Counts what is over; `status` and `elapsed` are there.
    fn record(&self) -> TokenStream {
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
    fn status(&self, of: Option<&Type>) -> Result<TokenStream> {
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

pub(crate) fn expand(options: &Options, mut function: ItemFn) -> Result<TokenStream> {
    if let Some(constness) = &function.sig.constness {
        return Err(Error::new(constness.span(), "what a `const fn` does at compile time cannot be counted"));
    }
    let block = if let Some(stream) = options.stream {
        stream_block(options, &function, stream)?
    } else if function.sig.asyncness.is_some() {
        async_block(options, &function)?
    } else if let Some(future) = returned(&function.sig.output, "Future", "Output") {
        future_block(options, &function, &future)?
    } else {
        sync_block(options, &function)?
    };
    let stmts = vec![Stmt::Expr(Expr::Verbatim(block), None)];
    *function.block = Block { brace_token: function.block.brace_token, stmts };
    let lints = quote! {
        #[allow(
            unreachable_code,
            clippy::diverging_sub_expression,
            clippy::let_unit_value,
            clippy::redundant_closure_call,
            clippy::redundant_closure,
            clippy::unused_unit,
            clippy::missing_panics_doc
        )]
    };
    Ok(quote!(#lints #function))
}

fn output(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}

fn sync_block(options: &Options, function: &ItemFn) -> Result<TokenStream> {
    let (keep, kept) = (options.keep(), options.kept());
    let (operation, in_flight) = (options.operation(&function.sig.ident), options.in_flight());
    let (record, body) = (options.record(), &function.block);
    let ty = output(&function.sig.output);
    let status = options.status(ty)?;
    // The type of a closure's result can be anything but `impl Trait`.
    let returns = ty.filter(|ty| !has_impl(ty)).map(|ty| quote!(-> #ty));
    Ok(quote! {
        #keep
        ::bellwether_sdk::track::call(
            #operation,
            move || #returns #body,
            || { #kept #in_flight },
            |value| { #kept #status },
            |status, elapsed| { #kept #record },
        )
    })
}

fn async_block(options: &Options, function: &ItemFn) -> Result<TokenStream> {
    let ty = output(&function.sig.output);
    // Tells the type of `?` and `return`, which an async block cannot be told otherwise.
    let unit = quote!(());
    let written = ty.map_or(unit, ToTokens::to_token_stream);
    let hint = (!ty.is_some_and(has_impl)).then(|| {
        quote! {
            if false {
                let __returned: #written = loop {};
                return __returned;
            }
        }
    });
    let block = &function.block;
    let body = quote!(async move { #hint #block });
    let (keep, tracked) = (options.keep(), tracked_future(options, &function.sig.ident, ty, &body)?);
    Ok(quote!(#keep #tracked.await))
}

fn future_block(options: &Options, function: &ItemFn, future: &Returned) -> Result<TokenStream> {
    let (keep, body) = (options.keep(), &function.block);
    let returns = future.boxed.as_ref().map(|ty| quote!(-> #ty));
    let tracked = tracked_future(options, &function.sig.ident, future.ty.as_ref(), &quote!(__body))?;
    let tracked = quote!(async move { #tracked.await });
    let tracked = if future.boxed.is_some() { quote!(::std::boxed::Box::pin(#tracked)) } else { tracked };
    Ok(quote! {
        #keep
        let __body = (move || #returns #body)();
        #tracked
    })
}

/// The call of `track::future`, where what is kept is there already.
fn tracked_future(
    options: &Options,
    function: &Ident,
    ty: Option<&Type>,
    body: &TokenStream,
) -> Result<TokenStream> {
    let (kept, operation) = (options.kept(), options.operation(function));
    let (in_flight, record) = (options.in_flight(), options.record());
    let status = options.status(ty)?;
    Ok(quote! {
        ::bellwether_sdk::track::future(
            #operation,
            #body,
            || { #kept #in_flight },
            |value| { #kept #status },
            |status, elapsed| { #kept #record },
        )
    })
}

fn stream_block(options: &Options, function: &ItemFn, span: Span) -> Result<TokenStream> {
    let stream =
        returned(&function.sig.output, "Stream", "Item").filter(|_| function.sig.asyncness.is_none());
    let Some(stream) = stream else {
        return Err(Error::new(
            span,
            "`stream` is for functions that return `impl Stream<Item = ..>` or `Pin<Box<dyn Stream<Item = ..>>>`",
        ));
    };
    let (keep, kept) = (options.keep(), options.kept());
    let operation = options.operation(&function.sig.ident);
    let (in_flight, record) = (options.in_flight(), options.record());
    let judges = options.ok.is_some() || stream.ty.as_ref().is_some_and(is_result);
    let status = options.status(stream.ty.as_ref())?;
    // A later item that is well does not make up for one that was not.
    let item = if judges {
        quote! {{
            let status = #status;
            if status.is_success() { ::core::option::Option::None } else { ::core::option::Option::Some(status) }
        }}
    } else {
        quote!({
            let _ = value;
            ::core::option::Option::None
        })
    };
    let body = &function.block;
    let returns = stream.boxed.as_ref().map(|ty| quote!(-> #ty));
    let tracked = quote! {
        ::bellwether_sdk::track::stream(
            #operation,
            __body,
            {
                let mut __in_flight = ::core::option::Option::None;
                move |event: ::bellwether_sdk::track::Event<'_, _>| match event {
                    ::bellwether_sdk::track::Event::Begin => {
                        #kept
                        __in_flight = ::core::option::Option::Some(#in_flight);
                        ::core::option::Option::None
                    }
                    ::bellwether_sdk::track::Event::Item(value) => { #kept #item }
                    ::bellwether_sdk::track::Event::End { status, elapsed } => {
                        #kept
                        let _ = (status, elapsed);
                        #record
                        ::core::mem::drop(::core::option::Option::take(&mut __in_flight));
                        ::core::option::Option::None
                    }
                }
            },
        )
    };
    let tracked = if stream.boxed.is_some() { quote!(::std::boxed::Box::pin(#tracked)) } else { tracked };
    Ok(quote! {
        #keep
        let __body = (move || #returns #body)();
        #tracked
    })
}

/// A future or stream that a function returns.
struct Returned {
    /// What comes out of it, if that is written.
    ty: Option<Type>,
    /// The whole type, if it is a box.
    boxed: Option<Type>,
}

/// The returned type if it is `impl Trait<Of = ..>` or `Pin<Box<dyn Trait<Of = ..>>>`.
fn returned(output: &ReturnType, name: &str, of: &str) -> Option<Returned> {
    let ReturnType::Type(_, ty) = output else { return None };
    let (bounds, is_boxed) = match &**ty {
        Type::ImplTrait(found) => (&found.bounds, false),
        Type::Path(_) => match argument(ty, "Pin").and_then(|inner| argument(inner, "Box"))? {
            Type::TraitObject(object) => (&object.bounds, true),
            _ => return None,
        },
        _ => return None,
    };
    let found = bounds.iter().find_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().filter(|last| last.ident == name),
        _ => None,
    })?;
    let ty_of = match &found.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                GenericArgument::AssocType(ty) if ty.ident == of => Some(ty.ty.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    Some(Returned { ty: ty_of, boxed: is_boxed.then(|| (**ty).clone()) })
}

/// The `T` of `name<T>`.
fn argument<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// Whether a type is written as a result, whichever one (`io::Result<T>`, `anyhow::Result<T>`).
fn is_result(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Result")
}

/// Whether `impl` occurs in a type.
fn has_impl(ty: &Type) -> bool {
    fn is_in(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => is_in(group.stream()),
            _ => false,
        })
    }
    is_in(ty.to_token_stream())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn mistake(options: TokenStream, function: ItemFn) -> String {
        let expanded = syn::parse2::<Options>(options).and_then(|options| expand(&options, function));
        expanded.expect_err("it is a mistake").to_string()
    }

    #[test]
    fn mistakes_say_what_to_do() {
        let plain = || -> ItemFn {
            parse_quote!(
                fn run() -> u32 {
                    1
                }
            )
        };
        let cases = [
            (
                quote!(count = a),
                "unknown option `count`; there are counter, histogram, in_flight, errors, ok, err, error_type, slow, name, key, keep, stream",
            ),
            (quote!(counter = a, counter = b), "`counter` is set twice"),
            (quote!(counter), "expected `counter = expression`"),
            (quote!(slow = a), "expected `slow(limit, callback)`"),
            (quote!(slow(a, b, c)), "expected `slow(limit, callback)`"),
            (quote!(keep = a), "expected `keep(name, other = value)`"),
            (quote!(), "nothing is tracked: say at least one of counter, histogram, in_flight, errors, slow"),
            (
                quote!(errors = a),
                "`errors` counts by the type of the error: say which with `error_type = |error| ..`",
            ),
            (
                quote!(counter = a, error_type = b),
                "`error_type` is for the labels of `errors`: say what counts with `errors = ..`",
            ),
            (
                quote!(counter = a, err = b),
                "`err` is for functions whose type is written as a `Result<..>`; this one is not",
            ),
            (
                quote!(counter = a, stream),
                "`stream` is for functions that return `impl Stream<Item = ..>` or `Pin<Box<dyn Stream<Item = ..>>>`",
            ),
        ];
        for (options, message) in cases {
            assert_eq!(mistake(options, plain()), message);
        }
        let constant = parse_quote!(
            const fn run() -> u32 {
                1
            }
        );
        let message = "what a `const fn` does at compile time cannot be counted";
        assert_eq!(mistake(quote!(counter = a), constant), message);
    }

    #[test]
    fn futures_and_streams_are_found_in_types() {
        let found = |output: ReturnType, name, of| {
            let found = returned(&output, name, of)?;
            Some((found.ty.map(|ty| ty.to_token_stream().to_string()), found.boxed.is_some()))
        };
        let future = |output| found(output, "Future", "Output");
        assert_eq!(
            future(parse_quote!(-> impl Future<Output = u8> + Send)),
            Some((Some("u8".into()), false))
        );
        assert_eq!(
            future(parse_quote!(-> Pin<Box<dyn std::future::Future<Output = u8> + Send + 'a>>)),
            Some((Some("u8".into()), true))
        );
        assert_eq!(future(parse_quote!(-> impl Fn() -> u8)), None);
        assert_eq!(future(parse_quote!(-> Box<u8>)), None);
        assert_eq!(
            found(parse_quote!(-> impl Stream<Item = u8>), "Stream", "Item"),
            Some((Some("u8".into()), false))
        );
        assert!(has_impl(&parse_quote!(Option<(u8, impl Fn())>)) && !has_impl(&parse_quote!(Option<u8>)));
        assert!(is_result(&parse_quote!(std::io::Result<()>)) && !is_result(&parse_quote!(Option<u8>)));
    }
}
