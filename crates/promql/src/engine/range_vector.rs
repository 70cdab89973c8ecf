use bellwether_model::Labels;

use super::columns::{SeriesColumns, WindowCursor};
use super::error::QueryError;
use super::eval::Eval;
use super::plan::RangePlan;
use super::range_source::RangeSeries as Source;
use super::value::RangeSeries;

/// The samples of a range selector or subquery in the window of the first step, as they are. Names that are to be dropped are marked.
pub(super) fn read(eval: &Eval, plan: &RangePlan) -> Result<Vec<(RangeSeries, bool)>, QueryError> {
    let mut source = Source::open(eval, plan)?;
    eval.query.keep_label_list(2 * source.labels().len())?;
    let labels: Vec<Labels> = source.labels().to_vec();
    let edges = source.frame().edges(eval.grid.start_ms);
    let mut columns = SeriesColumns::default();
    let mut lease = eval.query.samples.lease();
    let (mut held, mut result) = (0, Vec::new());
    for labels in labels {
        eval.query.context.check()?;
        let drop_name = source.read_next(&mut columns)?;
        let found = WindowCursor::default().advance(&columns, edges.start, edges.end);
        eval.query.tally.add(eval.scope, 0, found.weight);
        held += found.weight;
        lease.set(held)?;
        if found.weight > 0 {
            eval.query.keep(found.weight.saturating_mul(16))?;
            let floats = found.floats.iter().collect();
            let histograms = found.histograms.iter().map(|(ts, h)| (ts, h.clone())).collect();
            result.push((RangeSeries { labels, floats, histograms }, drop_name));
        }
    }
    Ok(result)
}
