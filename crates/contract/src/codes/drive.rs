//! Documents (`drive`).

use super::Code;

codes! {
    MEDIA_PARAM_INVALID = 1061002, 400, "params error.";
    MEDIA_FORBIDDEN = 1061004, 403, "forbidden.";
    MEDIA_TOO_LARGE = 1061043, 400, "file size beyond limit.";
    MEDIA_PARENT_NOT_FOUND = 1061044, 400, "parent node not exist.";
    MEDIA_CHECKSUM_WRONG = 1062008, 400, "checksum param Invalid.";
    MEDIA_SIZE_WRONG = 1062009, 400, "the actual size is inconsistent with the parameter declaration size.";
    DRIVE_PARAM_INVALID = 1063001, 400, "Invalid parameter";
    DRIVE_PERMISSION_DENIED = 1063002, 403, "Permission denied";
    DRIVE_INVALID_OPERATION = 1063003, 400, "Invalid operation";
    DRIVE_NO_SHARE_PERMISSION = 1063004, 403, "User has no share permission";
    DRIVE_RESOURCE_DELETED = 1063005, 404, "Resource is deleted";
    DRIVE_TOO_MANY = 1063006, 429, "Too many request";
    DRIVE_INTERNAL = 1066001, 500, "Internal Error";
    DRIVE_CONCURRENCY = 1066002, 500, "Concurrency error, please retry";
}
