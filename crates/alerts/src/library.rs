//! The functions that templates of notifications may call, with all that they need.

use std::sync::{Arc, LazyLock};

use bellwether_model::{Clock, SearchRegex, SystemClock, parse_duration_ms};
use bellwether_template::library::{Host, NotificationHost, Sample, Zone, notification};
use bellwether_template::{
    Definitions, ExecError, FunctionError, Functions, Limits, Options, ParseError, Template, Value,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::notification::{Data, Kv};

/// Templates of labels of routes may use each other so deep.
const ROUTE_LABELS_DEPTH_MAX: usize = 16;

/// The functions over a clock. Templates of notifications cannot ask for data.
pub fn functions(clock: Arc<dyn Clock>, external_url: &str) -> Functions {
    let host: Arc<dyn NotificationHost> = Arc::new(Server { clock, external_url: external_url.to_owned() });
    notification(&host)
}

/// Why a text of a notification could not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// It is no template.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The template fails.
    #[error(transparent)]
    Execute(#[from] ExecError),
}

/// Executes the template `text` over what is told. `functions` are those of [`functions`].
pub fn render(
    text: &str,
    data: &Arc<Data>,
    html: bool,
    functions: &Functions,
    definitions: &Definitions,
) -> Result<String, RenderError> {
    let root: Value = Arc::clone(data).into();
    render_value(text, &root, data.route_labels.as_ref(), html, functions, definitions)
}

/// The same over any value. `route_labels` are the templates that the function `routeLabels` knows.
pub fn render_value(
    text: &str,
    data: &Value,
    route_labels: Option<&Kv>,
    html: bool,
    functions: &Functions,
    definitions: &Definitions,
) -> Result<String, RenderError> {
    let labels = Arc::new(RouteLabels {
        texts: route_labels.cloned().unwrap_or_default(),
        data: data.clone(),
        functions: functions.clone(),
        definitions: definitions.clone(),
    });
    let template = Template::parse("", text, &labels.functions_at(0))?.with_definitions(definitions);
    Ok(template.execute_with(data, &Options { html, ..Options::default() })?)
}

/// The functions with `routeLabels`, which knows no label: for reading templates.
pub(crate) fn with_route_labels(functions: &Functions) -> Functions {
    let labels = RouteLabels {
        texts: Kv::default(),
        data: Value::Nil,
        functions: functions.clone(),
        definitions: Definitions::default(),
    };
    Arc::new(labels).functions_at(0)
}

/// The labels of a route, which are templates over the same data and may use each other.
struct RouteLabels {
    texts: Kv,
    data: Value,
    functions: Functions,
    definitions: Definitions,
}

impl RouteLabels {
    /// The functions with `routeLabels`, for a text that so many others use.
    fn functions_at(self: &Arc<Self>, depth: usize) -> Functions {
        let labels = Arc::clone(self);
        let mut functions = self.functions.clone();
        functions.add("routeLabels", 1, move |args| {
            let name = args[0].as_str().unwrap_or_default();
            let Some(text) = labels.texts.0.get(name) else { return Ok("".into()) };
            if depth == ROUTE_LABELS_DEPTH_MAX {
                return Err(FunctionError::new(format!(
                    "route label {name:?} uses itself, or too many others"
                )));
            }
            let template = Template::parse(name, text, &labels.functions_at(depth + 1));
            let template = template.map_err(|error| FunctionError::new(error.to_string()))?;
            let template = template.with_definitions(&labels.definitions);
            let text =
                template.execute(&labels.data).map_err(|error| FunctionError::new(error.to_string()))?;
            Ok(text.into())
        });
        functions
    }
}

/// Whether the templates of a text are well-formed, with all functions known.
pub fn check_template(text: &str) -> Result<(), ParseError> {
    static FUNCTIONS: LazyLock<Functions> =
        LazyLock::new(|| with_route_labels(&functions(Arc::new(SystemClock::new()), "")));
    Template::parse("", text, &FUNCTIONS).map(|_| ())
}

struct Server {
    clock: Arc<dyn Clock>,
    external_url: String,
}

impl Host for Server {
    fn query(&self, _: &str) -> Result<Vec<Sample>, String> {
        Err("templates of notifications cannot query".to_owned())
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    fn external_url(&self) -> String {
        self.external_url.clone()
    }

    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        Ok(SearchRegex::new(pattern).map_err(|error| error.to_string())?.is_match(text))
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        let regex = SearchRegex::new(pattern).map_err(|error| error.to_string())?;
        let replaced = regex.replace_all(text, replacement, Limits::default().output_bytes);
        replaced.ok_or_else(|| "the result is too long".to_owned())
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        parse_duration_ms(text).map_err(|error| error.to_string())
    }
}

impl NotificationHost for Server {
    fn zone(&self, name: &str, ts_ms: i64) -> Option<Zone> {
        let zone = match name {
            "" | "UTC" => TimeZone::UTC,
            "Local" => TimeZone::system(),
            _ => TimeZone::get(name).ok()?,
        };
        let info = zone.to_offset_info(Timestamp::from_millisecond(ts_ms).ok()?);
        Some(Zone { offset_s: info.offset().seconds(), abbreviation: info.abbreviation().into() })
    }
}
