use bellwether_model::{Labels, MetadataRequest, MetricMetadata, QueryContext, SeriesExemplars, Tenant};

use super::error::QueryError;
use super::request::{ExemplarsRequest, InstantQuery, RangeQuery, SeriesRequest};
use super::value::QueryOutput;

/// Answers everything that can be asked about metrics. Rules, dashboards, objectives and the HTTP API know only this, so that the answers can come
/// from this process or from any other Prometheus-compatible engine.
pub trait QueryEngine: Send + Sync {
    /// Evaluates a query once.
    fn instant(
        &self,
        tenant: &Tenant,
        query: &InstantQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError>;

    /// Evaluates a query at many times.
    fn range(
        &self,
        tenant: &Tenant,
        query: &RangeQuery,
        cx: &QueryContext,
    ) -> Result<QueryOutput, QueryError>;

    /// The label sets of the series that match any of the selectors, sorted.
    fn series(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<Labels>, QueryError>;

    /// The names of all labels of the series that match any of the selectors (of all series if there is none), sorted.
    fn labels(
        &self,
        tenant: &Tenant,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError>;

    /// The values of a label among the series that match any of the selectors (among all series if there is none), sorted.
    fn label_values(
        &self,
        tenant: &Tenant,
        name: &str,
        request: &SeriesRequest,
        cx: &QueryContext,
    ) -> Result<Vec<String>, QueryError>;

    /// What the sources said about metric families, in the order of their names.
    fn metadata(
        &self,
        tenant: &Tenant,
        request: &MetadataRequest,
        cx: &QueryContext,
    ) -> Result<Vec<(String, Vec<MetricMetadata>)>, QueryError>;

    /// The exemplars of the series that the selectors of a query select, in label order.
    fn exemplars(
        &self,
        tenant: &Tenant,
        request: &ExemplarsRequest,
        cx: &QueryContext,
    ) -> Result<Vec<SeriesExemplars>, QueryError>;
}
