//! The counts that were accepted, and how others differ from them.

use std::collections::BTreeMap;
use std::fmt;

/// A stage may take this much more than the table says, as a fraction of it.
const TOLERANCE: f64 = 0.1;

/// What the counts depend on besides the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    /// What `rustc --version` says.
    pub(crate) compiler: String,
    /// The architecture, with what of it is found out at run time.
    pub(crate) processor: String,
}

/// Instructions per sample of each stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) machine: Machine,
    pub(crate) counts: BTreeMap<String, f64>,
}

impl Table {
    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut compiler, mut processor, mut counts) = (None, None, BTreeMap::new());
        for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let bad = || format!("line {} of the table of counts is not `name value`: {line}", idx + 1);
            let (name, value) = line.split_once(' ').ok_or_else(bad)?;
            match name {
                "compiler" => compiler = Some(value.trim().to_owned()),
                "processor" => processor = Some(value.trim().to_owned()),
                stage => {
                    let count: f64 = value.trim().parse().map_err(|_| bad())?;
                    if counts.insert(stage.to_owned(), count).is_some() {
                        return Err(format!("stage {stage} stands in the table of counts twice"));
                    }
                }
            }
        }
        let missing = |what| format!("the table of counts does not name the {what}");
        Ok(Self {
            machine: Machine {
                compiler: compiler.ok_or_else(|| missing("compiler"))?,
                processor: processor.ok_or_else(|| missing("processor"))?,
            },
            counts,
        })
    }

    /// What was found of a stage, seen from this table.
    pub(crate) fn compare(&self, found: &Self, stage: &str) -> Verdict {
        let Some(found) = found.counts.get(stage).copied() else {
            return Verdict::NotCounted { stage: stage.to_owned() };
        };
        let stage = stage.to_owned();
        match self.counts.get(&stage).copied() {
            None => Verdict::Unknown { stage, found },
            Some(expected) if found > expected * (1.0 + TOLERANCE) => {
                Verdict::Worse { stage, expected, found }
            }
            Some(expected) if found < expected * (1.0 - TOLERANCE) => {
                Verdict::Better { stage, expected, found }
            }
            Some(expected) => Verdict::Same { stage, expected, found },
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions per sample, as `make counts-accept` found them. `make counts` compares."
        )?;
        writeln!(f, "compiler  {}", self.machine.compiler)?;
        writeln!(f, "processor {}", self.machine.processor)?;
        self.counts.iter().try_for_each(|(stage, count)| writeln!(f, "{stage} {count:.1}"))
    }
}

/// How a stage compares with the table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// Within the tolerance.
    Same { stage: String, expected: f64, found: f64 },
    /// Fewer instructions. That is no failure, but what is not accepted may be lost again unnoticed.
    Better { stage: String, expected: f64, found: f64 },
    /// More instructions.
    Worse { stage: String, expected: f64, found: f64 },
    /// The table does not have it.
    Unknown { stage: String, found: f64 },
    /// Nothing was counted.
    NotCounted { stage: String },
}

impl Verdict {
    pub(crate) fn is_failure(&self) -> bool {
        matches!(self, Self::Worse { .. } | Self::Unknown { .. } | Self::NotCounted { .. })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, word: &str, stage: &str, expected: &f64, found: &f64| {
            let change = (found / expected - 1.0) * 100.0;
            write!(
                f,
                "{word} {stage}: {found:.1} instructions per sample, expected {expected:.1} ({change:+.1} %)"
            )
        };
        match self {
            Self::Same { stage, expected, found } => row(f, "ok    ", stage, expected, found),
            Self::Better { stage, expected, found } => {
                row(f, "better", stage, expected, found)?;
                f.write_str("; keep it with `make counts-accept`")
            }
            Self::Worse { stage, expected, found } => {
                row(f, "FAILED", stage, expected, found)?;
                write!(f, "; {:.0} % more are allowed", TOLERANCE * 100.0)
            }
            Self::Unknown { stage, found } => write!(
                f,
                "FAILED {stage}: {found:.1} instructions per sample, and the table has none; `make counts-accept` writes them down"
            ),
            Self::NotCounted { stage } => write!(f, "FAILED {stage}: nothing was counted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[(&str, f64)]) -> Table {
        let machine = Machine { compiler: "rustc 1".to_owned(), processor: "x86_64 avx2".to_owned() };
        Table { machine, counts: counts.iter().map(|(stage, n)| ((*stage).to_owned(), *n)).collect() }
    }

    #[test]
    fn reads_back() {
        let table = table(&[("append", 310.5), ("seal", 88.0)]);
        assert_eq!(Table::parse(&table.to_string()), Ok(table));
        for bad in [
            "compiler x\nprocessor y\nseal",
            "compiler x\nprocessor y\nseal 1\nseal 2",
            "seal 1",
            "compiler x\nseal 1",
        ] {
            assert!(Table::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_tenth_more_is_too_much() {
        let expected = table(&[("seal", 100.0)]);
        let verdict = |found: f64| expected.compare(&table(&[("seal", found)]), "seal");
        assert!(!verdict(109.9).is_failure() && !verdict(50.0).is_failure());
        assert_eq!(
            verdict(110.1).to_string(),
            "FAILED seal: 110.1 instructions per sample, expected 100.0 (+10.1 %); 10 % more are allowed"
        );
        assert!(verdict(89.0).to_string().ends_with("; keep it with `make counts-accept`"));
        assert!(expected.compare(&table(&[("new", 1.0)]), "new").is_failure(), "not in the table");
        assert!(expected.compare(&table(&[]), "seal").is_failure(), "not counted");
    }
}
