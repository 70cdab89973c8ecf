//! Objectives of a running server: their list, their budgets, and what a reload changes.

use std::fs;
use std::path::Path;

use bellwether_model::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::admin::command;
use crate::http_api::push;
use crate::support::Bellwether;

const SHOP: &str = "\
slo:
  name: availability
  service: shop
  objective: 99.9
  good: requests_total{code=\"200\"}
  total: requests_total
";

fn write(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), text).expect("written");
}

fn serve(dir: &Path) -> Bellwether {
    write(dir, "b.yml", "slos: ['*.slo.yml']\n");
    write(dir, "shop.slo.yml", SHOP);
    Bellwether::serve(dir, &["--config.file=b.yml"])
}

fn ids(server: &Bellwether) -> Vec<String> {
    let answer = server.api("slos", &[]);
    let slos = answer["slos"].as_array().expect("a list");
    slos.iter().map(|slo| slo["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn objectives_are_told_with_their_budgets() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path());
    let quiet = server.api("slos", &[])["slos"][0].clone();
    assert_eq!(
        (&quiet["id"], &quiet["objective"], &quiet["window"]),
        (&json!("shop-availability"), &json!(0.999), &json!("30d"))
    );
    for nothing in ["good", "bad", "total"] {
        assert_eq!(quiet[nothing], Value::Null, "{quiet}");
    }
    let unknown = json!({"remaining": null, "remainingMinutes": null, "exhaustedAt": null});
    assert_eq!(quiet["budget"], unknown);
    assert!(quiet["source"].as_str().is_some_and(|source| source.ends_with("shop.slo.yml:2")), "{quiet}");

    // What the rules would have recorded: a quarter of the budget is gone, and it burns at twice the speed. That was a while ago, since the rules of the server go on by themselves.
    let then_ms = SystemClock::new().now_ms() - 300_000;
    let of = |name: &'static str| [("__name__", name), ("slo_id", "shop-availability")];
    let alert = [
        ("__name__", "ALERTS"),
        ("alertname", "AvailabilityBudgetBurnsFast"),
        ("alertstate", "firing"),
        ("burn", "medium"),
        ("slo_id", "shop-availability"),
    ];
    let point = |value: f64| [(then_ms - 1000, value)];
    let (bad, total) = (of("slo:period_bad:events"), of("slo:period_total:events"));
    let (bad_now, total_now) = (of("slo:sli_bad:increase5m"), of("slo:sli_total:increase5m"));
    let (status, said) = push(
        &server,
        &[
            (&bad, &point(25.0)),
            (&total, &point(100_000.0)),
            (&bad_now, &point(2.0)),
            (&total_now, &point(1000.0)),
            (&alert, &point(1.0)),
        ],
    );
    assert!(status == 204 || status == 200, "{status} {said}");
    let then = (then_ms / 1000).to_string();
    let one = server.api("slos/shop-availability", &[("time", &then)]);
    assert_eq!(
        (&one["good"], &one["bad"], &one["total"]),
        (&json!(99_975.0), &json!(25.0), &json!(100_000.0))
    );
    let close = |value: &Value, want: f64| {
        let got = value.as_f64().unwrap_or_else(|| panic!("{one}"));
        assert!((got - want).abs() < 1e-9, "{got} and not {want}");
    };
    close(&one["budget"]["remaining"], 0.75);
    close(&one["budget"]["remainingMinutes"], 0.75 * 43.2);
    for window in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
        close(&one["burn"][window], 2.0);
    }
    // Three quarters of thirty days at twice the speed.
    let exhausted = one["budget"]["exhaustedAt"].as_str().expect("a time");
    let at = time::OffsetDateTime::parse(exhausted, &time::format_description::well_known::Rfc3339)
        .expect("a time");
    let days = (at.unix_timestamp() - then_ms / 1000) as f64 / 86_400.0;
    assert!((days - 11.25).abs() < 0.01, "{days}");
    assert_eq!(
        one["alerts"],
        json!([
            {"name": "AvailabilityBudgetBurnsFast", "tier": "page", "burn": "fast", "state": "inactive",
             "factor": 14.4, "windows": ["1h", "5m"]},
            {"name": "AvailabilityBudgetBurnsFast", "tier": "page", "burn": "medium", "state": "firing",
             "factor": 6.0, "windows": ["6h", "30m"]},
            {"name": "AvailabilityBudgetBurnsSlowly", "tier": "ticket", "burn": "slow", "state": "inactive",
             "factor": 3.0, "windows": ["1d", "2h"]},
            {"name": "AvailabilityBudgetBurnsSlowly", "tier": "ticket", "burn": "long", "state": "inactive",
             "factor": 1.0, "windows": ["3d", "6h"]},
            {"name": "AvailabilityNoData", "tier": "ticket", "burn": "", "state": "inactive",
             "factor": null, "windows": []},
        ])
    );
    assert!(
        one["rules"]
            .as_str()
            .is_some_and(|rules| rules.starts_with("groups:\n- name: slo_shop-availability\n"))
    );

    let start = (then_ms / 1000 - 60).to_string();
    let times = [("start", start.as_str()), ("end", then.as_str()), ("step", "30")];
    let budget = server.api("slos/shop-availability/budget", &times);
    assert_eq!(budget["points"].as_array().map(Vec::len), Some(1), "{budget}");
    assert_eq!(budget["points"][0][1], json!("0.75"));
    for window in ["1h", "6h", "1d", "3d"] {
        assert_eq!(budget["burn"][window][0][1], json!("2"), "{window}");
    }
    let (status, said) = server.get("/api/v1/slos/nothing/budget");
    assert!(status == 404 && said.contains("there is no objective"), "{status} {said}");
    let (status, said) = server.get("/api/v1/slos/shop-availability/budget?start=0&end=86400&step=1");
    assert!(status == 400 && said.contains("11,000 points"), "{status} {said}");
}

#[test]
fn a_reload_takes_all_objectives_or_none() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = serve(dir.path());
    write(dir.path(), "more.slo.yml", "slo: {name: b, objective: 99, good: a, total: b, window: 1m}\n");
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert!(status == 500 && said.contains("more.slo.yml:1:58"), "{status} {said}");
    assert_eq!(ids(&server), ["shop-availability"]);
    write(dir.path(), "more.slo.yml", &SHOP.replace("99.9", "99"));
    let (status, said) = server.post("/-/reload", &[], &[]);
    assert!(
        status == 500 && said.contains("the objective \"shop-availability\" is already in"),
        "{status} {said}"
    );
    write(dir.path(), "more.slo.yml", "slo: {name: b, objective: 99, good: a, total: b}\n");
    assert_eq!(server.post("/-/reload", &[], &[]).0, 200);
    assert_eq!(ids(&server), ["b", "shop-availability"]);
}

