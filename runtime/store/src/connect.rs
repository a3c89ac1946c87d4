//! From an address to a store.

use crate::{PostgresStore, SqliteStore, Store, StoreError};
use std::path::Path;
use std::sync::Arc;

const FORMS: &str =
    "write sqlite://PATH (a file, e.g. sqlite://.flow/flow.db) or postgres://USER@HOST/DATABASE";

/// Opens the store at an address: `sqlite://PATH` or `postgres://…`. Creates what is missing.
pub async fn connect(url: &str) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once("://") {
        Some(("sqlite", path)) => {
            let path = path.split_once('?').map_or(path, |(path, _)| path);
            if path.is_empty() || path.contains(":memory:") {
                return Err(bad(url, "the path of a file is missing"));
            }
            Ok(Arc::new(SqliteStore::open(Path::new(path)).await?))
        }
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(PostgresStore::connect(url).await?)),
        Some((scheme, _)) => Err(bad(url, &format!("`{scheme}` is not a kind of store"))),
        None => Err(bad(url, "it does not say which kind of store it is")),
    }
}

fn bad(url: &str, why: &str) -> StoreError {
    bad_url(url, &format!("{why}; {FORMS}"))
}

/// The error for an address, without the password in it.
pub(crate) fn bad_url(url: &str, reason: &str) -> StoreError {
    StoreError::BadUrl { url: without_password(url), reason: reason.into() }
}

/// Hides what stands between `user:` and the last `@`, and any `password=` in the query.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let hidden = match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{user}@{host}")
        }
        None => rest.to_string(),
    };
    let (path, query) =
        hidden.split_once('?').map_or((hidden.as_str(), None), |(path, query)| (path, Some(query)));
    let shown: Vec<&str> = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|part| !part.starts_with("password"))
        .collect();
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let question = if shown.is_empty() { "" } else { "?" };
    format!("{scheme}{path}{question}{}", shown.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_addresses_are_refused_with_what_would_be_right() {
        for url in [
            "mysql://root:secret@host/db",
            ".flow/flow.db",
            "sqlite://",
            "secret",
            "postgres://u:se@cret@h:port/d",
        ] {
            let Err(StoreError::BadUrl { reason, url: shown }) = connect(url).await else {
                panic!("{url} was accepted")
            };
            assert!(reason.contains("postgres://"), "{reason}");
            assert!(!shown.contains("secret") || url == "secret", "{shown}");
            assert!(!shown.contains("cret@"), "{shown}");
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        assert_eq!(
            without_password("postgres://me:pw@h/d?sslmode=off&password=x"),
            "postgres://me@h/d?sslmode=off"
        );
        assert_eq!(without_password("sqlite://a/b.db"), "sqlite://a/b.db");
    }
}
