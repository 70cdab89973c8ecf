//! Running stages under valgrind, which counts instructions.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::process::Command;

use crate::stages::{STAGES, Stage};
use crate::table::{Machine, Table};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What counts made here depend on.
pub(crate) fn this_machine() -> Result<Machine> {
    let output = Command::new("rustc").arg("--version").output()?;
    let compiler = String::from_utf8(output.stdout)?.trim().to_owned();
    Ok(Machine { compiler, processor: processor() })
}

/// Some dependencies choose their code by what the processor can do.
#[cfg(target_arch = "x86_64")]
fn processor() -> String {
    let wide = if std::arch::is_x86_feature_detected!("avx2") { "with" } else { "without" };
    format!("x86_64 {wide} avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn processor() -> String {
    std::env::consts::ARCH.to_owned()
}

/// Why counts of that machine cannot be compared with those of this one, if they cannot.
pub(crate) fn cannot_compare(expected: &Machine) -> Result<Option<String>> {
    let here = this_machine()?;
    Ok((here != *expected).then(|| {
        format!(
            "those in the table are of {} on {}, and here is {} on {}",
            expected.compiler, expected.processor, here.compiler, here.processor
        )
    }))
}

/// Counts all stages, two at a time.
pub(crate) fn count_all(machine: &Machine) -> Result<Table> {
    let next = std::sync::Mutex::new(STAGES.iter());
    let count_some = || -> std::result::Result<Vec<(String, f64)>, String> {
        let mut counts = Vec::new();
        loop {
            let stage = next.lock().map_err(|e| e.to_string())?.next();
            let Some(stage) = stage else { return Ok(counts) };
            let count = per_sample(stage).map_err(|e| format!("stage {}: {e}", stage.name))?;
            counts.push((stage.name.to_owned(), count));
        }
    };
    let counts: std::result::Result<Vec<_>, String> = std::thread::scope(|scope| {
        let other = scope.spawn(count_some);
        let mut counts = count_some()?;
        counts.extend(other.join().map_err(|_| "a thread panicked".to_owned())??);
        Ok(counts)
    });
    Ok(Table { machine: machine.clone(), counts: counts?.into_iter().collect::<BTreeMap<_, _>>() })
}

/// What a stage takes for one sample: the difference of a run and one that is twice as long.
fn per_sample(stage: &Stage) -> Result<f64> {
    let (short, long) = (instructions(stage, stage.times)?, instructions(stage, 2 * stage.times)?);
    let more = long.checked_sub(short).ok_or("twice the work took fewer instructions")?;
    let samples = (stage.run)(0)? * stage.times;
    Ok(more as f64 / samples as f64)
}

/// How many instructions the whole program takes that runs a stage so often.
fn instructions(stage: &Stage, times: usize) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["run", stage.name, &times.to_string()])
        .output()
        .map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => "valgrind is missing; `scripts/setup.sh counts` installs it".into(),
            _ => Box::<dyn Error>::from(e),
        })?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind failed:\n{told}").into());
    }
    parse_refs(&told).ok_or_else(|| format!("valgrind says nothing about instructions:\n{told}").into())
}

/// The number in `==123== I refs:        1,234`, and in `I   refs:` as older versions write it.
fn parse_refs(told: &str) -> Option<u64> {
    let line = told.lines().find(|line| line.contains("refs:"))?;
    line.split_once("refs:")?.1.trim().replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_valgrind_says() {
        assert_eq!(parse_refs("==7== Cachegrind\n==7== \n==7== I   refs:      1,234,567\n"), Some(1_234_567));
        assert_eq!(parse_refs("==7== I refs:        9\n"), Some(9));
        assert_eq!(parse_refs("==7== nothing\n"), None);
    }
}
