//! How many instructions each step from a scrape to the disk and back takes per sample, compared with a table.
//!
//! Unlike a time, a count is the same on a busy machine. `make counts` runs every stage under valgrind, once and twice as often; what the second run takes more is the
//! stage alone, without the preparations. `make counts-accept` writes the table anew.

mod stages;
mod table;
mod valgrind;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use stages::STAGES;
use table::Table;

/// The status that says that nothing was compared, because something that it needs is not on this machine.
const SKIPPED: u8 = 77;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["run", stage, times] => {
            let stage = STAGES.iter().find(|s| s.name == *stage).ok_or("there is no such stage")?;
            (stage.run)(times.parse()?)?;
            Ok(ExitCode::SUCCESS)
        }
        ["check"] => check(),
        ["accept"] => accept(),
        _ => Err("usage: bellwether-counts check | accept | run STAGE TIMES".into()),
    }
}

fn table_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("expected.txt")
}

fn check() -> Result<ExitCode, Box<dyn Error>> {
    let expected = Table::parse(&std::fs::read_to_string(table_path())?)?;
    let mut out = io::stdout().lock();
    if let Some(reason) = valgrind::cannot_compare(&expected.machine)? {
        writeln!(out, "instruction counts are not compared: {reason}")?;
        return Ok(ExitCode::from(SKIPPED));
    }
    let found = valgrind::count_all(&expected.machine)?;
    let mut failed = 0;
    for stage in STAGES {
        let verdict = expected.compare(&found, stage.name);
        failed += usize::from(verdict.is_failure());
        writeln!(out, "{verdict}")?;
    }
    if failed > 0 {
        writeln!(
            out,
            "{failed} of {} stages take more instructions than {} allows. If that is the price of something, accept it with `make counts-accept` and say so in the commit.",
            STAGES.len(),
            table_path().display(),
        )?;
    }
    writeln!(out, "counts: {} passed, {failed} failed", STAGES.len() - failed)?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn accept() -> Result<ExitCode, Box<dyn Error>> {
    let before = std::fs::read_to_string(table_path()).ok().and_then(|text| Table::parse(&text).ok());
    let found = valgrind::count_all(&valgrind::this_machine()?)?;
    let mut out = io::stdout().lock();
    if let Some(before) = before {
        for stage in STAGES {
            writeln!(out, "{}", before.compare(&found, stage.name))?;
        }
    }
    std::fs::write(table_path(), found.to_string())?;
    writeln!(out, "wrote {}", table_path().display())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Verdict;

    #[test]
    fn the_table_has_every_stage_once() {
        let table =
            Table::parse(&std::fs::read_to_string(table_path()).expect("there")).expect("well-formed");
        let names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        assert!(table.counts.keys().map(String::as_str).eq({
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted
        }));
        assert!(STAGES.iter().all(|stage| matches!(table.compare(&table, stage.name), Verdict::Same { .. })));
    }

    #[test]
    fn every_stage_runs() {
        for stage in STAGES {
            let samples = (stage.run)(1).unwrap_or_else(|e| panic!("{}: {e}", stage.name));
            assert!(samples > 0, "{}", stage.name);
        }
    }
}
