use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use bellwether_model::{
    Labels, Matcher, MetadataRequest, MetricMetadata, Querier, QueryContext, Queryable, SeriesExemplars,
    Tenant, TimeRange,
};

use super::error::QueryError;
use super::eval::Eval;
use super::grid::Grid;
use super::options::EngineOptions;
use super::plan;
use super::query_engine::QueryEngine;
use super::request::{ExemplarsRequest, InstantQuery, QuerySettings, RangeQuery, SeriesRequest};
use super::result::evaluate;
use super::state::{QueryState, Tally, TallyScope};
use super::stats::{QueryStats, QueryTimings};
use super::value::QueryOutput;
use crate::syntax::{Expr, ValueType, parse_expr};

/// The engine that evaluates queries in this process, over any store.
#[derive(Clone)]
pub struct Engine {
    options: EngineOptions,
    store: Arc<dyn Queryable>,
}

impl Engine {
    /// An engine over `store`.
    pub fn new(options: EngineOptions, store: Arc<dyn Queryable>) -> Self {
        Self { options, store }
    }

    /// How the engine evaluates.
    pub fn options(&self) -> &EngineOptions {
        &self.options
    }

    fn run(&self, tenant: &Tenant, job: &Job<'_>, cx: &QueryContext) -> Result<QueryOutput, QueryError> {
        let started = Instant::now();
        let Job { text, expr, grid, settings } = *job;
        let lookback_ms = settings.lookback_delta_ms.unwrap_or(self.options.lookback_delta_ms);
        let plan = plan::build(expr, text, grid, lookback_ms, &self.options)?;
        let _regexes = cx.reserve(plan.regex_bytes)?;
        let querier = match plan.range {
            Some(range) => Some(self.querier(tenant, range)?),
            None => None,
        };
        let tally = Tally::new(grid, self.options.per_step_stats && settings.per_step_stats);
        let query =
            QueryState::new(self.options.clone(), lookback_ms, cx.clone(), querier, plan.selections, tally);
        let mut timings = QueryTimings { preparation: started.elapsed(), ..QueryTimings::default() };
        let query = Arc::new(query);
        let eval = Eval { query: Arc::clone(&query), grid, scope: TallyScope::PerStep };
        let eval = eval.on(grid, TallyScope::PerStep)?;
        let value = evaluate(&eval, &plan.root, plan.uses_order, &mut timings)?;
        timings.total = started.elapsed();
        let stats = QueryStats {
            timings,
            total_samples: query.tally.total(),
            peak_samples: query.samples.peak(),
            samples_per_step: query.tally.per_step(),
        };
        Ok(QueryOutput { value, annotations: query.take_annotations(), stats, _memory: query.take_kept() })
    }

    fn parse(&self, query: &str) -> Result<Expr, QueryError> {
        Ok(parse_expr(query, &self.options.parser)?)
    }

    fn querier(&self, tenant: &Tenant, range: TimeRange) -> Result<Box<dyn Querier>, QueryError> {
        Ok(self.store.querier(tenant, range)?)
    }

    /// What each selector lists, together and sorted. Without selectors everything is listed.
    fn list(
        request: &SeriesRequest,
        mut list: impl FnMut(&[Matcher]) -> Result<Vec<String>, bellwether_model::StorageError>,
    ) -> Result<Vec<String>, QueryError> {
        let mut found = match request.selectors.as_slice() {
            [] => list(&[])?,
            [only] => list(only)?,
            several => {
                let mut all = BTreeSet::new();
                for selector in several {
                    all.extend(list(selector)?);
                }
                all.into_iter().collect()
            }
        };
        if request.limit > 0 {
            found.truncate(request.limit);
        }
        Ok(found)
    }
}

/// A query that was parsed.
struct Job<'a> {
    text: &'a str,
    expr: &'a Expr,
    grid: Grid,
    settings: &'a QuerySettings,
}

impl QueryEngine for Engine {
    fn instant(
        &self,
        tenant: &Tenant,
        query: &InstantQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        let expr = self.parse(&query.query)?;
        let grid = Grid::instant(query.ts_ms);
        self.run(tenant, &Job { text: &query.query, expr: &expr, grid, settings: &query.settings }, cx)
    }

    fn range(
        &self,
        tenant: &Tenant,
        query: &RangeQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError> {
        let expr = self.parse(&query.query)?;
        if !matches!(expr.value_type(), ValueType::Scalar | ValueType::Vector) {
            let reason = format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                expr.value_type().documented()
            );
            return Err(QueryError::Parameter { name: "query", reason });
        }
        query.check_grid()?;
        let grid = Grid::range(query.start_ms, query.end_ms, query.step_ms);
        self.run(tenant, &Job { text: &query.query, expr: &expr, grid, settings: &query.settings }, cx)
    }

    fn series(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, QueryError> {
        let querier = self.querier(tenant, request.range)?;
        let mut found = Vec::new();
        for selector in &request.selectors {
            found.extend(querier.series(selector, request.limit, cx)?);
        }
        if request.selectors.len() > 1 {
            found.sort();
            found.dedup();
        }
        if request.limit > 0 {
            found.truncate(request.limit);
        }
        Ok(found)
    }

    fn labels(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError> {
        let querier = self.querier(tenant, request.range)?;
        Self::list(request, |matchers| querier.label_names(matchers, request.limit, cx))
    }

    fn label_values(
        &self,
        tenant: &Tenant,
        name: &str,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError> {
        let querier = self.querier(tenant, request.range)?;
        Self::list(request, |matchers| querier.label_values(name, matchers, request.limit, cx))
    }

    fn metadata(
        &self,
        tenant: &Tenant,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, QueryError> {
        Ok(self.querier(tenant, TimeRange::ALL)?.metadata(request, cx)?)
    }

    fn exemplars(
        &self,
        tenant: &Tenant,
        request: &ExemplarsRequest,
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, QueryError> {
        let expr = self.parse(&request.query)?;
        let selectors: Vec<Vec<Matcher>> =
            expr.selectors().into_iter().map(|found| found.selector.matchers.clone()).collect();
        if selectors.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.querier(tenant, request.range)?.exemplars(&selectors, cx)?)
    }
}
