//! The interface of a file store: it keeps bytes by tenant and SHA-256, outside the database.

use std::fmt::{self, Write as _};

use bytes::Bytes;
use larkspur_contract::ids::TenantKey;
use sha2::{Digest, Sha256};

use super::driver::{BoxFuture, StoreError};

/// The name of some bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    tenant: TenantKey,
    hash: String,
}

impl BlobKey {
    /// The name of these bytes in a tenant.
    pub fn of(tenant: TenantKey, content: &[u8]) -> Self {
        let mut hash = String::with_capacity(64);
        for byte in Sha256::digest(content) {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        BlobKey { tenant, hash }
    }

    /// The name from a tenant and a hash; `None` if they are malformed.
    pub fn parse(tenant: &str, hash: &str) -> Option<Self> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let sound = hash.len() == 64 && hash.bytes().all(hex);
        sound.then_some(BlobKey { tenant: TenantKey::parse(tenant)?, hash: hash.to_owned() })
    }

    /// The tenant that owns the bytes.
    pub fn tenant(&self) -> TenantKey {
        self.tenant
    }

    /// Whether the name belongs to these bytes.
    pub fn fits(&self, content: &[u8]) -> bool {
        BlobKey::of(self.tenant, content).hash == self.hash
    }

    /// The SHA-256 of the bytes, in 64 hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.hash)
    }
}

/// A file store.
pub trait Blobs: Send + Sync + 'static {
    /// Stores the bytes durably. Succeeds if they are already there; other content under the name is replaced.
    fn put<'a>(&'a self, key: &'a BlobKey, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>>;
    /// The bytes, if they exist.
    fn get<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;
    /// Removes the bytes. Succeeds if they do not exist.
    fn remove<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), StoreError>>;
    /// The tenants that have any, even if the tenant no longer exists.
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantKey>, StoreError>>;
    /// The files of a tenant, and when each was written, in milliseconds since 1970.
    fn list(&self, tenant: TenantKey) -> BoxFuture<'_, Result<Vec<(BlobKey, i64)>, StoreError>>;
    /// Removes the remains of interrupted puts from before this time, in milliseconds since 1970. They are never read.
    fn tidy(&self, _before_ms: i64) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
