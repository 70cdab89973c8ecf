use std::collections::BTreeMap;

use bellwether_model::LabelsBuilder;
use bellwether_outbound::UrlText;
use url::Url;
use url::form_urlencoded::Serializer;

use super::labels::{ADDRESS, METRICS_PATH, PARAM_PREFIX, SCHEME};

/// Where a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetUrl {
    url: Url,
    /// For people: with the address as it was discovered and without secrets.
    shown: String,
}

/// Under which address the world reaches this server, for links to targets that run beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalAddress {
    /// The scheme of the external URL.
    pub scheme: String,
    /// Host and, if it has one, port of the external URL.
    pub host: String,
    /// The port on which this server listens.
    pub listen_port: u16,
}

impl TargetUrl {
    /// The URL that the labels of a target describe, or `None` if they describe none. A label `__param_x` replaces the first value of the job's
    /// parameter `x`.
    pub(crate) fn new(labels: &LabelsBuilder, params: &BTreeMap<String, Vec<String>>) -> Option<Self> {
        let label = |name: &str| labels.get(name).unwrap_or_default();
        let address = label(ADDRESS);
        let scheme = match label(SCHEME) {
            "" => "http",
            scheme => scheme,
        };
        let mut url = Url::parse(&format!("{scheme}://{address}/")).ok()?;
        if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        // The label holds the path as it is meant, so a percent sign is one.
        url.set_path(&label(METRICS_PATH).replace('%', "%25"));
        let query = query(labels, params);
        url.set_query(Some(&*query).filter(|q| !q.is_empty()));
        let redacted = UrlText::new(&url);
        let path_start = format!("{scheme}://").len();
        let path = redacted.as_str().get(path_start..).and_then(|rest| Some(&rest[rest.find('/')?..]))?;
        let shown = format!("{scheme}://{address}{path}");
        Some(Self { url, shown })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The URL for people.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// The URL for people on other machines: what is `localhost` here is another host there.
    pub(crate) fn shown_globally(&self, global: &GlobalAddress) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let Some(port) = self.url.port_or_known_default() else { return self.shown.clone() };
        if !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return self.shown.clone();
        }
        let (scheme, rest) = self.shown.split_once("://").unwrap_or_default();
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        if port == global.listen_port {
            // That is this server itself.
            return format!("{}://{}{path}", global.scheme, global.host);
        }
        let external = match global.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => &global.host,
        };
        format!("{scheme}://{external}:{port}{path}")
    }
}

fn query(labels: &LabelsBuilder, params: &BTreeMap<String, Vec<String>>) -> String {
    let mut params: BTreeMap<&str, Vec<&str>> = params
        .iter()
        .map(|(name, values)| (name.as_str(), values.iter().map(String::as_str).collect()))
        .collect();
    for label in labels.iter() {
        if let Some(name) = label.name.strip_prefix(PARAM_PREFIX) {
            let values = params.entry(name).or_default();
            match values.first_mut() {
                Some(first) => *first = label.value,
                None => values.push(label.value),
            }
        }
    }
    let mut query = Serializer::new(String::new());
    for (name, values) in &params {
        for value in values {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(labels: &[(&str, &str)]) -> Option<TargetUrl> {
        let mut builder = LabelsBuilder::new();
        for (name, value) in labels {
            builder.set(name, value);
        }
        TargetUrl::new(&builder, &BTreeMap::new())
    }

    #[test]
    fn builds_urls() {
        let check = |labels: &[(&str, &str)], want: &str| {
            assert_eq!(target(labels).expect("a URL").shown(), want);
        };
        check(&[(ADDRESS, "a:80"), (METRICS_PATH, "/m")], "http://a:80/m");
        check(&[(ADDRESS, "a"), (METRICS_PATH, "m")], "http://a/m");
        check(&[(ADDRESS, "a"), (METRICS_PATH, "/m?x y%")], "http://a/m%3Fx%20y%25");
        check(&[(ADDRESS, "[::1]:9"), (SCHEME, "https")], "https://[::1]:9/");
        check(&[(ADDRESS, "a"), ("__param_token", "hunter2")], "http://a/?token=<secret>");
        check(&[(ADDRESS, "a"), ("__param_b", "1 2"), ("__param_a", "&")], "http://a/?a=%26&b=1+2");
    }

    #[test]
    fn refuses_what_is_no_address() {
        for address in ["", "a b", "user:pw@a", "user@a", "a:99999", "a:x", "[::1"] {
            assert_eq!(target(&[(ADDRESS, address)]), None, "{address}");
        }
    }

    #[test]
    fn is_shown_to_the_world_under_another_host() {
        let global =
            GlobalAddress { scheme: "https".into(), host: "mon.example:443".into(), listen_port: 9090 };
        let check = |address: &str, want: &str| {
            let url = target(&[(ADDRESS, address), (METRICS_PATH, "/m")]).expect("a URL");
            assert_eq!(url.shown_globally(&global), want);
        };
        check("a:9100", "http://a:9100/m");
        check("localhost:9100", "http://mon.example:9100/m");
        check("[::1]:9100", "http://mon.example:9100/m");
        check("127.0.0.1:9090", "https://mon.example:443/m");
    }
}
