//! Reactions to messages (`im`).

use super::Code;

codes! {
    REACTION_TYPE_INVALID = 231001, 400, "reaction type is invalid.";
    REACTION_NOT_ALLOWED = 231002, 400, "The operator has no permission to react on the specific message.";
    REACTION_MESSAGE_NOT_FOUND = 231003, 400, "The message is not found, maybe not exist or deleted.";
    REACTION_CHAT_NOT_FOUND = 231004, 400, "The chat in which the message exists is not found, maybe not exist, deleted or archived.";
    REACTION_THREAD_REMOVED = 231005, 400, "The thread has been no-trace removed, cannot put reaction.";
    REACTION_OPERATOR_INVALID = 231006, 400, "The operator_id is invalid.";
    REACTION_NOT_OWN = 231007, 400, "The operator has no permission to delete this reaction.";
    REACTION_NO_ACCESS = 231008, 400, "The operator has no access to the message.";
    REACTION_OF_OTHER_MESSAGE = 231010, 400, "The reaction does not belong to the message.";
    REACTION_ID_INVALID = 231011, 400, "The request has an invalid reaction_id.";
    REACTION_PAGE_INVALID = 231012, 400, "The request has an invalid pageToken.";
    REACTION_AUTH_INVALID = 231013, 400, "The request has an invalid AuthType.";
    REACTION_ID_FORM_INVALID = 231014, 400, "user_id_type is invalid.";
    REACTION_REPEATED = 231015, 400, "Act on reaction failed, repeated request is processing.";
    REACTION_TYPE_UNSUPPORTED = 231017, 400, "This operation is not supported for this message type.";
    REACTION_MESSAGE_INVISIBLE = 231018, 400, "The message is invisible to the operator.";
    REACTION_BLOCKED_BY_USER = 231019, 400, "Due to the settings of this user, you are temporarily unable to perform this operation.";
    REACTION_BLOCKED_BY_TENANT = 231020, 400, "Due to the configuration of the tenant administrator, you cannot perform this operation on the target user temporarily.";
    REACTION_EXTERNAL_NOT_ALLOWED = 231021, 400, "No permission to operate external chats.";
    REACTION_USER_NOT_AVAILABLE = 231022, 400, "Bot has NO availability to this user.";
}
