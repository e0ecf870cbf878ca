//! An S3-compatible store: which, with which keys, and by a client of our own that follows nothing.

use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientOptions, RetryConfig};
use reqwest::{Client, redirect, retry};

use super::StorageError;
use super::objects::Objects;
use crate::secret::Redacted;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// An idle connection is kept no longer than any server keeps its end (Node's 5 seconds are the shortest known): a request on one
/// that is closed fails, and its repetition may meet the next.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// A request that failed is sent again so often, within [`RETRY_FOR`]; every request here can be.
const RETRIES_MAX: usize = 5;
const RETRY_FOR: Duration = Duration::from_secs(10);

/// Which store, and with which keys.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Address, `https://…`, or `http://…` within a machine.
    pub endpoint: String,
    /// The bucket; it must be there.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Key id.
    pub access_key: Redacted<String>,
    /// Secret key.
    pub secret_key: Redacted<String>,
    /// Whether the bucket stands in the path (as most stores want it) and not in the host's name.
    pub path_style: bool,
}

/// The objects of a bucket. Requests are signed (SigV4).
///
/// # Errors
/// A setting that cannot be used.
pub fn in_bucket(settings: &S3Settings) -> Result<Objects, StorageError> {
    let store = AmazonS3Builder::new()
        .with_endpoint(&settings.endpoint)
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(settings.access_key.expose())
        .with_secret_access_key(settings.secret_key.expose())
        .with_virtual_hosted_style_request(!settings.path_style)
        .with_allow_http(true)
        // one after another: not every store knows the request that removes many
        .with_disable_bulk_delete(true)
        .with_retry(RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_FOR,
            ..RetryConfig::default()
        })
        .with_http_connector(OwnClient(client().map_err(StorageError::Client)?))
        .build()?;
    Ok(Objects::in_store(store))
}

fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .user_agent(concat!("onedoor/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE)
        .build()
}

#[derive(Debug)]
struct OwnClient(Client);

impl HttpConnector for OwnClient {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}
