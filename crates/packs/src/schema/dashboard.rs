use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Position, Reported};

use super::expression::Expression;
use super::spanned::Spanned;
use super::word::words;

/// Panels on one page.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The title.
    pub title: Spanned<String>,
    /// What the dashboard is called in URLs; derived from pack and title if not given.
    pub uid: Option<String>,
    /// Labels by which the whole dashboard can be narrowed down.
    pub variables: Vec<Variable>,
    /// The panels, from left to right and from top to bottom.
    pub panels: Vec<Panel>,
    /// Where it stands.
    pub position: Position,
}

/// A label by which a dashboard can be narrowed down.
#[derive(Debug, Clone)]
pub struct Variable {
    /// The label.
    pub label: Spanned<String>,
    /// The metric whose values of the label are offered; the first one with this label if not given.
    pub of: Option<Spanned<String>>,
    /// What people see; the label if not given.
    pub title: Option<String>,
}

/// A picture of one or several expressions.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The title.
    pub title: Spanned<String>,
    /// The heading below which it stands; a new one begins a new row.
    pub row: Option<String>,
    /// What is shown.
    pub show: Vec<Show>,
    /// How it is shown.
    pub kind: PanelKind,
    /// The unit of the values; that of the first expression if not given.
    pub unit: Option<PanelUnit>,
    /// From which value on which colour holds, from the smallest to the greatest.
    pub thresholds: Vec<Threshold>,
    /// The smallest value of the scale.
    pub min: Option<f64>,
    /// The greatest value of the scale.
    pub max: Option<f64>,
    /// How many of the 24 columns of a dashboard it takes.
    pub width: Option<u32>,
    /// A sentence about it.
    pub help: String,
    /// Lint rules that do not apply, each with the reason.
    pub allow: BTreeMap<String, String>,
    /// Where it stands.
    pub position: Position,
}

/// One expression of a panel.
#[derive(Debug, Clone)]
pub struct Show {
    /// The expression.
    pub expr: Expression,
    /// The name of its lines, in which `{{label}}` stands for the value of a label; made of the labels if not given.
    pub legend: Option<String>,
}

/// From which value on which colour holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The least value; `None` for the smallest there can be.
    pub at: Option<f64>,
    /// The colour.
    pub color: Color,
}

words! {
    /// How a panel shows its values.
    PanelKind = "type of panel" {
        /// Lines over time.
        TimeSeries = "timeseries",
        /// The present value as a number.
        Stat = "stat",
        /// The present value on a scale.
        Gauge = "gauge",
        /// The present values as bars.
        Bar = "bar",
        /// The present values in a table.
        Table = "table",
        /// The buckets of a histogram over time.
        Heatmap = "heatmap",
        /// States over time.
        States = "states",
    }
}

words! {
    /// The unit in which a panel shows its values.
    PanelUnit = "unit" {
        /// A plain number.
        Number = "number",
        /// A share from 0 to 1, shown in percent.
        Ratio = "ratio",
        /// A number from 0 to 100, shown in percent.
        Percent = "percent",
        /// A length of time in seconds.
        Seconds = "seconds",
        /// A size in bytes.
        Bytes = "bytes",
        /// A speed in bytes per second.
        BytesPerSecond = "bytes_per_second",
        /// Events per second.
        PerSecond = "per_second",
        /// 1 for yes, 0 for no.
        Boolean = "boolean",
        /// US dollars.
        Usd = "usd",
    }
}

words! {
    /// A colour with a meaning.
    Color = "colour" {
        /// Good.
        Green = "green",
        /// To be watched.
        Yellow = "yellow",
        /// On the way to bad.
        Orange = "orange",
        /// Bad.
        Red = "red",
        /// Neither good nor bad.
        Blue = "blue",
    }
}

impl<'d> Decode<'d> for Dashboard {
    fn type_name() -> Cow<'static, str> {
        "pack.dashboard".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.dashboard", errors)?;
        let dashboard = Self {
            title: map.required("title").unwrap_or_default(),
            uid: map.optional("uid"),
            variables: map.or_default("variables"),
            panels: map.list("panels", "a panel needs a title"),
            position: node.position(),
        };
        if let Some(uid) = dashboard.uid.as_ref().filter(|uid| uid.is_empty() || uid.len() > 40) {
            let place = map.place("uid");
            map.reject(place, format!("{uid:?} has not 1 to 40 characters"));
        }
        map.finish()?;
        Ok(dashboard)
    }
}

impl<'d> Decode<'d> for Variable {
    fn type_name() -> Cow<'static, str> {
        "pack.variable".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.scalar().is_some() {
            return Ok(Self { label: Spanned::decode(node, errors)?, of: None, title: None });
        }
        let mut map = MapReader::new(node, "pack.variable", errors)?;
        let variable = Self {
            label: map.required("label").unwrap_or_default(),
            of: map.optional("of"),
            title: map.optional("title"),
        };
        map.finish()?;
        Ok(variable)
    }
}

impl<'d> Decode<'d> for Panel {
    fn type_name() -> Cow<'static, str> {
        "pack.panel".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.panel", errors)?;
        let panel = Self {
            title: map.required("title").unwrap_or_default(),
            row: map.optional("row"),
            show: map.required::<Shows>("show").map(|shows| shows.0).unwrap_or_default(),
            kind: map.optional("type").unwrap_or(PanelKind::TimeSeries),
            unit: map.optional("unit"),
            thresholds: map.list("thresholds", "a threshold needs a colour"),
            min: map.optional("min"),
            max: map.optional("max"),
            width: map.optional("width"),
            help: map.or_default("help"),
            allow: map.or_default("allow"),
            position: node.position(),
        };
        if panel.width.is_some_and(|width| !(1..=24).contains(&width)) {
            let place = map.place("width");
            map.reject(place, "a dashboard has 24 columns");
        }
        let at = |threshold: &Threshold| threshold.at.unwrap_or(f64::NEG_INFINITY);
        if panel.thresholds.windows(2).any(|pair| at(&pair[0]) >= at(&pair[1])) {
            let place = map.place("thresholds");
            map.reject(
                place,
                "each threshold is greater than the one before, and only the first has no `at`",
            );
        }
        map.finish()?;
        Ok(panel)
    }
}

/// One expression or a list of them.
struct Shows(Vec<Show>);

impl<'d> Decode<'d> for Shows {
    fn type_name() -> Cow<'static, str> {
        "one or several of PromQL".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if matches!(node.kind(), Kind::Sequence) {
            return Ok(Self(Vec::decode(node, errors)?));
        }
        Ok(Self(vec![Show::decode(node, errors)?]))
    }
}

impl<'d> Decode<'d> for Show {
    fn type_name() -> Cow<'static, str> {
        "pack.show".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.scalar().is_some() {
            return Ok(Self { expr: Expression::decode(node, errors)?, legend: None });
        }
        let mut map = MapReader::new(node, "pack.show", errors)?;
        let expr = map.required("expr");
        let legend = map.optional("legend");
        map.finish()?;
        Ok(Self { expr: expr.expect("BUG: `finish` reports a missing expression"), legend })
    }
}

impl<'d> Decode<'d> for Threshold {
    fn type_name() -> Cow<'static, str> {
        "pack.threshold".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "pack.threshold", errors)?;
        let threshold = Self { at: map.optional("at"), color: map.required("color").unwrap_or(Color::Green) };
        map.finish()?;
        Ok(threshold)
    }
}
