//! What a new version of a pack changes, and what of it breaks.

use bellwether_packs::diff::{ChangeKind, diff, may_break};
use bellwether_packs::schema::Pack;

const OLD: &str = "\
pack: shop
version: 1.4.0
buckets: {quick: [0.1, 1]}
metrics:
- {name: orders_total, type: counter, help: x, labels: {state: [paid, open], country: {max: 5}}, aliases: [{name: order_count}]}
- {name: wait_seconds, type: histogram, unit: seconds, buckets: quick, help: x}
- {name: trial, type: gauge, help: x, stability: experimental}
- {name: old_size, type: gauge, help: x, stability: deprecated, replaced_by: wait_seconds, until: 1.5.0}
ratios:
- {name: paid, num: 'state=\"paid\"', of: orders_total}
recordings:
- {record: 'shop:paid:ratio', expr: paid}
alerts:
- {name: Unpaid, when: paid < 0.5, for: 5m, severity: warning, labels: {team: till}}
";

fn pack(text: &str) -> Pack {
    Pack::parse("shop.yaml", text.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// What changes if `from` stands as `to`.
fn changes(from: &str, to: &str) -> Vec<(ChangeKind, bool, String)> {
    assert!(OLD.contains(from), "{from}");
    let new = pack(&OLD.replace(from, to));
    diff(&pack(OLD), &new).into_iter().map(|c| (c.kind, c.breaking, c.message)).collect()
}

#[track_caller]
fn is(from: &str, to: &str, kind: ChangeKind, breaking: bool, message: &str) {
    assert_eq!(changes(from, to), [(kind, breaking, message.to_owned())]);
}

#[test]
fn what_users_rely_on_breaks_and_the_rest_does_not() {
    use ChangeKind::{Added, Alert, Bucket, Label, Removed, Stability, Type, Unit};
    assert_eq!(changes("help: x", "help: other words"), []);
    let wait = "- {name: wait_seconds, type: histogram, unit: seconds, buckets: quick, help: x}\n";
    is(wait, "", Removed, true, "wait_seconds is gone");
    is("ratios:", "- {name: more, type: gauge, help: x}\nratios:", Added, false, "more is new");
    is(
        "- {name: trial, type: gauge, help: x, stability: experimental}\n",
        "",
        Removed,
        false,
        "trial is gone; it was experimental",
    );
    is("trial, type: gauge", "trial, type: counter", Type, false, "trial is a counter and was a gauge");
    is(
        "old_size, type: gauge",
        "old_size, type: counter",
        Type,
        true,
        "old_size is a counter and was a gauge",
    );
    is("unit: seconds", "unit: minutes", Unit, true, "wait_seconds is in minutes and was in seconds");
    is(
        "stability: experimental",
        "stability: stable",
        Stability,
        false,
        "trial is stable and was experimental",
    );
    is(", country: {max: 5}", "", Label, true, "orders_total has lost the label country");
    is("[paid, open]", "[paid]", Label, true, "state of orders_total is no longer open");
    is("[paid, open]", "[paid, open, lost]", Label, false, "state of orders_total can also be lost");
    is(
        "{max: 5}",
        "[de, fr]",
        Label,
        true,
        "country of orders_total is one of de, fr, and could be anything",
    );
    is("{max: 5}", "{max: 9}", Label, false, "country of orders_total can have 9 values and could have 5");
    is("[0.1, 1]", "[0.1]", Bucket, true, "wait_seconds has lost the buckets 1");
    is("[0.1, 1]", "[0.1, 1, 2]", Bucket, false, "wait_seconds has the new buckets 2");
    is(
        ", aliases: [{name: order_count}]",
        "",
        Removed,
        true,
        "the old name order_count of orders_total is gone",
    );
    is("paid < 0.5", "paid < 0.7", Alert, false, "alert Unpaid fires if paid < 0.7, and fired if paid < 0.5");
    is("for: 5m", "for: 1m", Alert, false, "alert Unpaid fires after 1m, and fired after 5m");
    is("severity: warning", "severity: critical", Alert, true, "alert Unpaid is critical, and was warning");
    is("team: till", "team: desk", Alert, true, "alert Unpaid no longer has the label team=\"till\"");
    let other = [
        (Removed, true, "alert Unpaid is gone".to_owned()),
        (Added, false, "alert NotPaid is new".to_owned()),
    ];
    assert_eq!(changes("Unpaid", "NotPaid"), other);
    let added = changes("country: {max: 5}", "country: {max: 5}, city: {max: 9}");
    assert!(
        matches!(added.as_slice(), [(Label, true, message)] if message.starts_with("orders_total has the new label city"))
    );
}

#[test]
fn a_new_name_breaks_nothing_while_the_old_one_goes_on() {
    let renamed = changes(
        "orders_total, type: counter, help: x, labels: {state: [paid, open], country: {max: 5}}, aliases: [{name: order_count}]",
        "sales_total, type: counter, help: x, labels: {state: [paid, open], land: {max: 5}}, aliases: [{name: order_count}, {name: orders_total, labels: {land: country}}]",
    );
    let metric: Vec<_> = renamed
        .iter()
        .filter(|(kind, ..)| !matches!(kind, ChangeKind::Alert | ChangeKind::Recording))
        .collect();
    assert_eq!(
        metric,
        [&(
            ChangeKind::Renamed,
            false,
            "orders_total is now called sales_total; the old name goes on as an alias".to_owned()
        )]
    );
}

#[test]
fn what_an_alert_means_is_compared_and_not_only_its_words() {
    let changed = changes("num: 'state=\"paid\"'", "num: 'state=\"open\"'");
    let kinds: Vec<_> = changed.iter().map(|(kind, breaking, _)| (*kind, *breaking)).collect();
    assert_eq!(kinds, [(ChangeKind::Recording, true), (ChangeKind::Alert, false)]);
    assert!(
        changed[1].2.starts_with("alert Unpaid has the same words, which mean something else: "),
        "{changed:?}"
    );
}

#[test]
fn what_was_announced_may_go_with_the_announced_version() {
    let old = "- {name: old_size, type: gauge, help: x, stability: deprecated, replaced_by: wait_seconds, until: 1.5.0}\n";
    let gone = |version: &str| {
        let new = pack(&OLD.replace(old, "").replace("1.4.0", version));
        let changes = diff(&pack(OLD), &new);
        assert_eq!(changes.len(), 1);
        (changes[0].breaking, changes[0].to_string())
    };
    assert!(!gone("1.5.0").0);
    let (breaking, line) = gone("1.4.1");
    assert!(breaking);
    assert_eq!(
        line,
        "shop.yaml:8:10: breaking: old_size is gone before the version that was announced [removed]"
    );
}

#[test]
fn a_new_major_version_may_break() {
    let at = |version: &str| pack(&OLD.replace("1.4.0", version));
    assert!(may_break(&at("1.4.0"), &at("2.0.0")));
    assert!(!may_break(&at("1.4.0"), &at("1.5.0")) && !may_break(&at("2.0.0"), &at("1.0.0")));
    assert!(may_break(&at("0.1.0"), &at("0.2.0")), "nothing is promised yet");
}
