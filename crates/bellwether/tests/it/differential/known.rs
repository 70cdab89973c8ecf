//! What Prometheus has changed since Debian's release 2.42: what the queries leave out, and the differences that are no mistake of ours.

use super::answer::{Answer, difference, difference_by, is_near, is_within};
use super::grammar::{Order, Query, Times};

/// A part of the language that no query uses, because the older release does not have it or has it under another meaning.
pub(crate) struct LeftOut {
    /// A function or an aggregation by its name, or what else it is.
    pub(crate) what: &'static str,
    pub(crate) release: &'static str,
    pub(crate) change: &'static str,
}

const fn left_out(what: &'static str, release: &'static str, change: &'static str) -> LeftOut {
    LeftOut { what, release, change }
}

const NATIVE: &str =
    "native histograms are an experiment in 2.42 (#11447), their functions have changed ever since";

#[rustfmt::skip] // one row, one line
pub(crate) const LEFT_OUT: &[LeftOut] = &[
    left_out("</", "3.11.0", "new operator, for native histograms"),
    left_out(">/", "3.11.0", "new operator, for native histograms"),
    left_out("double_exponential_smoothing", "3.0.0", "new name of holt_winters (#14930)"),
    left_out("end", "3.12.0", "new function"),
    left_out("first_over_time", "3.7.0", "new function (#16963)"),
    left_out("histogram_avg", "3.8.0", NATIVE),
    left_out("histogram_count", "3.8.0", NATIVE),
    left_out("histogram_fraction", "3.8.0", NATIVE),
    left_out("histogram_quantiles", "3.11.0", "new function"),
    left_out("histogram_stddev", "3.8.0", NATIVE),
    left_out("histogram_stdvar", "3.8.0", NATIVE),
    left_out("histogram_sum", "3.8.0", NATIVE),
    left_out("info", "2.55.0", "new function (#14495)"),
    left_out("limit_ratio", "2.54.0", "new aggregation (#12503)"),
    left_out("limitk", "2.54.0", "new aggregation (#12503)"),
    left_out("mad_over_time", "2.49.0", "new function (#13059)"),
    left_out("max_of", "3.13.0", "new function"),
    left_out("min_of", "3.13.0", "new function"),
    left_out("range", "3.12.0", "new function"),
    left_out("sort_by_label", "2.49.0", "new function (#11299)"),
    left_out("sort_by_label_desc", "2.49.0", "new function (#11299)"),
    left_out("start", "3.12.0", "new function"),
    left_out("start_timestamp", "3.14.0", "new function"),
    left_out("step", "3.12.0", "new function"),
    left_out("ts_of_first_over_time", "3.7.0", "new function (#17021)"),
    left_out("ts_of_last_over_time", "3.5.0", "new function (#16722)"),
    left_out("ts_of_max_over_time", "3.5.0", "new function (#16722)"),
    left_out("ts_of_min_over_time", "3.5.0", "new function (#16722)"),
    left_out("samples on the edge of a window", "3.0.0", "ranges and the lookback are open on the left (#13904), subqueries since 3.0.1 (#15431)"),
    left_out("durations as numbers, numbers as durations", "2.54.0", "they are interchangeable (#9138)"),
    left_out("arithmetic in durations", "3.4.0", "new syntax (#16249)"),
    left_out("anchored, smoothed", "3.7.0", "new syntax (#16457)"),
    left_out("fill, fill_left, fill_right", "3.10.0", "new syntax"),
    left_out("names that have to be quoted", "3.0.0", "any UTF-8 is a name (#14705)"),
    left_out("newlines in label values", "3.0.0", "`.` in regular expressions matches them (#14505)"),
    left_out("subqueries whose range is shorter than their step", "3.3.0", "without a step in the range there is no result (#15970)"),
    left_out("count_values into a label that comes before one of its grouping in the alphabet", "2.52.0", "the grouping stays sorted, so no label is lost after the first step"),
    left_out("predict_linear of a range with @", "2.51.0", "the range stays where it is at each step (#13559)"),
    left_out("timestamp of a selector with @ and offset", "3.8.0", "the offset is no longer ignored (#17313)"),
    left_out("parameters of topk, bottomk and quantile that vary over a range query", "3.5.0", "they are evaluated at each step (#16404)"),
];

