//! Uploaded files in a folder, in S3 or in memory: the only file that names the object store library.

mod folders;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::ids::TenantKey;
use larkspur_store::blobs::{BlobKey, Blobs};
use larkspur_store::{BoxFuture, StoreError};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Place;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, RetryConfig};
use tokio::time::timeout;

/// The time limit for storing or fetching a file, including retries.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time limit of a single request to S3.
const REQUEST: Duration = Duration::from_secs(15);

/// Files by tenant and hash.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// The folder, if files are in one.
    folder: Option<PathBuf>,
}

impl Objects {
    /// Opens `file:///folder`, `s3://bucket/prefix` or `memory:`. A folder is created if necessary.
    ///
    /// # Errors
    /// What is wrong with the URL or the folder, for the operator. S3 is not contacted yet.
    pub fn open(url: &str) -> Result<Arc<Self>, String> {
        let failed = |error: Error| format!("blobs.url, {url}: {}", reasons(&error));
        let mut place = None;
        let store: Arc<dyn ObjectStore> = if url == "memory:" {
            Arc::new(InMemory::new())
        } else if let Some(folder) = url.strip_prefix("file://").filter(|folder| folder.starts_with('/')) {
            folders::private(Path::new(folder)).map_err(|error| format!("blobs.url, {url}: {error}"))?;
            place = Some(PathBuf::from(folder));
            Arc::new(LocalFileSystem::new_with_prefix(folder).map_err(failed)?)
        } else if let Some(rest) = url.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // It fails if a provider is already installed, which can only be the same one.
            drop(rustls::crypto::ring::default_provider().install_default());
            let retry = RetryConfig { max_retries: 3, retry_timeout: PATIENCE, ..RetryConfig::default() };
            // HTTP without TLS only if the operator configures such an endpoint.
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
        Ok(Arc::new(Objects { store, folder: place }))
    }

    /// The folder of a URL if it is missing or empty, for example the mount point of a disk that is not mounted.
    pub fn empty_folder(url: &str) -> Option<&Path> {
        let has_any = |folder: &Path| std::fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some());
        url.strip_prefix("file://").map(Path::new).filter(|folder| !has_any(folder))
    }

    /// Stores bytes in S3 or in memory, unless they exist. Existing bytes that do not match their name are replaced.
    async fn put_object(&self, key: &BlobKey, content: Bytes) -> Result<(), StoreError> {
        let place = path(key);
        let put = self.store.put_opts(&place, content.clone().into(), PutMode::Create.into());
        match within("keeping", put).await {
            Ok(_) => return Ok(()),
            Err(Failure::There) => {}
            Err(failure) => return Err(failure.into()),
        }
        if self.get(key).await?.is_some_and(|found| key.fits(&found)) {
            return Ok(());
        }
        let put = self.store.put_opts(&place, content.into(), PutMode::Overwrite.into());
        within("keeping", put).await?;
        tracing::warn!("the file {key} was damaged; an upload of the same bytes has replaced it");
        Ok(())
    }
}

/// Runs work on files of a folder where it does not block calls.
async fn on_disk<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    #[expect(clippy::disallowed_methods, reason = "an upload, or one walk an hour: not one for each call")]
    let working = tokio::task::spawn_blocking(work);
    let failed = |why: String| StoreError::Unavailable(format!("{what}: {why}"));
    match timeout(PATIENCE, working).await {
        Ok(Ok(done)) => done.map_err(|error| failed(error.to_string())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it took too long".to_owned())),
    }
}

fn path(key: &BlobKey) -> Place {
    Place::from_iter([key.tenant().to_string().as_str(), key.hash()])
}

/// An error with its causes, unless its text includes them: for a client that cannot be built, the library's text does
/// not.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    text
}

async fn within<T>(what: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(PATIENCE, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(Error::NotFound { .. })) => Err(Failure::Absent),
        Ok(Err(Error::AlreadyExists { .. } | Error::Precondition { .. })) => Err(Failure::There),
        Ok(Err(error)) => {
            Err(Failure::Other(StoreError::Unavailable(format!("{what} a file: {}", reasons(&error)))))
        }
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
            Failure::Absent => StoreError::Unavailable("the files do not exist".to_owned()),
            Failure::There => StoreError::Unavailable("a file exists already".to_owned()),
            Failure::Other(error) => error,
        }
    }
}

