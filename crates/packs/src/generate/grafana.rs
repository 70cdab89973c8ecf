//! Dashboards as Grafana imports them.

use bellwether_promql::syntax::{Expr, ResultLabels, result_labels};
use serde_json::{Value, json};

use super::{GeneratedFile, origin, slug};
use crate::schema::{Dashboard, Metric, Pack, Panel, PanelKind, PanelUnit, Variable};

/// The form of dashboards that is written; Grafana converts older ones.
const SCHEMA_VERSION: u32 = 39;

/// The columns of a dashboard.
const COLUMNS: u32 = 24;

/// One file for each dashboard.
pub(super) fn dashboards(pack: &Pack) -> Vec<GeneratedFile> {
    let file = |dashboard: &Dashboard| {
        let name = format!("{}-{}.dashboard.json", pack.name, slug(&dashboard.title, '-'));
        GeneratedFile { name, text: format!("{:#}\n", self::dashboard(pack, dashboard)) }
    };
    pack.dashboards.iter().map(file).collect()
}

fn dashboard(pack: &Pack, dashboard: &Dashboard) -> Value {
    let uid = dashboard.uid.clone().unwrap_or_else(|| {
        let mut uid = format!("{}-{}", pack.name, slug(&dashboard.title, '-'));
        // The longest that Grafana takes.
        uid.truncate(40);
        uid
    });
    let mut variables = vec![json!({
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus",
    })];
    variables.extend(dashboard.variables.iter().map(|variable| label_variable(pack, variable)));
    json!({
        "title": dashboard.title.value,
        "uid": uid,
        "description": origin(pack),
        "tags": [pack.name.value],
        "schemaVersion": SCHEMA_VERSION,
        "editable": true,
        "refresh": "30s",
        "time": { "from": "now-3h", "to": "now" },
        "templating": { "list": variables },
        "panels": panels(pack, dashboard),
    })
}

fn datasource() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

fn label_variable(pack: &Pack, variable: &Variable) -> Value {
    let has_label = |metric: &&Metric| metric.label(&variable.label).is_some();
    let metric = variable
        .of
        .as_ref()
        .and_then(|name| pack.metric(name))
        .or_else(|| pack.metrics.iter().find(has_label));
    let series = metric.map(|metric| match metric.kind {
        crate::schema::MetricKind::Histogram => format!("{}_count", metric.name),
        _ => metric.name.value.clone(),
    });
    let query = format!("label_values({}, {})", series.unwrap_or_default(), variable.label);
    json!({
        "name": variable.label.value,
        "label": variable.title.clone().unwrap_or_else(|| variable.label.value.clone()),
        "type": "query",
        "datasource": datasource(),
        "query": { "query": query, "refId": "variable" },
        "refresh": 2,
        "sort": 1,
        "multi": true,
        "includeAll": true,
        // Series without the label are meant as well.
        "allValue": ".*",
        "current": { "text": "All", "value": "$__all" },
    })
}

/// The panels with their places: from left to right, a new line where one does not fit, a heading where the row changes.
fn panels(pack: &Pack, dashboard: &Dashboard) -> Vec<Value> {
    let variables: Vec<&str> = dashboard.variables.iter().map(|variable| variable.label.as_str()).collect();
    let mut out = Vec::new();
    let (mut x, mut y, mut line_height) = (0, 0, 0);
    let mut row: Option<&str> = None;
    for panel in &dashboard.panels {
        let id = out.len() + 1;
        let own_row = panel.row.as_deref();
        let mut id_of_panel = id;
        if own_row.is_some() && own_row != row {
            row = own_row;
            y += line_height;
            out.push(json!({
                "id": id, "type": "row", "title": own_row, "collapsed": false, "panels": [],
                "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
            }));
            id_of_panel += 1;
            (x, y, line_height) = (0, y + 1, 0);
        }
        let (width, height) = size(panel);
        if x + width > COLUMNS {
            (x, y, line_height) = (0, y + line_height, 0);
        }
        let place = json!({ "x": x, "y": y, "w": width, "h": height });
        out.push(self::panel(pack, panel, id_of_panel, &place, &variables));
        x += width;
        line_height = line_height.max(height);
    }
    out
}

