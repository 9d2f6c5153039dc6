//! A tag.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// Type of a tag.
    TagType {
        /// Belongs to the whole tenant.
        Tenant = "tenant",
    }
    /// What a tag is bound to.
    TagBizType {
        /// A chat.
        Chat = "chat",
    }
}

/// A name of a tag in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagI18nName {
    /// Language, such as `zh_cn`; stored and returned as sent.
    #[schemars(length(min = 1))]
    pub locale: String,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A tag, as answers show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagInfo {
    /// Decimal id.
    pub id: String,
    /// `tenant`
    pub tag_type: String,
    /// Default name.
    pub name: String,
    /// Names by language.
    pub i18n_names: Vec<TagI18nName>,
    /// Milliseconds since 1970, decimal.
    pub create_time: String,
    /// Milliseconds since 1970, decimal.
    pub update_time: String,
}
