//! What the endpoint of the long connection answers, always with HTTP 200. Clients decide by the number whether to try
//! again: [`CONNECTION_FAILED`] is the only one after which they all do. Source: the clients, and live answers.

use super::Code;

codes! {
    CONNECTION_FORBIDDEN = 403, 200, "forbidden";
    CONNECTION_UNAUTHENTICATED = 514, 200, "auth failed";
    CONNECTION_FAILED = 1000040343, 200, "internal error";
    CONNECTION_NO_CREDENTIAL = 1000040344, 200, "no credential";
    CONNECTION_SECRET_INVALID = 1000040345, 200, "app_id or app_secret is invalid";
    CONNECTION_APP_UNKNOWN = 1000040346, 200, "app_id is invalid";
    CONNECTION_LIMIT = 1000040350, 200, "the number of connections exceeded the limit";
}

/// All of them, for the documents.
pub const CONNECTION: &[Code] = FAMILY;
