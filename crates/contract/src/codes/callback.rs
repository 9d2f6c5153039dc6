//! What the client of a user shows if a callback failed. Apps and operations never get these codes. Source of the numbers and
//! of what they mean: the page on the callback of cards; it has no texts, so these are Larkspur's.

use super::Code;

codes! {
    CALLBACK_FAILED = 200080, 200, "the platform failed to send the callback";
    CALLBACK_NO_ADDRESS = 200340, 200, "the app has no valid way to receive the callback";
    CALLBACK_LATE = 200341, 200, "the app gave no answer to the callback within 3 s";
    CALLBACK_NOT_CONNECTED = 200342, 200, "no connection to the app for the callback";
    CALLBACK_NAME_UNKNOWN = 200343, 200, "the host of the callback URL was not found";
    CALLBACK_ADDRESS_INVALID = 200345, 200, "the callback URL is invalid";
    CALLBACK_ADDRESS_DENIED = 200346, 200, "the callback URL must not be called";
    CALLBACK_ADDRESS_CLOSED = 200347, 200, "the callback URL cannot be used";
    CALLBACK_COMPONENT_UNNAMED = 200530, 200, "a component of the form has no name";
    CALLBACK_REFUSED = 200671, 200, "the app answered the callback with a failure";
    CALLBACK_MALFORMED = 200672, 200, "the answer to the callback is malformed";
    CALLBACK_CARD_INVALID = 200673, 200, "the card in the answer to the callback is invalid";
    CALLBACK_CARD_VERSION = 200830, 200, "the card in the answer has another version than the card of the message";
}

/// All of them, for the documents.
pub const CALLBACK: &[Code] = FAMILY;
