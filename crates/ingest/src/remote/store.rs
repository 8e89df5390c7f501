//! Object stores by address, with the credentials that the environment holds, and what their errors mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path as ObjectPath;
use object_store::{BackoffConfig, ClientOptions, HeaderMap, HeaderValue, ObjectStore, RetryConfig};
use url::Url;

/// Longest that a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// The header for names and passwords.
const AUTHORIZATION: &str = "authorization";

/// What names this program to servers.
pub(crate) const AGENT: &str = concat!("fosse/", env!("CARGO_PKG_VERSION"));

/// Variables whose values are shown nowhere.
const SECRETS: [&str; 17] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_MASTER_KEY",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_CONNECTION_STRING",
];

/// Why a request did not bring what it was sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The next try may: what happened.
    Passing(String),
    /// No try will: cause and remedy.
    Final(String),
    /// The object is no longer what it was.
    Changed,
    /// It is still what it was.
    Same,
    /// The server sends files whole only.
    NoRanges,
    /// Somebody asked to stop.
    Stopped,
}

impl Trouble {
    /// In words.
    pub fn said(&self) -> String {
        match self {
            Self::Passing(said) | Self::Final(said) => said.clone(),
            Self::Changed => "it changed while it was fetched; run again".to_owned(),
            Self::Same => "the server says that nothing changed, and nothing was here".to_owned(),
            Self::NoRanges => "the server sends files whole only".to_owned(),
            Self::Stopped => "interrupted; run again to go on".to_owned(),
        }
    }
}

/// The stores that were opened.
#[derive(Debug, Default)]
pub(crate) struct Stores(Mutex<HashMap<String, Arc<dyn ObjectStore>>>);

impl Stores {
    /// The store that holds an address, and the place in it.
    ///
    /// # Errors
    /// Cause and remedy.
    pub fn of(&self, url: &Url) -> Result<(Arc<dyn ObjectStore>, ObjectPath), String> {
        let path =
            ObjectPath::from_url_path(url.path()).map_err(|e| format!("the address cannot be read: {e}"))?;
        let mut root = url.clone();
        root.set_path("");
        root.set_fragment(None);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = open.get(root.as_str()) {
            return Ok((Arc::clone(store), path));
        }
        let store = build(&root).map_err(|e| match root.scheme() {
            "http" | "https" => format!("the address cannot be used: {}", scrubbed(&e.to_string())),
            scheme => format!("it cannot be used: {}; {}", scrubbed(&e.to_string()), credentials(scheme)),
        })?;
        open.insert(root.to_string(), Arc::clone(&store));
        Ok((store, path))
    }
}

