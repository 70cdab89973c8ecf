//! Labels: what a family's series differ in.

use std::borrow::Cow;

/// A label of a family.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name of the label.
    pub name: &'static str,
    /// What it can be.
    pub values: Values,
}

/// The values that a label can have.
#[derive(Debug, Clone, Copy)]
pub enum Values {
    /// One of these.
    Closed(&'static [&'static str]),
    /// Any text, within limits.
    Open(OpenValues),
}

/// The limits of a label that can have any value.
#[derive(Debug, Clone, Copy)]
pub struct OpenValues {
    /// How many different values there may be; further ones become [`OVERFLOW`].
    pub max_values: u32,
    /// How many bytes a value may have; a longer one is cut at a character boundary.
    pub max_bytes: u16,
    /// Applied to each value first, to take out of it what makes it unique. What is behind the first 1,024 bytes is gone before.
    pub normalise: Option<fn(&str) -> Cow<'_, str>>,
    /// Whether the label may be named like what is another value for each event, see [`is_unique_to_an_event`].
    pub may_be_unique: bool,
}

impl OpenValues {
    /// What counts if nothing is said: 2,000 values of 128 bytes, as they come.
    pub const DEFAULT: Self =
        Self { max_values: 2_000, max_bytes: 128, normalise: None, may_be_unique: false };
}

/// Whether a name is that of something that is another value for each event. Together with the values of the other labels each of them would be a series of its own, so such
/// labels are refused, unless somebody says why there are few (`#[label(unbounded = "why")]`).
///
/// ```
/// assert!(bellwether_sdk::is_unique_to_an_event("request_id"));
/// assert!(!bellwether_sdk::is_unique_to_an_event("route"));
/// ```
pub const fn is_unique_to_an_event(name: &str) -> bool {
    const NAMES: [&str; 14] = [
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
    let mut idx = 0;
    while idx < NAMES.len() {
        if is_same(NAMES[idx].as_bytes(), name.as_bytes()) {
            return true;
        }
        idx += 1;
    }
    false
}

/// Equality, where the compiler has to know it.
const fn is_same(a: &[u8], b: &[u8]) -> bool {
    let mut idx = 0;
    while idx < a.len() && idx < b.len() && a[idx] == b[idx] {
        idx += 1;
    }
    idx == a.len() && idx == b.len()
}

/// The value that stands for all those beyond a limit, as in OpenTelemetry's `otel.metric.overflow` series: sums over a family stay right.
pub const OVERFLOW: &str = "_overflow";

/// A set of labels with values. Derived:
///
/// ```
/// use bellwether_sdk::{LabelValue, Labels};
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Status {
///     Success,
///     TimedOut,
/// }
///
/// #[derive(Labels)]
/// struct Run<'a> {
///     #[label(max = 200)]
///     workflow_name: &'a str,
///     status: Status,
/// }
/// # assert_eq!(<Run<'static> as Labels>::FIELDS[1].name, "status");
/// # assert_eq!(Status::VALUES, ["success", "timed_out"]);
/// ```
pub trait Labels {
    /// The labels, in the order in which they are written.
    const FIELDS: &'static [Field];

    /// The same labels with values that live for `'a`.
    type At<'a>: Labels;

    /// As many values as there are open labels.
    type Open<'s>: AsRef<[&'s str]>
    where
        Self: 's;

    /// The number of the combination of the values of all closed labels, the first label counting least.
    fn closed_index(&self) -> u32;

    /// The values of the open labels, in their order.
    fn open_values(&self) -> Self::Open<'_>;
}

/// No labels.
impl Labels for () {
    const FIELDS: &'static [Field] = &[];
    type At<'a> = ();
    type Open<'s> = [&'s str; 0];

    #[inline]
    fn closed_index(&self) -> u32 {
        0
    }

    #[inline]
    fn open_values(&self) -> [&str; 0] {
        []
    }
}

/// A value out of a closed set. Derived for enums without fields.
///
/// ```
/// use bellwether_sdk::LabelValue;
///
/// #[derive(Debug, Clone, Copy, PartialEq, LabelValue)]
/// enum Status {
///     Success,
///     TimedOut,
/// }
///
/// assert_eq!(Status::ALL, [Status::Success, Status::TimedOut]);
/// assert_eq!(Status::parse("timed_out"), Ok(Status::TimedOut));
/// assert_eq!(Status::Success.as_str(), "success");
/// assert_eq!(Status::parse("late").unwrap_err().to_string(), "\"late\" is none of success, timed_out");
/// ```
pub trait LabelValue: Copy + 'static {
    /// All values, as they are exposed.
    const VALUES: &'static [&'static str];

    /// What stands for each of them, in the same order.
    const ALL: &'static [Self];

    /// Which of them this is.
    fn index(self) -> usize;

    /// The value as it is exposed.
    fn as_str(self) -> &'static str {
        Self::VALUES[self.index()]
    }

    /// Finds a value by how it is exposed.
    fn parse(value: &str) -> Result<Self, UnknownValue> {
        let found = Self::VALUES.iter().zip(Self::ALL).find(|(name, _)| **name == value);
        let unknown =
            || UnknownValue { value: value.chars().take(MAX_SHOWN).collect(), values: Self::VALUES };
        found.map(|(_, it)| *it).ok_or_else(unknown)
    }
}

/// So many characters of an unknown value are told.
const MAX_SHOWN: usize = 64;

/// A text that is none of the values of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is none of {}", values.join(", "))]
pub struct UnknownValue {
    value: String,
    values: &'static [&'static str],
}

impl LabelValue for bool {
    const VALUES: &'static [&'static str] = &["false", "true"];

    const ALL: &'static [Self] = &[false, true];

    #[inline]
    fn index(self) -> usize {
        usize::from(self)
    }
}

/// How many combinations of closed values there are. `None` if there are more than can be counted.
pub(crate) fn closed_combinations(fields: &[Field]) -> Option<u32> {
    fields.iter().try_fold(1_u32, |product, field| match field.values {
        Values::Closed(values) => product.checked_mul(u32::try_from(values.len()).ok()?),
        Values::Open(_) => Some(product),
    })
}
