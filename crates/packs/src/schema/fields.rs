//! Every key of a pack with its type and meaning, for editors and documentation. A test holds it against the decoder.

use super::alert::Severity;
use super::dashboard::{Color, PanelKind, PanelUnit};
use super::deploy::{ReceiverKind, Scheme};
use super::expression::{Join, Per};
use super::metric::{MetricKind, Multiprocess, Normalise, Stability};

/// A mapping with known keys.
#[derive(Debug)]
pub struct SectionFields {
    /// The name of the section, for references.
    pub name: &'static str,
    /// What one entry of it is.
    pub doc: &'static str,
    /// The keys.
    pub fields: &'static [Field],
    /// What may be written instead of the mapping.
    pub short: Option<Type>,
}

/// A key.
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
    /// What it means, with its default.
    pub doc: &'static str,
}

/// The type of a value.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Text.
    Text,
    /// Any number.
    Number,
    /// A whole number that is not negative.
    Whole,
    /// `true` or `false`.
    Bool,
    /// A length of time such as `5m`.
    Duration,
    /// PromQL with the names of the pack.
    PromQl,
    /// A metric with conditions on its labels.
    Selector,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An entry of the section of this name.
    Section(&'static str),
    /// A list.
    List(&'static Type),
    /// A value or a list of them.
    OneOrMore(&'static Type),
    /// A mapping with keys of the author's choice.
    Map(&'static Type),
    /// One of two types.
    Either(&'static Type, &'static Type),
}

const fn required(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: true, doc }
}

const fn optional(name: &'static str, ty: Type, doc: &'static str) -> Field {
    Field { name, ty, required: false, doc }
}

const fn section(name: &'static str, doc: &'static str, fields: &'static [Field]) -> SectionFields {
    SectionFields { name, doc, fields, short: None }
}

const fn short(
    name: &'static str,
    short: Type,
    doc: &'static str,
    fields: &'static [Field],
) -> SectionFields {
    SectionFields { name, doc, fields, short: Some(short) }
}

const TEXTS: Type = Type::List(&Type::Text);
const TEXT_MAP: Type = Type::Map(&Type::Text);
const NUMBERS: Type = Type::List(&Type::Number);
const COUNT_MAP: Type = Type::Map(&Type::Whole);
const ALLOW: Field = optional("allow", TEXT_MAP, "Lint rules that do not apply here, each with the reason.");
const BY: Field = optional("by", TEXTS, "The labels that are kept; none if not given.");
const WINDOW: Field =
    optional("window", Type::Duration, "How far back it looks; the `window` of the pack if not given.");
const NAME: Field =
    required("name", Type::Text, "The name; alerts, panels, objectives and expressions use it.");
const UNIT: Field =
    optional("unit", Type::Text, "The unit of the result; follows from the metric if not given.");
const HELP: Field = optional("help", Type::Text, "A sentence about it.");
const GROUP: Field = optional("group", Type::Text, "The group it is evaluated in; `<pack>` if not given.");

/// All sections; the first one is the pack itself.
pub const SECTIONS: &[SectionFields] = &[
    section(
        "pack",
        "A catalogue: what one kind of application exposes, and what is made of it.",
        &[
            required(
                "pack",
                Type::Text,
                "The name: a word in lower case. Files and modules are called after it.",
            ),
            required("version", Type::Text, "The version of this pack, such as `1.0.0`."),
            optional("title", Type::Text, "What people call it; the name if not given."),
            optional("description", Type::Text, "A paragraph about it."),
            optional("namespace", Type::Text, "What the names of all metrics begin with, such as `dag_`."),
            optional(
                "window",
                Type::Duration,
                "How far back ratios, quantiles and rates look; `5m` if not given.",
            ),
            optional(
                "buckets",
                Type::Map(&NUMBERS),
                "Upper bounds of histograms by name, without the infinite one.",
            ),
            optional("metrics", Type::List(&Type::Section("metric")), "What the application exposes."),
            optional(
                "external",
                Type::Map(&Type::Word(MetricKind::WORDS)),
                "Metrics of other packs that expressions use, with their types. `up` and `scrape_*` are known.",
            ),
            optional("ratios", Type::List(&Type::Section("ratio")), "Shares: of events, or of a whole."),
            optional("quantiles", Type::List(&Type::Section("quantile")), "Quantiles of histograms."),
            optional("rates", Type::List(&Type::Section("rate")), "Events per second or per window."),
            optional("values", Type::List(&Type::Section("value")), "Present values of gauges."),
            optional(
                "expressions",
                Type::List(&Type::Section("expression")),
                "PromQL for what the others cannot say.",
            ),
            optional(
                "groups",
                Type::List(&Type::Section("group")),
                "Groups of rules that have settings of their own.",
            ),
            optional(
                "recordings",
                Type::List(&Type::Section("recording")),
                "Series that the server computes and stores.",
            ),
            optional("alerts", Type::List(&Type::Section("alert")), "When somebody must be told."),
            optional(
                "slos",
                Type::List(&Type::Section("slo")),
                "Objectives, with alerts on the speed at which their budget burns.",
            ),
            optional(
                "runbooks",
                Type::Text,
                "A page with a heading for each alert and objective, to which the `runbook_url` of those without one of their own leads.",
            ),
            optional("dashboards", Type::List(&Type::Section("dashboard")), "Pages of panels."),
            optional(
                "panels",
                Type::List(&Type::Section("panel")),
                "Short for one dashboard with the title of the pack.",
            ),
            optional("scrape", Type::List(&Type::Section("scrape")), "What is scraped."),
            optional(
                "services",
                Type::List(&Type::Section("service")),
                "The processes or containers of the set-up.",
            ),
            optional("receivers", Type::List(&Type::Section("receiver")), "Who is told about alerts."),
            optional("alertmanagers", TEXTS, "Where the Alertmanagers are, as `host:port`."),
            optional("endpoints", Type::List(&Type::Section("endpoint")), "HTTP routes of the application."),
            optional("health", Type::List(&Type::Section("health_check")), "What the application watches."),
            optional("settings", Type::List(&Type::Section("setting")), "Settings of the application."),
            optional(
                "counts",
                Type::Section("counts"),
                "How many entries other documentation says there are.",
            ),
            optional(
                "fixes",
                Type::Map(&Type::Section("fix")),
                "Defects of the application's own guide by id, and what became of them.",
            ),
            ALLOW,
        ],
    ),
    section(
        "metric",
        "A family of series.",
        &[
            required(
                "name",
                Type::Text,
                "The name as it is exposed: a counter with `_total`, an info with `_info`, a histogram without `_bucket`.",
            ),
            required("type", Type::Word(MetricKind::WORDS), "What kind of values it has."),
            required("help", Type::Text, "One sentence about it."),
            optional("unit", Type::Text, "`seconds`, `bytes`, `ratio`, or the noun that is counted."),
            optional("group", Type::Text, "The heading below which the reference lists it."),
            optional(
                "stability",
                Type::Word(Stability::WORDS),
                "How far users may rely on it; `stable` if not given.",
            ),
            optional("replaced_by", Type::Text, "The metric that takes the place of a deprecated one."),
            optional("until", Type::Text, "The version of the pack in which a deprecated one goes away."),
            optional("labels", Type::Map(&Type::Section("label")), "In what its series differ."),
            optional(
                "buckets",
                Type::Either(&Type::Text, &NUMBERS),
                "The upper bounds of a histogram: a name out of `buckets`, or a list.",
            ),
            optional("quantiles", NUMBERS, "The quantiles of a summary, each from 0 to 1."),
            optional("states", TEXTS, "The states of a state set."),
            optional("aliases", Type::List(&Type::Section("alias")), "Old names that are still exposed."),
            optional(
                "observed",
                Type::Bool,
                "Whether the total of a counter is kept elsewhere, such as the bytes of a network card, and only carried.",
            ),
            optional(
                "multiprocess",
                Type::Word(Multiprocess::WORDS),
                "How the values of several processes become one. `sum` for counters, histograms and summaries, `sum_live` for gauges, `latest` for the others if not given.",
            ),
            optional(
                "max_series",
                Type::Whole,
                "How many series it may have before new ones are counted in an overflow series.",
            ),
            optional(
                "exemplars",
                Type::Bool,
                "Whether a counter or a histogram keeps where in the traces its last events are.",
            ),
            optional(
                "init",
                Type::Bool,
                "Whether all series are exposed from the beginning, as 0, so that the first increase is seen. For metrics whose labels are all `enum`; of counters with at most 100 combinations it is so if nothing is said.",
            ),
            optional("python", Type::Text, "What the object is called in the module for Python."),
            optional("note", Type::Text, "Anything else worth knowing."),
            ALLOW,
        ],
    ),
    short(
        "label",
        TEXTS,
        "What the values of a label can be. A list is short for `{enum: [...]}`.",
        &[
            optional("enum", TEXTS, "All values there are."),
            optional(
                "max",
                Type::Whole,
                "How many different values an open label may have; further ones become `_overflow`.",
            ),
            optional("max_len", Type::Whole, "How many bytes a value may have."),
            optional(
                "optional",
                Type::Bool,
                "Whether series may lack it, such as the class of an error where there was none.",
            ),
            optional(
                "normalise",
                Type::List(&Type::Word(Normalise::WORDS)),
                "What is taken out of each value first.",
            ),
            optional(
                "deny",
                Type::Bool,
                "Whether values with UUIDs, numbers, long hexadecimal words or addresses of mail in them become `_overflow`.",
            ),
            optional("examples", TEXTS, "Values for documentation."),
            HELP,
        ],
    ),
    short(
        "alias",
        Type::Text,
        "Another name for a metric; a text is short for `{name: ...}`.",
        &[
            required("name", Type::Text, "The old name."),
            optional("labels", TEXT_MAP, "Labels that are called otherwise there: new name to old name."),
        ],
    ),
    section(
        "ratio",
        "`num` per `of`, both grouped by `by`. Counters and histograms are counted in the window, gauges are added up.",
        &[
            NAME,
            optional(
                "num",
                Type::OneOrMore(&Type::Selector),
                "The part: conditions on the labels of `of`, or other metrics; several are added up.",
            ),
            required("of", Type::OneOrMore(&Type::Selector), "The whole; several are added up."),
            optional(
                "under",
                Type::Number,
                "Instead of `num`, for a histogram: observations that are at most this great. One of its bounds.",
            ),
            BY,
            WINDOW,
            UNIT,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "quantile",
        "A quantile of the observations of a histogram.",
        &[
            NAME,
            required("q", Type::Number, "Which quantile, from 0 to 1."),
            required("of", Type::Selector, "The histogram."),
            BY,
            WINDOW,
            UNIT,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "rate",
        "How often something happens.",
        &[
            NAME,
            required(
                "of",
                Type::OneOrMore(&Type::Selector),
                "Counters, or histograms whose observations count; several are added up.",
            ),
            optional(
                "per",
                Type::Word(Per::WORDS),
                "`second` (if not given), or `window` for the number of events in the window.",
            ),
            BY,
            WINDOW,
            UNIT,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "value",
        "The present value of gauges, joined over series.",
        &[
            NAME,
            required("of", Type::Selector, "The gauge."),
            optional(
                "join",
                Type::Word(Join::WORDS),
                "How the values of several series become one; `sum` if not given.",
            ),
            BY,
            UNIT,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "expression",
        "PromQL with a name.",
        &[
            NAME,
            required("expr", Type::PromQl, "PromQL; names of the pack stand for what they mean."),
            UNIT,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "group",
        "A group of rules.",
        &[
            required("name", Type::Text, "The name."),
            optional("interval", Type::Duration, "How often it is evaluated."),
        ],
    ),
    section(
        "recording",
        "A series that the server computes and stores.",
        &[
            required(
                "record",
                Type::Text,
                "The name of the series: `level:metric:operations`, or an old name.",
            ),
            required("expr", Type::PromQl, "What is stored."),
            optional("labels", TEXT_MAP, "Labels that are added."),
            GROUP,
            HELP,
            ALLOW,
        ],
    ),
    section(
        "alert",
        "When somebody must be told.",
        &[
            required("name", Type::Text, "The name of the alert."),
            required("when", Type::PromQl, "The condition."),
            optional("for", Type::Duration, "How long it must hold; lint wants it said, `0s` included."),
            optional(
                "keep_firing_for",
                Type::Duration,
                "How long the alert goes on firing after the condition has ended.",
            ),
            optional("severity", Type::Word(Severity::WORDS), "How bad it is; lint wants it said."),
            optional(
                "min_traffic",
                Type::Text,
                "The least traffic at which the ratios and quantiles of the condition mean something: `0.01/s`, `3/m`, `10/h`.",
            ),
            optional(
                "absent",
                Type::Either(&Type::Bool, &Type::List(&Type::Selector)),
                "`true`: the alert also fires if a selector of the condition finds nothing. A list: if one of these finds nothing.",
            ),
            optional("labels", TEXT_MAP, "Further labels; the values are templates."),
            optional(
                "annotations",
                TEXT_MAP,
                "`summary`, `description`, `runbook_url`; the values are templates.",
            ),
            optional("inhibited_by", TEXTS, "Alerts that say the same more urgently."),
            optional(
                "tests",
                Type::Section("tests"),
                "Series with which it fires and with which it does not.",
            ),
            GROUP,
            ALLOW,
        ],
    ),
    section(
        "tests",
        "What an alert does with series made up for it.",
        &[
            optional("fires", Type::OneOrMore(&Type::Section("case")), "With each of these the alert fires."),
            optional("quiet", Type::OneOrMore(&Type::Section("case")), "With none of these it does."),
        ],
    ),
    section(
        "case",
        "Series made up for a test.",
        &[
            optional(
                "series",
                TEXT_MAP,
                "Series with their values in the notation of `promtool test rules`, one per minute.",
            ),
            optional("at", Type::Duration, "When the alert is looked at; `15m` if not given."),
            optional(
                "labels",
                Type::List(&TEXT_MAP),
                "The labels of each alert that fires, beside its name, severity and own labels.",
            ),
        ],
    ),
    section(
        "slo",
        "How much of what happens must be good.",
        &[
            required("name", Type::Text, "The name."),
            required("objective", Type::Number, "The share that must be good, in percent."),
            required("sli", Type::Text, "The ratio of good to all: an entry of `ratios`."),
            optional("over", Type::Duration, "Over how long; `30d` if not given."),
            HELP,
        ],
    ),
    section(
        "dashboard",
        "Panels on one page.",
        &[
            required("title", Type::Text, "The title."),
            optional(
                "uid",
                Type::Text,
                "What it is called in URLs; follows from pack and title if not given.",
            ),
            optional(
                "variables",
                Type::List(&Type::Section("variable")),
                "Labels by which the whole page can be narrowed down.",
            ),
            optional(
                "panels",
                Type::List(&Type::Section("panel")),
                "The panels, from left to right and from top to bottom.",
            ),
        ],
    ),
    short(
        "variable",
        Type::Text,
        "A label by which a dashboard can be narrowed down; a text is short for `{label: ...}`.",
        &[
            required("label", Type::Text, "The label."),
            optional(
                "of",
                Type::Text,
                "The metric whose values are offered; the first one with the label if not given.",
            ),
            optional("title", Type::Text, "What people see; the label if not given."),
        ],
    ),
    section(
        "panel",
        "A picture of one or several expressions.",
        &[
            required("title", Type::Text, "The title."),
            required("show", Type::OneOrMore(&Type::Section("show")), "What is shown."),
            optional("row", Type::Text, "The heading below which it stands; a new one begins a row."),
            optional("type", Type::Word(PanelKind::WORDS), "How it is shown; `timeseries` if not given."),
            optional(
                "unit",
                Type::Word(PanelUnit::WORDS),
                "The unit of the values; follows from the first expression if not given.",
            ),
            optional(
                "thresholds",
                Type::List(&Type::Section("threshold")),
                "Colours by value, from the smallest to the greatest.",
            ),
            optional("min", Type::Number, "The smallest value of the scale."),
            optional("max", Type::Number, "The greatest value of the scale."),
            optional("width", Type::Whole, "How many of 24 columns it takes."),
            HELP,
            ALLOW,
        ],
    ),
    short(
        "show",
        Type::PromQl,
        "An expression of a panel; a text is short for `{expr: ...}`.",
        &[
            required("expr", Type::PromQl, "The expression."),
            optional(
                "legend",
                Type::Text,
                "The name of its lines; `{{label}}` stands for a value. Made of the labels if not given.",
            ),
        ],
    ),
    section(
        "threshold",
        "From which value on which colour holds.",
        &[
            optional("at", Type::Number, "The least value; only the first may be without."),
            required("color", Type::Word(Color::WORDS), "The colour."),
        ],
    ),
    section(
        "scrape",
        "Targets that are scraped in the same way.",
        &[
            required("job", Type::Text, "The job."),
            optional("targets", TEXTS, "The hosts, with or without a port."),
            optional("port", Type::Whole, "The port of those without one."),
            optional("path", Type::Text, "The path; `/metrics` if not given."),
            optional("scheme", Type::Word(Scheme::WORDS), "How the targets are asked; `http` if not given."),
            optional(
                "token_file",
                Type::Text,
                "The file with the bearer token that the targets want to see.",
            ),
            optional("interval", Type::Duration, "How often."),
            optional("timeout", Type::Duration, "How long a scrape may take."),
            optional("labels", TEXT_MAP, "Labels of all series of the targets."),
            optional(
                "exposes",
                TEXTS,
                "Groups and names of those metrics that the targets expose; all if not given.",
            ),
            ALLOW,
        ],
    ),
    section(
        "service",
        "A process or container of the set-up.",
        &[
            required("name", Type::Text, "The name; in containers it is also the host name."),
            optional("ports", Type::List(&Type::Whole), "The ports it listens on."),
            optional("host", Type::Text, "The host it runs on, for services that share one."),
            optional("container", Type::Bool, "Whether it runs in a container of its own."),
            optional("image", Type::Text, "The image with its version."),
            optional("volumes", TEXT_MAP, "Volumes by the path at which they are mounted: path to volume."),
            optional("env", TEXT_MAP, "Environment variables."),
            ALLOW,
        ],
    ),
    section(
        "receiver",
        "Who is told about alerts.",
        &[
            required("name", Type::Text, "The name."),
            required("type", Type::Word(ReceiverKind::WORDS), "How."),
            required(
                "to",
                Type::Text,
                "Where: a URL, an address, the key of PagerDuty. What stands in a file is written `file:/path`; for the URL of a webhook that needs Alertmanager 0.26.",
            ),
            optional("token_file", Type::Text, "The file with the bearer token that a webhook wants to see."),
            optional(
                "via",
                Type::Text,
                "For mail, which needs it: the server it is handed to, as `host:port`.",
            ),
            optional("from", Type::Text, "For mail, which needs it: the sender."),
            optional("severities", Type::List(&Type::Word(Severity::WORDS)), "Only these; all if not given."),
        ],
    ),
    section(
        "endpoint",
        "An HTTP route of the application.",
        &[
            required("path", Type::Text, "The path; `{name}` stands for a parameter."),
            optional("method", Type::Text, "The method; `GET` if not given."),
            optional("service", Type::Text, "The service that serves it."),
            optional("port", Type::Whole, "The port."),
            optional("returns", Type::Text, "What it returns."),
            optional("uses", TEXTS, "The metrics that its answer is made of."),
            HELP,
        ],
    ),
    section(
        "health_check",
        "Something whose health the application watches.",
        &[
            required("name", Type::Text, "The name."),
            optional("critical", Type::Bool, "Whether the application is not ready without it."),
            optional("interval", Type::Duration, "How often it is checked; `15s` if not given."),
            optional("timeout", Type::Duration, "How long a check may take; `5s` if not given."),
            HELP,
        ],
    ),
    section(
        "setting",
        "A setting of the application.",
        &[
            required("name", Type::Text, "The environment variable or key."),
            optional("default", Type::Text, "The default."),
            optional("values", TEXTS, "All values, if they are known."),
            HELP,
        ],
    ),
    section(
        "counts",
        "How many entries there are according to other documentation; lint compares.",
        &[
            optional("metrics", Type::Whole, "All metrics."),
            optional("types", COUNT_MAP, "Metrics by type."),
            optional("groups", COUNT_MAP, "Metrics by group."),
            optional("alerts", Type::Whole, "Alerts."),
            optional("panels", Type::Whole, "Panels."),
        ],
    ),
    short(
        "fix",
        Type::Text,
        "What became of a defect; a text is short for `{now: ...}`.",
        &[
            optional("was", Type::Text, "What was wrong."),
            required("now", Type::Text, "How it is corrected, or why it stays."),
            optional("by", Type::Text, "What holds that, beside the lint rules that are made for it."),
        ],
    ),
];
