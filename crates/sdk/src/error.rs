/// Why a family cannot be registered. All of them are mistakes in the program, found when it starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is none.
    #[error(
        "{family:?} is no metric name: it needs letters, digits, underscores and colons, and no digit in front"
    )]
    Name {
        /// The family.
        family: &'static str,
    },
    /// The name ends in what the type of a metric adds.
    #[error("{family}: the suffix {suffix} is added by a type of metric; leave it out of the name")]
    Suffix {
        /// The family.
        family: &'static str,
        /// The suffix.
        suffix: &'static str,
    },
    /// The unit is not the end of the name.
    #[error("{family}: the name must end in its unit, as in {family}_{unit}")]
    Unit {
        /// The family.
        family: &'static str,
        /// The unit.
        unit: &'static str,
    },
    /// A label has a name that it cannot have.
    #[error("{family}: {label:?} cannot be the name of a label of this family")]
    Label {
        /// The family.
        family: &'static str,
        /// The label.
        label: &'static str,
    },
    /// Two labels have the same name.
    #[error("{family}: the label {label} is there twice")]
    LabelTwice {
        /// The family.
        family: &'static str,
        /// The label.
        label: &'static str,
    },
    /// A label can have no value at all.
    #[error("{family}: the label {label} has no values")]
    NoValues {
        /// The family.
        family: &'static str,
        /// The label.
        label: &'static str,
    },
    /// A label is named like what is another value for each event.
    #[error(
        "{family}: {label} is another value for each event, and every value would be a series of its own; put it into an exemplar or a log line"
    )]
    UniqueLabel {
        /// The family.
        family: &'static str,
        /// The label.
        label: &'static str,
    },
    /// The closed labels can be combined in too many ways.
    #[error("{family}: its closed labels can be combined in more than 2^32 ways")]
    Combinations {
        /// The family.
        family: &'static str,
    },
    /// The buckets are unusable.
    #[error("{family}: buckets are finite numbers that increase, at least one")]
    Buckets {
        /// The family.
        family: &'static str,
    },
    /// The buckets of a native histogram are unusable.
    #[error(
        "{family}: a native histogram has a schema from -4 to 8, 160 to 4096 buckets, and a zero threshold from 2^-128 on"
    )]
    Resolution {
        /// The family.
        family: &'static str,
    },
    /// The quantiles or the window of a summary are unusable.
    #[error("{family}: quantiles are numbers from 0 to 1 that increase, and the window is some time")]
    Quantiles {
        /// The family.
        family: &'static str,
    },
    /// The family is there already and is another one.
    #[error("{family} is registered already with {what}")]
    Differs {
        /// The family.
        family: &'static str,
        /// The difference.
        what: &'static str,
    },
    /// A series would have the name of another family's series.
    #[error("{family}: its series {series} is already one of {by}")]
    Taken {
        /// The family.
        family: &'static str,
        /// The name that is taken.
        series: String,
        /// The family that has it.
        by: &'static str,
    },
    /// An alias gives another name to a label that is not there.
    #[error("{family}: the alias {alias} renames the label {label}, which the family does not have")]
    NoLabel {
        /// The family.
        family: &'static str,
        /// The alias.
        alias: &'static str,
        /// The label.
        label: &'static str,
    },
    /// The series of the family cannot all be there from the beginning.
    #[error(
        "{family}: only a family whose labels are enums or `bool`, with at most `max_series` combinations, can begin with all of its series"
    )]
    Init {
        /// The family.
        family: &'static str,
    },
    /// There is no memory for the family.
    #[error("{family}: no memory is left for series")]
    NoMemory {
        /// The family.
        family: &'static str,
    },
}
