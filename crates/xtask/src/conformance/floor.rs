//! How many cases of each area must pass.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

/// The recorded counts, by area.
#[derive(Debug, Default)]
pub(super) struct Floor(BTreeMap<String, usize>);

impl Floor {
    /// Reads a file of lines `AREA COUNT`; `#` begins a comment.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut floor = BTreeMap::new();
        for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (area, count) =
                line.split_once(' ').with_context(|| format!("{line:?} is not AREA COUNT"))?;
            floor.insert(area.to_owned(), count.trim().parse().with_context(|| line.to_owned())?);
        }
        Ok(Self(floor))
    }

    /// The areas with a count.
    pub(super) fn areas(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The count of an area; 0 if none is recorded.
    pub(super) fn of(&self, area: &str) -> usize {
        self.0.get(area).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts() {
        let floor = Floor::parse("# a comment\n\na 1\nb-c  22 \n").expect("well-formed");
        assert_eq!((floor.of("a"), floor.of("b-c"), floor.of("d")), (1, 22, 0));
        assert_eq!(floor.areas().collect::<Vec<_>>(), ["a", "b-c"]);
        let error = format!("{:#}", Floor::parse("a").expect_err("no count"));
        assert_eq!(error, "\"a\" is not AREA COUNT");
        assert!(Floor::parse("a -1").is_err());
    }
}
