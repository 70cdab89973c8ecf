use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::document::Dialect;
use crate::error::{Error, ErrorKind, Errors, Reported};
use crate::node::{Kind, Node};
use crate::scalar::{Resolved, Scalar, Style};

/// A value that can be read from a node.
///
/// `null` decodes to the zero of a scalar type and to an empty collection, as in Go.
pub trait Decode<'d>: Sized {
    /// The type as Prometheus names it in messages, for instance `string` or `[]config.ScrapeProtocol`.
    fn type_name() -> Cow<'static, str>;

    /// Reads the value. All problems found go to `errors`; `Err` means that at least one did.
    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported>;
}

/// A value together with the place where it was written, for checks that come later.
#[derive(Debug, Clone, Copy)]
pub struct At<'d, T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub node: Node<'d>,
}

impl<'d, T: Decode<'d>> Decode<'d> for At<'d, T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        Ok(Self { value: T::decode(node, errors)?, node })
    }
}

impl<'d> Decode<'d> for Node<'d> {
    fn type_name() -> Cow<'static, str> {
        "interface {}".into()
    }

    fn decode(node: Node<'d>, _errors: &mut Errors) -> Result<Self, Reported> {
        Ok(node)
    }
}

impl<'d> Node<'d> {
    /// Reads text. Any scalar will do, as it was written: `regex: 1` is the text `1`; `null` is the empty text.
    ///
    /// `type_name` is the type for messages. JSON is strict: only strings and `null` are text there.
    pub fn decode_text(self, type_name: &str, errors: &mut Errors) -> Result<Cow<'d, str>, Reported> {
        let scalar = self.expect_scalar(type_name, errors)?;
        match scalar.resolve() {
            Resolved::Null => Ok(Cow::Borrowed("")),
            Resolved::InvalidBinary => Err(errors.push(Error::at(self, ErrorKind::InvalidBinary))),
            Resolved::Mismatch => Err(errors.push(self.tag_mismatch(scalar))),
            Resolved::Binary(bytes) => String::from_utf8(bytes)
                .map(Cow::Owned)
                .map_err(|_| errors.push(Error::at(self, ErrorKind::BinaryNotText))),
            _ if self.dialect() == Dialect::Json && scalar.style == Style::Plain => {
                Err(errors.push(self.wrong_type(type_name)))
            }
            _ => Ok(Cow::Borrowed(scalar.text)),
        }
    }

    /// The problem that the node has another type than `expected`.
    pub fn wrong_type(self, expected: &str) -> Error {
        let found = match self.kind() {
            Kind::Sequence => "!!seq".to_owned(),
            Kind::Mapping => "!!map".to_owned(),
            Kind::Scalar(scalar) => format!("{} `{}`", scalar.resolve().tag(), shorten(scalar.text)),
        };
        Error::at(self, ErrorKind::WrongType { found, expected: expected.to_owned() })
    }

    fn expect_scalar(self, type_name: &str, errors: &mut Errors) -> Result<Scalar<'d>, Reported> {
        self.scalar().ok_or_else(|| errors.push(self.wrong_type(type_name)))
    }

    fn tag_mismatch(self, scalar: Scalar<'_>) -> Error {
        let tag = scalar.tag.unwrap_or_default().to_owned();
        Error::at(self, ErrorKind::TagMismatch { text: shorten(scalar.text), tag })
    }

    /// Resolves a scalar and lets `convert` turn it into a value; `None` from it is a wrong type.
    fn decode_resolved<T: Default>(
        self,
        type_name: &str,
        errors: &mut Errors,
        convert: impl FnOnce(&Resolved) -> Option<T>,
    ) -> Result<T, Reported> {
        let scalar = self.expect_scalar(type_name, errors)?;
        match scalar.resolve() {
            Resolved::Null => Ok(T::default()),
            Resolved::Mismatch => Err(errors.push(self.tag_mismatch(scalar))),
            Resolved::InvalidBinary => Err(errors.push(Error::at(self, ErrorKind::InvalidBinary))),
            resolved => convert(&resolved).ok_or_else(|| errors.push(self.wrong_type(type_name))),
        }
    }
}

/// The start of a value for a message; Go shows seven bytes of more than ten.
fn shorten(text: &str) -> String {
    if text.len() <= 10 {
        return text.to_owned();
    }
    let start: String = text.chars().take(7).collect();
    format!("{start}...")
}