/// A difference that upstream made on purpose.
pub(crate) struct Explained {
    pub(crate) release: &'static str,
    pub(crate) change: &'static str,
    /// How many of 10,000 generated queries it may concern. More would have another reason, so a new bug cannot hide behind it for long.
    pub(crate) at_most: usize,
    /// Whether the change explains the difference between their answer and ours.
    explains: fn(&Query, &Answer, &Answer) -> bool,
}

/// Differences that upstream's changes explain. Each is as narrow as can be.
pub(crate) const EXPLAINED: &[Explained] = &[
    Explained {
        release: "2.47.0",
        change: "atan2 drops the metric name (#12595)",
        at_most: 80,
        explains: |query, theirs, ours| {
            let same = difference(&nameless(theirs), &nameless(ours), query.order).is_none();
            // Without their names, series may be the same.
            let met = [
                "vector cannot contain metrics with the same labelset",
                "multiple matches for labels: grouping labels must ensure unique matches",
            ];
            let labels_met = matches!(ours, Answer::Failure { text, .. } if met.contains(&text.as_str()));
            query.text.contains(" atan2") && (same || labels_met)
        },
    },
    Explained {
        release: "3.0.0",
        change: "label_replace and label_join may set any label whose name is UTF-8 (#14705, #15974)",
        at_most: 10,
        explains: |query, theirs, ours| {
            query.text.contains("\"~invalid\"")
                && matches!(theirs, Answer::Failure { text, .. } if text.starts_with("invalid destination label name"))
                && !matches!(ours, Answer::Failure { .. })
        },
    },
    Explained {
        release: "2.44.0",
        change: "range queries name the parameter in parse errors, as instant queries did before (#12248)",
        at_most: 300,
        explains: |query, theirs, ours| {
            matches!(query.times, Times::Range { .. })
                && bad_data(theirs, ours)
                    .is_some_and(|(theirs, ours)| format!("invalid parameter \"query\": {theirs}") == ours)
        },
    },
    Explained {
        release: "3.4.0",
        change: "an offset may be an expression, so parse errors list more that may follow (#16249)",
        at_most: 50,
        explains: |_, theirs, ours| {
            bad_data(theirs, ours).filter(|(theirs, _)| theirs.contains("expected duration")).is_some_and(
                |(theirs, ours)| {
                    let theirs =
                        theirs.replace("expected duration", "expected number, duration, step(), or range()");
                    ours.ends_with(&theirs)
                },
            )
        },
    },
    Explained {
        release: "3.0.0",
        change: "errors in regular expressions quote them as written, without the anchors (#14505)",
        at_most: 30,
        explains: |_, theirs, ours| {
            bad_data(theirs, ours).is_some_and(|(theirs, ours)| {
                ours.ends_with(&theirs.replace("`^(?:", "`").replace(")$`", "`"))
            })
        },
    },
    Explained {
        release: "3.6.0",
        change: "topk and bottomk look at their parameter first, refuse NaN in other words, and yield nothing for less than one instead of refusing (#16404, #16725)",
        at_most: 30,
        explains: |query, theirs, ours| {
            let refused = |number| matches!(theirs, Answer::Failure { text, .. } if *text == format!("Scalar value {number} overflows int64"));
            query.order == Order::Chosen
                && match ours {
                    // The parameter is looked at before the operand, so it may also be the first of two mistakes.
                    Answer::Failure { text, .. } => {
                        let of_parameter =
                            text == "Parameter value is NaN" || text.starts_with("Scalar value ");
                        of_parameter && matches!(theirs, Answer::Failure { .. })
                    }
                    other => !other.finds_something() && refused("-Inf"),
                }
        },
    },
    Explained {
        release: "3.0.0",
        change: "stddev and stdvar of infinities are NaN for a single series too (#14941)",
        at_most: 15,
        explains: |query, theirs, ours| {
            let same = |theirs: f64, ours: f64| is_near(theirs, ours) || ours.is_nan();
            spreads(query) && difference_by(theirs, ours, query.order, same).is_none()
        },
    },
    Explained {
        release: "3.9.0",
        change: "comparisons refuse several matches even if they do not hold (#17668)",
        at_most: 10,
        explains: |query, _, ours| {
            let compares = [">", "<", "==", "!="].iter().any(|op| query.text.contains(&format!(" {op}")));
            compares
                && matches!(ours, Answer::Failure { text, .. } if text.starts_with("multiple matches for labels: "))
        },
    },
    Explained {
        release: "2.52.0",
        change: "rate and increase go back to where the counter was zero only if they would go further than that (#13725)",
        at_most: 10,
        explains: |query, theirs, ours| {
            // One extrapolates by at most 1.1 intervals, the other by half of one, and there is at least one more.
            let same = |theirs: f64, ours: f64| {
                let share = theirs / ours;
                is_near(theirs, ours) || (1.0 / 1.6..=1.6).contains(&share)
            };
            ["rate(", "increase("].iter().any(|function| query.text.contains(function))
                && difference_by(theirs, ours, query.order, same).is_none()
        },
    },
    Explained {
        release: "2.55.0",
        change: "sums and means that are zero come out as zero, without the noise of their terms (#14074, #14413)",
        at_most: 5,
        explains: |query, theirs, ours| {
            let same = |theirs: f64, ours: f64| is_near(theirs, ours) || ours == 0.0 && theirs.abs() < 1e-6;
            ["sum", "avg"].iter().any(|function| query.text.contains(function))
                && difference_by(theirs, ours, query.order, same).is_none()
        },
    },
    Explained {
        release: "2.54.0",
        change: "a sum or mean of negative zeros is zero, which a division shows (#14074, #14413)",
        at_most: 5,
        explains: |query, theirs, ours| {
            let same =
                |theirs: f64, ours: f64| is_near(theirs, ours) || theirs.is_infinite() && ours.is_infinite();
            ["sum", "avg"].iter().any(|function| query.text.contains(function))
                && query.text.contains(" /")
                && difference_by(theirs, ours, query.order, same).is_none()
        },
    },
    Explained {
        release: "any",
        change: "the spread of values that are close together for their size depends on the order of the series, which is open",
        at_most: 10,
        explains: |query, theirs, ours| {
            let same = |theirs: f64, ours: f64| is_within(1e-5, theirs, ours);
            spreads(query) && difference_by(theirs, ours, query.order, same).is_none()
        },
    },
    Explained {
        release: "any",
        change: "errors about duplicate series name those that come first, and series have no order",
        at_most: 250,
        explains: |_, theirs, ours| match (theirs, ours) {
            (Answer::Failure { kind, text }, Answer::Failure { kind: our_kind, text: our_text }) => {
                let about_series =
                    ["found duplicate series for the match group", "multiple matches for labels"];
                kind == our_kind
                    && about_series.iter().any(|about| text.starts_with(about))
                    && without_series(text) == without_series(our_text)
            }
            _ => false,
        },
    },
];

