//! Credentials of cloud providers. The sections are checked and shown; requests are not signed with them yet.

use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_outbound::HttpClientConfig;
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Secret, Value};

use super::error::WireConfigError;

/// Reads the section `sigv4` and gives it for people to read; `None` if there is none.
pub fn read_sigv4(map: &mut MapReader<'_, '_>) -> Option<Value> {
    map.optional::<SigV4>("sigv4").map(|sigv4| sigv4.0)
}

/// Reads `sigv4`, `azuread` and `google_iam`. Requests can be signed in one way only.
pub(super) fn read_cloud_credentials(
    map: &mut MapReader<'_, '_>,
    http: &HttpClientConfig,
) -> Option<(&'static str, Value)> {
    let mut configured = Vec::new();
    configured.extend(http.basic_auth.is_some().then_some("basic_auth"));
    configured.extend(http.authorization.is_some().then_some("authorization"));
    configured.extend(http.oauth2.is_some().then_some("oauth2"));
    let sections = [
        ("sigv4", read_sigv4(map)),
        ("azuread", map.optional::<AzureAd>("azuread").map(|azure_ad| azure_ad.0)),
        ("google_iam", map.optional::<GoogleIam>("google_iam").map(|google_iam| google_iam.0)),
    ];
    let mut found = None;
    for (name, section) in sections {
        if let Some(section) = section {
            configured.push(name);
            found = Some((name, section));
        }
    }
    if let [_, .., last] = configured.as_slice() {
        let place = map.place(last);
        map.reject(place, WireConfigError::SeveralCredentials(configured));
    }
    found
}

/// The section `sigv4` for people to read.
struct SigV4(Value);

impl Decode<'_> for SigV4 {
    fn type_name() -> Cow<'static, str> {
        "sigv4.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "sigv4.plain", errors)?;
        let mut shown = MapValue::new();
        for field in ["region", "access_key", "profile", "role_arn", "external_id", "service_name"] {
            shown.set_if(field, map.or_default::<String>(field));
        }
        let secret_key: Secret = map.or_default("secret_key");
        shown.set_if("secret_key", &secret_key);
        shown.set_if("use_fips_sts_endpoint", map.or_default::<bool>("use_fips_sts_endpoint"));
        let has_access_key = shown.get("access_key").is_some();
        if has_access_key == secret_key.is_empty() {
            map.reject(node, "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config");
        }
        map.finish()?;
        Ok(Self(shown.into()))
    }
}

/// The section `azuread` for people to read.
struct AzureAd(Value);

impl Decode<'_> for AzureAd {
    fn type_name() -> Cow<'static, str> {
        "azuread.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "azuread.plain", errors)?;
        let mut shown = MapValue::new();
        let cloud = map.or("cloud", "AzurePublic".to_owned());
        if !matches!(cloud.as_str(), "AzureChina" | "AzureGovernment" | "AzurePublic") {
            map.reject(map.place("cloud"), "must provide a cloud in the Azure AD config");
        }
        shown.set("cloud", cloud);
        shown.set_if("scope", map.or_default::<String>("scope"));
        let ways: [(&'static str, &[&'static str]); 4] = [
            ("managed_identity", &["client_id"]),
            ("workload_identity", &["client_id", "tenant_id", "token_file_path"]),
            ("oauth", &["client_id", "client_secret", "tenant_id"]),
            ("sdk", &["tenant_id"]),
        ];
        let mut n_ways = 0;
        for (way, fields) in ways {
            let Some(section) = map.get(way).filter(|node| !node.is_null()) else { continue };
            n_ways += 1;
            match read_strings(section, fields, map.errors()) {
                Ok(value) => {
                    shown.set(way, value);
                }
                Err(reported) => map.fail(reported),
            }
        }
        if n_ways == 0 {
            map.reject(node, "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config");
        } else if n_ways > 1 {
            map.reject(node, "cannot provide multiple authentication methods in the Azure AD config");
        }
        map.finish()?;
        Ok(Self(shown.into()))
    }
}

/// A section that has only these fields, all of them text.
fn read_strings(node: Node<'_>, fields: &[&'static str], errors: &mut Errors) -> Result<MapValue, Reported> {
    let mut map = MapReader::new(node, "azuread.plain", errors)?;
    let mut shown = MapValue::new();
    for field in fields {
        if field.contains("secret") {
            let secret: Secret = map.or_default(field);
            shown.set_if(*field, &secret);
        } else {
            shown.set_if(*field, map.or_default::<String>(field));
        }
    }
    map.finish()?;
    Ok(shown)
}

/// The section `google_iam` for people to read.
struct GoogleIam(Value);

impl Decode<'_> for GoogleIam {
    fn type_name() -> Cow<'static, str> {
        "googleiam.Config".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "googleiam.Config", errors)?;
        let mut shown = MapValue::new();
        shown.set_if("credentials_file", map.or_default::<PathBuf>("credentials_file").as_path());
        map.finish()?;
        Ok(Self(shown.into()))
    }
}
