//! From the bytes of a scraped body to the batch for the store: how much a sample costs.

use std::fmt::Write as _;

use bellwether_scrape::bench::Target;
use divan::Bencher;
use divan::counter::ItemsCount;

const SERIES: usize = 1000;
const TEXT: &str = "text/plain; version=0.0.4";

fn main() {
    divan::main();
}

/// The body of an exporter: families of ten series with a few labels each, whose values change from scrape to scrape.
fn body(scrape: usize) -> String {
    let mut body = String::new();
    for family in 0..SERIES / 10 {
        let name = format!("node_subsystem_{family}_operations_total");
        write!(
            body,
            "# HELP {name} Operations of the subsystem since it was started.\n# TYPE {name} counter\n"
        )
        .expect("a string takes everything");
        for n in 0..10 {
            let value = (family * 7919 + n * 104_729 + scrape * 13) as f64 * 0.25;
            writeln!(
                body,
                "{name}{{device=\"disk{n}\",mountpoint=\"/var/lib/data{n}\",mode=\"read\"}} {value}"
            )
            .expect("a string takes everything");
        }
    }
    body
}

/// The same series in the same order, as it is almost always.
#[divan::bench]
fn steady(bencher: Bencher<'_, '_>) {
    let bodies: Vec<String> = (0..8).map(body).collect();
    let mut target = Target::new(TEXT);
    target.scrape(bodies[0].as_bytes());
    let mut next = bodies.iter().cycle();
    bencher
        .counter(ItemsCount::new(SERIES))
        .bench_local(|| target.scrape(next.next().expect("it never ends").as_bytes()));
}

/// Known series in another order, as from a target that iterates over a hash map: each of them is looked up.
#[divan::bench]
fn shuffled(bencher: Bencher<'_, '_>) {
    let one = body(0);
    let mut lines: Vec<&str> = one.lines().filter(|line| !line.starts_with('#')).collect();
    let mut bodies = Vec::new();
    for step in [1, 7, 13, 17] {
        let order = (0..lines.len()).map(|n| lines[n * step % lines.len()]);
        bodies.push(order.fold(String::new(), |body, line| body + line + "\n"));
        lines.rotate_left(step);
    }
    let mut target = Target::new(TEXT);
    target.scrape(bodies[0].as_bytes());
    let mut next = bodies.iter().cycle();
    bencher
        .counter(ItemsCount::new(SERIES))
        .bench_local(|| target.scrape(next.next().expect("it never ends").as_bytes()));
}

/// A target that is scraped for the first time: labels are read, joined with those of the target and remembered.
#[divan::bench]
fn first(bencher: Bencher<'_, '_>) {
    let body = body(0);
    bencher.counter(ItemsCount::new(SERIES)).bench_local(|| Target::new(TEXT).scrape(body.as_bytes()));
}
