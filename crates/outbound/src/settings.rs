use bellwether_yaml::Secret;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::client::{ClientOptions, HttpClient};
use crate::config::{HttpClientConfig, OAuth2, ProxyConfig};
use crate::credentials::{BasicSettings, Credentials, HeaderSettings, TokenSource};
use crate::error::ClientConfigError;
use crate::proxy::ProxyRules;
use crate::text_source::TextSource;
use crate::tls::TlsSettings;

/// How one client behaves: what its section of the configuration says, ready to run on.
pub(crate) struct ClientSettings {
    pub(crate) credentials: Credentials,
    pub(crate) tls: TlsSettings,
    pub(crate) http2: bool,
    pub(crate) follow_redirects: bool,
    pub(crate) proxies: ProxyRules,
    pub(crate) proxy_connect_headers: HeaderMap,
}

impl ClientSettings {
    pub(crate) fn from_config(
        config: &HttpClientConfig,
        options: &ClientOptions,
    ) -> Result<Self, ClientConfigError> {
        let token = config.oauth2.as_deref().map(|oauth2| token_source(oauth2, options)).transpose()?;
        Ok(Self {
            credentials: Credentials::new(header_settings(config)?, token),
            tls: TlsSettings::from_config(&config.tls),
            http2: config.enable_http2,
            follow_redirects: config.follow_redirects,
            proxies: proxy_rules(&config.proxy, options)?,
            proxy_connect_headers: connect_headers(&config.proxy)?,
        })
    }
}

fn header_settings(config: &HttpClientConfig) -> Result<HeaderSettings, ClientConfigError> {
    let basic = config.basic_auth.as_ref().map(|basic| BasicSettings {
        username: TextSource::from_fields(&Secret::new(basic.username.as_str()), &basic.username_file),
        password: TextSource::from_fields(&basic.password, &basic.password_file),
    });
    // A type without credentials asks for no header, as in Prometheus.
    let authorization = config.authorization.as_ref().and_then(|authorization| {
        let source = TextSource::from_fields(&authorization.credentials, &authorization.credentials_file)?;
        Some((authorization.kind.clone(), source))
    });
    let mut custom = Vec::new();
    for (name, header) in &config.http_headers {
        let name = header_name("http_headers", name)?;
        let shown = header.values.iter().map(|value| TextSource::Inline(Secret::new(value.as_str())));
        let secret = header.secrets.iter().cloned().map(TextSource::Inline);
        let files = header.files.iter().cloned().map(TextSource::File);
        custom.extend(shown.chain(secret).chain(files).map(|source| (name.clone(), source)));
    }
    Ok(HeaderSettings { basic, authorization, custom })
}

fn token_source(oauth2: &OAuth2, options: &ClientOptions) -> Result<TokenSource, ClientConfigError> {
    let token_url = Url::parse(&oauth2.token_url).map_err(ClientConfigError::TokenUrl)?;
    // The token server has its own certificates and proxy, and never the credentials of the targets.
    let own = HttpClientConfig {
        tls: oauth2.tls.clone(),
        proxy: oauth2.proxy.clone(),
        ..HttpClientConfig::default()
    };
    let client = HttpClient::new(&own, options)?;
    Ok(TokenSource::new(oauth2.clone(), token_url, client, options.clock.clone()))
}

fn proxy_rules(proxy: &ProxyConfig, options: &ClientOptions) -> Result<ProxyRules, ClientConfigError> {
    Ok(match &proxy.url {
        Some(url) => ProxyRules::from_url(url.as_str(), &proxy.no_proxy)?,
        None if proxy.from_environment => ProxyRules::from_environment(&options.environment)?,
        None => ProxyRules::Direct,
    })
}

fn connect_headers(proxy: &ProxyConfig) -> Result<HeaderMap, ClientConfigError> {
    const FIELD: &str = "proxy_connect_header";

    let mut headers = HeaderMap::new();
    for (name, values) in &proxy.connect_header {
        let header = header_name(FIELD, name)?;
        for value in values {
            let mut value = HeaderValue::from_str(value.reveal())
                .map_err(|_| ClientConfigError::Header { field: FIELD, name: name.clone() })?;
            value.set_sensitive(true);
            headers.append(header.clone(), value);
        }
    }
    Ok(headers)
}

fn header_name(field: &'static str, name: &str) -> Result<HeaderName, ClientConfigError> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| ClientConfigError::Header { field, name: name.to_owned() })
}
