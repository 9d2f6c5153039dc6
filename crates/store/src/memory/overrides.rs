//! What a tenant has in place of the server's settings: types without SQL.

use std::collections::BTreeMap;

use larkspur_contract::envelope::Brand;
use larkspur_contract::model::ScopeChecks;
use larkspur_contract::rates::RateLimits;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a tenant has in place of the server's settings. What is absent is the server's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overrides {
    /// How the rate limits are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limits: Option<RateLimits>,
    /// The HTTP status of a call over the rate limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit_status: Option<u16>,
    /// The brand whose texts and links refusals show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// How calls without a needed scope are treated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<ScopeChecks>,
    /// The switches, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub behaviours: BTreeMap<String, Value>,
    /// What is recorded of its calls.
    pub traffic: TrafficOverrides,
}

/// What is recorded of the calls of a tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrafficOverrides {
    /// Whether anything is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<bool>,
    /// The most KiB of a body that are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_kb: Option<u32>,
}
