use super::ast::ValueType::{self, Matrix, Scalar, String, Vector};

/// The signature of a function, and what it does.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    /// The name in queries.
    pub name: &'static str,
    /// The types of the arguments; the last one may be repeated or left out as [`variadic`](Self::variadic) says.
    pub arg_types: &'static [ValueType],
    /// 0: exactly the arguments in `arg_types`. Otherwise the last of them is optional, and up to so many arguments of its type
    /// may follow the others; -1 means any number. This is the number that `/api/v1/parse_query` reports.
    pub variadic: i32,
    /// What the function yields.
    pub return_type: ValueType,
    /// Whether the function has to be switched on.
    pub experimental: bool,
    /// One sentence for autocompletion and explanations.
    pub doc: &'static str,
}

impl Function {
    /// The smallest number of arguments.
    pub fn min_args(&self) -> usize {
        if self.variadic == 0 { self.arg_types.len() } else { self.arg_types.len() - 1 }
    }

    /// The greatest number of arguments, `None` if there is no limit.
    pub fn max_args(&self) -> Option<usize> {
        match self.variadic {
            0 => Some(self.arg_types.len()),
            n => usize::try_from(n).ok().map(|n| self.arg_types.len() - 1 + n),
        }
    }

    /// The type of the argument at `idx`, counted from 0; `None` if there can be no such argument.
    pub fn arg_type(&self, idx: usize) -> Option<ValueType> {
        match self.max_args() {
            Some(max) if idx >= max => None,
            _ => self.arg_types.get(idx).or(self.arg_types.last()).copied(),
        }
    }

    const fn variadic(mut self, variadic: i32) -> Self {
        self.variadic = variadic;
        self
    }

    const fn experimental(mut self) -> Self {
        self.experimental = true;
        self
    }
}

/// The function called `name`; names are case-sensitive.
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.binary_search_by(|f| f.name.cmp(name)).ok().map(|idx| &FUNCTIONS[idx])
}

const fn entry(
    name: &'static str,
    arg_types: &'static [ValueType],
    return_type: ValueType,
    doc: &'static str,
) -> Function {
    Function { name, arg_types, variadic: 0, return_type, experimental: false, doc }
}

