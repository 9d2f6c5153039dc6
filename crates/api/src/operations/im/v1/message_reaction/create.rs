use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, events, post, rates};
use larkspur_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ACCESS, EMOJI};
use crate::messages::reacting::{self, ReactionType, ShownReaction};
use crate::messages::speaker::bot_may;
use crate::messages::standing::Act;
use crate::messages::{Speaker, Viewer, conditions, finding};
use crate::operations::im::v1::message::MessagePath;
use crate::{Call, Empty, Input, Operation};

/// `POST /im/v1/messages/:message_id/reactions`
pub(super) struct Create;

/// The reaction.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Body {
    /// Its kind.
    reaction_type: ReactionType,
}

impl Operation for Create {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message_reaction.create",
        summary: "Add a reaction to a message",
        reference: "im-v1/message-reaction/create",
        route: post("/open-apis/im/v1/messages/{message_id}/reactions"),
        access: Access::tenant_or_user(super::WRITE),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_DELETED,
            codes::REACTION_TYPE_INVALID,
            codes::REACTION_NOT_ALLOWED,
            codes::REACTION_MESSAGE_NOT_FOUND,
            codes::REACTION_CHAT_NOT_FOUND,
            codes::REACTION_THREAD_REMOVED,
            codes::REACTION_OPERATOR_INVALID,
            codes::REACTION_NO_ACCESS,
            codes::REACTION_PAGE_INVALID,
            codes::REACTION_AUTH_INVALID,
            codes::REACTION_ID_FORM_INVALID,
            codes::REACTION_REPEATED,
            codes::REACTION_TYPE_UNSUPPORTED,
            codes::REACTION_MESSAGE_INVISIBLE,
            codes::REACTION_BLOCKED_BY_USER,
            codes::REACTION_BLOCKED_BY_TENANT,
            codes::REACTION_EXTERNAL_NOT_ALLOWED,
            codes::REACTION_USER_NOT_AVAILABLE,
            codes::CHAT_DISSOLVED,
            codes::MESSAGE_BOT_NOT_ACTIVATED,
            codes::MESSAGE_ID_UNKNOWN,
        ],
        recodes: super::WRITE_RECODES,
        emits: &[&events::REACTION_CREATED],
        example: r#"{"reaction_type":{"emoji_type":"SMILE"}}"#,
        behaviours: &[
            EMOJI,
            ACCESS,
            finding::UNKNOWN,
            reacting::TARGETS,
            conditions::CONDITIONS,
            reacting::REPEATED,
            reacting::TOLD,
        ],
        deviations: &[],
    };
    const ONLY_ADDS: bool = true;
    type Ground = Tx;
    type Path = MessagePath;
    type Query = Empty;
    type Body = Body;
    type Output = ShownReaction;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<ShownReaction, Fault> {
        let emoji = &input.body.reaction_type.emoji_type;
        reacting::known(emoji, &call.settings.extra_emoji)?;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let (message, place) = reacting::target(tx, &speaker, &input.path.message_id, Act::Send).await?;
        let reaction = reacting::react(tx, &speaker, &place, &message, emoji).await?;
        Ok(ShownReaction::of(tx, &Viewer::of(call, None, None), &reaction))
    }
}
