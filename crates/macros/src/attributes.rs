//! Reading attributes such as `#[label(max = 200)]`.

use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Error, Expr, ExprLit, Lit, LitStr, Meta, MetaNameValue, Result, Token, parse_quote};

/// The settings of all attributes with this name, which are all of the form `key = value`.
pub(crate) fn settings(attrs: &[Attribute], name: &str, known: &[&str]) -> Result<Vec<MetaNameValue>> {
    settings_and_flags(attrs, name, known, &[])
}

/// As [`settings`]. The `flags` may stand without a value, which then is `true`, or with a list in parentheses, which then is an array.
pub(crate) fn settings_and_flags(
    attrs: &[Attribute],
    name: &str,
    known: &[&str],
    flags: &[&str],
) -> Result<Vec<MetaNameValue>> {
    let mut settings: Vec<MetaNameValue> = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        let metas = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
        for meta in metas {
            let setting = match meta {
                Meta::NameValue(setting) => setting,
                Meta::Path(flag) if flags.iter().any(|known| flag.is_ident(known)) => {
                    parse_quote!(#flag = true)
                }
                // `key(a, b)` is `key = [a, b]`.
                Meta::List(list) if flags.iter().any(|known| list.path.is_ident(known)) => {
                    let (key, words) = (&list.path, &list.tokens);
                    parse_quote!(#key = [#words])
                }
                other => return Err(Error::new(other.span(), "expected `key = value`")),
            };
            if !known.iter().any(|key| setting.path.is_ident(key)) {
                let message = format!("unknown setting; there are {}", known.join(", "));
                return Err(Error::new(setting.path.span(), message));
            }
            if settings.iter().any(|other| other.path.get_ident() == setting.path.get_ident()) {
                return Err(Error::new(setting.path.span(), "this is set twice"));
            }
            settings.push(setting);
        }
    }
    Ok(settings)
}

/// The value of a setting.
pub(crate) fn value<'s>(settings: &'s [MetaNameValue], key: &str) -> Option<&'s Expr> {
    settings.iter().find(|setting| setting.path.is_ident(key)).map(|setting| &setting.value)
}

/// The value of a setting that must be a text.
pub(crate) fn text(settings: &[MetaNameValue], key: &str) -> Result<Option<LitStr>> {
    value(settings, key).map(literal).transpose()
}

fn literal(value: &Expr) -> Result<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        other => Err(Error::new(other.span(), "expected a text in quotes")),
    }
}

/// The documentation of an item as one line.
pub(crate) fn documentation(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => literal(&doc.value).ok(),
        _ => None,
    });
    let text = lines.map(|line| line.value().trim().to_owned()).collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
