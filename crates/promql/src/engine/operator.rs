use bellwether_model::Labels;

use super::block::Block;
use super::error::QueryError;
use super::state::QueryState;

/// How many series an operator reads before it hands them on.
pub(crate) const ROWS_PER_BLOCK: usize = 64;

/// A part of a query that yields rows.
///
/// All label sets are known when the operator is opened; the rows follow in the same order, block by block, so that what follows can work on a few series while
/// the others are still in the store. Rows may be empty. An operator owns what it needs, so it can move to another thread.
pub(crate) trait Operator: Send {
    /// The label sets of all rows, in the order of the rows. Two rows may have the same labels if no step has a sample in both.
    fn labels(&self) -> &[Labels];

    /// The label sets of all rows, but they may still have the labels that describe a metric although the rows have lost them. For those who leave these out
    /// anyway: it can save building all label sets anew.
    fn labels_with_metadata(&self) -> &[Labels] {
        self.labels()
    }

    /// The next rows, or `None` after the last one.
    fn next(&mut self) -> Result<Option<Block>, QueryError>;
}

/// All rows of an operator.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) labels: Vec<Labels>,
    pub(crate) block: Block,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn with_capacity(
        query: &QueryState,
        n_rows: usize,
        n_steps: usize,
    ) -> Result<Self, QueryError> {
        Ok(Self { labels: Vec::with_capacity(n_rows), block: Block::with_capacity(query, n_rows, n_steps)? })
    }

    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Reads everything that an operator has.
    pub(crate) fn collect(
        query: &QueryState,
        mut operator: Box<dyn Operator>,
        n_steps: usize,
    ) -> Result<Self, QueryError> {
        query.keep_label_list(operator.labels().len())?;
        let labels = operator.labels().to_vec();
        let mut all: Option<Block> = None;
        while let Some(block) = operator.next()? {
            query.context.check()?;
            match &mut all {
                None if block.n_rows() == labels.len() => all = Some(block),
                None => {
                    let mut first = Block::with_capacity(query, labels.len(), n_steps)?;
                    first.append(&block)?;
                    all = Some(first);
                }
                Some(all) => all.append(&block)?,
            }
        }
        let block = match all {
            Some(block) => block,
            None => Block::with_capacity(query, 0, n_steps)?,
        };
        assert_eq!(block.n_rows(), labels.len(), "BUG: an operator did not keep what its labels promise");
        let mut rows = Self { labels, block };
        rows.block.settle()?;
        Ok(rows)
    }

    /// Hands the rows on as an operator.
    pub(crate) fn into_operator(self) -> Box<dyn Operator> {
        Box::new(Collected { labels: self.labels, block: Some(self.block) })
    }
}

/// Rows that are there already.
struct Collected {
    labels: Vec<Labels>,
    block: Option<Block>,
}

impl Operator for Collected {
    fn labels(&self) -> &[Labels] {
        &self.labels
    }

    fn next(&mut self) -> Result<Option<Block>, QueryError> {
        Ok(self.block.take())
    }
}