fn build(root: &Url) -> object_store::Result<Arc<dyn ObjectStore>> {
    provider();
    let set = |names: &[&str]| names.iter().any(|n| std::env::var_os(n).is_some_and(|v| !v.is_empty()));
    let says_yes =
        |name: &str| std::env::var(name).is_ok_and(|v| matches!(v.as_str(), "1" | "true" | "TRUE" | "yes"));
    // A server of one's own may do without TLS; whoever names it so wants it.
    let unencrypted =
        |names: &[&str]| names.iter().any(|n| std::env::var(n).is_ok_and(|v| v.starts_with("http://")));
    // Tries are counted, and pauses made, where the bytes arrive.
    let once = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 0,
        retry_timeout: Duration::from_secs(60),
    };
    let client = |plain: bool| {
        ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT).with_allow_http(plain)
    };
    Ok(match root.scheme() {
        "s3" | "s3a" => {
            let plain = says_yes("AWS_ALLOW_HTTP")
                || unencrypted(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]);
            let mut builder = AmazonS3Builder::from_env()
                .with_url(root.as_str())
                .with_retry(once)
                .with_client_options(client(plain));
            let named = [
                "AWS_ACCESS_KEY_ID",
                "AWS_WEB_IDENTITY_TOKEN_FILE",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "AWS_SKIP_SIGNATURE",
            ];
            if !set(&named) {
                // A public bucket, as open data are kept in.
                builder = builder.with_skip_signature(true);
            }
            Arc::new(builder.build()?)
        }
        "gs" => {
            let plain = says_yes("GOOGLE_ALLOW_HTTP") || unencrypted(&["GOOGLE_BASE_URL"]);
            let mut builder = GoogleCloudStorageBuilder::from_env()
                .with_url(root.as_str())
                .with_retry(once)
                .with_client_options(client(plain));
            let named = [
                "GOOGLE_SERVICE_ACCOUNT",
                "GOOGLE_SERVICE_ACCOUNT_PATH",
                "GOOGLE_SERVICE_ACCOUNT_KEY",
                "GOOGLE_APPLICATION_CREDENTIALS",
                "GOOGLE_BEARER_TOKEN",
                "SERVICE_ACCOUNT",
                "GOOGLE_SKIP_SIGNATURE",
            ];
            let by_gcloud = std::env::home_dir()
                .is_some_and(|h| h.join(".config/gcloud/application_default_credentials.json").is_file());
            if !set(&named) && !by_gcloud {
                builder = builder.with_skip_signature(true);
            }
            Arc::new(builder.build()?)
        }
        "az" | "abfs" | "abfss" => {
            let azure = Azure::of(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
            let plain = says_yes("AZURE_ALLOW_HTTP")
                || unencrypted(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"])
                || azure.endpoint.as_ref().is_some_and(|e| e.starts_with("http://"));
            let mut builder = azure
                .put(MicrosoftAzureBuilder::from_env())
                .with_url(root.as_str())
                .with_retry(once)
                .with_client_options(client(plain));
            let named = SECRETS.iter().copied().filter(|n| n.starts_with("AZURE")).collect::<Vec<_>>();
            if !set(&named)
                && !set(&[
                    "AZURE_FEDERATED_TOKEN_FILE",
                    "AZURE_MSI_ENDPOINT",
                    "AZURE_USE_AZURE_CLI",
                    "AZURE_SKIP_SIGNATURE",
                ])
            {
                builder = builder.with_skip_signature(true);
            }
            Arc::new(builder.build()?)
        }
        _ => {
            let plain = root.scheme() == "http";
            let agent = AGENT.parse().map_err(|_| object_store::Error::NotImplemented {
                operation: "user agent".to_owned(),
                implementer: AGENT.to_owned(),
            })?;
            let mut headers = HeaderMap::new();
            if let Some(value) = basic(root) {
                headers.insert(AUTHORIZATION, value);
            }
            let client = client(plain).with_user_agent(agent).with_default_headers(headers);
            Arc::new(
                HttpBuilder::new()
                    .with_url(without_name(root))
                    .with_retry(once)
                    .with_client_options(client)
                    .build()?,
            )
        }
    })
}

/// The name and password of an address, as HTTP sends them (RFC 7617).
fn basic(root: &Url) -> Option<HeaderValue> {
    if root.username().is_empty() && root.password().is_none() {
        return None;
    }
    let decoded = |text: &str| crate::notes::percent_decoded(text);
    let both = format!("{}:{}", decoded(root.username()), decoded(root.password().unwrap_or_default()));
    let mut value = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(both))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// An address without name and password.
fn without_name(root: &Url) -> String {
    let mut plain = root.clone();
    // Fails for addresses that can have none.
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.into()
}

/// Has TLS done by the library that is built in; before that, no client can be made.
pub(crate) fn provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only where another is in use already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// What the tools of Azure take from the environment beside what `object_store` does: `AZURE_STORAGE_ACCOUNT`,
/// `AZURE_STORAGE_KEY` and the parts of `AZURE_STORAGE_CONNECTION_STRING`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Azure {
    account: Option<String>,
    key: Option<String>,
    sas: Option<String>,
    endpoint: Option<String>,
}

