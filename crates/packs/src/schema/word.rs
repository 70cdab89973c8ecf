//! Words out of a closed set.

/// An enum whose values are written as words; an unknown one is answered with the nearest.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident = $what:literal { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The words, in the same order.
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// The word that is written in a pack.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl<'d> bellwether_yaml::Decode<'d> for $name {
            fn type_name() -> std::borrow::Cow<'static, str> {
                concat!("pack.", stringify!($name)).into()
            }

            fn decode(
                node: bellwether_yaml::Node<'d>,
                errors: &mut bellwether_yaml::Errors,
            ) -> Result<Self, bellwether_yaml::Reported> {
                let text = node.decode_text($what, errors)?;
                match Self::ALL.iter().find(|word| word.as_str() == text) {
                    Some(word) => Ok(*word),
                    None => Err($crate::schema::word::unknown(node, $what, &text, Self::WORDS, errors)),
                }
            }
        }
    };
}

pub(crate) use words;

use std::sync::Arc;

use bellwether_yaml::{Error, ErrorKind, Errors, Node, Reported, nearest};

/// Reports that `text` is none of `known`.
pub(crate) fn unknown(
    node: Node<'_>,
    what: &str,
    text: &str,
    known: &[&'static str],
    errors: &mut Errors,
) -> Reported {
    let reason = format!("there is no {what} {text:?}");
    let remedy = match nearest(text, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("there are {}", known.join(", ")),
    };
    errors.push(Error::at(node, ErrorKind::Rejected(Arc::from(Box::from(reason)))).with_remedy(remedy))
}
