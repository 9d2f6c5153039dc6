use larkspur_contract::{Access, Consumes, Effect, Fault, Reply, Spec, codes, delete, events, rates};
use larkspur_store::Tx;

use super::{ACCESS, ReactionPath};
use crate::messages::reacting::{self, ShownReaction};
use crate::messages::speaker::bot_may;
use crate::messages::standing::Act;
use crate::messages::{Speaker, Viewer, conditions, finding};
use crate::{Call, Empty, Input, Operation};

/// `DELETE /im/v1/messages/:message_id/reactions/:reaction_id`
pub(super) struct Delete;

impl Operation for Delete {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.message_reaction.delete",
        summary: "Remove a reaction from a message",
        reference: "im-v1/message-reaction/delete",
        route: delete("/open-apis/im/v1/messages/{message_id}/reactions/{reaction_id}"),
        access: Access::tenant_or_user(super::WRITE),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Nothing,
        reply: Reply::Data("success"),
        invalid: codes::FIELD_VALIDATION,
        codes: &[
            codes::MESSAGE_DELETED,
            codes::REACTION_TYPE_INVALID,
            codes::REACTION_NOT_ALLOWED,
            codes::REACTION_MESSAGE_NOT_FOUND,
            codes::REACTION_CHAT_NOT_FOUND,
            codes::REACTION_THREAD_REMOVED,
            codes::REACTION_NOT_OWN,
            codes::REACTION_NO_ACCESS,
            codes::REACTION_OF_OTHER_MESSAGE,
            codes::REACTION_ID_INVALID,
            codes::REACTION_PAGE_INVALID,
            codes::REACTION_AUTH_INVALID,
            codes::REACTION_REPEATED,
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
        emits: &[&events::REACTION_DELETED],
        example: "",
        behaviours: &[
            ACCESS,
            finding::UNKNOWN,
            reacting::TARGETS,
            conditions::CONDITIONS,
            reacting::REMOVED,
            reacting::TOLD,
        ],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ReactionPath;
    type Query = Empty;
    type Body = Empty;
    type Output = ShownReaction;

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<ShownReaction, Fault> {
        let path = &input.path;
        bot_may(call)?;
        let speaker = Speaker::of(call);
        let (message, place) = reacting::target(tx, &speaker, &path.message_id, Act::Send).await?;
        let reaction = reacting::unreact(tx, &speaker, &place, &message, &path.reaction_id).await?;
        Ok(ShownReaction::of(tx, &Viewer::of(call, None, None), &reaction))
    }
}
