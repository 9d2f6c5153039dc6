//! Images (`im`).

use super::Code;

codes! {
    META_WRITING_STOPPED = 232096, 400, "Meta writing has stopped, please try again later.";
    IMAGE_PARAM_INVALID = 234001, 400, "Invalid request param.";
    IMAGE_UNAUTHORIZED = 234002, 401, "Unauthorized.";
    IMAGE_DELETED = 234005, 400, "Image has been deleted.";
    IMAGE_TOO_LARGE = 234006, 400, "The file size exceed the max value.";
    IMAGE_BOT_NOT_ENABLED = 234007, 400, "App does not enable bot feature.";
    NOT_RESOURCE_SENDER = 234008, 400, "The app is not the resource sender.";
    IMAGE_EMPTY = 234010, 400, "File's size can't be 0.";
    IMAGE_FORMAT_UNKNOWN = 234011, 400, "Can't regonnize the image format.";
    IMAGE_RESOLUTION_TOO_HIGH = 234039, 400, "Image resolution exceeds limit.";
    MASTER_KEY_DELETED = 234041, 400, "Tenant master key has been deleted, please contact the tenant administrator.";
    STORAGE_FULL = 234042, 400, "Tenant storage is full, please contact the tenant administrator.";
}
