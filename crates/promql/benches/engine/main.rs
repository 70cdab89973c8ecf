//! How fast queries are evaluated over samples in memory: the engine without a store's index and codecs, on one core.
//!
//! `cargo bench -p bellwether-promql --bench engine`, with a filter such as `range.*rate` for some. Items per second are the samples that the windows of
//! all steps hold together for functions of windows, and cells (series times steps) for everything else. `instant` looks at one time, `range` at an hour
//! in 60 steps. Everything includes reading the samples: what that takes alone is `read`, and `group_by_few` and `group_by_many` with finding groups.

mod store;

use std::fmt;
use std::sync::{Arc, OnceLock};

use bellwether_model::{QueryContext, Tenant};
use bellwether_promql::engine::{
    Engine, EngineOptions, InstantQuery, QueryEngine, QueryOutput, QuerySettings, RangeQuery,
};
use bellwether_promql::syntax::ParserOptions;
use divan::Bencher;
use divan::counter::ItemsCount;
use mimalloc::MiMalloc;

use store::{END_MS, HISTOGRAMS, MINUTE_MS, SERIES, SteadyStore};

/// As in the server: how fast large blocks come and go is part of what is measured.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const STEPS: usize = 60;

/// A query, and what its speed is counted in.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    query: &'static str,
    unit: Unit,
}

