//! `bellwether pack check`: does an application expose what its packs promise?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bellwether_exposition::{BodyFormat, EscapingScheme, ScrapeProtocol, accept_header, select_format};
use bellwether_lint::Report;
use bellwether_outbound::{HttpClient, Request};
use bellwether_packs::catalogue::is_built_in;
use bellwether_packs::check::{Exposed, Finding, check as compare, check_job};
use bellwether_packs::schema::Pack;
use clap::{ArgGroup, Args};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::findings::of_check;
use crate::query::http_client;
use crate::report::{ReportFormat, show};
use crate::runtime::block_on;
use crate::signals::{Request as Signal, Signals};
use crate::terminal::{print, visible};

/// The exit code if there is nothing to compare: the target does not answer, or with no exposition.
const NOTHING_READ: u8 = 2;
/// The largest exposition that is read.
const MAX_BODY_BYTES: usize = 256 << 20;
/// What a target is asked for, one after the other.
const PROTOCOLS: [ScrapeProtocol; 3] = [
    ScrapeProtocol::OpenMetricsText1_0_0,
    ScrapeProtocol::PrometheusText0_0_4,
    ScrapeProtocol::PrometheusProto,
];

/// What is compared with what.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("exposition").required(true))]
pub(crate) struct CheckArgs {
    /// The packs: files, or names of those that come with the program.
    #[arg(required = true, value_name = "PACK")]
    packs: Vec<String>,
    /// What is scraped, in text, OpenMetrics and protobuf.
    #[arg(long, value_name = "URL", group = "exposition")]
    target: Option<Url>,
    /// An exposition that is at hand; `-` for standard input.
    #[arg(long, value_name = "FILE", group = "exposition")]
    file: Option<PathBuf>,
    /// The job that scrapes the target: of packs that scrape it, only what the job exposes is demanded.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Check again and again, and say what is new and what is gone, until this time is over or the program is told to stop.
    #[arg(long, value_name = "DURATION", value_parser = crate::query::positive_duration, requires = "target")]
    watch: Option<Duration>,
    /// How often `--watch` checks.
    #[arg(long, value_name = "DURATION", value_parser = crate::query::positive_duration, default_value = "15s")]
    interval: Duration,
    /// How long a scrape may take.
    #[arg(long, value_name = "DURATION", value_parser = crate::query::positive_duration, default_value = "10s")]
    timeout: Duration,
    /// A file with credentials, TLS settings and the like, in the form of a scrape job.
    #[arg(long = "http.config.file", value_name = "FILE")]
    http_config_file: Option<PathBuf>,
    /// How findings are shown.
    #[arg(long, visible_alias = "output", value_name = "FORMAT", default_value = "text")]
    format: ReportFormat,
    /// What is only good to know is a finding as well.
    #[arg(long)]
    strict: bool,
}

/// Compares, once or for some time.
pub(super) fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let packs = args.packs.iter().map(|name| super::load(name)).collect::<Result<Vec<_>, _>>()?;
    if let Some(job) = &args.job {
        let jobs = packs.iter().flat_map(|pack| &pack.scrape).map(|scrape| scrape.job.value.as_str());
        let jobs: BTreeSet<&str> = jobs.collect();
        if !jobs.contains(job.as_str()) {
            let known: Vec<&str> = jobs.into_iter().collect();
            let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
            bail!("--job {job}: none of the packs scrapes this job; they scrape {known}");
        }
    }
    if args.watch.is_some() && !matches!(args.format, ReportFormat::Text | ReportFormat::Json) {
        bail!("--watch says what changes, for which only --format text and json have words");
    }
    if let Some(file) = &args.file {
        match read_file(file) {
            Ok(read) => show(&compared(&packs, &[read], &file.display().to_string(), args), args.format),
            Err(error) => nothing_read(&error),
        }
    } else if let Some(url) = &args.target {
        let client = http_client(args.http_config_file.as_deref())?;
        block_on(check_target(&packs, &Target { client, url: url.clone() }, args))
    } else {
        bail!("BUG: the command line demands --target or --file");
    }
}

fn nothing_read(error: &anyhow::Error) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stderr(), "bellwether: {}", visible(&format!("{error:#}")))?;
    Ok(ExitCode::from(NOTHING_READ))
}

/// An exposition and the format it came in.
type Read = (BodyFormat, Exposed);

fn read_file(file: &Path) -> anyhow::Result<Read> {
    let mut body = Vec::new();
    let limit = MAX_BODY_BYTES as u64 + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut body)?;
    } else {
        let open = std::fs::File::open(file).with_context(|| file.display().to_string())?;
        open.take(limit).read_to_end(&mut body).with_context(|| file.display().to_string())?;
    }
    if body.len() > MAX_BODY_BYTES {
        bail!("{}: more than {MAX_BODY_BYTES} bytes", file.display());
    }
    // A file has no media type. OpenMetrics ends with a mark, and protobuf is hardly ever valid text.
    let format = match std::str::from_utf8(&body) {
        Ok(text) if text.trim_end().ends_with("# EOF") => BodyFormat::OpenMetrics,
        Ok(_) => BodyFormat::Text,
        Err(_) => BodyFormat::Protobuf,
    };
    read(&body, format).with_context(|| file.display().to_string())
}