impl Blobs for Objects {
    fn put<'a>(&'a self, key: &'a BlobKey, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(folder) = self.folder.clone() else { return self.put_object(key, content).await };
            let key = key.clone();
            on_disk("keeping a file", move || folders::keep(&folder, &key, &content)).await
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
            // Ignore names that are not a tenant's.
            let names = found.common_prefixes.iter().filter_map(|place| place.filename());
            Ok(names.filter_map(TenantKey::parse).collect())
        })
    }

    fn list(&self, tenant: TenantKey) -> BoxFuture<'_, Result<Vec<(BlobKey, i64)>, StoreError>> {
        Box::pin(async move {
            let tenant = tenant.to_string();
            let folder = Place::from(tenant.as_str());
            let found = match within("listing", self.store.list_with_delimiter(Some(&folder))).await {
                Err(Failure::Absent) => return Ok(Vec::new()),
                other => other?,
            };
            let key = |place: &Place| BlobKey::parse(&tenant, place.filename()?);
            let all = found.objects.iter();
            Ok(all
                .filter_map(|file| Some((key(&file.location)?, file.last_modified.timestamp_millis())))
                .collect())
        })
    }

    fn tidy(&self, before_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let Some(folder) = self.folder.clone() else { return Ok(()) };
            on_disk("tidying the files", move || folders::tidy(&folder, before_ms)).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

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

    #[tokio::test]
    async fn an_upload_of_the_same_bytes_repairs_damage() {
        let directory = tempfile::tempdir().expect("a directory");
        for url in [format!("file://{}/blobs", directory.path().display()), "memory:".to_owned()] {
            let objects = Objects::open(&url).expect("opens");
            let content = Bytes::from_static(b"content");
            let key = BlobKey::of(TenantKey::parse("0123456789abcdef").expect("a tenant"), &content);
            objects.put(&key, content.clone()).await.expect("kept");
            let damaged = Bytes::from_static(b"c0ntent").into();
            objects.store.put_opts(&path(&key), damaged, PutMode::Overwrite.into()).await.expect("damaged");
            assert!(!key.fits(&objects.get(&key).await.expect("read").expect("there")), "{url}");
            objects.put(&key, content.clone()).await.expect("kept");
            assert_eq!(objects.get(&key).await, Ok(Some(content)), "{url}");
        }
    }

    #[tokio::test]
    async fn unfinished_files_are_removed_after_a_while() {
        let directory = tempfile::tempdir().expect("a directory");
        let url = format!("file://{}/blobs", directory.path().display());
        let objects = Objects::open(&url).expect("opens");
        let tenant = TenantKey::parse("0123456789abcdef").expect("a tenant");
        let key = BlobKey::of(tenant, b"content");
        objects.put(&key, Bytes::from_static(b"content")).await.expect("kept");
        let folder = directory.path().join("blobs").join(tenant.to_string());
        let file = |name: &str, age: Duration| {
            let file = std::fs::File::create(folder.join(name)).expect("made");
            file.set_modified(UNIX_EPOCH + Duration::from_secs(2_000_000_000) - age).expect("dated");
        };
        let hour = Duration::from_secs(3600);
        let (old, new) = (format!("{}#1", key.hash()), format!("{}#2", key.hash()));
        file(&old, 2 * hour);
        file(&new, hour / 2);
        file("notes#1", 2 * hour);
        objects.tidy(2_000_000_000_000 - 3_600_000).await.expect("tidied");
        let mut left: Vec<_> = std::fs::read_dir(&folder)
            .expect("readable")
            .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
            .collect();
        left.sort();
        assert_eq!(left, [key.hash().to_owned(), new, "notes#1".to_owned()]);
        assert_eq!(objects.get(&key).await, Ok(Some(Bytes::from_static(b"content"))));
    }
}