#[test]
fn files_with_objectives_are_judged_without_a_server() {
    let dir = tempfile::tempdir().expect("a folder");
    write(dir.path(), "good.yml", SHOP);
    write(dir.path(), "wrong.yml", "slo: {name: b, objectve: 99, good: a, total: b}\n");
    let (success, said) = command(dir.path(), &["check", "slo", "good.yml", "wrong.yml", "missing.yml"]);
    assert!(!success, "{said}");
    for want in [
        "wrong.yml:1:16: ",
        "did you mean \"objective\"?",
        "missing.yml: error: cannot be read: No such file",
    ] {
        assert!(said.contains(want), "{said}\nlacks {want}");
    }
    write(dir.path(), "again.yml", SHOP);
    for verb in [["slo", "export"], ["check", "slo"]] {
        let (success, said) = command(dir.path(), &[&verb[..], &["good.yml", "again.yml"]].concat());
        assert!(!success && said.contains("again.yml:2:3: "), "{said}");
        assert!(said.contains("the objective \"shop-availability\" is already in good.yml:2:3"), "{said}");
    }
    write(dir.path(), "b.yml", "slos: [missing.yml]\n");
    let (success, said) = command(dir.path(), &["check", "config", "b.yml"]);
    assert!(!success && said.contains("b.yml:1:8: error: file of objectives"), "{said}");
}

#[test]
fn the_demo_watches_the_objectives_of_its_platforms() {
    let dir = tempfile::tempdir().expect("a folder");
    let demo = Bellwether::start("demo", dir.path(), &["--fleet.history=45m"]);
    demo.wait_ready();
    // Budgets remember the simulated past, or each incident at the start would look like all that ever was.
    let counted = demo.value("count(slo:sli_total:increase5m offset 35m)");
    assert!(counted.is_some_and(|n| n > 10.0), "{counted:?} objectives have a past");
    let answer = demo.api("slos", &[]);
    let slos = answer["slos"].as_array().expect("a list");
    let mut services: Vec<&str> = slos.iter().filter_map(|slo| slo["service"].as_str()).collect();
    services.dedup();
    assert_eq!(services, ["causal", "cugar", "dag", "devskyy", "genesis"]);
    assert!(
        slos.iter().all(|slo| slo["source"].as_str().is_some_and(|source| source.contains("packs/"))),
        "{answer}"
    );
}
