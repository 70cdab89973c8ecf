use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_outbound::{ConfigUrl, HttpClientConfig};
use bellwether_yaml::{At, Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::DiscoveryError;
use super::selector::{check_field_selector, check_label_selector};

/// Objects of a Kubernetes cluster (`kubernetes_sd_configs`).
#[derive(Debug, Clone, PartialEq)]
pub struct KubernetesDiscovery {
    /// The API server; `None` for the cluster in which Bellwether runs, or for that of `kubeconfig_file`.
    pub api_server: Option<ConfigUrl>,
    /// What becomes a target.
    pub role: KubernetesRole,
    /// The file that says how to reach the cluster; empty if there is none.
    pub kubeconfig_file: PathBuf,
    /// How requests are made; the default unless `api_server` is set.
    pub http: HttpClientConfig,
    /// The namespaces that are looked at; all if empty.
    pub namespaces: Vec<String>,
    /// Whether the namespace in which Bellwether runs is looked at as well.
    pub own_namespace: bool,
    /// What objects have to have; at most one selector per role.
    pub selectors: Vec<KubernetesSelector>,
    /// Whether targets get the labels of their node.
    pub attach_node_metadata: bool,
    /// Whether targets get the labels of their namespace.
    pub attach_namespace_metadata: bool,
}

/// What becomes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KubernetesRole {
    /// Every node.
    #[default]
    Node,
    /// Every port of every container of a pod.
    Pod,
    /// Every port of a service.
    Service,
    /// Every address of a service, by `Endpoints` objects.
    Endpoints,
    /// Every address of a service, by `EndpointSlice` objects.
    EndpointSlice,
    /// Every path of an ingress.
    Ingress,
}

/// What objects of one role have to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KubernetesSelector {
    /// The role of the objects.
    pub role: KubernetesRole,
    /// A label selector, for instance `app in (a,b)`; empty for none.
    pub label: String,
    /// A field selector, for instance `spec.nodeName=x`; empty for none.
    pub field: String,
}

impl KubernetesRole {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Pod => "pod",
            Self::Service => "service",
            Self::Endpoints => "endpoints",
            Self::EndpointSlice => "endpointslice",
            Self::Ingress => "ingress",
        }
    }

    fn parse(name: &str) -> Result<Self, DiscoveryError> {
        [Self::Node, Self::Pod, Self::Service, Self::Endpoints, Self::EndpointSlice, Self::Ingress]
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| DiscoveryError::KubernetesRole(name.to_owned()))
    }

    /// The objects that discovery with this role looks at, and that selectors may narrow.
    fn selectable(self) -> &'static [Self] {
        match self {
            Self::Node => &[Self::Node],
            Self::Pod => &[Self::Pod, Self::Node],
            Self::Service => &[Self::Service],
            Self::Endpoints => &[Self::Pod, Self::Service, Self::Endpoints],
            Self::EndpointSlice => &[Self::Pod, Self::Service, Self::EndpointSlice],
            Self::Ingress => &[Self::Ingress],
        }
    }
}

impl Decode<'_> for KubernetesSelector {
    fn type_name() -> Cow<'static, str> {
        "kubernetes.SelectorConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "kubernetes.SelectorConfig", errors)?;
        let selector = Self {
            role: map.parse_or("role", KubernetesRole::Node, KubernetesRole::parse),
            label: map.or_default("label"),
            field: map.or_default("field"),
        };
        if let Err(error) = check_field_selector(&selector.field) {
            map.reject(map.place("field"), DiscoveryError::from(error));
        }
        if let Err(error) = check_label_selector(&selector.label) {
            map.reject(map.place("label"), DiscoveryError::from(error));
        }
        map.finish()?;
        Ok(selector)
    }
}

#[derive(Default)]
struct Namespaces {
    own: bool,
    names: Vec<String>,
}

impl Decode<'_> for Namespaces {
    fn type_name() -> Cow<'static, str> {
        "kubernetes.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "kubernetes.plain", errors)?;
        let namespaces = Self { own: map.or_default("own_namespace"), names: map.or_default("names") };
        map.finish()?;
        Ok(namespaces)
    }
}

#[derive(Default)]
struct AttachMetadata {
    node: bool,
    namespace: bool,
}

impl Decode<'_> for AttachMetadata {
    fn type_name() -> Cow<'static, str> {
        "kubernetes.AttachMetadataConfig".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "kubernetes.AttachMetadataConfig", errors)?;
        let attach = Self { node: map.or_default("node"), namespace: map.or_default("namespace") };
        map.finish()?;
        Ok(attach)
    }
}