impl Azure {
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let connection = variable("AZURE_STORAGE_CONNECTION_STRING").unwrap_or_default();
        let part = |name: &str| part(&connection, name);
        let any = |names: &[&str]| names.iter().any(|n| variable(n).is_some());
        // A key of its own is nearer than one in a connection string, which is not asked where there is any.
        let keyed =
            any(&["AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY"]);
        let signed = any(&["AZURE_STORAGE_SAS_KEY", "AZURE_STORAGE_SAS_TOKEN"]);
        let key = variable("AZURE_STORAGE_KEY").or_else(|| part("AccountKey"));
        Self {
            account: variable("AZURE_STORAGE_ACCOUNT")
                .or_else(|| part("AccountName"))
                .filter(|_| !any(&["AZURE_STORAGE_ACCOUNT_NAME"])),
            key: key.filter(|_| !keyed && !signed),
            sas: part("SharedAccessSignature").filter(|_| !keyed && !signed),
            endpoint: part("BlobEndpoint").filter(|_| !any(&["AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"])),
        }
    }

    fn put(&self, mut builder: MicrosoftAzureBuilder) -> MicrosoftAzureBuilder {
        for (key, value) in [
            (AzureConfigKey::AccountName, &self.account),
            (AzureConfigKey::AccessKey, &self.key),
            (AzureConfigKey::SasKey, &self.sas),
            (AzureConfigKey::Endpoint, &self.endpoint),
        ] {
            if let Some(value) = value {
                builder = builder.with_config(key, value);
            }
        }
        builder
    }
}

/// A part of a connection string `Name=value;Name=value`; values may hold `=`.
fn part(connection: &str, name: &str) -> Option<String> {
    let parts = connection.split(';').filter_map(|p| p.split_once('='));
    parts
        .into_iter()
        .find(|(n, v)| n.trim().eq_ignore_ascii_case(name) && !v.trim().is_empty())
        .map(|(_, v)| v.trim().to_owned())
}

/// What an error of a store of that scheme means.
pub(crate) fn trouble(error: &object_store::Error, scheme: &str) -> Trouble {
    use object_store::Error as E;
    let text = error.to_string();
    match error {
        E::NotFound { .. } => Trouble::Final("it is not there (404); check the address".to_owned()),
        E::PermissionDenied { .. } => of_status(403, code(&text), scheme),
        E::Unauthenticated { .. } => of_status(401, code(&text), scheme),
        E::Precondition { .. } => Trouble::Changed,
        E::NotModified { .. } => Trouble::Same,
        E::NotSupported { .. } => Trouble::NoRanges,
        E::InvalidPath { source } => Trouble::Final(no_path(source)),
        other => {
            // Before the status, which is that of whoever gives tokens.
            if ["credential", "Credential", "token request", "metadata endpoint", "BearerToken"]
                .iter()
                .any(|w| text.split(['<', '{']).next().is_some_and(|t| t.contains(w)))
            {
                return Trouble::Final(format!(
                    "the credentials of the environment cannot be used; {}",
                    credentials(scheme)
                ));
            }
            if let Some(status) = status(&text) {
                return of_status(status, code(&text), scheme);
            }
            if text.contains("non-partial response") || text.contains("Range not supported") {
                return Trouble::NoRanges;
            }
            let mut inner: &dyn std::error::Error = other;
            while let Some(cause) = inner.source() {
                inner = cause;
            }
            Trouble::Passing(scrubbed(&inner.to_string()))
        }
    }
}

