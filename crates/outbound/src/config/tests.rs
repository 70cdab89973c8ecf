use bellwether_yaml::{Dialect, Document, MapValue, Value};

use super::*;

fn decode(text: &str) -> Result<HttpClientConfig, String> {
    let document =
        Document::parse("/etc/b/f.yml", text.as_bytes(), Dialect::V2).map_err(|e| e.to_string())?;
    document.decode::<HttpClientConfig>().map_err(|e| e.to_string())
}

/// The settings as they are shown.
fn shown(config: &HttpClientConfig) -> String {
    let mut map = MapValue::new();
    config.write_fields(&mut map);
    Value::Map(map).to_yaml()
}

#[test]
fn nothing_set_is_the_default() {
    assert_eq!(decode(""), Ok(HttpClientConfig::default()));
    assert_eq!(shown(&HttpClientConfig::default()), "follow_redirects: true\nenable_http2: true\n");
}

#[test]
fn the_old_fields_become_an_authorization() {
    let config = decode("bearer_token: hunter2").expect("valid").authorization.expect("set");
    assert_eq!((config.kind.as_str(), config.credentials.reveal()), ("Bearer", "hunter2"));
    let config = decode("bearer_token_file: t").expect("valid").authorization.expect("set");
    assert_eq!(config.credentials_file, std::path::Path::new("/etc/b/t"));
}

#[test]
fn shows_everything_but_secrets() {
    let text = "\
basic_auth:
  username: u
  password: hunter2
tls_config:
  ca: CERT
  cert_file: c
  key: hunter2
  min_version: TLS10
follow_redirects: false
enable_http2: true
proxy_url: http://u:hunter2@proxy
no_proxy: localhost
proxy_connect_header:
  X: [hunter2]
http_headers:
  Foo:
    values: [a]
    secrets: [hunter2]
    files: [f]
";
    let got = shown(&decode(text).expect("valid"));
    assert_eq!(
        got,
        "\
basic_auth:
  username: u
  password: <secret>
tls_config:
  ca: CERT
  key: <secret>
  cert_file: /etc/b/c
  insecure_skip_verify: false
  min_version: TLS10
follow_redirects: false
enable_http2: true
proxy_url: http://u:xxxxx@proxy
no_proxy: localhost
proxy_connect_header:
  X:
  - <secret>
http_headers:
  Foo:
    values:
    - a
    secrets:
    - <secret>
    files:
    - /etc/b/f
"
    );
    assert!(!format!("{:?}", decode(text)).contains("hunter2"));
}

#[test]
fn all_files_are_named() {
    let files = |text: &str| -> Vec<String> {
        let config = decode(text).expect("valid");
        let named = config.named_files().into_iter();
        named.map(|(field, path)| format!("{field} {}", path.display())).collect()
    };
    assert_eq!(files("{}"), [""; 0]);
    let tls = "tls_config: {ca_file: 1, cert_file: 2, key_file: 3}";
    assert_eq!(
        files(&format!(
            "{{oauth2: {{client_id: c, token_url: t, client_secret_file: s, {tls}}}, {tls}, http_headers: {{X: {{files: [h]}}}}}}"
        )),
        [
            "oauth2.client_secret_file /etc/b/s",
            "oauth2.tls_config.ca_file /etc/b/1",
            "oauth2.tls_config.cert_file /etc/b/2",
            "oauth2.tls_config.key_file /etc/b/3",
            "http_headers.files /etc/b/h",
            "tls_config.ca_file /etc/b/1",
            "tls_config.cert_file /etc/b/2",
            "tls_config.key_file /etc/b/3",
        ]
    );
    assert_eq!(
        files("basic_auth: {username_file: u, password_file: p}"),
        ["basic_auth.username_file /etc/b/u", "basic_auth.password_file /etc/b/p"]
    );
    assert_eq!(files("bearer_token_file: t"), ["authorization.credentials_file /etc/b/t"]);
}

