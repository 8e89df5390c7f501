//! Object stores by address, with the credentials that the environment holds, and what their errors mean.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
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
        let store =
            build(&root).map_err(|e| format!("the address cannot be used: {}", scrubbed(&e.to_string())))?;
        open.insert(root.to_string(), Arc::clone(&store));
        Ok((store, path))
    }
}

fn build(root: &Url) -> object_store::Result<Arc<dyn ObjectStore>> {
    provider();
    let set = |names: &[&str]| names.iter().any(|n| std::env::var_os(n).is_some_and(|v| !v.is_empty()));
    let says_yes =
        |name: &str| std::env::var(name).is_ok_and(|v| matches!(v.as_str(), "1" | "true" | "TRUE" | "yes"));
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
            let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
                .iter()
                .find_map(|n| std::env::var(n).ok());
            let plain = says_yes("AWS_ALLOW_HTTP") || endpoint.is_some_and(|e| e.starts_with("http://"));
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
            let mut builder = GoogleCloudStorageBuilder::from_env()
                .with_url(root.as_str())
                .with_retry(once)
                .with_client_options(client(false));
            let named = [
                "GOOGLE_SERVICE_ACCOUNT",
                "GOOGLE_SERVICE_ACCOUNT_PATH",
                "GOOGLE_SERVICE_ACCOUNT_KEY",
                "GOOGLE_APPLICATION_CREDENTIALS",
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
            let mut builder = MicrosoftAzureBuilder::from_env()
                .with_url(root.as_str())
                .with_retry(once)
                .with_client_options(client(false));
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

/// What an error of a store means.
pub(crate) fn trouble(error: &object_store::Error) -> Trouble {
    use object_store::Error as E;
    match error {
        E::NotFound { .. } => Trouble::Final("it is not there (404); check the address".to_owned()),
        E::PermissionDenied { .. } => Trouble::Final(denied(403)),
        E::Unauthenticated { .. } => Trouble::Final(denied(401)),
        E::Precondition { .. } => Trouble::Changed,
        E::NotModified { .. } => Trouble::Same,
        E::NotSupported { .. } => Trouble::NoRanges,
        E::InvalidPath { .. } => Trouble::Final("its name cannot be asked for; rename it".to_owned()),
        other => {
            let text = other.to_string();
            if let Some(status) = status(&text) {
                return of_status(status);
            }
            if text.contains("non-partial response") || text.contains("Range not supported") {
                return Trouble::NoRanges;
            }
            if ["credential", "Credential", "InstanceCredentials", "metadata endpoint", "BearerToken"]
                .iter()
                .any(|w| text.contains(w))
            {
                return Trouble::Final("the credentials of the environment cannot be used; check them (docs/remote.md lists the variables)".to_owned());
            }
            let mut inner: &dyn std::error::Error = other;
            while let Some(cause) = inner.source() {
                inner = cause;
            }
            Trouble::Passing(scrubbed(&inner.to_string()))
        }
    }
}

/// What a status of HTTP means.
pub(crate) fn of_status(status: u16) -> Trouble {
    match status {
        401 | 403 => Trouble::Final(denied(status)),
        404 | 410 => Trouble::Final(format!("it is not there ({status}); check the address")),
        408 | 425 | 429 | 500.. => Trouble::Passing(format!("the server answers {status}")),
        412 => Trouble::Changed,
        416 => Trouble::Final("the file is empty or shorter than it was; upload it anew".to_owned()),
        300..=399 => Trouble::Final(format!(
            "the server sends elsewhere ({status}); a bucket of another region needs AWS_REGION, another address must be named itself"
        )),
        _ => Trouble::Final(format!("the server refuses it ({status})")),
    }
}

fn denied(status: u16) -> String {
    format!(
        "access is denied ({status}); set the credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, \
         GOOGLE_APPLICATION_CREDENTIALS, AZURE_STORAGE_ACCOUNT_KEY), or renew a signed address"
    )
}

/// The status in what a store said: "… status code: 503 Service Unavailable: …".
fn status(text: &str) -> Option<u16> {
    let after = text.split("status code: ").nth(1).or_else(|| text.split("status: ").nth(1))?;
    after.get(..3)?.parse().ok()
}

/// A text in one line, short, without credentials and without what follows `?` in addresses.
pub(crate) fn scrubbed(text: &str) -> String {
    let secrets: Vec<String> =
        SECRETS.iter().filter_map(|n| std::env::var(n).ok()).filter(|v| v.len() >= 4).collect();
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
        assert!(matches!(of_status(503), Trouble::Passing(_)));
        assert!(matches!(of_status(429), Trouble::Passing(_)));
        assert!(matches!(of_status(403), Trouble::Final(s) if s.contains("credentials")));
        assert!(matches!(of_status(301), Trouble::Final(s) if s.contains("AWS_REGION")));
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