fn read(body: &[u8], format: BodyFormat) -> anyhow::Result<Read> {
    Ok((format, Exposed::read(body, format).with_context(|| word(format).to_owned())?))
}

/// What is scraped.
struct Target {
    client: HttpClient,
    url: Url,
}

impl Target {
    /// One exposition in each format that the target has.
    async fn scrape(&self, timeout: Duration) -> anyhow::Result<Vec<Read>> {
        let mut found: Vec<Read> = Vec::new();
        for protocol in PROTOCOLS {
            let mut request = Request::get(self.url.clone());
            let accept = accept_header(&[protocol], EscapingScheme::AllowUtf8);
            request.headers.insert("Accept", accept.parse().context("BUG: a header value")?);
            request.headers.insert("Accept-Encoding", "gzip".parse().context("BUG: a header value")?);
            let response = self.client.send(request, Instant::now() + timeout).await?.require_ok().await?;
            let content_type = response.header("Content-Type").unwrap_or_default().to_owned();
            let format = select_format(&content_type, Some(ScrapeProtocol::PrometheusText0_0_4))?.format;
            // A target that does not have what it was asked for answers with what it has.
            if found.iter().any(|(known, _)| *known == format) {
                continue;
            }
            let mut body = Vec::new();
            response.read_into(&mut body, MAX_BODY_BYTES).await?;
            found.push(read(&body, format).with_context(|| self.url.to_string())?);
        }
        Ok(found)
    }
}

async fn check_target(packs: &[Arc<Pack>], target: &Target, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let Some(watch) = args.watch else {
        return match target.scrape(args.timeout).await {
            Ok(found) => show(&compared(packs, &found, target.url.as_str(), args), args.format),
            Err(error) => nothing_read(&error),
        };
    };
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let end = Instant::now() + watch;
    let mut known = BTreeSet::new();
    let mut code;
    loop {
        let next = (Instant::now() + args.interval).min(end);
        match target.scrape(args.timeout).await {
            Ok(found) => {
                let report = compared(packs, &found, target.url.as_str(), args);
                code = ExitCode::from(report.verdict().exit_code());
                show_changes(&report, &mut known, args.format)?;
            }
            Err(error) => code = nothing_read(&error)?,
        }
        if next >= end {
            return Ok(code);
        }
        tokio::select! {
            () = sleep_until(next) => {}
            signal = signals.next() => if signal == Signal::Stop { return Ok(code) },
        }
    }
}

/// What the expositions of `what` are otherwise than the packs promise. What is found in several of them is told once.
fn compared(packs: &[Arc<Pack>], expositions: &[Read], what: &str, args: &CheckArgs) -> Report {
    let mut report = Report { is_strict: args.strict, ..Report::default() };
    let all: Vec<&str> = expositions.iter().map(|(format, _)| word(*format)).collect();
    for pack in packs {
        let mut found: Vec<(Finding, Vec<&str>)> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (format, exposed) in expositions {
            let of_format = match &args.job {
                Some(job) => check_job(pack, job, exposed),
                None => compare(pack, exposed),
            };
            for finding in of_format {
                let place = *places.entry(finding.to_string()).or_insert(found.len());
                match found.get_mut(place) {
                    Some((_, formats)) => formats.push(word(*format)),
                    None => found.push((finding, vec![word(*format)])),
                }
            }
        }
        report
            .demands
            .extend(found.iter().map(|(finding, _)| (finding.kind.as_str(), finding.kind.demands())));
        report.findings.extend(found.iter().map(|(finding, formats)| of_check(finding, formats, &all)));
        if !is_built_in(pack)
            && let Ok(text) = std::fs::read_to_string(&pack.source)
        {
            report.texts.insert(pack.source.clone(), text);
        }
    }
    let nothing = if report.findings.is_empty() { "nothing to say, " } else { "" };
    report.good.push(format!("{what}: {nothing}read as {}", all.join(", ")));
    report
}

/// Shows what differs from the check before: lines that are new and lines that are gone, or the whole as one line of JSON.
fn show_changes(report: &Report, known: &mut BTreeSet<String>, format: ReportFormat) -> anyhow::Result<()> {
    if format == ReportFormat::Json {
        return Ok(print(&format!("{}\n", report.to_json()))?);
    }
    let now: BTreeSet<String> = report.findings.iter().map(|finding| visible(&finding.to_string())).collect();
    let mut text = String::new();
    for line in known.difference(&now) {
        writeln!(text, "gone: {line}")?;
    }
    for line in now.difference(known) {
        writeln!(text, "{line}")?;
    }
    if !text.is_empty() {
        writeln!(text, "{}", report.counted())?;
    }
    *known = now;
    Ok(print(&text)?)
}

/// The name of a format for people and programs.
fn word(format: BodyFormat) -> &'static str {
    match format {
        BodyFormat::Text => "text",
        BodyFormat::OpenMetrics => "openmetrics",
        BodyFormat::Protobuf => "protobuf",
    }
}
