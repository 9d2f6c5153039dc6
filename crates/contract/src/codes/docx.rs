//! Announcements of the docx form (`docx`).

use super::Code;

codes! {
    DOCX_INVALID_PARAM = 1770001, 400, "invalid param";
    DOCX_NOT_FOUND = 1770002, 404, "not found";
    DOCX_RESOURCE_DELETED = 1770003, 400, "resource deleted";
    DOCX_TOO_MANY_BLOCKS = 1770004, 400, "too many blocks in document";
    DOCX_TOO_DEEP = 1770005, 400, "too deep level in document";
    DOCX_SCHEMA_MISMATCH = 1770006, 400, "schema mismatch";
    DOCX_TOO_MANY_CHILDREN = 1770007, 400, "too many children in block";
    DOCX_FILE_TOO_BIG = 1770008, 400, "too big file size";
    DOCX_TOO_MANY_COLUMNS = 1770010, 400, "too many table column";
    DOCX_TOO_MANY_CELLS = 1770011, 400, "too many table cell";
    DOCX_TOO_MANY_GRID_COLUMNS = 1770012, 400, "too many grid column";
    DOCX_RELATION_MISMATCH = 1770013, 400, "relation mismatch";
    DOCX_PARENT_CHILDREN_MISMATCH = 1770014, 400, "parent children relation mismatch";
    DOCX_MULTI_DOCUMENT = 1770015, 400, "single edit with multi document";
    DOCX_REPEATED_BLOCK = 1770019, 400, "repeated blockID in document";
    DOCX_COPYING = 1770020, 400, "operation denied on copying document";
    DOCX_TOO_OLD = 1770021, 400, "too old document";
    DOCX_INVALID_OPERATION = 1770024, 400, "invalid operation";
    DOCX_OPERATION_MISMATCH = 1770025, 400, "operation and block not match";
    DOCX_ROW_OUT_OF_RANGE = 1770026, 400, "row operation over range";
    DOCX_COLUMN_OUT_OF_RANGE = 1770027, 400, "column operation over range";
    DOCX_NO_CHILDREN_HERE = 1770028, 400, "block not support create children";
    DOCX_NOT_CREATABLE = 1770029, 400, "block not support to create";
    DOCX_CHILD_NOT_ALLOWED = 1770030, 400, "invalid parent children relation";
    DOCX_CHILDREN_KEPT = 1770031, 400, "block not support to delete children";
    DOCX_FORBIDDEN = 1770032, 403, "forbidden";
    DOCX_CONTENT_TOO_LARGE = 1770033, 400, "raw content size exceed limited";
    DOCX_UPDATE_TOO_LARGE = 1770033, 400, "content size exceed limit";
    DOCX_TOO_MANY_OPERATIONS = 1770034, 400, "operation count exceed limited";
    DOCX_TOO_MANY_RESOURCES = 1770035, 400, "resource count exceed limit";
    DOCX_RESOURCE_NOT_FOUND = 1770038, 400, "resource not found";
    DOCX_OPEN_SCHEMA_MISMATCH = 1770041, 400, "open schema mismatch";
    DOCX_INTERNAL = 1771001, 500, "server internal error";
    DOCX_GATEWAY_INTERNAL = 1771002, 500, "gateway server internal error";
    DOCX_GATEWAY_MARSHAL = 1771003, 500, "gateway marshal error";
    DOCX_GATEWAY_UNMARSHAL = 1771004, 500, "gateway unmarshal error";
    DOCX_MAINTENANCE = 1771005, 503, "system under maintenance";
    DOCX_MOUNT_FAILED = 1771006, 500, "mount folder failed";
    DOCX_ANNOUNCEMENT_NOT_FOUND = 1772001, 400, "Chat announcement can NOT be found in chat information.";
    DOCX_TENANT_MISMATCH = 1772002, 400, "Operator and chat can NOT be in different tenants.";
    DOCX_NOT_IN_CHAT = 1772003, 400, "Operator can NOT be out of the chat.";
    DOCX_EXTERNAL_NOT_ALLOWED = 1772004, 400, "The operator or invited bots does NOT have the authority to manage external chats without the scope.";
    DOCX_EDIT_NEEDS_MANAGER = 1772005, 400, "No Permission: Only chat owner or admin can edit chat information in the current situation.";
    DOCX_OLD_ANNOUNCEMENT = 1772006, 400, "announcement type is not supported";
    DOCX_BOT_NOT_ACTIVATED = 1772025, 400, "Bot ability is not activated.";
    DOCX_APP_UNAVAILABLE = 1772034, 400, "The app is unavailable or inactivated by the tenant.";
}
