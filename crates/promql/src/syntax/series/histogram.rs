use std::sync::Arc;

use bellwether_model::{CounterResetHint, FloatHistogram, Span};

use super::lexer::{HistogramKey, SeriesToken};
use super::values::{Context, ValueReader};
use crate::syntax::error::ParseError;

/// A native histogram as written.
pub(super) struct HistogramLiteral {
    pub(super) histogram: FloatHistogram,
    pub(super) hint_given: bool,
}

/// What the keys of a literal have set so far.
#[derive(Default)]
struct Fields {
    seen: Vec<HistogramKey>,
    histogram: FloatHistogram,
    offset: i32,
    negative_offset: i32,
}

impl ValueReader<'_> {
    /// A histogram between double braces; the current token opens it.
    pub(super) fn histogram(&mut self) -> Result<HistogramLiteral, ParseError> {
        self.expect(SeriesToken::OpenHistogram)?;
        let mut fields = Fields::default();
        if self.skip(SeriesToken::Space)? {
            self.expect(SeriesToken::CloseHistogram)?;
            return Ok(fields.build());
        }
        while !self.skip(SeriesToken::CloseHistogram)? {
            self.field(&mut fields)?;
            self.context = Context::Histogram;
            if !self.skip(SeriesToken::Space)? && self.token != SeriesToken::CloseHistogram {
                return Err(self.unexpected());
            }
        }
        self.context = Context::Values;
        Ok(fields.build())
    }

    /// `key:value`
    fn field(&mut self, fields: &mut Fields) -> Result<(), ParseError> {
        let SeriesToken::Key(key) = self.token else { return Err(self.unexpected()) };
        if fields.seen.contains(&key) {
            return Err(self.error(format!("duplicate key \"{}\" in histogram", key.as_str())));
        }
        fields.seen.push(key);
        self.advance()?;
        self.expect(SeriesToken::Colon)?;
        let histogram = &mut fields.histogram;
        match key {
            HistogramKey::Schema => histogram.schema = self.small_integer()?,
            HistogramKey::Sum => histogram.sum = self.number()?,
            HistogramKey::Count => histogram.count = self.number()?,
            HistogramKey::ZeroBucket => histogram.zero_count = self.number()?,
            HistogramKey::ZeroBucketWidth => histogram.zero_threshold = self.unsigned_number()?,
            HistogramKey::CustomValues => histogram.custom_values = Some(Arc::from(self.bucket_list()?)),
            HistogramKey::Buckets => histogram.positive_buckets = self.bucket_list()?,
            HistogramKey::NegativeBuckets => histogram.negative_buckets = self.bucket_list()?,
            HistogramKey::Offset => fields.offset = self.small_integer()?,
            HistogramKey::NegativeOffset => fields.negative_offset = self.small_integer()?,
            HistogramKey::CounterResetHint => histogram.counter_reset_hint = self.hint()?,
        }
        Ok(())
    }

    fn small_integer(&mut self) -> Result<i32, ParseError> {
        let blame = self.span;
        let n = self.integer()?;
        i32::try_from(n).map_err(|_| ParseError { message: format!("{n} is out of range"), span: blame })
    }

    fn hint(&mut self) -> Result<CounterResetHint, ParseError> {
        let SeriesToken::Hint(hint) = self.token else { return Err(self.unexpected()) };
        self.advance()?;
        Ok(hint)
    }

    /// Numbers between square brackets, separated by blanks.
    fn bucket_list(&mut self) -> Result<Vec<f64>, ParseError> {
        self.expect(SeriesToken::LeftBracket)?;
        let mut buckets = Vec::new();
        while !self.skip(SeriesToken::RightBracket)? {
            buckets.push(self.number()?);
            if !self.skip(SeriesToken::Space)? && self.token != SeriesToken::RightBracket {
                return Err(self.unexpected());
            }
        }
        Ok(buckets)
    }
}

impl Fields {
    fn build(mut self) -> HistogramLiteral {
        let span = |offset, buckets: &[f64]| {
            let span = Span { offset, length: buckets.len() as u32 };
            if buckets.is_empty() { Vec::new() } else { vec![span] }
        };
        let histogram = &mut self.histogram;
        histogram.positive_spans = span(self.offset, &histogram.positive_buckets);
        histogram.negative_spans = span(self.negative_offset, &histogram.negative_buckets);
        let hint_given = self.seen.contains(&HistogramKey::CounterResetHint);
        HistogramLiteral { histogram: self.histogram, hint_given }
    }
}
