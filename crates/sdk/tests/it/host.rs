//! This process and this machine.
#![cfg(target_os = "linux")]

use bellwether_sdk::Registry;
use bellwether_sdk::host::{Machine, Process};

fn value(registry: &Registry, series: &str) -> f64 {
    let text = registry.text();
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[test]
fn this_process_is_found() {
    let registry = Registry::new();
    let process = Process::register(&registry).expect("is right");
    process.refresh().expect("it is Linux");
    let before = value(&registry, "process_open_fds");
    let files: Vec<_> = (0..300).map(|_| std::fs::File::open("/proc/self/stat").expect("opened")).collect();
    process.refresh().expect("it is Linux");
    assert!(value(&registry, "process_open_fds") > before + 100.0, "other tests close some meanwhile");
    drop(files);
    assert!(value(&registry, "process_resident_memory_bytes") > 1e6);
    assert!(
        value(&registry, "process_virtual_memory_bytes") > value(&registry, "process_resident_memory_bytes")
    );
    assert!(value(&registry, "process_max_fds") > before);
    assert!(value(&registry, "process_threads") >= 1.0);
    assert!(value(&registry, "process_start_time_seconds") > 1.7e9);
}

#[test]
fn this_machine_is_found() {
    let registry = Registry::new();
    Machine::register(&registry).expect("is right").refresh().expect("it is Linux");
    assert!(value(&registry, "system_cpus") >= 1.0);
    assert!(value(&registry, "system_cpu_seconds_total{mode=\"user\"}") > 0.0);
    let (total, usage) =
        (value(&registry, "system_memory_total_bytes"), value(&registry, "system_memory_usage_bytes"));
    assert!(0.0 < usage && usage < total);
    assert!(registry.text().contains("system_network_received_bytes_total{interface=\"lo\"} "));
}
