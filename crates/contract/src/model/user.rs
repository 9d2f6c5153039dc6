//! A user.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Kind of user id in a request or an answer.
    UserIdType {
        /// `ou_…`, different in every app.
        OpenId = "open_id",
        /// `on_…`, different for every developer.
        UnionId = "union_id",
        /// The tenant's own id.
        UserId = "user_id",
    }
    /// State of a user's account.
    UserStatus {
        /// In use.
        Active = "active",
        /// Suspended.
        Frozen = "frozen",
        /// Left the tenant.
        Resigned = "resigned",
    }
}
