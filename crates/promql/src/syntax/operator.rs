use super::ast::ValueType;

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

impl UnaryOp {
    /// The sign as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `atan2`
    Atan2,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `</`: keeps the observations of a native histogram that are below a value.
    TrimUpper,
    /// `>/`: keeps the observations of a native histogram that are above a value.
    TrimLower,
    /// `and`
    And,
    /// `or`
    Or,
    /// `unless`
    Unless,
}

impl BinaryOp {
    /// All operators.
    pub const ALL: [Self; 18] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Mod,
        Self::Pow,
        Self::Atan2,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::TrimUpper,
        Self::TrimLower,
        Self::And,
        Self::Or,
        Self::Unless,
    ];

    /// The operator as written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => "atan2",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::And => "and",
            Self::Or => "or",
            Self::Unless => "unless",
        }
    }

    /// Whether the operator compares: `==`, `!=`, `<`, `<=`, `>`, `>=`.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// Whether the operator works on sets of series: `and`, `or`, `unless`.
    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// How strongly the operator binds, from 1 (`or`) to 6 (`^`).
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Eq
            | Self::Ne
            | Self::Lt
            | Self::Le
            | Self::Gt
            | Self::Ge
            | Self::TrimUpper
            | Self::TrimLower => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
        }
    }

    /// Whether `a op b op c` means `a op (b op c)`: only `^`.
    pub fn is_right_associative(self) -> bool {
        self == Self::Pow
    }

    /// One sentence for autocompletion and explanations.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Add => "Adds the right to the left side.",
            Self::Sub => "Subtracts the right from the left side.",
            Self::Mul => "Multiplies both sides.",
            Self::Div => "Divides the left by the right side.",
            Self::Mod => "The remainder of the left divided by the right side.",
            Self::Pow => "Raises the left to the power of the right side.",
            Self::Atan2 => {
                "The angle in radians of the point whose y is on the left and whose x is on the right."
            }
            Self::Eq => "Keeps samples that are equal; with bool, yields 1 or 0.",
            Self::Ne => "Keeps samples that differ; with bool, yields 1 or 0.",
            Self::Lt => "Keeps samples on the left that are smaller; with bool, yields 1 or 0.",
            Self::Le => "Keeps samples on the left that are smaller or equal; with bool, yields 1 or 0.",
            Self::Gt => "Keeps samples on the left that are greater; with bool, yields 1 or 0.",
            Self::Ge => "Keeps samples on the left that are greater or equal; with bool, yields 1 or 0.",
            Self::TrimUpper => "Removes the observations above a value from native histograms.",
            Self::TrimLower => "Removes the observations below a value from native histograms.",
            Self::And => "Keeps series on the left that have a partner on the right.",
            Self::Or => "All series on the left, and those on the right that have no partner on the left.",
            Self::Unless => "Keeps series on the left that have no partner on the right.",
        }
    }
}

/// An aggregation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AggregateOp {
    /// `avg`
    Avg,
    /// `bottomk`
    BottomK,
    /// `count`
    Count,
    /// `count_values`
    CountValues,
    /// `group`
    Group,
    /// `limit_ratio`
    LimitRatio,
    /// `limitk`
    LimitK,
    /// `max`
    Max,
    /// `min`
    Min,
    /// `quantile`
    Quantile,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
    /// `sum`
    Sum,
    /// `topk`
    TopK,
}

impl AggregateOp {
    /// All aggregations, sorted by name.
    pub const ALL: [Self; 14] = [
        Self::Avg,
        Self::BottomK,
        Self::Count,
        Self::CountValues,
        Self::Group,
        Self::LimitRatio,
        Self::LimitK,
        Self::Max,
        Self::Min,
        Self::Quantile,
        Self::Stddev,
        Self::Stdvar,
        Self::Sum,
        Self::TopK,
    ];

    /// The name in queries.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::BottomK => "bottomk",
            Self::Count => "count",
            Self::CountValues => "count_values",
            Self::Group => "group",
            Self::LimitRatio => "limit_ratio",
            Self::LimitK => "limitk",
            Self::Max => "max",
            Self::Min => "min",
            Self::Quantile => "quantile",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Sum => "sum",
            Self::TopK => "topk",
        }
    }

    /// The type of the parameter in front of the vector, if the aggregation takes one.
    pub fn param_type(self) -> Option<ValueType> {
        match self {
            Self::BottomK | Self::LimitRatio | Self::LimitK | Self::Quantile | Self::TopK => {
                Some(ValueType::Scalar)
            }
            Self::CountValues => Some(ValueType::String),
            Self::Avg
            | Self::Count
            | Self::Group
            | Self::Max
            | Self::Min
            | Self::Stddev
            | Self::Stdvar
            | Self::Sum => None,
        }
    }

    /// Whether the result consists of some of the series as they are, rather than of one for each group.
    pub fn chooses_series(self) -> bool {
        matches!(self, Self::TopK | Self::BottomK | Self::LimitK | Self::LimitRatio)
    }

    /// Whether the aggregation has to be switched on.
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::LimitK | Self::LimitRatio)
    }

    /// One sentence for autocompletion and explanations.
    pub fn doc(self) -> &'static str {
        match self {
            Self::Avg => "The mean of the samples of each group.",
            Self::BottomK => "The k smallest samples of each group, with their own labels.",
            Self::Count => "How many samples each group has.",
            Self::CountValues => {
                "How many samples of each group have the same value; the value becomes a label."
            }
            Self::Group => "1 for each group that has a sample.",
            Self::LimitRatio => {
                "About the given share of the series of each group, chosen by hash; a negative ratio takes the complement."
            }
            Self::LimitK => "Any k series of each group, chosen by hash.",
            Self::Max => "The greatest sample of each group.",
            Self::Min => "The smallest sample of each group.",
            Self::Quantile => "The given quantile (0 to 1) of the samples of each group.",
            Self::Stddev => "The population standard deviation of the samples of each group.",
            Self::Stdvar => "The population variance of the samples of each group.",
            Self::Sum => "The sum of the samples of each group.",
            Self::TopK => "The k greatest samples of each group, with their own labels.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_complete_and_sorted() {
        // A name that is listed twice means that another one is missing: the arrays have as many entries as the enums.
        let mut ops: Vec<&str> = BinaryOp::ALL.iter().map(|op| op.as_str()).collect();
        ops.sort_unstable();
        ops.dedup();
        assert_eq!(ops.len(), BinaryOp::ALL.len());
        assert!(AggregateOp::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    }

    #[test]
    fn every_operator_is_documented() {
        let docs = BinaryOp::ALL.iter().map(|op| op.doc()).chain(AggregateOp::ALL.iter().map(|op| op.doc()));
        for doc in docs {
            assert!(doc.ends_with('.') && doc.len() > 10, "{doc:?}");
        }
    }
}
