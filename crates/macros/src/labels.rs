use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, GenericParam, Ident, Lifetime, Lit,
    MetaNameValue, Result, Type,
};

use crate::attributes::{settings_and_flags, text, value};

struct Label<'i> {
    ident: &'i Ident,
    /// Of the struct's field.
    ty: &'i Type,
    is_open: bool,
    field: TokenStream,
    /// What the compiler has to find out about the name.
    check: Option<TokenStream>,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect::<Vec<_>>(),
            Fields::Unit => Vec::new(),
            Fields::Unnamed(_) => return Err(Error::new(input.span(), "labels need names")),
        },
        _ => return Err(Error::new(input.span(), "labels are the fields of a struct")),
    };
    let mut lifetimes = Vec::new();
    for parameter in &input.generics.params {
        match parameter {
            GenericParam::Lifetime(lifetime) => lifetimes.push(&lifetime.lifetime),
            other => {
                return Err(Error::new(other.span(), "a label set may only have lifetimes as parameters"));
            }
        }
    }
    let labels = fields.into_iter().map(label).collect::<Result<Vec<_>>>()?;
    let name = &input.ident;
    let arguments = |lifetime: &str| {
        let lifetime = Lifetime::new(lifetime, name.span());
        let all = lifetimes.iter().map(|_| &lifetime);
        if lifetimes.is_empty() { quote!() } else { quote!(<#(#all),*>) }
    };
    let (elided, at) = (arguments("'_"), arguments("'at"));
    let fields = labels.iter().map(|label| &label.field);
    let checks = labels.iter().filter_map(|label| label.check.as_ref());
    let open: Vec<&Ident> = labels.iter().filter(|l| l.is_open).map(|l| l.ident).collect();
    let n_open = open.len();
    let closed = labels.iter().filter(|l| !l.is_open).rev().map(|label| {
        let Label { ident, ty, .. } = label;
        quote! {
            index = index * <#ty as ::bellwether_sdk::LabelValue>::VALUES.len() as u32
                + ::bellwether_sdk::LabelValue::index(self.#ident) as u32;
        }
    });
    Ok(quote! {
        #(#checks)*

        impl ::bellwether_sdk::Labels for #name #elided {
            // Somebody may say all there is to say.
            #[allow(clippy::needless_update)]
            const FIELDS: &'static [::bellwether_sdk::Field] = &[#(#fields),*];

            type At<'at> = #name #at;

            type Open<'open> = [&'open str; #n_open] where Self: 'open;

            #[inline]
            #[allow(unused_mut)]
            fn closed_index(&self) -> u32 {
                let mut index = 0_u32;
                #(#closed)*
                index
            }

            #[inline]
            fn open_values(&self) -> [&str; #n_open] {
                [#(self.#open),*]
            }
        }
    })
}

fn label(field: &Field) -> Result<Label<'_>> {
    let known = ["name", "max", "max_len", "normalise", "deny", "unbounded"];
    let settings = settings_and_flags(&field.attrs, "label", &known, &["normalise", "deny"])?;
    let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "labels need names"))?;
    let name = match text(&settings, "name")? {
        Some(name) => name.value(),
        None => ident.to_string().trim_start_matches("r#").to_owned(),
    };
    let is_open = matches!(&field.ty, Type::Reference(to) if matches!(&*to.elem, Type::Path(path) if path.path.is_ident("str")));
    let may_be_unique = text(&settings, "unbounded")?.is_some();
    let check = (is_open && !may_be_unique).then(|| {
        let message = format!(
            "{name} is another value for each event, and every value would be a series of its own; put it into an exemplar or a log line, \
             or say #[label(unbounded = \"why there are few\")]"
        );
        quote_spanned!(ident.span()=> const _: () = ::core::assert!(!::bellwether_sdk::is_unique_to_an_event(#name), #message);)
    });
    let ty = &field.ty;
    let values = if is_open {
        let overrides = [("max", "max_values"), ("max_len", "max_bytes")];
        let overrides = overrides.into_iter().filter_map(|(key, field)| {
            let setting = value(&settings, key)?;
            let field = format_ident!("{}", field);
            Some(quote!(#field: #setting,))
        });
        let normalise =
            normalise(&settings)?.map(|function| quote!(normalise: ::core::option::Option::Some(#function),));
        quote! {
            ::bellwether_sdk::Values::Open(::bellwether_sdk::OpenValues {
                #(#overrides)*
                #normalise
                may_be_unique: #may_be_unique,
                ..::bellwether_sdk::OpenValues::DEFAULT
            })
        }
    } else {
        if let Some(setting) = settings.iter().find(|setting| !setting.path.is_ident("name")) {
            return Err(Error::new(
                setting.path.span(),
                "this is for labels of type `&str`; others have a closed set of values",
            ));
        }
        quote!(::bellwether_sdk::Values::Closed(<#ty as ::bellwether_sdk::LabelValue>::VALUES))
    };
    let field = quote!(::bellwether_sdk::Field { name: #name, values: #values });
    Ok(Label { ident, ty, is_open, field, check })
}

/// What `normalise` can be told to take out of values, and the constants that stand for it.
const WAYS: [(&str, &str); 5] =
    [("uuid", "UUID"), ("number", "NUMBER"), ("hex", "HEX"), ("email", "EMAIL"), ("lower", "LOWER")];

/// The function that values go through: `normalise`, `normalise(..)` and `deny` are those of the SDK, `normalise = path` is somebody's own.
fn normalise(settings: &[MetaNameValue]) -> Result<Option<TokenStream>> {
    let is_flag =
        |value: &Expr| matches!(value, Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) if flag.value);
    match (value(settings, "normalise"), value(settings, "deny")) {
        (Some(_), Some(deny)) => Err(Error::new(deny.span(), "a value is either normalised or denied")),
        (Some(value), None) if is_flag(value) => Ok(Some(quote!(::bellwether_sdk::normalise_ids))),
        (Some(Expr::Array(ways)), None) => {
            let ways = ways.elems.iter().map(way).collect::<Result<Vec<_>>>()?;
            let ways = ways.iter().map(|way| quote!(::bellwether_sdk::normalise::#way));
            Ok(Some(quote!(::bellwether_sdk::normalise::only::<{ 0 #(| #ways)* }>)))
        }
        (Some(function), None) => Ok(Some(quote!(#function))),
        (None, Some(value)) if is_flag(value) => Ok(Some(quote!(::bellwether_sdk::deny_ids))),
        (None, Some(value)) => Err(Error::new(value.span(), "`deny` has no value")),
        (None, None) => Ok(None),
    }
}

fn way(word: &Expr) -> Result<Ident> {
    let is_it = |(name, _): &&(&str, &str)| matches!(word, Expr::Path(path) if path.path.is_ident(*name));
    let found = WAYS.iter().find(is_it).map(|(_, constant)| format_ident!("{constant}"));
    let known = WAYS.map(|(name, _)| name).join(", ");
    found.ok_or_else(|| Error::new(word.span(), format!("values can be normalised by {known}")))
}