impl<'d> Decode<'d> for String {
    fn type_name() -> Cow<'static, str> {
        "string".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_text("string", errors).map(Cow::into_owned)
    }
}

impl<'d> Decode<'d> for Arc<str> {
    fn type_name() -> Cow<'static, str> {
        "string".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_text("string", errors).map(Arc::from)
    }
}

impl<'d> Decode<'d> for bool {
    fn type_name() -> Cow<'static, str> {
        "bool".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_resolved("bool", errors, |resolved| match resolved {
            Resolved::Bool(b) => Some(*b),
            _ => None,
        })
    }
}

impl<'d> Decode<'d> for f64 {
    fn type_name() -> Cow<'static, str> {
        "float64".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        node.decode_resolved("float64", errors, |resolved| match resolved {
            Resolved::Float(v) => Some(*v),
            Resolved::Int(n) => Some(*n as f64),
            _ => None,
        })
    }
}

macro_rules! decode_integer {
    ($($integer:ty => $name:literal),*) => {$(
        impl<'d> Decode<'d> for $integer {
            fn type_name() -> Cow<'static, str> {
                $name.into()
            }

            fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
                node.decode_resolved($name, errors, |resolved| {
                    <$integer>::try_from(whole_number(resolved)?).ok()
                })
            }
        }
    )*};
}

decode_integer!(i32 => "int", i64 => "int", u16 => "uint16", u32 => "uint32", u64 => "uint64", usize => "uint");

/// Go cuts the fraction off a float that is given for an integer, so `1.0` and even `1.5` are 1.
fn whole_number(resolved: &Resolved) -> Option<i128> {
    match resolved {
        Resolved::Int(n) => Some(*n),
        Resolved::Float(v) if v.abs() < 1e19 => Some(v.trunc() as i128),
        _ => None,
    }
}

/// `null` is `None`.
impl<'d, T: Decode<'d>> Decode<'d> for Option<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.is_null() { Ok(None) } else { T::decode(node, errors).map(Some) }
    }
}

impl<'d, T: Decode<'d>> Decode<'d> for Vec<T> {
    fn type_name() -> Cow<'static, str> {
        format!("[]{}", T::type_name()).into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        match node.kind() {
            Kind::Sequence => {
                let mut failed = None;
                let mut items = Self::with_capacity(node.items().len());
                for item in node.items() {
                    match T::decode(item, errors) {
                        Ok(item) => items.push(item),
                        Err(reported) => failed = Some(reported),
                    }
                }
                failed.map_or(Ok(items), Err)
            }
            _ if node.is_null() => Ok(Self::new()),
            _ => Err(errors.push(node.wrong_type(&Self::type_name()))),
        }
    }
}

/// A map with keys of the user's choice. A repeated key is an error, except in JSON.
impl<'d, T: Decode<'d>> Decode<'d> for BTreeMap<String, T> {
    fn type_name() -> Cow<'static, str> {
        format!("map[string]{}", T::type_name()).into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = BTreeMap::new();
        let mut failed = None;
        match node.kind() {
            Kind::Mapping => {
                let mut first_lines: BTreeMap<String, u32> = BTreeMap::new();
                for entry in node.entries() {
                    let key = String::decode(entry.key, errors);
                    let value = T::decode(entry.value, errors);
                    let (key, value) = match (key, value) {
                        (Ok(key), Ok(value)) => (key, value),
                        (Err(reported), _) | (_, Err(reported)) => {
                            failed = Some(reported);
                            continue;
                        }
                    };
                    let line = entry.key.position().line;
                    let first_line = *first_lines.entry(key.clone()).or_insert(line);
                    let repeated = map.insert(key.clone(), value).is_some();
                    let kind = match node.dialect() {
                        Dialect::Json => continue,
                        _ if !repeated => continue,
                        Dialect::V2 => ErrorKind::KeyAlreadySet { key },
                        Dialect::V3 => ErrorKind::KeyAlreadyDefined { key, first_line },
                    };
                    failed = Some(errors.push(Error::at(entry.key, kind)));
                }
            }
            _ if node.is_null() => {}
            _ => failed = Some(errors.push(node.wrong_type(&Self::type_name()))),
        }
        failed.map_or(Ok(map), Err)
    }
}
