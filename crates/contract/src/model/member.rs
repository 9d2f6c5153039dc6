//! Kinds of member ids.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Kind of member id in a request.
    MemberIdType {
        /// Of a user: `ou_…`, different in every app.
        OpenId = "open_id",
        /// Of a user: `on_…`, different for every developer.
        UnionId = "union_id",
        /// Of a user: the tenant's own id.
        UserId = "user_id",
        /// Of a bot: the id of its app.
        AppId = "app_id",
    }
}
