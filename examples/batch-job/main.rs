//! A job that ends before anybody could scrape it, so it hands its metrics over.

use std::error::Error;
use std::io::{self, BufRead};
use std::process::ExitCode;
use std::time::Duration;

use bellwether_sdk::push::Push;
use bellwether_sdk::{Counter, Histogram, LabelValue, Labels, MetricSet, Registry};
use tracing::{error, info, warn};

#[derive(Clone, Copy, LabelValue)]
enum Outcome {
    Billed,
    Rejected,
}

#[derive(Labels)]
struct Invoice {
    outcome: Outcome,
}

#[derive(MetricSet)]
#[metrics(prefix = "billing")]
struct Billing {
    /// Invoices that were read.
    invoices: Counter<Invoice>,
    /// Amounts that were billed.
    #[metric(unit = "euros", buckets = &[10.0, 100.0, 1_000.0, 10_000.0])]
    amount: Histogram,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1);
    let push = match (arguments.next().as_deref(), arguments.next()) {
        (Some("remote-write"), Some(url)) => Push::remote_write(url),
        (Some("otlp"), Some(url)) => Push::otlp(url),
        (Some("pushgateway"), Some(url)) => Push::pushgateway(url),
        _ => {
            error!("usage: batch-job remote-write|otlp|pushgateway URL < INVOICES");
            return ExitCode::from(2);
        }
    };
    match run(push) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(push: Push) -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let billing = Billing::register(&registry)?;
    let pushing = push
        .job("nightly_billing")
        // A long run is seen while it goes on; a short one is over before.
        .every(Duration::from_secs(15))
        .spool(std::env::temp_dir().join("nightly_billing"))
        .start(&registry)?;
    match bill(io::stdin().lock(), &billing) {
        Ok(n_billed) => {
            info!("billed {n_billed} invoices");
            pushing.succeed()?;
            Ok(())
        }
        Err(error) => {
            // The reason why the job failed is worth more than that nobody could be told.
            if let Err(error) = pushing.fail() {
                warn!("{error}");
            }
            Err(error.into())
        }
    }
}

/// Bills a line `CUSTOMER,EUROS` after the other and says how many were right.
fn bill(input: impl BufRead, billing: &Billing) -> io::Result<u64> {
    let mut n_billed = 0;
    for line in input.lines() {
        let line = line?;
        let amount = line.split_once(',').and_then(|(_, amount)| amount.trim().parse::<f64>().ok());
        let outcome = match amount {
            Some(amount) if amount > 0.0 => {
                billing.amount.observe(amount);
                n_billed += 1;
                Outcome::Billed
            }
            _ => Outcome::Rejected,
        };
        billing.invoices.with(Invoice { outcome }).inc();
    }
    Ok(n_billed)
}
