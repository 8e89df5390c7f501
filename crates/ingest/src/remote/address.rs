//! Addresses as a person types them, and as they may be shown.

use std::path::Path;

/// Schemes that are read.
const SCHEMES: [&str; 8] = ["http", "https", "s3", "s3a", "gs", "az", "abfs", "abfss"];

/// True where what was typed for a folder is an address: `s3://bucket/order/`, `https://host/catalog.json`.
pub fn is_address(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.split_once("://").is_some_and(|(scheme, _)| SCHEMES.iter().any(|s| scheme.eq_ignore_ascii_case(s)))
}

/// An address without what may be a secret in it: name and password, what follows `?` or `#`.
pub fn shown_address(address: &str) -> String {
    let plain = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (host, path) = rest.split_once('/').map_or((rest, None), |(h, p)| (h, Some(p)));
    // The container of `abfss://container@account` is no secret, and a name without a password is none either.
    let host = match host.rsplit_once('@') {
        Some((user, host)) if user.contains(':') || scheme.starts_with("http") => host,
        _ => host,
    };
    match path {
        Some(path) => format!("{scheme}://{host}/{path}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_folders() {
        for address in ["s3://b/x", "HTTPS://h/catalog.json", "gs://b", "az://c/x", "http://localhost:8000/"]
        {
            assert!(is_address(Path::new(address)), "{address}");
        }
        for folder in ["imagery/", "./s3", "file:///x", "C:/x", "ftp://h/x"] {
            assert!(!is_address(Path::new(folder)), "{folder}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(shown_address("https://u:pw@h:8/a/b.tif?sig=abc#x"), "https://h:8/a/b.tif");
        assert_eq!(shown_address("https://token@h/a"), "https://h/a");
        assert_eq!(
            shown_address("abfss://container@account.dfs.core.windows.net/x"),
            "abfss://container@account.dfs.core.windows.net/x"
        );
        assert_eq!(shown_address("s3://bucket"), "s3://bucket");
    }
}