#[test]
fn oauth2_has_two_kinds_of_proof() {
    let base = "oauth2: {client_id: c, token_url: 'http://t', ";
    let config = decode(&format!("{base} client_secret: s, scopes: [a], tls_config: {{server_name: n}}}}"));
    let oauth2 = config.expect("valid").oauth2.expect("set");
    assert!(
        matches!(oauth2.grant, OAuth2Grant::ClientCredentials { ref secret, .. } if secret.reveal() == "s")
    );
    assert_eq!(oauth2.tls.server_name, "n");
    let jwt = "grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', client_certificate_key_file: k, \
               signature_algorithm: RS384, claims: {a: [1, b]}}";
    let config = decode(&format!("{base} {jwt}")).expect("valid");
    let oauth2 = config.oauth2.as_deref().expect("set");
    let OAuth2Grant::JwtBearer(jwt) = &oauth2.grant else { panic!("another grant") };
    assert_eq!(jwt.algorithm, SignatureAlgorithm::Rs384);
    assert_eq!(jwt.claims.get("a"), Some(&Value::List(vec![Value::Int(1), Value::str("b")])));
}

#[test]
fn refuses_what_contradicts_itself() {
    let check = |text: &str, want: &str| {
        assert_eq!(decode(text).expect_err(text), format!("/etc/b/f.yml:{want}"), "{text}");
    };
    check(
        "bearer_token: a\nbearer_token_file: b\n",
        "2:20: at most one of bearer_token & bearer_token_file must be configured",
    );
    check(
        "bearer_token: a\nbasic_auth: {username: u}\n",
        "1:15: at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
    );
    check(
        "bearer_token: a\nauthorization: {credentials: c}\n",
        "1:15: authorization is not compatible with bearer_token & bearer_token_file",
    );
    check(
        "basic_auth: {username: u}\nauthorization: {credentials: c}\n",
        "2:16: at most one of basic_auth, oauth2 & authorization must be configured",
    );
    check(
        "basic_auth: {username: u}\noauth2: {client_id: c, token_url: t}\n",
        "2:9: at most one of basic_auth, oauth2 & authorization must be configured",
    );
    check(
        "authorization: {credentials: c, credentials_file: f}",
        "1:51: at most one of authorization credentials & credentials_file must be configured",
    );
    check(
        "authorization: {type: ' Basic '}",
        "1:23: authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
    );
    check(
        "basic_auth: {password: a, password_file: b}",
        "1:42: at most one of basic_auth password, password_file & password_ref must be configured",
    );
    check(
        "basic_auth: {password_ref: a}",
        "1:28: cannot use secret ref without manager; use the field itself or its _file form",
    );
    check("oauth2: {token_url: t}", "1:9: oauth2 client_id must be configured");
    check("oauth2: {client_id: t}", "1:9: oauth2 token_url must be configured");
    check("oauth2: {client_id: c, token_url: t, claims: [a]}", "1:46: oauth2 claims must be a map");
    check(
        "tls_config: {cert: a, cert_file: b}",
        "1:34: at most one of cert, cert_file & cert_ref must be configured",
    );
    check(
        "tls_config: {cert: a}",
        "1:20: exactly one of key or key_file must be configured when a client certificate is configured",
    );
    check(
        "tls_config: {key_file: a}",
        "1:24: exactly one of cert or cert_file must be configured when a client key is configured",
    );
    check("tls_config: {min_version: TLS9}", "1:27: unknown TLS version: TLS9");
    check(
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        "1:47: tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
    );
    check("no_proxy: a", "1:11: if no_proxy is configured, proxy_url must also be configured");
    check(
        "{proxy_from_environment: true, proxy_url: 'http://x'}",
        "1:43: if proxy_from_environment is configured, proxy_url must not be configured",
    );
    check(
        "{proxy_connect_header: {a: [b]}}",
        "1:24: if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
    );
    check("proxy_url: ':'", "1:12: parse \":\": missing protocol scheme");
    check("http_headers: {authORization: {}}", "1:15: setting header \"Authorization\" is not allowed");
    check(
        "tls_config: {insecure: true}",
        "1:14: yaml: unmarshal errors: field insecure not found in type config.plain",
    );
}