/// What a status of HTTP means, with the word that a store of that scheme adds to it.
pub(crate) fn of_status(status: u16, code: Option<&str>, scheme: &str) -> Trouble {
    let said = code.map_or_else(|| status.to_string(), |c| format!("{status} {c}"));
    match (status, code) {
        (_, Some("RequestTimeTooSkewed")) => {
            Trouble::Final(format!("access is denied ({said}); set the clock of this machine"))
        }
        // Amazon's words for a request to the wrong region, as far as it tells.
        (400, Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")) => Trouble::Final(
            format!("the server refuses it ({said}); set AWS_REGION to the region of the bucket"),
        ),
        (400, Some("ExpiredToken" | "InvalidToken" | "TokenRefreshRequired")) => {
            Trouble::Final(denied(&said, scheme))
        }
        (401 | 403, _) => Trouble::Final(denied(&said, scheme)),
        (404 | 410, _) => Trouble::Final(format!("it is not there ({said}); check the address")),
        (408 | 425 | 429 | 500.., _) => Trouble::Passing(format!("the server answers {said}")),
        (412, _) => Trouble::Changed,
        (416, _) => Trouble::Final("the file is empty or shorter than it was; upload it anew".to_owned()),
        (300..=399, _) => Trouble::Final(format!(
            "the server sends elsewhere ({said}); a bucket of another region needs AWS_REGION, another address must be named itself"
        )),
        (400, _) if matches!(scheme, "s3" | "s3a") => Trouble::Final(format!(
            "the server refuses it ({said}); check AWS_REGION, then AWS_SESSION_TOKEN"
        )),
        _ => Trouble::Final(format!("the server refuses it ({said})")),
    }
}

fn denied(said: &str, scheme: &str) -> String {
    format!("access is denied ({said}); {}", credentials(scheme))
}

/// The remedy where credentials lack, by the scheme of the address.
fn credentials(scheme: &str) -> &'static str {
    match scheme {
        "s3" | "s3a" => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN, where the key has one) in the environment to a \
             key that may list and read the bucket"
        }
        "gs" => {
            "set GOOGLE_APPLICATION_CREDENTIALS in the environment to the file of an account that may list and read the bucket"
        }
        "az" | "abfs" | "abfss" => {
            "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY, in the environment to what \
             may list and read the container"
        }
        _ => "renew a signed address, or name https://name:password@host/…",
    }
}

/// What to do about a key that is no path: parts that are empty, `.` or `..`.
fn no_path(error: &object_store::path::Error) -> String {
    use object_store::path::Error as E;
    let (E::EmptySegment { path } | E::BadSegment { path, .. }) = error else {
        return "its name cannot be asked for; rename it".to_owned();
    };
    format!(
        "{path:?} has a part that is empty, \".\" or \"..\", and cannot be asked for; rename it, or name a folder without it or a \
         text file of addresses (….txt)"
    )
}

/// The word for what is wrong in a document that came with a status: `<Code>SignatureDoesNotMatch</Code>`.
fn code(text: &str) -> Option<&str> {
    let word = text.split("<Code>").nth(1)?.split("</Code>").next()?.trim();
    let letters = word.starts_with(|c: char| c.is_ascii_alphabetic());
    (letters && word.len() <= 60 && word.chars().all(|c| c.is_ascii_alphanumeric())).then_some(word)
}

/// The status in what a store said: "… status code: 503 Service Unavailable: …".
fn status(text: &str) -> Option<u16> {
    let after = text.split("status code: ").nth(1).or_else(|| text.split("status: ").nth(1))?;
    after.get(..3)?.parse().ok()
}