/// The row of [`EXPLAINED`] that explains a difference.
pub(crate) fn explanation(query: &Query, theirs: &Answer, ours: &Answer) -> Option<usize> {
    EXPLAINED.iter().position(|it| (it.explains)(query, theirs, ours))
}

/// Whether the query asks for a spread over series.
fn spreads(query: &Query) -> bool {
    query.text.replace("_over_time", "").contains("stddev") || query.text.contains("stdvar")
}

/// The texts of two refusals.
fn bad_data<'a>(theirs: &'a Answer, ours: &'a Answer) -> Option<(&'a str, &'a str)> {
    match (theirs, ours) {
        (Answer::Failure { kind, text }, Answer::Failure { kind: our_kind, text: our_text }) => {
            (kind == "bad_data" && our_kind == "bad_data").then_some((text, our_text))
        }
        _ => None,
    }
}

/// The answer without metric names.
fn nameless(answer: &Answer) -> Answer {
    let strip = |labels: &String| {
        let mut json: serde_json::Value = serde_json::from_str(labels).expect("labels are JSON");
        json.as_object_mut().expect("labels are an object").remove("__name__");
        json.to_string()
    };
    match answer {
        Answer::Vector(series) => Answer::Vector(series.iter().map(|(l, p)| (strip(l), *p)).collect()),
        Answer::Matrix(series) => Answer::Matrix(series.iter().map(|(l, p)| (strip(l), p.clone())).collect()),
        other => other.clone(),
    }
}

/// A text without what is in braces and brackets.
fn without_series(text: &str) -> String {
    let mut depth = 0;
    text.chars()
        .filter(|c| {
            depth += i32::from(matches!(c, '{' | '['));
            let outside = depth == 0;
            depth -= i32::from(matches!(c, '}' | ']'));
            outside
        })
        .collect()
}
