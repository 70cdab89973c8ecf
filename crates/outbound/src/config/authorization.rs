use std::borrow::Cow;
use std::path::PathBuf;

use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Secret, Value};

use super::{HttpConfigError, count_set};

/// User name and password. Of each pair of fields at most one is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BasicAuth {
    /// The user name.
    pub username: String,
    /// The file that holds the user name; empty if there is none.
    pub username_file: PathBuf,
    /// The password.
    pub password: Secret,
    /// The file that holds the password; empty if there is none.
    pub password_file: PathBuf,
}

/// An `Authorization` header `<kind> <credentials>`. At most one of the two sources is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The type of the credentials, `Bearer` unless configured otherwise; never `Basic`.
    pub kind: String,
    /// The credentials.
    pub credentials: Secret,
    /// The file that holds the credentials; empty if there is none.
    pub credentials_file: PathBuf,
}

impl Decode<'_> for BasicAuth {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let auth = Self {
            username: map.or_default("username"),
            username_file: map.or_default("username_file"),
            password: map.or_default("password"),
            password_file: map.or_default("password_file"),
        };
        let username_ref: String = map.or_default("username_ref");
        let password_ref: String = map.or_default("password_ref");
        let set = |path: &PathBuf| !path.as_os_str().is_empty();
        let usernames = [!auth.username.is_empty(), set(&auth.username_file), !username_ref.is_empty()];
        let passwords = [!auth.password.is_empty(), set(&auth.password_file), !password_ref.is_empty()];
        if count_set(&usernames) > 1 {
            let fields = "at most one of basic_auth username, username_file & username_ref";
            map.reject(map.place("username_file"), HttpConfigError::AtMostOne(fields));
        }
        if count_set(&passwords) > 1 {
            let fields = "at most one of basic_auth password, password_file & password_ref";
            map.reject(map.place("password_file"), HttpConfigError::AtMostOne(fields));
        }
        reject_reference(&mut map, "username_ref", &username_ref);
        reject_reference(&mut map, "password_ref", &password_ref);
        map.finish()?;
        Ok(auth)
    }
}

impl BasicAuth {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set("username", self.username.as_str());
        map.set_if("username_file", self.username_file.as_path());
        map.set_if("password", &self.password);
        map.set_if("password_file", self.password_file.as_path());
        map.into()
    }
}

impl Authorization {
    fn bearer(credentials: Secret, credentials_file: PathBuf) -> Self {
        Self { kind: "Bearer".to_owned(), credentials, credentials_file }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set_if("type", self.kind.as_str());
        map.set_if("credentials", &self.credentials);
        map.set_if("credentials_file", self.credentials_file.as_path());
        map.into()
    }
}

impl Decode<'_> for Authorization {
    fn type_name() -> Cow<'static, str> {
        "config.Authorization".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.Authorization", errors)?;
        let kind: String = map.or_default("type");
        let credentials: Secret = map.or_default("credentials");
        let credentials_file: PathBuf = map.or_default("credentials_file");
        let credentials_ref: String = map.or_default("credentials_ref");
        let sources =
            [!credentials.is_empty(), !credentials_file.as_os_str().is_empty(), !credentials_ref.is_empty()];
        if count_set(&sources) > 1 {
            let fields = "at most one of authorization credentials & credentials_file";
            map.reject(map.place("credentials_file"), HttpConfigError::AtMostOne(fields));
        }
        reject_reference(&mut map, "credentials_ref", &credentials_ref);
        let kind = match kind.trim() {
            "" => "Bearer",
            kind => kind,
        };
        if kind.eq_ignore_ascii_case("basic") {
            map.reject(map.place("type"), HttpConfigError::BasicAuthorization);
        }
        map.finish()?;
        Ok(Self { kind: kind.to_owned(), credentials, credentials_file })
    }
}

/// Reads `authorization` and the old `bearer_token` and `bearer_token_file`, and checks that the request has one identity only.
pub(super) fn read_authorization(
    map: &mut MapReader<'_, '_>,
    has_basic_auth: bool,
    has_oauth2: bool,
) -> Option<Authorization> {
    let authorization: Option<Authorization> = map.optional("authorization");
    let token: Secret = map.or_default("bearer_token");
    let token_file: PathBuf = map.or_default("bearer_token_file");
    let (has_token, has_token_file) = (!token.is_empty(), !token_file.as_os_str().is_empty());
    let old_field = if has_token { "bearer_token" } else { "bearer_token_file" };
    if has_token && has_token_file {
        let fields = "at most one of bearer_token & bearer_token_file";
        map.reject(map.place("bearer_token_file"), HttpConfigError::AtMostOne(fields));
    }
    if (has_basic_auth || has_oauth2) && (has_token || has_token_file) {
        let fields = "at most one of basic_auth, oauth2, bearer_token & bearer_token_file";
        map.reject(map.place(old_field), HttpConfigError::AtMostOne(fields));
    }
    if authorization.is_some() && (has_token || has_token_file) {
        map.reject(map.place(old_field), HttpConfigError::AuthorizationWithBearerToken);
    }
    if count_set(&[has_basic_auth, has_oauth2, authorization.is_some()]) > 1 {
        let fields = "at most one of basic_auth, oauth2 & authorization";
        let second = if authorization.is_some() { "authorization" } else { "oauth2" };
        map.reject(map.place(second), HttpConfigError::AtMostOne(fields));
    }
    match authorization {
        None if has_token => Some(Authorization::bearer(token, PathBuf::new())),
        None if has_token_file => Some(Authorization::bearer(Secret::default(), token_file)),
        authorization => authorization,
    }
}

/// The `_ref` fields name an entry of a secret manager. No server of the Prometheus family has one.
pub(super) fn reject_reference(map: &mut MapReader<'_, '_>, field: &str, reference: &str) {
    if !reference.is_empty() {
        map.reject(map.place(field), HttpConfigError::SecretReference);
    }
}