/// A text in one line, short, without credentials and without what follows `?` in addresses.
pub(crate) fn scrubbed(text: &str) -> String {
    let variable = |name: &str| std::env::var(name).ok();
    let azure = Azure::of(variable);
    let secrets: Vec<String> = SECRETS
        .iter()
        .filter_map(|n| variable(n))
        .chain(azure.key)
        .chain(azure.sas)
        .filter(|v| v.len() >= 4)
        .collect();
    let words = text.split_whitespace().map(|word| {
        let mut word = match word.find("://") {
            Some(_) => super::shown_address(word),
            None => word.to_owned(),
        };
        for secret in &secrets {
            word = word.replace(secret.as_str(), "***");
        }
        word
    });
    let mut line = words.collect::<Vec<_>>().join(" ");
    // What a server sends beside its answer is a page or a document, and may repeat what was sent to it.
    if let Some(at) = line.find('<') {
        line.truncate(at);
    }
    if line.len() > 200 {
        let cut = (0..=200).rev().find(|&i| line.is_char_boundary(i)).unwrap_or(0);
        line.truncate(cut);
        line.push('…');
    }
    line.trim().trim_end_matches(['.', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(status("Server returned non-2xx status code: 503 Service Unavailable: x"), Some(503));
        assert!(matches!(of_status(503, None, "s3"), Trouble::Passing(_)));
        assert!(matches!(of_status(429, None, "az"), Trouble::Passing(_)));
        assert!(matches!(of_status(301, None, "s3"), Trouble::Final(s) if s.contains("AWS_REGION")));
        for (scheme, variable) in [
            ("s3", "AWS_SECRET_ACCESS_KEY"),
            ("gs", "GOOGLE_APPLICATION_CREDENTIALS"),
            ("abfss", "AZURE_STORAGE_ACCOUNT_KEY"),
            ("https", "name:password"),
        ] {
            assert!(matches!(of_status(403, None, scheme), Trouble::Final(s) if s.contains(variable)));
        }
    }

    #[test]
    fn what_a_store_adds_to_a_status() {
        let text = "status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AK</AWSAccessKeyId></Error>";
        assert_eq!(code(text), Some("SignatureDoesNotMatch"));
        assert_eq!(code("<Code>a b</Code>"), None);
        assert_eq!(code("<Code></Code>"), None);
        assert_eq!(code("<Code>500</Code>"), None);
        let said = |status, code| of_status(status, Some(code), "s3").said();
        assert!(
            said(403, "SignatureDoesNotMatch")
                .starts_with("access is denied (403 SignatureDoesNotMatch); set AWS_")
        );
        assert!(said(403, "RequestTimeTooSkewed").contains("clock"));
        assert!(said(400, "AuthorizationHeaderMalformed").contains("AWS_REGION"));
        assert!(said(400, "ExpiredToken").contains("AWS_SESSION_TOKEN"));
    }

    #[test]
    fn what_azure_s_own_tools_take() {
        let of = |pairs: &[(&str, &str)]| {
            Azure::of(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        let string =
            "DefaultEndpointsProtocol=http;AccountName=acc;AccountKey=a2V5==;BlobEndpoint=http://h:1/acc;";
        let some = |text: &str| Some(text.to_owned());
        let got = of(&[("AZURE_STORAGE_CONNECTION_STRING", string)]);
        assert_eq!(
            got,
            Azure { account: some("acc"), key: some("a2V5=="), sas: None, endpoint: some("http://h:1/acc") }
        );
        let got = of(&[("AZURE_STORAGE_ACCOUNT", "b"), ("AZURE_STORAGE_KEY", "k")]);
        assert_eq!(got, Azure { account: some("b"), key: some("k"), ..Azure::default() });
        let got = of(&[
            ("AZURE_STORAGE_CONNECTION_STRING", string),
            ("AZURE_STORAGE_ACCOUNT_NAME", "c"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "k"),
            ("AZURE_ENDPOINT", "e"),
        ]);
        assert_eq!(got, Azure::default());
    }

    #[test]
    fn keys_that_are_no_paths_are_named() {
        for key in ["order//a.tif", "order/../a.tif"] {
            let source = ObjectPath::parse(key).unwrap_err();
            let said = trouble(&object_store::Error::InvalidPath { source }, "s3").said();
            assert!(said.contains(key) && said.contains("rename it"), "{said}");
        }
    }

    #[test]
    fn secrets_are_scrubbed() {
        let said = scrubbed("cannot GET (https://u:p@h/a.tif?X-Amz-Signature=abc) now: <Error>KEY</Error>");
        assert_eq!(said, "cannot GET (https://h/a.tif now");
    }

    #[test]
    fn a_signed_address_keeps_its_signature_for_the_store_alone() {
        let stores = Stores::default();
        let url = Url::parse("https://h/a/b.tif?sig=1").unwrap();
        let (store, path) = stores.of(&url).unwrap();
        assert_eq!(path.as_ref(), "a/b.tif");
        assert!(store.to_string().contains("HttpStore"));
        assert!(stores.of(&Url::parse("https://h/a//b.tif").unwrap()).is_err());
    }
}
