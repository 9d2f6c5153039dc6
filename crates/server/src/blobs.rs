//! Uploaded files in a folder, in S3 or in memory: the only file that names the library for it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::ids::TenantKey;
use larkspur_store::blobs::{BlobKey, Blobs};
use larkspur_store::{BoxFuture, StoreError};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use tokio::time::timeout;

/// How long a file may take to be put or fetched, repetitions included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a single request to S3 may take.
const REQUEST: Duration = Duration::from_secs(15);

/// Files by tenant and hash.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
}

impl Objects {
    /// Opens `file:///folder`, `s3://bucket/prefix` or `memory:`. A folder is made if need be.
    ///
    /// # Errors
    /// What is wrong with the address or the folder, in words for the operator. S3 is not asked yet.
    pub fn open(url: &str) -> Result<Arc<Self>, String> {
        let failed = |error: Error| format!("blobs.url, {url}: {error}");
        let store: Arc<dyn ObjectStore> = if url == "memory:" {
            Arc::new(InMemory::new())
        } else if let Some(folder) = url.strip_prefix("file://").filter(|folder| folder.starts_with('/')) {
            private(folder).map_err(|error| format!("blobs.url, {url}: {error}"))?;
            let files = LocalFileSystem::new_with_prefix(folder).map_err(failed)?;
            // The answer must not leave before the file is on disk.
            Arc::new(files.with_fsync(true))
        } else if let Some(rest) = url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // Whoever else chose one for this process chose the same: there is no other.
            drop(rustls::crypto::ring::default_provider().install_default());
            let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
            // An endpoint without TLS is one that the operator named.
            let client = ClientOptions::new().with_timeout(REQUEST).with_allow_http(true);
            let s3 = AmazonS3Builder::from_env()
                .with_bucket_name(bucket)
                .with_client_options(client)
                .with_retry(retry)
                .build()
                .map_err(failed)?;
            Arc::new(PrefixStore::new(s3, prefix.trim_matches('/')))
        } else {
            return Err(format!("blobs.url is {url:?}: not file:///folder, s3://bucket/prefix or memory:"));
        };
        Ok(Arc::new(Objects { store }))
    }
}

/// Makes a folder that its owner alone reads.
fn private(folder: &str) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn path(key: &BlobKey) -> Path {
    Path::from_iter([key.tenant().to_string().as_str(), key.hash()])
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(PATIENCE, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Error::NotFound { .. })) => Err(Failure::Absent),
        Ok(Err(Error::AlreadyExists { .. } | Error::Precondition { .. })) => Err(Failure::There),
        Ok(Err(error)) => Err(Failure::Other(StoreError::Unavailable(format!("{what} a file: {error}")))),
        Err(_) => Err(Failure::Other(StoreError::Unavailable(format!("{what} a file took too long")))),
    }
}

enum Failure {
    Absent,
    There,
    Other(StoreError),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Absent => StoreError::Unavailable("the files are not there".to_owned()),
            Failure::There => StoreError::Unavailable("a file is there already".to_owned()),
            Failure::Other(error) => error,
        }
    }
}

impl Blobs for Objects {
    fn put<'a>(&'a self, key: &'a BlobKey, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let place = path(key);
            let put = self.store.put_opts(&place, content.into(), PutMode::Create.into());
            match within("keeping", put).await {
                // Named by what is in it, so what is there is the same.
                Ok(_) | Err(Failure::There) => Ok(()),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    fn get<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let place = path(key);
            let read = async { self.store.get(&place).await?.bytes().await };
            match within("reading", read).await {
                Ok(content) => Ok(Some(content)),
                Err(Failure::Absent) => Ok(None),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    fn remove<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let place = path(key);
            match within("removing", self.store.delete(&place)).await {
                Ok(()) | Err(Failure::Absent) => Ok(()),
                Err(failure) => Err(failure.into()),
            }
        })
    }

    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantKey>, StoreError>> {
        Box::pin(async move {
            let found = within("listing", self.store.list_with_delimiter(None)).await?;
            // What is not named like a tenant is not ours.
            let names = found.common_prefixes.iter().filter_map(|place| place.filename());
            Ok(names.filter_map(TenantKey::parse).collect())
        })
    }

    fn list(&self, tenant: TenantKey) -> BoxFuture<'_, Result<Vec<(BlobKey, i64)>, StoreError>> {
        Box::pin(async move {
            let tenant = tenant.to_string();
            let folder = Path::from(tenant.as_str());
            let found = match within("listing", self.store.list_with_delimiter(Some(&folder))).await {
                Err(Failure::Absent) => return Ok(Vec::new()),
                other => other?,
            };
            let key = |place: &Path| BlobKey::parse(&tenant, place.filename()?);
            let all = found.objects.iter();
            Ok(all
                .filter_map(|file| Some((key(&file.location)?, file.last_modified.timestamp_millis())))
                .collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_for_files_is_refused() {
        for url in ["/folder", "file://folder", "gs://bucket", "memory"] {
            assert!(Objects::open(url).err().expect(url).contains("not file:///folder"), "{url}");
        }
    }

    #[tokio::test]
    async fn files_are_kept_once_listed_and_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        for url in [format!("file://{}/blobs", directory.path().display()), "memory:".to_owned()] {
            let objects = Objects::open(&url).expect("opens");
            let tenant = TenantKey::parse("0123456789abcdef").expect("a tenant");
            let content = Bytes::from_static(b"content");
            let key = BlobKey::of(tenant, &content);
            assert_eq!(objects.list(tenant).await, Ok(Vec::new()));
            for _ in 0..2 {
                objects.put(&key, content.clone()).await.expect("kept");
            }
            assert_eq!(objects.get(&key).await, Ok(Some(content)));
            assert_eq!(objects.tenants().await, Ok(vec![tenant]));
            let listed = objects.list(tenant).await.expect("listed");
            assert!(listed.len() == 1 && listed[0].0 == key && listed[0].1 > 1_600_000_000_000, "{listed:?}");
            for _ in 0..2 {
                objects.remove(&key).await.expect("removed");
            }
            assert_eq!(objects.get(&key).await, Ok(None));
        }
    }
}
