//! `bellwether storage`: looks into the folder of a store that no server uses.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bellwether_disk::RealFs;
use bellwether_model::{Clock, Labels, SystemClock, TimeRange, Value, format_float};
use bellwether_tsdb::{DumpItem, Finding, Options, Tsdb, VerifyReport, dump, verify_store};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::terminal::visible;

/// What can be done with the folder of a store.
#[derive(Debug, Subcommand)]
pub(crate) enum StorageCommand {
    /// Read everything and report what is damaged. Nothing is changed. The exit code is 1 if something is damaged.
    Verify {
        /// The folder of the store.
        dir: PathBuf,
    },
    /// Say what the next start would put aside, or do it. Nothing is deleted that is not elsewhere as well.
    Repair {
        /// The folder of the store.
        dir: PathBuf,
        /// Put what is damaged into `quarantine/`, as the next start of a server would.
        #[arg(long)]
        write: bool,
    },
    /// Show what is in a part (a folder below `parts`), a segment of the log or a checkpoint.
    Dump {
        /// The part or the file.
        path: PathBuf,
        /// How to show it.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: DumpFormat,
    },
}

/// How a dump is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DumpFormat {
    /// A line for each thing.
    Text,
    /// The same, each line a JSON object.
    Json,
}

/// Runs `bellwether storage`.
pub(crate) fn storage(command: &StorageCommand) -> anyhow::Result<ExitCode> {
    let outcome = match command {
        StorageCommand::Verify { dir } | StorageCommand::Repair { dir, write: false } => verify(dir),
        StorageCommand::Repair { dir, write: true } => repair(dir),
        StorageCommand::Dump { path, format } => show(path, *format),
    };
    // A reader that has seen enough (`| head`) is no failure.
    match outcome {
        Err(e) if is_broken_pipe(&e) => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

fn verify(dir: &Path) -> anyhow::Result<ExitCode> {
    let report = verify_store(&RealFs::new(), dir)?;
    let mut out = io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{}", line_of(finding))?;
    }
    let VerifyReport { parts, part_samples, frame_files, frames, frame_samples, .. } = report;
    let damaged = report.findings.iter().filter(|f| f.is_damage).count();
    let verdict = if damaged == 0 { "whole".to_owned() } else { format!("{damaged} places are damaged") };
    writeln!(
        out,
        "{}: {verdict}; {parts} parts with {part_samples} samples, {frame_files} files with {frames} frames and {frame_samples} samples",
        dir.display()
    )?;
    Ok(if report.is_whole() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line_of(finding: &Finding) -> String {
    let kind = if finding.is_damage { "damaged" } else { "note" };
    let at = finding.offset.map(|offset| format!(" at offset {offset}")).unwrap_or_default();
    let lost =
        finding.lost.map(|range| format!("; samples lost between {}", between(range))).unwrap_or_default();
    format!("{kind}: {}{at}: {}{lost}", finding.path.display(), finding.what)
}

fn between(range: TimeRange) -> String {
    format!("{} and {}", rfc3339(range.mint), rfc3339(range.maxt))
}

fn rfc3339(ts_ms: i64) -> String {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ts_ms) * 1_000_000).ok();
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{ts_ms} ms"))
}

/// Opens the store as a server does, which puts aside what is damaged.
fn repair(dir: &Path) -> anyhow::Result<ExitCode> {
    if !dir.join("MANIFEST").exists() && !dir.join("parts").exists() && !dir.join("log").exists() {
        bail!("{} is not the folder of a store", dir.display());
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = Options { min_free_bytes: Some(0), ..Options::default() };
    let (_store, report) = Tsdb::open(dir, options, Arc::new(RealFs::new()), clock)
        .with_context(|| format!("cannot open the store in {}", dir.display()))?;
    let mut out = io::stdout().lock();
    for problem in &report.problems {
        let kept =
            problem.quarantined.as_ref().map(|to| format!("; kept in {}", to.display())).unwrap_or_default();
        writeln!(out, "{}: {}: {}{kept}", problem.kind.as_str(), problem.path.display(), problem.what)?;
    }
    writeln!(
        out,
        "{}: {} problems; {} series and {} samples came back from checkpoint and log, {} samples have no series, {} frames are missing",
        dir.display(),
        report.problems.len(),
        report.series,
        report.samples,
        report.samples_orphaned,
        report.frames_missing,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn show(path: &Path, format: DumpFormat) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::new(io::stdout().lock());
    dump(&RealFs::new(), path, &mut |item| match format {
        DumpFormat::Text => writeln!(out, "{}", text_of(&item)),
        DumpFormat::Json => writeln!(out, "{}", json_of(&item)),
    })?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn text_of(item: &DumpItem) -> String {
    match item {
        DumpItem::Frame { seq, offset, bytes } => format!("frame {seq} at offset {offset}, {bytes} bytes"),
        DumpItem::Damage { what } => format!("damaged: {what}"),
        DumpItem::Series { id, labels } => format!("series {id} {}", visible(&labels.to_string())),
        DumpItem::Sample { id, ts_ms, start_ts_ms, value, is_late } => {
            let late = if *is_late { " late" } else { "" };
            let start =
                if *start_ts_ms == 0 { String::new() } else { format!(" since {}", rfc3339(*start_ts_ms)) };
            format!("  {id}{late} {} {}{start}", rfc3339(*ts_ms), text_of_value(value))
        }
        DumpItem::Deletion { id, range } => format!("  {id} deleted between {}", between(*range)),
        DumpItem::Exemplar { series, exemplar } => format!(
            "exemplar {} {} {} {}",
            visible(&series.to_string()),
            rfc3339(exemplar.ts_ms),
            format_float(exemplar.value),
            visible(&exemplar.labels.to_string())
        ),
        DumpItem::Metadata { family, metadata } => {
            format!("metadata {} {} {}", visible(family), metadata.metric_type, visible(&metadata.help))
        }
        _ => String::new(),
    }
}

fn text_of_value(value: &Value) -> String {
    match value {
        Value::Float(v) => format_float(*v),
        Value::Histogram(h) => {
            format!("histogram of {} observations, sum {}", format_float(h.count), format_float(h.sum))
        }
    }
}

fn json_of(item: &DumpItem) -> Json {
    match item {
        DumpItem::Frame { seq, offset, bytes } => json!({"frame": seq, "offset": offset, "bytes": bytes}),
        DumpItem::Damage { what } => json!({"damaged": what}),
        DumpItem::Series { id, labels } => json!({"series": id, "labels": labels_of(labels)}),
        DumpItem::Sample { id, ts_ms, start_ts_ms, value, is_late } => {
            let mut sample = json!({"sample": id, "timestampMs": ts_ms});
            match value {
                Value::Float(v) => sample["value"] = format_float(*v).into(),
                Value::Histogram(h) => {
                    sample["histogram"] = json!({"count": format_float(h.count), "sum": format_float(h.sum)});
                }
            }
            if *start_ts_ms != 0 {
                sample["startTimestampMs"] = (*start_ts_ms).into();
            }
            if *is_late {
                sample["late"] = true.into();
            }
            sample
        }
        DumpItem::Deletion { id, range } => json!({"deletion": id, "fromMs": range.mint, "toMs": range.maxt}),
        DumpItem::Exemplar { series, exemplar } => json!({
            "exemplarOf": labels_of(series),
            "labels": labels_of(&exemplar.labels),
            "timestampMs": exemplar.ts_ms,
            "value": format_float(exemplar.value),
        }),
        DumpItem::Metadata { family, metadata } => json!({
            "metadataOf": family,
            "type": metadata.metric_type.as_str(),
            "unit": metadata.unit,
            "help": metadata.help,
        }),
        _ => Json::Null,
    }
}

fn labels_of(labels: &Labels) -> Json {
    Json::Object(labels.iter().map(|l| (l.name.to_owned(), l.value.into())).collect())
}
