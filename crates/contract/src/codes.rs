//! Every documented error code, one line each: name, number, HTTP status, wire text.
//!
//! The texts are the platform's own, misspellings and missing full stops included: clients match on them.
//! A number may stand twice where the platform gives it two texts.

use std::fmt;

/// One error answer: the public half of a [`crate::Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    /// The constant's name, for logs and documents.
    pub name: &'static str,
    /// The `code` member of the body.
    pub number: u32,
    /// The HTTP status.
    pub status: u16,
    /// The `msg` member of the body; some gateway codes append to it.
    pub text: &'static str,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.name)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $status:literal, $text:literal;)*) => {
        $($(#[$doc])* #[doc = $text] pub const $name: Code = Code { name: stringify!($name), number: $number, status: $status, text: $text };)*
        /// Every code of this file, in its order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    // Gateway
    TOKEN_MISSING = 99991661, 400, "Missing access token for authorization. Please make a request with token attached.";
    APP_DISABLED = 99991662, 400, "app not in use";
    TOKEN_INVALID = 99991663, 400, "Invalid access token for authorization. Please make a request with token attached.";
    APP_TOKEN_INVALID = 99991664, 400, "invalid app token";
    TENANT_CODE_INVALID = 99991665, 400, "invalid tenant code";
    USER_TOKEN_INVALID = 99991668, 400, "Invalid access token for authorization. Please make a request with token attached.";
    USER_TOKEN_UNSUPPORTED = 99991668, 400, "user access token not support";
    TOKEN_PREFIX_UNKNOWN = 99991671, 400, "Invalid token: must start with t-/u-";
    SCOPE_MISSING = 99991672, 400, "Access denied. One of the following scopes is required: ";
    APP_NOT_INSTALLED = 99991673, 400, "unauthorized app";
    TOKEN_EXPIRED = 99991677, 400, "token expire";
    USER_SCOPE_MISSING = 99991679, 400, "Unauthorized. You do not have permission to perform the requested operation on the resource. Please request user re-authorization and try again. required one of these privileges under the user identity: ";
    RATE_LIMITED = 99991400, 429, "request trigger frequency limit";
    BAD_REQUEST = 9499, 400, "Bad Request";
    BODY_TOO_LARGE = 9499, 413, "Bad Request";
    FIELD_VALIDATION = 99992402, 400, "field validation failed";
    OPEN_ID_UNKNOWN = 99992351, 400, "The request you send is not a valid {open_id} or not exists";
    CHAT_ID_UNKNOWN = 99992356, 400, "The request you send is not a valid {open_chat_id} or not exists";
    USER_ID_UNKNOWN = 99992360, 400, "The request you send is not a valid {user_id} or not exists";
    OPEN_ID_CROSS_APP = 99992361, 400, "open_id cross app";
    UNION_ID_UNKNOWN = 99992363, 400, "The request you send is not a valid {union_id} or not exists";
    UNION_ID_NOT_EXISTED = 99992364, 400, "The request you send is not a valid {union_id} or not exists";
    USER_ID_CROSS_TENANT = 99992364, 400, "user id cross tenant";
    UNION_ID_CROSS_TENANT = 99992381, 400, "union_id cross tenant";
    INTERNAL = 2200, 500, "internal error";
    UNAVAILABLE = 5000, 503, "internal error";
    // auth/v3: HTTP 200, fields at the top level
    AUTH_PARAM_INVALID = 10003, 200, "invalid param";
    APP_SECRET_INVALID = 10014, 200, "app secret invalid";
    APP_ID_UNKNOWN = 10014, 200, "app id not exists";
    APP_TICKET_INVALID = 10012, 200, "app_ticket invalid";
    APP_NOT_ISV = 10016, 200, "app resend fail";
    TENANT_HAS_NOT_INSTALLED = 20009, 200, "tenant has not installed app";
    APP_TOKEN_REJECTED = 99991664, 200, "invalid app token";
    // authen/v2/oauth/token and the authorize page: the members of RFC 6749
    OAUTH_PARAM_MISSING = 20001, 400, "The request is missing a required parameter.";
    OAUTH_SECRET_INVALID = 20002, 400, "The client secret is invalid.";
    OAUTH_CODE_NOT_FOUND = 20003, 400, "The authorization code is not found. Please note that an authorization code can only be used once.";
    OAUTH_CODE_EXPIRED = 20004, 400, "The authorization code has expired.";
    OAUTH_USER_ABSENT = 20008, 400, "The user does not exist.";
    OAUTH_APP_NOT_INSTALLED = 20009, 400, "The specified app is not installed.";
    OAUTH_USER_NOT_PERMITTED = 20010, 400, "The user does not have permission to use this app.";
    OAUTH_CLIENT_MISMATCH = 20024, 400, "The provided authorization code or refresh token does not match the provided client ID.";
    OAUTH_REFRESH_INVALID = 20026, 400, "The refresh token passed is invalid. Please check the value.";
    OAUTH_SCOPE_NOT_GRANTED_TO_APP = 20027, 400, "The app has not been granted one of the requested scopes.";
    OAUTH_REDIRECT_UNREGISTERED = 20029, 400, "The redirect_uri is invalid: it is not among the redirect URLs of the app.";
    OAUTH_GRANT_TYPE = 20036, 400, "The specified grant_type is not supported.";
    OAUTH_REFRESH_EXPIRED = 20037, 400, "The refresh token passed has expired. Please generate a new one.";
    OAUTH_NO_SUCH_APP = 20048, 400, "The specified app does not exist.";
    OAUTH_PKCE = 20049, 400, "PKCE code challenge failed.";
    OAUTH_SERVER_ERROR = 20050, 500, "An unexpected server error occurred. Please retry your request.";
    OAUTH_MALFORMED = 20063, 400, "The request is malformed. Please check your request.";
    OAUTH_TOO_LARGE = 20063, 413, "The request is malformed. Please check your request.";
    OAUTH_REFRESH_REVOKED = 20064, 400, "The refresh token has been revoked. Please note that a refresh token can only be used once.";
    OAUTH_CODE_USED = 20065, 400, "The authorization code has been used. Please note that an authorization code can only be used once.";
    OAUTH_USER_STATUS = 20066, 400, "The user status is invalid.";
    OAUTH_SCOPE_TWICE = 20067, 400, "The provided scope list contains duplicate scopes. Please ensure all scopes are unique.";
    OAUTH_SCOPE_NOT_PERMITTED = 20068, 400, "The provided scope list contains scopes that are not permitted. Please ensure all scopes are allowed.";
    OAUTH_APP_NOT_ENABLED = 20069, 400, "The specified app is not enabled.";
    OAUTH_TWO_METHODS = 20070, 400, "Multiple authentication methods were provided. Please use only one to proceed.";
    OAUTH_REDIRECT_MISMATCH = 20071, 400, "The provided redirect URI does not match the one used during authorization.";
    OAUTH_UNAVAILABLE = 20072, 503, "The server is temporarily unavailable. Please retry your request.";
    OAUTH_REFRESH_USED = 20073, 400, "The refresh token has been used. Please note that a refresh token can only be used once.";
    OAUTH_REFRESH_NOT_ALLOWED = 20074, 400, "The specified app is not allowed to refresh token.";
    // The historic authen/v1: HTTP 200
    AUTHEN_PARAM_INVALID = 20001, 200, "Invalid request. Please check request param";
    AUTHEN_GRANT_UNKNOWN = 20001, 200, "invalid request, grant_type should be authorization_code or refresh_token";
    AUTHEN_CODE_INVALID = 20003, 200, "The code passed is invalid. Please note that the code could only be used once";
    AUTHEN_CODE_EXPIRED = 20004, 200, "The code passed has expired. Please generate a new one";
    AUTHEN_USER_ABSENT = 20008, 200, "User not exist";
    AUTHEN_APP_TOKEN_INVALID = 20014, 200, "The app access token passed is invalid. Please check the value";
    AUTHEN_USER_RESIGNED = 20021, 200, "User resigned";
    AUTHEN_USER_FROZEN = 20022, 200, "User frozen";
    AUTHEN_CLIENT_MISMATCH = 20024, 200, "App id in user_access_token or refresh_token diff with app id in app_access_token or tenant_access_token. Please keep the app id consistent";
    AUTHEN_REFRESH_INVALID = 20026, 200, "The refresh token passed is invalid. Please check the value";
    AUTHEN_GRANT_TYPE = 20036, 200, "The grant_type passed is not supported";
    AUTHEN_REFRESH_EXPIRED = 20037, 200, "The refresh token passed has expired. Please generate a new one";
    AUTHEN_APP_DISABLED = 20042, 200, "App disabled";
    // Contact
    CONTACT_PARAM_INVALID = 40001, 400, "invalid parameter";
    CONTACT_BODY_INVALID = 40001, 400, "param is invalid";
    CONTACT_INTERNAL = 40003, 400, "internal error";
    CONTACT_NO_DEPARTMENTS_AUTHORITY = 40004, 403, "no dept. authority";
    CONTACT_NO_DEPARTMENT_AUTHORITY = 40004, 403, "no dept authority error";
    CONTACT_PAGE_SIZE_INVALID = 40011, 400, "page size is invalid";
    CONTACT_PAGE_TOKEN_INVALID = 40012, 400, "page token is invalid error";
    CONTACT_USER_ID_INVALID = 41012, 400, "user id invalid error";
    CONTACT_NO_USER_AUTHORITY = 41050, 400, "no user authority";
    CONTACT_NO_USERS_AUTHORITY = 41050, 400, "no user authority error";
    // Applications
    APPLICATION_ID_INVALID = 210503, 400, "invalid app_id";
    APPLICATION_NOT_IN_TENANT = 210504, 400, "no such app in tenant";
    APPLICATION_NOT_CUSTOM = 210505, 400, "target app not a custom app";
    APPLICATION_UNKNOWN = 210506, 400, "no such app";
    APPLICATION_LEVEL_TOO_LOW = 210508, 400, "insufficient permission level";
    SCOPES_ONLY_SUPER = 212001, 400, "only super scope unauthorized";
    SCOPES_ALL_GRANTED = 212002, 400, "unauthorized scopes were empty";
    SCOPES_OVER_LIMIT = 212003, 400, "approval over limit";
    SCOPES_APPLIED_ALREADY = 212004, 400, "duplicate apply";
    SCOPES_APP_NOT_INSTALLED = 212100, 400, "app not install";
    // The tenant, and where events come from
    TENANT_UNKNOWN = 1184000, 404, "企业不存在";
    TENANT_DENIED = 1184001, 403, "无权限获取企业信息";
    OUTBOUND_PARAM_INVALID = 1810001, 400, "param is invalid";
    // Group business codes
    TAG_PARAM_INVALID = 230001, 400, "param is invalid";
    MESSAGE_SELF_DESTRUCTS = 230111, 400, "Action unavailable as the message will self-destruct soon.";
    PARAM_INVALID = 232001, 400, "Your request contains an invalid request parameter.";
    EDIT_NEEDS_MANAGER = 232002, 400, "No Permission: Only chat owner or admin can edit chat information in the current situation.";
    ANNOUNCEMENT_NOT_FOUND = 232003, 400, "Chat announcement can NOT be found in chat information.";
    APP_NOT_FOUND = 232004, 400, "Such an app does NOT exist.";
    CHAT_ID_INVALID = 232006, 400, "Your request specifies a chat_id which is invalid.";
    CHAT_OR_USER_ID_INVALID = 232007, 400, "Your request specifies a chat_id or user_id which is invalid.";
    CHAT_TYPE_UNSUPPORTED = 232008, 400, "Your request specifies a chat whose type is NOT supported currently.";
    CHAT_DISSOLVED = 232009, 400, "Your request specifies a chat which has already been dissolved.";
    TENANT_MISMATCH = 232010, 400, "Operator and chat can NOT be in different tenants.";
    OPERATOR_NOT_IN_CHAT = 232011, 400, "Operator can NOT be out of the chat.";
    NEW_OWNER_NOT_IN_CHAT = 232012, 400, "New chat owner can NOT be out of the chat.";
    MEMBER_LIMIT = 232013, 400, "You have reached the limit of maximum number of members a chat can have.";
    TOKEN_LACKS_PERMISSION = 232014, 400, "The token used in the request does NOT have the permissions necessary to complete the request.";
    MEMBER_ID_TYPE_UNSUPPORTED = 232015, 400, "Your request specifies a member_id_type which is NOT supported.";
    FIELD_NEEDS_MANAGER = 232016, 400, "Non-chat-owner or Non-chat-admin can only edit certain parts.";
    NEEDS_OWNER_OR_CREATOR = 232017, 400, "No Permission: If the operator is NOT owner or creator with the scope, the operator can NOT complete the request.";
    ANNOUNCEMENT_UPDATE_FAILED = 232018, 400, "Updating announcement failed.";
    CHAT_BUSY = 232019, 400, "The request has been rate limited.";
    PUBLIC_NAME_TOO_SHORT = 232020, 400, "Name can NOT be less than two characters for public chats.";
    BOT_NOT_FOUND = 232021, 400, "Bot can NOT be found.";
    USER_RESIGNED = 232022, 400, "User has already resigned.";
    REVIEW_FAILED = 232023, 400, "Chat information review failed while updating the chat.";
    NOT_VISIBLE = 232024, 400, "Users do not have the visibility of the app, or the operator does not have collaboration permissions with the target users.";
    BOT_NOT_ACTIVATED = 232025, 400, "Bot ability is not activated.";
    PUBLIC_NAME_TAKEN = 232026, 400, "This name is already used in an existing public chat. Names of public chats are supposed to be different.";
    NO_VALID_MEMBERS = 232027, 400, "There are no valid members in the ID list specified in your request.";
    EXTERNAL_MEMBER_IN_INTERNAL_CHAT = 232028, 400, "External members can Not be added to an internal group chat.";
    NO_OWNER_CANDIDATE = 232029, 400, "There are no available candidates for chat owner.";
    USER_ID_INVALID = 232030, 400, "Your request specifies a user_id which is invalid.";
    NEW_OWNER_OTHER_TENANT = 232031, 400, "The chat and the new designated chat owner must be in the same tenant.";
    OWNER_OTHER_TENANT = 232032, 400, "The operator who will create the chat and the designated chat owner must be in the same tenant.";
    EXTERNAL_NOT_ALLOWED = 232033, 400, "The operator or invited bots does NOT have the authority to manage external chats without the scope.";
    APP_UNAVAILABLE = 232034, 400, "The app is unavailable or inactivated by the tenant.";
    APP_INACTIVE = 232034, 400, "The app is unavailable or inactivate in the tenant.";
    OWNER_ID_INVALID = 232035, 400, "Your request specifies an owner_id which is invalid.";
    LABELS_NOT_ALLOWED = 232037, 400, "The operator or invited bots does NOT have the authority to manage chat labels without the scope.";
    NOT_OWNER = 232038, 400, "The operator is not chat owner, no permission to complete the request.";
    MANAGERS_NOT_RETURNED = 232039, 400, "The operation of Add/Delete chat managers has succeeded. But the current managers list was not returned due to service problems.";
    MANAGER_LIMIT = 232040, 400, "The chat managers has reached the limit of maximum number.";
    AVATAR_INVALID = 232041, 400, "The avatar key is illegal.";
    PUBLIC_NAME_EMPTY = 232042, 400, "Public group chat's name should not be empty.";
    IDS_UNAVAILABLE = 232043, 400, "Your request contains unavailable ids.";
    MEMBER_LIMIT_BY_ADMIN = 232044, 400, "You have reached maximum number of chat members set by admin.";
    TAB_LIMIT = 232046, 400, "The number of chat tabs has reached the limit.";
    TAB_NAME_TOO_LONG = 232047, 400, "The length of the tab name reaches the limit.";
    TAB_CONTENT_ILLEGAL = 232048, 400, "The chat tab content is illegal.";
    TAB_NOT_WRITABLE_UPDATE = 232049, 400, "The chat tab content is illegal.";
    TAB_NOT_WRITABLE_DELETE = 232049, 400, "Operate chat tab unsupported chat type.";
    TAB_CHAT_UNSUPPORTED = 232050, 400, "Operate chat tab unsupported chat type.";
    NO_DOC_PERMISSION = 232051, 400, "The operator does not have doc permission.";
    NO_WIDGET_PERMISSION = 232055, 400, "The operator does not have chat tab, chat menu, chat widget manage permission";
    NOT_IMAGE_OWNER = 232056, 400, "The operator is not the image's owner, no permission to complete the request.";
    RESTRICTED_MODE_NOT_ALLOWED = 232057, 400, "The operator tenant doesn't have the permission to use restricted mode.";
    CHAT_BANNED = 232060, 400, "This chat is banned.";
    LINK_SECRET_CHAT = 232061, 400, "Secret chat cannot be share link.";
    LINK_P2P_CHAT = 232062, 400, "P2P chat cannot be share link.";
    LINK_TEAM = 232063, 400, "Team cannot be share link.";
    SHARE_NOT_ALLOWED = 232064, 400, "The operator is not a group owner or administrator, no permission to share chat link.";
    USER_OR_BOT_NOT_FOUND = 232065, 400, "The User/Bot can NOT be found.";
    NO_ANNOUNCEMENT_DOC_PERMISSION = 232066, 400, "The operator does not have the doc permission.";
    CHAT_BEING_CREATED = 232068, 400, "The group is being created, please wait a moment.";
    EXTERNAL_CANNOT_BE_PUBLIC = 232069, 400, "current chat type unsupported to set public.";
    MENU_TOP_LIMIT = 232070, 400, "The number of chat_menu_top_level has reached the limit.";
    MENU_SECOND_LIMIT = 232071, 400, "The number of chat_menu_second_level has reached the limit.";
    MENU_SORT_INVALID = 232072, 400, "Sort chat_menu_top_level's param is invalid.";
    MENU_BUSY = 232073, 400, "The group menu is being modified, please try again later.";
    JOIN_NEEDS_APPROVAL = 232075, 400, "The public group needs to apply to join, and users or bots are not allowed to actively join the group.";
    CANNOT_REMOVE_OWNER = 232076, 400, "Can't kick chat owner.";
    MENU_ILLEGAL = 232078, 400, "The chat menu is illegal.";
    HIDE_COUNT_NOT_ALLOWED = 232078, 400, "The operator tenant doesn't have the permission to use hide_member_count_setting.";
    HIDE_COUNT_UNSUPPORTED = 232079, 400, "Chat type not supported by hide_member_count_setting.";
    CHAT_UNSUPPORTED = 232090, 400, "Unsupported chat type.";
    PUBLIC_NOT_ALLOWED = 232091, 400, "Due to the security control requirements of this tenant, this tenant does not allow public group.";
    MEETING_IN_PROGRESS = 232092, 400, "Meeting in progress. Unable to modify group posting permissions.";
    MEETING_RESTRICTED = 232093, 400, "This meeting has restricted access. Unable to turn off group membership approval.";
    TAG_KIND_NOT_ALLOWED = 232095, 400, "The operator does NOT have the authority to manage ocic type tag without the scope.";
    ANNOUNCEMENT_IS_DOCX = 232097, 400, "Unable to operate docx type chat announcement.";
    // Tags, live form of the duplicate name (a switch)
    TAG_NAME_TAKEN_LIVE = 402, 200, "duplicate name in tenant";
    // Images
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
    // Drive permission members
    DRIVE_PARAM_INVALID = 1063001, 400, "Invalid parameter";
    DRIVE_PERMISSION_DENIED = 1063002, 403, "Permission denied";
    DRIVE_INVALID_OPERATION = 1063003, 400, "Invalid operation";
    DRIVE_NO_SHARE_PERMISSION = 1063004, 403, "User has no share permission";
    DRIVE_RESOURCE_DELETED = 1063005, 404, "Resource is deleted";
    DRIVE_TOO_MANY = 1063006, 429, "Too many request";
    DRIVE_INTERNAL = 1066001, 500, "Internal Error";
    DRIVE_CONCURRENCY = 1066002, 500, "Concurrency error, please retry";
    // Larkspur's own control API
    CONTROL_KEY_INVALID = 5275401, 401, "control key missing or wrong: send Authorization: Bearer <control key>, which `larkspur serve` prints at start and writes to its ready file";
    CONTROL_PARAM_INVALID = 5275400, 400, "invalid parameter";
    CONTROL_NOT_FOUND = 5275404, 404, "no such object";
    PICKER_OFF = 5275403, 403, "this server lets no user be picked without a password, as always in production mode (behaviours.user_picker = \"on\" allows it)";
    FORM_FOREIGN = 5275419, 403, "this answer does not come from this server's own sign-in page, or the page is older than an hour: open the page again";
    HOST_UNKNOWN = 5275421, 421, "the Host header is not a name that this server knows, and in test mode it answers this request under known names only: add the name to [http] hosts, or serve with --mode production";
    CONTROL_CONFLICT = 5275409, 409, "already exists";
    // Larkspur's own answer where the platform has an operation and Larkspur has not
    UNSERVED = 5275501, 501, "Larkspur does not serve ";
    // Larkspur's own, of any operation
    READ_ONLY = 5275503, 503, "this server only reads: it was started with --read-only and refuses calls that change something";
}

/// Parameter codes behind whose text `, ext=invalid <field>` names the first field that does not fit, where nothing more is
/// known. Source: the manual's page on 230001 lists such causes; seen on group operations.
pub const NAME_THE_FIELD: &[Code] = &[PARAM_INVALID];

/// The codes that the gateway may answer for any operation behind a token, without the operation listing them.
pub const GATEWAY: &[Code] = &[
    TOKEN_MISSING,
    APP_DISABLED,
    TOKEN_INVALID,
    APP_TOKEN_INVALID,
    TENANT_CODE_INVALID,
    USER_TOKEN_INVALID,
    USER_TOKEN_UNSUPPORTED,
    TOKEN_PREFIX_UNKNOWN,
    SCOPE_MISSING,
    APP_NOT_INSTALLED,
    TOKEN_EXPIRED,
    USER_SCOPE_MISSING,
    RATE_LIMITED,
    BAD_REQUEST,
    BODY_TOO_LARGE,
    FIELD_VALIDATION,
    INTERNAL,
    UNAVAILABLE,
    READ_ONLY,
];

/// Why one bot of several is not told of, number and reason, in a call that itself succeeds. Source: tests of clients.
pub const LISTED_BOT_NOT_FOUND: (u32, &str) = (20002, "bot not found");

/// What [`GATEWAY`] comes to at the OAuth endpoints, which need not list it either.
pub const OAUTH_GATEWAY: &[Code] = &[OAUTH_MALFORMED, OAUTH_TOO_LARGE, OAUTH_SERVER_ERROR, OAUTH_UNAVAILABLE];

/// The `error` member that RFC 6749 and RFC 6750 have for a code of the OAuth endpoints.
pub fn oauth_error(code: Code) -> &'static str {
    match code.number {
        20002 | 20048 | 20069 | 20070 => "invalid_client",
        20003 | 20004 | 20008 | 20009 | 20010 | 20024 | 20026 | 20037 | 20049 | 20064 | 20065 | 20066
        | 20071 | 20073 => "invalid_grant",
        20027 | 20067 | 20068 => "invalid_scope",
        20036 => "unsupported_grant_type",
        20074 => "unauthorized_client",
        20072 | 99_991_400 => "temporarily_unavailable",
        20050 => "server_error",
        _ => "invalid_request",
    }
}

