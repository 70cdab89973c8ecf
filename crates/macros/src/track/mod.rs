mod options;
mod types;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned as _;
use syn::{Block, Error, Expr, Ident, ItemFn, Result, Stmt, Type};

pub(crate) use options::Options;

use types::{Returned, has_impl, is_result, output, returned};

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
}
