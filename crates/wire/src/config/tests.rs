use std::borrow::Cow;

use bellwether_model::ValidationScheme;
use bellwether_yaml::{Decode, Dialect, Document, Errors, Node, Reported};

use super::*;

struct Write(RemoteWriteConfig);

impl Decode<'_> for Write {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        RemoteWriteSpec::decode(node, errors)?.resolve(ValidationScheme::Legacy, errors).map(Self)
    }
}

fn decode<T: for<'d> Decode<'d>>(text: &str) -> Result<T, String> {
    let document = Document::parse("f.yml", text.as_bytes(), Dialect::V2).map_err(|e| e.to_string())?;
    document.decode::<T>().map_err(|e| e.to_string())
}

#[test]
fn remote_write_has_its_own_defaults() {
    let Write(config) = decode("url: http://x/push").expect("valid");
    assert_eq!(config.remote_timeout_ms, 30_000);
    assert_eq!(config.message, WriteMessage::V1);
    assert_eq!(config.queue, QueueConfig::default());
    assert_eq!(config.metadata, MetadataConfig::default());
    assert!(config.http.follow_redirects && !config.http.enable_http2);
    let Write(config) =
        decode("{url: http://x, enable_http2: true, queue_config: {capacity: 5}}").expect("valid");
    assert!(config.http.enable_http2);
    assert_eq!(config.queue, QueueConfig { capacity: 5, ..QueueConfig::default() });
}

#[test]
fn remote_write_is_refused_as_by_prometheus() {
    let check = |text: &str, want: &str| {
        let got = decode::<Write>(text).map(|_| ()).expect_err(text);
        assert!(got.contains(want), "{text}: {got}");
    };
    check("{url: ''}", "url for remote_write is empty");
    check("{url: 'http://a b'}", "invalid character \" \" in host name");
    check("{url: x, headers: {Host: y}}", "Host is a reserved header. It must not be changed");
    check("{url: x, queue_config: {capacity: -1}}", "remote write queue capacity must be positive");
    check("{url: x, queue_config: {max_shards: ~}}", "remote write queue max_shards must be positive");
    check("{url: x, write_relabel_configs: [{target_label: a.b}]}", "\"a.b\" is invalid 'target_label'");
    check("{url: x, azuread: {}}", "must provide an Azure Managed Identity");
    check("{url: x, azuread: {cloud: Moon, sdk: {}}}", "must provide a cloud in the Azure AD config");
    check(
        "{url: x, azuread: {sdk: {}, managed_identity: {}}}",
        "cannot provide multiple authentication methods",
    );
    check("{url: x, sigv4: {access_key: a}}", "must provide a AWS SigV4 Access key and Secret Key");
    check(
        "{url: x, sigv4: {regoin: a}}",
        "field regoin not found in type sigv4.plain; did you mean \"region\"?",
    );
}

#[test]
fn attributes_are_tidied() {
    let config: OtlpConfig = decode("promote_resource_attributes: [' a ', b]").expect("valid");
    assert_eq!(config.promote_resource_attributes, ["a", "b"]);
    assert_eq!(decode::<OtlpConfig>("{}"), Ok(OtlpConfig::default()));
    assert_eq!(
        decode::<OtlpConfig>("promote_resource_attributes: [a, ' a', '']"),
        Err("f.yml:1:30: invalid 'promote_resource_attributes': duplicated promoted OTel resource attribute \"a\"; \
             empty promoted OTel resource attribute"
            .to_owned())
    );
}
