//! What the operation that sends a message to many people answers, with HTTP 200. Source: its page.

use super::Code;

codes! {
    BATCH_FAILED = 10002, 200, "Create or send message fail.";
    BATCH_INVALID = 10003, 200, "Invalid parameter.";
    BATCH_NO_RECEIVER = 11101, 200, "Open_id not exist.";
    BATCH_USERS_DENIED = 11203, 200, "Send employee ids permission denied.";
    BATCH_DEPARTMENTS_DENIED = 11204, 200, "Send department list permission denied.";
    BATCH_NO_BOT = 11205, 200, "App do not have bot.";
    BATCH_APP_DISABLED = 11207, 200, "App is not usage.";
    BATCH_APP_NOT_FOUND = 11209, 200, "App not exist.";
    BATCH_APP_NOT_INSTALLED = 11210, 200, "App usage info not exist.";
    BATCH_SCOPE_MISSING = 11223, 200, "Do not have im write permission.";
    BATCH_IMAGE_NOT_FOUND = 11227, 200, "Image key not exist.";
    BATCH_CHAT_NOT_FOUND = 11231, 200, "Chat not found.";
    BATCH_AT_ALL_DENIED = 11235, 200, "This group is set to only admin can mention @All.";
    BATCH_CONTENT_REFUSED = 11246, 200, "Create message content fail.";
    BATCH_TOO_MANY = 11247, 200, "Internal send message trigger rate limit.";
    BATCH_NOT_AUDITED = 11312, 200, "Bot messages do not pass the audit.";
    BATCH_TEST_RESTRICTED = 230100, 200, "Sending invalid test messages is restricted.";
}
