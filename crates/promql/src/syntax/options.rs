use bellwether_model::ValidationScheme;

/// Which parts of the language are switched on, and how large a query may be.
///
/// The default is what a Prometheus server does without feature flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParserOptions {
    /// Functions and aggregations that are still experimental (`--enable-feature=promql-experimental-functions`).
    pub experimental_functions: bool,
    /// Arithmetic, `step()` and `range()` in ranges and offsets; on by default since Prometheus 3.14.
    pub duration_expressions: bool,
    /// `anchored` and `smoothed` (`--enable-feature=promql-extended-range-selectors`).
    pub extended_range_selectors: bool,
    /// `fill`, `fill_left` and `fill_right` (`--enable-feature=promql-binop-fill-modifiers`).
    pub fill_modifiers: bool,
    /// Which label names may be grouped by and matched on.
    pub names: ValidationScheme,
    /// How large a query may be.
    pub limits: ParserLimits,
}

impl ParserOptions {
    /// Everything switched on.
    pub fn all_enabled() -> Self {
        Self {
            experimental_functions: true,
            duration_expressions: true,
            extended_range_selectors: true,
            fill_modifiers: true,
            ..Self::default()
        }
    }
}

impl Default for ParserOptions {
    fn default() -> Self {
        Self {
            experimental_functions: false,
            duration_expressions: true,
            extended_range_selectors: false,
            fill_modifiers: false,
            names: ValidationScheme::Utf8,
            limits: ParserLimits::default(),
        }
    }
}

/// How large a query may be. The limits protect the stack and the memory of the server; Prometheus has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParserLimits {
    /// The longest query in bytes.
    pub max_bytes: usize,
    /// How deeply parentheses, calls, signs and right operands may be nested.
    pub max_nesting: usize,
    /// The greatest height of a tree: a chain such as `a + b + c` nests nothing, but each operator adds one level. Code that
    /// recurses over an [`Expr`](super::Expr) recurses at most this deep.
    pub max_height: usize,
    /// What the compiled regular expressions of a query may take together, in bytes; the one that goes beyond it may still be up to 10 MiB large.
    pub max_regex_bytes: usize,
}

impl Default for ParserLimits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024, max_nesting: 250, max_height: 500, max_regex_bytes: 16 << 20 }
    }
}
