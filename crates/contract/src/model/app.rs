//! An app, and where it is installed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Kind of app.
    AppKind {
        /// Made by the tenant that uses it.
        Custom = "custom",
        /// Made by a vendor for many tenants.
        Isv = "isv",
    }
    /// An app in a tenant.
    InstallStatus {
        /// In use.
        Enabled = "enabled",
        /// Switched off by the tenant.
        Disabled = "disabled",
        /// Not installed (any more).
        Uninstalled = "uninstalled",
    }
}
