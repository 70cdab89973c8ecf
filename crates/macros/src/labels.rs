use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Error, Field, Fields, GenericParam, Ident, Lifetime, Result, Type};

use crate::attributes::{settings, text, value};

/// What is another value for each event. Together with the values of the other labels each of them would be a series of its own.
const UNIQUE: [&str; 14] = [
    "conversation_id",
    "correlation_id",
    "email",
    "execution_id",
    "ip",
    "request_id",
    "response_id",
    "run_id",
    "session_id",
    "span_id",
    "timestamp",
    "trace_id",
    "user_id",
    "uuid",
];

struct Label<'i> {
    ident: &'i Ident,
    /// Of the struct's field.
    ty: &'i Type,
    is_open: bool,
    field: TokenStream,
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
        impl ::bellwether_sdk::Labels for #name #elided {
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
    let known = ["name", "max", "max_bytes", "normalise", "unbounded"];
    let settings = settings(&field.attrs, "label", &known)?;
    let ident = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "labels need names"))?;
    let name = match text(&settings, "name")? {
        Some(name) => name.value(),
        None => ident.to_string().trim_start_matches("r#").to_owned(),
    };
    let is_open = matches!(&field.ty, Type::Reference(to) if matches!(&*to.elem, Type::Path(path) if path.path.is_ident("str")));
    if is_open && UNIQUE.contains(&name.as_str()) && value(&settings, "unbounded").is_none() {
        let message = format!(
            "{name} is another value for each event, and every value would be a series of its own; put it into an exemplar or a log line, \
             or say #[label(unbounded = \"why there are few\")]"
        );
        return Err(Error::new(ident.span(), message));
    }
    text(&settings, "unbounded")?;
    let ty = &field.ty;
    let values = if is_open {
        let overrides = ["max", "max_bytes"].into_iter().filter_map(|key| {
            let setting = value(&settings, key)?;
            let key = format_ident!("{}", if key == "max" { "max_values" } else { key });
            Some(quote!(#key: #setting,))
        });
        let normalise = value(&settings, "normalise")
            .map(|function| quote!(normalise: ::core::option::Option::Some(#function),));
        quote! {
            ::bellwether_sdk::Values::Open(::bellwether_sdk::OpenValues {
                #(#overrides)*
                #normalise
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
    Ok(Label { ident, ty, is_open, field })
}
