/// To which time a selector or subquery refers when it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reference {
    /// The time that `@` fixes; otherwise the evaluation time.
    pub(crate) at_ms: Option<i64>,
    /// How far the offset goes back.
    pub(crate) offset_ms: i64,
}

impl Reference {
    /// The time for an evaluation at `ts_ms`.
    pub(crate) fn time_ms(&self, ts_ms: i64) -> i64 {
        self.at_ms.unwrap_or(ts_ms).saturating_sub(self.offset_ms)
    }
}
