//! What the type of a function tells about its runs.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{GenericArgument, PathArguments, ReturnType, Type, TypeParamBound};

/// The type that is written, if one is.
pub(super) fn output(output: &ReturnType) -> Option<&Type> {
    match output {
        ReturnType::Default => None,
        ReturnType::Type(_, ty) => Some(ty),
    }
}

/// A future or stream that a function returns.
pub(super) struct Returned {
    /// What comes out of it, if that is written.
    pub(super) ty: Option<Type>,
    /// The whole type, if it is a box.
    pub(super) boxed: Option<Type>,
}

/// The returned type if it is `impl Trait<Of = ..>` or `Pin<Box<dyn Trait<Of = ..>>>`.
pub(super) fn returned(output: &ReturnType, name: &str, of: &str) -> Option<Returned> {
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
pub(super) fn is_result(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Result")
}

/// Whether `impl` occurs in a type.
pub(super) fn has_impl(ty: &Type) -> bool {
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