/// What the OAuth endpoints answer instead of a code of the gateway; their own codes stay as they are.
pub fn oauth_instead(code: Code) -> Code {
    match (code.number, code.status) {
        (9499, 413) => OAUTH_TOO_LARGE,
        (9499, _) => OAUTH_MALFORMED,
        (2200, _) => OAUTH_SERVER_ERROR,
        (5000 | 5_275_503, _) => OAUTH_UNAVAILABLE,
        _ => code,
    }
}

/// The wire text of an operation that the platform has and Larkspur does not serve.
pub fn unserved_text(operation: &str, method: &str, path: &str) -> String {
    format!("{}{operation} ({method} {path})", UNSERVED.text)
}

/// What a page in Chinese says for a code; `None` for codes that no page tells.
pub fn chinese(code: Code) -> Option<&'static str> {
    Some(match (code.number, code.status) {
        (20001, _) => "请求缺少必要的参数。",
        (20008, _) => "用户不存在。",
        (20009, _) => "当前企业未安装该应用。",
        (20010, _) => "用户没有该应用的使用权限。",
        (20027, _) => "应用未开通请求中的某项权限。",
        (20029, _) => "redirect_uri 无效：不在应用配置的重定向 URL 列表中。",
        (20048, _) => "应用不存在。",
        (20050, _) => "服务器内部错误，请重试。",
        (20063, 413) => "请求体过大。",
        (20063, _) => "请求格式有误，请检查请求参数。",
        (20066, _) => "用户状态异常，无法登录。",
        (20067, _) => "权限列表中有重复项。",
        (20069, _) => "应用未启用。",
        (20072, _) => "服务暂时不可用，请稍后重试。",
        (5275403, _) => {
            "服务器不允许免密码选择用户登录，生产模式下默认如此（将配置项 behaviours.user_picker 设为 \"on\" 可放开）。"
        }
        (5275419, _) => "该请求不是由本服务器的登录页发出的，或者页面打开已超过一小时，请重新打开登录页。",
        (5275421, _) => {
            "服务器不认识请求中的主机名，测试模式下只对已知主机名提供该页面：请将该主机名加入配置项 [http] hosts，或使用 --mode production 启动。"
        }
        _ => return None,
    })
}

/// The wire text of a wrong JSON type (9499). Source: seen in live answers.
pub fn wrong_type_text(field: &str, value: &str) -> String {
    format!(
        "Invalid parameter type in json: {field}. Invalid parameter value: {value}. Please check and modify accordingly."
    )
}

/// The wire text of an unknown or malformed id at the gateway's id translation. Source: seen in live answers.
pub fn unknown_id_text(kind: &str, example: &str, ids: &[String]) -> String {
    format!(
        "The request you send is not a valid {{{kind}}} or not exists, and the example value is {{{example}}}. Invalid ids: [{}]. Please see field_violations for details and refer to API documentation to correct accordingly and resubmit",
        ids.join(" ")
    )
}
