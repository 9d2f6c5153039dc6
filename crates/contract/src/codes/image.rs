//! Images, files, and what messages carry (`im`).

use super::Code;

codes! {
    META_WRITING_STOPPED = 232096, 400, "Meta writing has stopped, please try again later.";
    IMAGE_PARAM_INVALID = 234001, 400, "Invalid request param.";
    IMAGE_UNAUTHORIZED = 234002, 401, "Unauthorized.";
    FILE_NOT_IN_MESSAGE = 234003, 400, "File not in msg.";
    APP_NOT_IN_CHAT = 234004, 400, "App not in chat.";
    IMAGE_DELETED = 234005, 400, "Image has been deleted.";
    IMAGE_TOO_LARGE = 234006, 400, "The file size exceed the max value.";
    IMAGE_BOT_NOT_ENABLED = 234007, 400, "App does not enable bot feature.";
    NOT_RESOURCE_SENDER = 234008, 400, "The app is not the resource sender.";
    RESOURCE_LACKS_PERMISSION = 234009, 400, "Lack of necessary permissions.";
    IMAGE_EMPTY = 234010, 400, "File's size can't be 0.";
    IMAGE_FORMAT_UNKNOWN = 234011, 400, "Can't regonnize the image format.";
    RESOURCE_OF_OTHER_TENANT = 234019, 400, "scope CheckAppTenant fail.";
    DOWNLOAD_TOO_LARGE = 234037, 400, "Downloaded file size exceeds limit.";
    RESOURCE_RESTRICTED = 234038, 400, "Do not allow downloading of message resources in restricted mode.";
    IMAGE_RESOLUTION_TOO_HIGH = 234039, 400, "Image resolution exceeds limit.";
    RESOURCE_INVISIBLE = 234040, 400, "The message is invisible to the operator.";
    MASTER_KEY_DELETED = 234041, 400, "Tenant master key has been deleted, please contact the tenant administrator.";
    STORAGE_FULL = 234042, 400, "Tenant storage is full, please contact the tenant administrator.";
    FILE_STORAGE_FULL = 234042, 400, "Hybrid deployment tenant storage error, such as full storage space, please contact tenant administrator.";
    RESOURCE_TYPE_UNSUPPORTED = 234043, 400, "Unsupported message type.";
}
