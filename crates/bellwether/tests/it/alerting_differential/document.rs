use std::fmt;

use bellwether_promql::conformance::Choices as _;
use serde_json::Value;

use crate::differential::random::Random;

/// A YAML document in flow style. Unlike JSON it may have a key twice, and scalars stand as they are written.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (idx, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if idx > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (idx, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if idx > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => {
                Self::Map(entries.iter().map(|(key, value)| (key.clone(), value.into())).collect())
            }
            scalar => Self::Scalar(scalar.to_string()),
        }
    }
}

/// What may stand in place of something else.
pub(super) struct Spoils {
    pub(super) keys: &'static [&'static str],
    pub(super) scalars: &'static [&'static str],
}

/// Scalars that a type or another may not like, whatever the file is about.
const ANY_SCALARS: [&str; 22] = [
    "~",
    "''",
    "true",
    "'false'",
    "no",
    "0",
    "-1",
    "1.5",
    "1e3",
    "0x1F",
    "017",
    "'5'",
    "5m",
    "0s",
    "1h30m",
    "1d",
    "5 m",
    "-5m",
    "2024-01-01",
    ".nan",
    "'[a'",
    "'a.*|b'",
];

impl Node {
    /// How many nodes there are, this one included.
    fn len(&self) -> usize {
        1 + self.children().map(Self::len).sum::<usize>()
    }

    fn children(&self) -> Box<dyn Iterator<Item = &Self> + '_> {
        match self {
            Self::Scalar(_) => Box::new(std::iter::empty()),
            Self::List(items) => Box::new(items.iter()),
            Self::Map(entries) => Box::new(entries.iter().map(|(_, value)| value)),
        }
    }

    /// The node at `number`, counted from the root downwards.
    fn nth(&mut self, number: usize) -> Option<&mut Self> {
        if number == 0 {
            return Some(self);
        }
        let mut left = number - 1;
        let children: Box<dyn Iterator<Item = &mut Self>> = match self {
            Self::Scalar(_) => return None,
            Self::List(items) => Box::new(items.iter_mut()),
            Self::Map(entries) => Box::new(entries.iter_mut().map(|(_, value)| value)),
        };
        for child in children {
            let len = child.len();
            if left < len {
                return child.nth(left);
            }
            left -= len;
        }
        None
    }

    /// Changes one thing somewhere. Says what was there, and what is there now.
    pub(super) fn spoil(&mut self, random: &mut Random, spoils: &Spoils) -> String {
        let n = self.len();
        let other = self.nth(random.below(n)).expect("it is there").clone();
        let node = self.nth(random.below(n)).expect("it is there");
        let before = node.to_string();
        node.change(other, random, spoils);
        format!("{before}\n    -> {node}")
    }

    fn change(&mut self, other: Self, random: &mut Random, spoils: &Spoils) {
        match self {
            Self::Map(entries) if !entries.is_empty() && !random.one_in(4) => {
                let idx = random.below(entries.len());
                let key = random.pick(spoils.keys).to_owned();
                match random.below(7) {
                    0 | 1 => drop(entries.remove(idx)),
                    2 => entries.push(entries[idx].clone()),
                    3 => entries[idx].0 = key,
                    4 => entries[idx].0.push('s'),
                    5 => entries.push((key, Self::Scalar(scalar(random, spoils)))),
                    _ => entries.push((key, other)),
                }
            }
            Self::List(items) if !items.is_empty() && !random.one_in(4) => {
                let idx = random.below(items.len());
                match random.below(3) {
                    0 => drop(items.remove(idx)),
                    1 => items.push(items[idx].clone()),
                    _ => items.push(other),
                }
            }
            node => match random.below(8) {
                0 => *node = Self::List(vec![node.clone()]),
                1 => *node = Self::Map(vec![("a".to_owned(), node.clone())]),
                2 => *node = other,
                3 => *node = Self::List(Vec::new()),
                4 => *node = Self::Map(Vec::new()),
                _ => *node = Self::Scalar(scalar(random, spoils)),
            },
        }
    }
}

fn scalar(random: &mut Random, spoils: &Spoils) -> String {
    let from = if random.one_in(2) { &ANY_SCALARS[..] } else { spoils.scalars };
    random.pick(from).to_owned()
}
