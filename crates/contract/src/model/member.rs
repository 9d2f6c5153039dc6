//! The ids of members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Kind of member id in a request.
    MemberIdType {
        /// A user's, `ou_…`, different in every app.
        OpenId = "open_id",
        /// A user's, `on_…`, different for every developer.
        UnionId = "union_id",
        /// A user's, the tenant's own.
        UserId = "user_id",
        /// A bot's: the id of its app.
        AppId = "app_id",
    }
}
