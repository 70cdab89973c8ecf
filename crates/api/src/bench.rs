//! What the benches need from the inside: the text of a result.

use bellwether_model::QueryContext;
use bellwether_promql::engine::QueryValue;

use crate::result_limit::Answer;
use crate::v1::query;

/// Writes a result as the answer to a query has it. Returns how many bytes that are.
pub fn write_result(value: QueryValue) -> usize {
    let cx = QueryContext::unbounded();
    let written = Answer::success(usize::MAX, &cx).and_then(|mut out| {
        query::write_value(&mut out, value)?;
        Ok(out.text().len())
    });
    written.expect("there is no limit")
}
