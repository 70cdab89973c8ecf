//! What it costs to expose what several processes count.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bellwether_sdk::{OutputFormat, Registry, Sharing};

use crate::clock::cpu_ns;
use crate::{MANY, ROUNDS, ours};

const PROCESSES: usize = 4;

/// Prints the processor time of an exposition. With the name of a directory: is one of the processes that share it, until its input ends.
pub fn print(directory: Option<&str>) {
    match directory {
        Some(directory) => be_one(Path::new(directory)),
        None => measure(),
    }
}

fn be_one(directory: &Path) {
    let _registry = shared(directory);
    println!("ready");
    let _ = std::io::stdin().read(&mut [0]);
}

fn shared(directory: &Path) -> Registry {
    let registry = ours::filled();
    registry.share(&Sharing::new("peers").directory(directory)).expect("the directory is ours");
    registry
}

fn measure() {
    let directory = Path::new("/dev/shm").join(format!("sdk-peers-{}", std::process::id()));
    let others: Vec<Child> = (1..PROCESSES).map(|_| start(&directory)).collect();
    let registry = shared(&directory);
    let mut out = String::new();
    let mut times: Vec<f64> = Vec::new();
    for _ in 0..=ROUNDS {
        out.clear();
        let start = cpu_ns();
        registry.encode(&mut out, OutputFormat::FALLBACK);
        times.push((cpu_ns() - start) as f64 / 1e6);
    }
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    println!(
        "expose {PROCESSES} processes with {MANY} counters each: first {first:.1} ms, then {:.1} ms, {} lines",
        times[times.len() / 2],
        out.lines().count()
    );
    for mut other in others {
        drop(other.stdin.take());
        other.wait().expect("it ends when its input does");
    }
    registry.leave().expect("it is shared");
    std::fs::remove_dir_all(directory).expect("it is ours");
}

fn start(directory: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("it runs"))
        .arg("regions")
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs again");
    let output = child.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut String::new()).expect("it says that it is ready");
    child
}