fn size(panel: &Panel) -> (u32, u32) {
    let (width, height) = match panel.kind {
        PanelKind::Stat | PanelKind::Gauge => (6, 5),
        PanelKind::TimeSeries
        | PanelKind::Bar
        | PanelKind::Table
        | PanelKind::Heatmap
        | PanelKind::States => (12, 8),
    };
    (panel.width.unwrap_or(width), height)
}

fn panel(pack: &Pack, panel: &Panel, id: usize, place: &Value, variables: &[&str]) -> Value {
    let mut unit = panel.unit;
    let mut targets = Vec::new();
    for (number, show) in panel.show.iter().enumerate() {
        let compiled = pack.compile(&show.expr).expect("BUG: a pack without errors compiles");
        unit = unit.or_else(|| panel_unit(compiled.unit.as_deref()?));
        let expr = pack.narrowed(&compiled.expr, variables);
        let is_instant = matches!(panel.kind, PanelKind::Table | PanelKind::Bar);
        targets.push(json!({
            "refId": ref_id(number),
            "datasource": datasource(),
            "expr": expr.to_string(),
            "legendFormat": show.legend.clone().unwrap_or_else(|| legend(&compiled.expr)),
            "format": if panel.kind == PanelKind::Heatmap { "heatmap" } else if panel.kind == PanelKind::Table { "table" } else { "time_series" },
            "instant": is_instant,
            "range": !is_instant,
        }));
    }
    let mut defaults = json!({ "unit": unit.map_or("short", grafana_unit) });
    if let Some(min) = panel.min {
        defaults["min"] = json!(min);
    }
    if let Some(max) = panel.max {
        defaults["max"] = json!(max);
    }
    if !panel.thresholds.is_empty() {
        let steps: Vec<Value> = panel
            .thresholds
            .iter()
            .map(|threshold| json!({ "color": threshold.color.as_str(), "value": threshold.at }))
            .collect();
        defaults["thresholds"] = json!({ "mode": "absolute", "steps": steps });
    }
    let mut out = json!({
        "id": id,
        "type": grafana_kind(panel.kind),
        "title": panel.title.value,
        "datasource": datasource(),
        "gridPos": place,
        "targets": targets,
        "fieldConfig": { "defaults": defaults, "overrides": [] },
    });
    if !panel.help.is_empty() {
        out["description"] = panel.help.as_str().into();
    }
    if matches!(panel.kind, PanelKind::Stat | PanelKind::Gauge | PanelKind::Bar) {
        out["options"] =
            json!({ "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false } });
    }
    out
}

/// `A`, `B`, ... `Z`, `A1`, ...
fn ref_id(number: usize) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// The labels that the lines differ in.
fn legend(expr: &Expr) -> String {
    match result_labels(expr) {
        ResultLabels::Only(labels) => {
            labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
        }
        // Grafana's own way.
        ResultLabels::All => "__auto".to_owned(),
    }
}

/// The unit of a panel that shows values with this unit.
fn panel_unit(unit: &str) -> Option<PanelUnit> {
    match unit {
        "bytes/s" => Some(PanelUnit::BytesPerSecond),
        _ if unit.ends_with("/s") => Some(PanelUnit::PerSecond),
        _ if unit.starts_with("boolean") => Some(PanelUnit::Boolean),
        _ => PanelUnit::ALL.iter().copied().find(|known| known.as_str() == unit),
    }
}

fn grafana_unit(unit: PanelUnit) -> &'static str {
    match unit {
        PanelUnit::Number => "short",
        PanelUnit::Ratio => "percentunit",
        PanelUnit::Percent => "percent",
        PanelUnit::Seconds => "s",
        PanelUnit::Bytes => "bytes",
        PanelUnit::BytesPerSecond => "Bps",
        PanelUnit::PerSecond => "ops",
        PanelUnit::Boolean => "bool_yes_no",
        PanelUnit::Usd => "currencyUSD",
    }
}

fn grafana_kind(kind: PanelKind) -> &'static str {
    match kind {
        PanelKind::TimeSeries => "timeseries",
        PanelKind::Stat => "stat",
        PanelKind::Gauge => "gauge",
        PanelKind::Bar => "bargauge",
        PanelKind::Table => "table",
        PanelKind::Heatmap => "heatmap",
        PanelKind::States => "state-timeline",
    }
}