#[derive(Clone, Copy)]
enum Unit {
    /// The samples in the windows of all steps.
    Samples,
    /// So many series, times steps.
    Cells(usize),
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn window(name: &'static str, query: &'static str) -> Case {
    Case { name, query, unit: Unit::Samples }
}

const fn cells(name: &'static str, query: &'static str) -> Case {
    Case { name, query, unit: Unit::Cells(SERIES) }
}

const fn histograms(name: &'static str, query: &'static str) -> Case {
    Case { name, query, unit: Unit::Cells(HISTOGRAMS) }
}

/// Functions of a window of five minutes, 20 samples.
const WINDOWS: &[Case] = &[
    window("avg_over_time", "avg_over_time(m[5m])"),
    window("changes", "changes(m[5m])"),
    window("count_over_time", "count_over_time(m[5m])"),
    window("delta", "delta(m[5m])"),
    window("deriv", "deriv(m[5m])"),
    window("double_exponential_smoothing", "double_exponential_smoothing(m[5m], 0.5, 0.5)"),
    window("first_over_time", "first_over_time(m[5m])"),
    window("idelta", "idelta(m[5m])"),
    window("increase", "increase(m[5m])"),
    window("irate", "irate(m[5m])"),
    window("last_over_time", "last_over_time(m[5m])"),
    window("mad_over_time", "mad_over_time(m[5m])"),
    window("max_over_time", "max_over_time(m[5m])"),
    window("min_over_time", "min_over_time(m[5m])"),
    window("predict_linear", "predict_linear(m[5m], 3600)"),
    window("present_over_time", "present_over_time(m[5m])"),
    window("quantile_over_time", "quantile_over_time(0.9, m[5m])"),
    window("rate", "rate(m[5m])"),
    window("resets", "resets(m[5m])"),
    window("stddev_over_time", "stddev_over_time(m[5m])"),
    window("sum_over_time", "sum_over_time(m[5m])"),
    window("subquery", "max_over_time(m[5m:1m])"),
    window("subquery_of_rate", "max_over_time(rate(m[5m])[5m:1m])"),
];

/// Operations on each sample by itself.
const ELEMENTS: &[Case] = &[
    cells("read", "group(m)"),
    cells("abs", "abs(m)"),
    cells("clamp", "clamp(m, 10, 100)"),
    cells("hour", "hour(m)"),
    cells("ln", "ln(m)"),
    cells("negate", "-m"),
    cells("round", "round(m, 10)"),
    cells("timestamp", "timestamp(m)"),
    cells("scalar_add", "m + 1"),
    cells("scalar_divide_swapped", "1 / m"),
    cells("scalar_power", "m ^ 2"),
    cells("scalar_filter", "m > 500"),
    cells("scalar_bool", "m > bool 500"),
];

/// Of 2,000 series: 20 groups, or as many groups as series.
const AGGREGATIONS: &[Case] = &[
    cells("group_by_few", "group by (service) (m)"),
    cells("group_by_many", "group by (instance) (m)"),
    cells("sum", "sum(m)"),
    cells("sum_by_few", "sum by (service) (m)"),
    cells("sum_by_many", "sum by (instance) (m)"),
    cells("avg_by_few", "avg by (service) (m)"),
    cells("avg_by_many", "avg by (instance) (m)"),
    cells("max_by_few", "max by (service) (m)"),
    cells("max_by_many", "max by (instance) (m)"),
    cells("min_by_few", "min by (service) (m)"),
    cells("count_by_few", "count by (service) (m)"),
    cells("count_by_many", "count by (instance) (m)"),
    cells("stddev_by_few", "stddev by (service) (m)"),
    cells("quantile_by_few", "quantile by (service) (0.9, m)"),
    cells("quantile_by_many", "quantile by (instance) (0.9, m)"),
    cells("topk", "topk(10, m)"),
    cells("topk_by_few", "topk by (service) (10, m)"),
    cells("limitk", "limitk(10, m)"),
    cells("count_values", "count_values by (service) (\"value\", m % 10)"),
];

/// Two vectors of 2,000 series each, if nothing else is said.
const MATCHING: &[Case] = &[
    cells("one_to_one", "m - on (service, instance) other"),
    cells("one_to_one_ignoring", "m / ignoring (zone) other"),
    cells("one_to_one_filter", "m > on (service, instance) other"),
    cells("one_to_one_bool", "m > bool on (service, instance) other"),
    cells("one_to_one_fill", "m + on (service, instance) fill (0) other"),
    cells("group_left", "m / on (service) group_left sum by (service) (other)"),
    cells("group_left_label", "m * on (instance) group_left (zone) other"),
    cells("group_right", "sum by (service) (m) / on (service) group_right other"),
    cells("and", "m and on (service, instance) other"),
    cells("or", "m or other"),
    cells("unless", "m unless on (instance) other"),
];

/// 100 histograms, classic ones with 12 buckets each.
const HISTOGRAM_CASES: &[Case] = &[
    histograms("classic_read", "group(latency_bucket)"),
    histograms("classic_quantile", "histogram_quantile(0.9, latency_bucket)"),
    histograms(
        "classic_quantile_of_sum",
        "histogram_quantile(0.9, sum by (le, instance) (rate(latency_bucket[5m])))",
    ),
    histograms("classic_fraction", "histogram_fraction(0, 0.2, latency_bucket)"),
    histograms("native_read", "group(native)"),
    histograms("native_quantile", "histogram_quantile(0.9, native)"),
    histograms("native_sum", "sum(native)"),
    histograms("native_rate", "rate(native[5m])"),
    histograms("native_count", "histogram_count(native)"),
];

/// Functions of labels and order.
const OTHERS: &[Case] = &[
    cells("result", "m"),
    cells("absent", "absent(m)"),
    cells("label_join", r#"label_join(m, "both", "-", "service", "instance")"#),
    cells("label_replace", r#"label_replace(m, "number", "$1", "instance", "(.*)")"#),
    cells("scalar", "scalar(m)"),
    cells("sort", "sort(m)"),
    cells("sort_by_label", r#"sort_by_label(m, "service")"#),
];

fn main() {
    // Figures are those of one core, whatever the machine has.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    pool.expect("nobody else has set the number of threads");
    divan::main();
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let options = EngineOptions { parser: ParserOptions::all_enabled(), ..EngineOptions::default() };
        Engine::new(options, Arc::new(SteadyStore::new()))
    })
}

fn instant(case: Case) -> QueryOutput {
    let query =
        InstantQuery { query: case.query.to_owned(), ts_ms: END_MS, settings: QuerySettings::default() };
    engine().instant(&Tenant::default(), &query, &QueryContext::unbounded()).expect("evaluates")
}

fn range(case: Case) -> QueryOutput {
    let query = RangeQuery {
        query: case.query.to_owned(),
        start_ms: END_MS - (STEPS as i64 - 1) * MINUTE_MS,
        end_ms: END_MS,
        step_ms: MINUTE_MS,
        settings: QuerySettings::default(),
    };
    engine().range(&Tenant::default(), &query, &QueryContext::unbounded()).expect("evaluates")
}

fn measure(bencher: Bencher<'_, '_>, case: Case, steps: usize, run: impl Fn(Case) -> QueryOutput + Sync) {
    let items = match case.unit {
        Unit::Samples => usize::try_from(run(case).stats.total_samples).expect("a few million"),
        Unit::Cells(series) => series * steps,
    };
    bencher.counter(ItemsCount::new(items)).bench(|| run(case));
}

/// Makes the two benches of a table.
macro_rules! benches {
    ($($name:ident: $cases:ident;)*) => {
        $(mod $name {
            use super::*;

            #[divan::bench(args = $cases, max_time = 0.3)]
            fn instant(bencher: Bencher<'_, '_>, case: Case) {
                measure(bencher, case, 1, super::instant);
            }

            #[divan::bench(args = $cases, max_time = 0.3)]
            fn range(bencher: Bencher<'_, '_>, case: Case) {
                measure(bencher, case, STEPS, super::range);
            }
        })*
    };
}

benches! {
    aggregations: AGGREGATIONS;
    elements: ELEMENTS;
    histogram: HISTOGRAM_CASES;
    matching: MATCHING;
    others: OTHERS;
    windows: WINDOWS;
}
