//! Cases of whole configurations and of parts of them.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use super::{decode, judge, parse, same, text};
use crate::config::{IntegrationKind, Smarthost, UrlTemplate};
use crate::route::{GroupBy, Route};

pub(super) fn config_file(folder: &Path, case: &Json) -> Result<(), String> {
    let name = text(case, "file");
    let bytes = fs::read(folder.join("config").join(name)).map_err(|error| format!("{name}: {error}"))?;
    let yaml = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    judge(&parse(&yaml).map(|config| config.receivers.len()), &case["expect"])
}

pub(super) fn config_inline(_: &Path, case: &Json) -> Result<(), String> {
    let expect = &case["expect"];
    if let Some(yaml) = case["host_port_yaml"].as_str() {
        let address: String = decode(yaml)?;
        let got = Smarthost::parse(&address).map_err(|error| error.to_string());
        judge(&got, expect)?;
        let Ok(got) = got else { return Ok(()) };
        return same(&[got.host.as_str(), &got.port], &["host", "port"].map(|field| text(expect, field)));
    }
    if let Some(yaml) = case["secret_template_url_yaml"].as_str() {
        let url: String = decode(yaml)?;
        return judge(&UrlTemplate::parse(&url).map(|_| ()).map_err(|error| error.to_string()), expect);
    }
    let section = match case["receiver_config"].as_str() {
        None => return check_config(case),
        Some("EmailConfig") => "email_configs",
        Some("SlackConfig") => "slack_configs",
        Some("VictorOpsConfig") => "victorops_configs",
        Some(other) => return Err(format!("nothing is known here of {other}")),
    };
    // Such a case is about an element alone; what it may inherit is there.
    let global =
        "global: {smtp_smarthost: 'h:25', smtp_from: f, slack_api_url: 'http://h/', victorops_api_key: k}";
    let entry: String = text(case, "yaml").trim().lines().fold(String::new(), |mut entry, line| {
        entry.extend(if entry.is_empty() { ["  - ", line, "\n"] } else { ["    ", line, "\n"] });
        entry
    });
    let yaml = format!("{global}\nroute: {{receiver: r}}\nreceivers:\n- name: r\n  {section}:\n{entry}");
    // Where a key is given alone, that of all others is not needed.
    judge(&parse(&yaml).map(|_| ()), expect)
}

fn check_config(case: &Json) -> Result<(), String> {
    let got = parse(text(case, "yaml"));
    judge(&got.as_ref().map(|_| ()).map_err(Clone::clone), &case["expect"])?;
    let Ok(config) = got else { return Ok(()) };
    for (path, want) in case["checks"].as_object().into_iter().flatten() {
        let group_by = |route: &Route| match &route.options.group_by {
            GroupBy::All => Json::Null,
            GroupBy::Labels(names) => names.iter().map(String::as_str).collect(),
        };
        let got: Json = match path.as_str() {
            "receivers[0].labels" => {
                config.receivers[0].labels.iter().map(|(k, v)| (k.clone(), Json::from(v.as_str()))).collect()
            }
            "route.group_by" => group_by(&config.route),
            "route.routes[0].group_by" => group_by(&config.route.routes[0]),
            "receivers[0].msteamsv2_configs[0].http_config.proxy_url" => {
                let integration = config.receivers[0].integrations.first().ok_or("no integration")?;
                if !matches!(integration.kind, IntegrationKind::MsTeams(_)) {
                    return Err("another integration".to_owned());
                }
                integration.common.http.proxy.url.as_ref().map(ToString::to_string).into()
            }
            other => return Err(format!("nothing is known here of {other}")),
        };
        same(&got, want)?;
    }
    Ok(())
}