impl<'d> Decode<'d> for KubernetesDiscovery {
    fn type_name() -> Cow<'static, str> {
        "kubernetes.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "kubernetes.plain", errors)?;
        let role = map.parse_optional("role", KubernetesRole::parse);
        if role.is_none() && !map.has_failed() {
            let missing = "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)";
            map.reject(map.place("role"), DiscoveryError::Mechanism(missing));
        }
        let namespaces: Namespaces = map.or_default("namespaces");
        let selectors: Vec<At<'d, KubernetesSelector>> = map.or_default("selectors");
        let attach: AttachMetadata = map.or_default("attach_metadata");
        let kubernetes = Self {
            api_server: map.parse_optional("api_server", ConfigUrl::parse).filter(|url| !url.is_empty()),
            role: role.unwrap_or_default(),
            kubeconfig_file: map.or_default("kubeconfig_file"),
            http: HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default()),
            namespaces: namespaces.names,
            own_namespace: namespaces.own,
            selectors: selectors.iter().map(|at| at.value.clone()).collect(),
            attach_node_metadata: attach.node,
            attach_namespace_metadata: attach.namespace,
        };
        if !map.has_failed() {
            kubernetes.check_access(&mut map);
            check_selectors(kubernetes.role, &selectors, &mut map);
        }
        map.finish()?;
        Ok(kubernetes)
    }
}

fn check_selectors(
    role: KubernetesRole,
    selectors: &[At<'_, KubernetesSelector>],
    map: &mut MapReader<'_, '_>,
) {
    let selectable = role.selectable();
    for (idx, selector) in selectors.iter().enumerate() {
        let wanted = selector.value.role;
        let place = selector.node.place("role");
        if selectors[..idx].iter().any(|earlier| earlier.value.role == wanted) {
            map.reject(place, DiscoveryError::DuplicateSelector(wanted.as_str()));
        } else if !selectable.contains(&wanted) {
            let allowed: Vec<&str> = selectable.iter().map(|role| role.as_str()).collect();
            let refusal = DiscoveryError::SelectorRole { role: role.as_str(), allowed: allowed.join(", ") };
            map.reject(place, refusal);
        }
    }
}

impl KubernetesDiscovery {
    /// The cluster is reached in one of three ways, which do not mix.
    fn check_access(&self, map: &mut MapReader<'_, '_>) {
        let has_kubeconfig = !self.kubeconfig_file.as_os_str().is_empty();
        let has_api_server = self.api_server.is_some();
        let custom_http = self.http != HttpClientConfig::default();
        let refusal = if has_api_server && has_kubeconfig {
            Some(("kubeconfig_file", "cannot use 'kubeconfig_file' and 'api_server' simultaneously"))
        } else if has_kubeconfig && custom_http {
            let sentence = "cannot use a custom HTTP client configuration together with 'kubeconfig_file'";
            Some(("kubeconfig_file", sentence))
        } else if !has_api_server && custom_http {
            let sentence =
                "to use custom HTTP client configuration please provide the 'api_server' URL explicitly";
            Some(("role", sentence))
        } else if has_api_server && self.own_namespace {
            Some(("namespaces", "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously"))
        } else if has_kubeconfig && self.own_namespace {
            Some(("namespaces", "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously"))
        } else {
            None
        };
        if let Some((field, sentence)) = refusal {
            map.reject(map.place(field), DiscoveryError::Mechanism(sentence));
        }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        if let Some(url) = &self.api_server {
            map.set("api_server", url.to_string());
        }
        map.set("role", self.role.as_str());
        map.set("kubeconfig_file", self.kubeconfig_file.as_path());
        self.http.write_fields(&mut map);
        if self.own_namespace || !self.namespaces.is_empty() {
            let mut namespaces = MapValue::new();
            namespaces.set("own_namespace", self.own_namespace);
            namespaces.set("names", Value::strings(&self.namespaces));
            map.set("namespaces", namespaces);
        }
        let selectors = self.selectors.iter().map(|selector| {
            let mut map = MapValue::new();
            map.set("role", selector.role.as_str());
            map.set_if("label", selector.label.as_str());
            map.set_if("field", selector.field.as_str());
            map.into()
        });
        map.set_if("selectors", Value::List(selectors.collect()));
        if self.attach_node_metadata || self.attach_namespace_metadata {
            let mut attach = MapValue::new();
            attach.set("node", self.attach_node_metadata);
            attach.set_if("namespace", self.attach_namespace_metadata);
            map.set("attach_metadata", attach);
        }
        map.into()
    }
}
