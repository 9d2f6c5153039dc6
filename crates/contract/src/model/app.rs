//! An app and its installations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Kind of app.
    AppKind {
        /// Created by the tenant that uses it.
        Custom = "custom",
        /// Created by a vendor for many tenants.
        Isv = "isv",
    }
    /// State of an app in a tenant.
    InstallStatus {
        /// In use.
        Enabled = "enabled",
        /// Disabled by the tenant.
        Disabled = "disabled",
        /// Not installed, or no longer.
        Uninstalled = "uninstalled",
    }
    /// How an app is reached.
    SubscriptionMode {
        /// By requests to an address.
        Webhook = "webhook",
        /// By a long connection that the app opened.
        Websocket = "websocket",
    }
    /// What happens to a call that lacks a scope.
    ScopeChecks {
        /// It is refused.
        Enforce = "enforce",
        /// It is let through, and its record says which scope it lacked.
        Soft = "soft",
        /// It is let through.
        Off = "off",
    }
}