/// All functions, sorted by name.
#[rustfmt::skip] // one function, one line
pub static FUNCTIONS: &[Function] = &[
    entry("abs", &[Vector], Vector, "The absolute value of each sample."),
    entry("absent", &[Vector], Vector, "1 if the vector has no series, otherwise nothing; the labels come from the equality matchers."),
    entry("absent_over_time", &[Matrix], Vector, "1 if no series has a sample in the window, otherwise nothing."),
    entry("acos", &[Vector], Vector, "The arccosine of each sample, in radians."),
    entry("acosh", &[Vector], Vector, "The inverse hyperbolic cosine of each sample."),
    entry("asin", &[Vector], Vector, "The arcsine of each sample, in radians."),
    entry("asinh", &[Vector], Vector, "The inverse hyperbolic sine of each sample."),
    entry("atan", &[Vector], Vector, "The arctangent of each sample, in radians."),
    entry("atanh", &[Vector], Vector, "The inverse hyperbolic tangent of each sample."),
    entry("avg_over_time", &[Matrix], Vector, "The mean of the samples in the window."),
    entry("ceil", &[Vector], Vector, "Each sample rounded up to an integer."),
    entry("changes", &[Matrix], Vector, "How often the value changed in the window."),
    entry("clamp", &[Vector, Scalar, Scalar], Vector, "Each sample, forced to lie between a minimum and a maximum."),
    entry("clamp_max", &[Vector, Scalar], Vector, "Each sample, forced not to exceed a maximum."),
    entry("clamp_min", &[Vector, Scalar], Vector, "Each sample, forced not to fall below a minimum."),
    entry("cos", &[Vector], Vector, "The cosine of each sample, given in radians."),
    entry("cosh", &[Vector], Vector, "The hyperbolic cosine of each sample."),
    entry("count_over_time", &[Matrix], Vector, "How many samples are in the window."),
    entry("day_of_month", &[Vector], Vector, "The day of the month in UTC (1 to 31) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("day_of_week", &[Vector], Vector, "The day of the week in UTC (0 is Sunday) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("day_of_year", &[Vector], Vector, "The day of the year in UTC (1 to 366) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("days_in_month", &[Vector], Vector, "The number of days of the month in UTC of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("deg", &[Vector], Vector, "Each sample converted from radians to degrees."),
    entry("delta", &[Matrix], Vector, "How much a gauge changed over the window, extrapolated to its edges."),
    entry("deriv", &[Matrix], Vector, "The change per second of a gauge, by linear regression over the window."),
    entry("double_exponential_smoothing", &[Matrix, Scalar, Scalar], Vector, "A smoothed value of a gauge, from a smoothing factor and a trend factor.").experimental(),
    entry("end", &[], Scalar, "The end of the query as a Unix time.").experimental(),
    entry("exp", &[Vector], Vector, "e to the power of each sample."),
    entry("first_over_time", &[Matrix], Vector, "The oldest sample in the window."),
    entry("floor", &[Vector], Vector, "Each sample rounded down to an integer."),
    entry("histogram_avg", &[Vector], Vector, "The mean of the observations of each native histogram."),
    entry("histogram_count", &[Vector], Vector, "The number of observations of each native histogram."),
    entry("histogram_fraction", &[Scalar, Scalar, Vector], Vector, "The estimated share of observations between two bounds, of classic or native histograms."),
    entry("histogram_quantile", &[Scalar, Vector], Vector, "The estimated quantile (0 to 1) of the observations of classic or native histograms."),
    entry("histogram_quantiles", &[Vector, String, Scalar, Scalar], Vector, "Several estimated quantiles at once, told apart by the named label.").variadic(9).experimental(),
    entry("histogram_stddev", &[Vector], Vector, "The estimated standard deviation of the observations of each native histogram."),
    entry("histogram_stdvar", &[Vector], Vector, "The estimated variance of the observations of each native histogram."),
    entry("histogram_sum", &[Vector], Vector, "The sum of the observations of each native histogram."),
    entry("hour", &[Vector], Vector, "The hour in UTC (0 to 23) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("idelta", &[Matrix], Vector, "The difference between the last two samples in the window."),
    entry("increase", &[Matrix], Vector, "How much a counter grew over the window, extrapolated to its edges; resets are accounted for."),
    entry("info", &[Vector, Vector], Vector, "Adds the labels of matching info series, by default those of target_info.").variadic(1).experimental(),
    entry("irate", &[Matrix], Vector, "The growth per second of a counter between the last two samples in the window."),
    entry("label_join", &[Vector, String, String, String], Vector, "Joins the values of several labels with a separator and stores them in a label.").variadic(-1),
    entry("label_replace", &[Vector, String, String, String, String], Vector, "Sets a label from the value of another one by a regular expression; series that do not match stay as they are."),
    entry("last_over_time", &[Matrix], Vector, "The newest sample in the window."),
    entry("ln", &[Vector], Vector, "The natural logarithm of each sample."),
    entry("log10", &[Vector], Vector, "The decimal logarithm of each sample."),
    entry("log2", &[Vector], Vector, "The binary logarithm of each sample."),
    entry("mad_over_time", &[Matrix], Vector, "The median absolute deviation of the samples in the window.").experimental(),
    entry("max_of", &[Scalar, Scalar], Scalar, "The greater of two numbers.").experimental(),
    entry("max_over_time", &[Matrix], Vector, "The greatest sample in the window."),
    entry("min_of", &[Scalar, Scalar], Scalar, "The smaller of two numbers.").experimental(),
    entry("min_over_time", &[Matrix], Vector, "The smallest sample in the window."),
    entry("minute", &[Vector], Vector, "The minute in UTC (0 to 59) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("month", &[Vector], Vector, "The month in UTC (1 to 12) of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
    entry("pi", &[], Scalar, "The number pi."),
    entry("predict_linear", &[Matrix, Scalar], Vector, "The value of a gauge so many seconds from now, by linear regression over the window."),
    entry("present_over_time", &[Matrix], Vector, "1 for each series with a sample in the window."),
    entry("quantile_over_time", &[Scalar, Matrix], Vector, "The quantile (0 to 1) of the samples in the window."),
    entry("rad", &[Vector], Vector, "Each sample converted from degrees to radians."),
    entry("range", &[], Scalar, "The time between the start and the end of the query, in seconds.").experimental(),
    entry("rate", &[Matrix], Vector, "The mean growth per second of a counter over the window, extrapolated to its edges; resets are accounted for."),
    entry("resets", &[Matrix], Vector, "How often a counter was reset in the window."),
    entry("round", &[Vector, Scalar], Vector, "Each sample rounded to the nearest multiple of the second argument, by default 1.").variadic(1),
    entry("scalar", &[Vector], Scalar, "The only sample of a vector as a number; NaN if there is not exactly one."),
    entry("sgn", &[Vector], Vector, "The sign of each sample: 1, 0 or -1."),
    entry("sin", &[Vector], Vector, "The sine of each sample, given in radians."),
    entry("sinh", &[Vector], Vector, "The hyperbolic sine of each sample."),
    entry("sort", &[Vector], Vector, "The series in ascending order of their values; instant queries only."),
    entry("sort_by_label", &[Vector, String], Vector, "The series in natural ascending order of the given labels; instant queries only.").variadic(-1).experimental(),
    entry("sort_by_label_desc", &[Vector, String], Vector, "The series in natural descending order of the given labels; instant queries only.").variadic(-1).experimental(),
    entry("sort_desc", &[Vector], Vector, "The series in descending order of their values; instant queries only."),
    entry("sqrt", &[Vector], Vector, "The square root of each sample."),
    entry("start", &[], Scalar, "The start of the query as a Unix time.").experimental(),
    entry("start_timestamp", &[Vector], Vector, "The start timestamp of each sample as a Unix time.").experimental(),
    entry("stddev_over_time", &[Matrix], Vector, "The population standard deviation of the samples in the window."),
    entry("stdvar_over_time", &[Matrix], Vector, "The population variance of the samples in the window."),
    entry("step", &[], Scalar, "The distance between the evaluations of the query, in seconds.").experimental(),
    entry("sum_over_time", &[Matrix], Vector, "The sum of the samples in the window."),
    entry("tan", &[Vector], Vector, "The tangent of each sample, given in radians."),
    entry("tanh", &[Vector], Vector, "The hyperbolic tangent of each sample."),
    entry("time", &[], Scalar, "The evaluation time as a Unix time."),
    entry("timestamp", &[Vector], Vector, "The time of each sample as a Unix time."),
    entry("ts_of_first_over_time", &[Matrix], Vector, "The time of the oldest sample in the window.").experimental(),
    entry("ts_of_last_over_time", &[Matrix], Vector, "The time of the newest sample in the window.").experimental(),
    entry("ts_of_max_over_time", &[Matrix], Vector, "The time of the greatest sample in the window, of equal ones the newest.").experimental(),
    entry("ts_of_min_over_time", &[Matrix], Vector, "The time of the smallest sample in the window, of equal ones the newest.").experimental(),
    entry("vector", &[Scalar], Vector, "A number as an instant vector with one series without labels."),
    entry("year", &[Vector], Vector, "The year in UTC of each sample, taken as a Unix time; of the evaluation time without an argument.").variadic(1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_documented() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for f in FUNCTIONS {
            assert!(f.doc.ends_with('.') && f.doc.len() > 10, "{}", f.name);
            assert_eq!(function(f.name), Some(f));
        }
        assert_eq!(function("Rate"), None);
    }

    #[test]
    fn argument_counts() {
        let check = |name, min, max| {
            let f = function(name).expect("exists");
            assert_eq!((f.min_args(), f.max_args()), (min, max), "{name}");
        };
        check("time", 0, Some(0));
        check("rate", 1, Some(1));
        check("hour", 0, Some(1));
        check("round", 1, Some(2));
        check("label_join", 3, None);
        check("histogram_quantiles", 3, Some(12));
        assert_eq!(function("label_join").and_then(|f| f.arg_type(9)), Some(String));
        assert_eq!(function("round").and_then(|f| f.arg_type(2)), None);
    }
}
