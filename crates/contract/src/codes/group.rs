//! Chats and their parts: members, tabs, menus, announcements, links, tags (`im`).

use super::Code;

codes! {
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
    // Tags: the live code for a duplicate name (a switch)
    TAG_NAME_TAKEN_LIVE = 402, 200, "duplicate name in tenant";
}

/// Parameter codes whose text names the first invalid field as `, ext=invalid <field>`, if no other cause is
/// known. Source: the manual's page on 230001 lists such causes; seen on group operations.
pub const NAME_THE_FIELD: &[Code] = &[PARAM_INVALID];
