use larkspur_contract::Basis::{Assumed, Documented};
use larkspur_contract::model::ChatType;
use larkspur_contract::{
    Access, Behaviour, Consumes, Effect, Fault, Reply, Spec, codes, events, put, rates, scopes,
};
use larkspur_store::{Tx, chats, members, moderation};

use super::IdType;
use super::changes::{self, Body};
use super::draft::POLICY;
use crate::busy::{self, LIMITER};
use crate::events::Party;
use crate::events::chat::{LISTENERS, OPERATOR};
use crate::events::chat_updated::{self, CHANGES, Speakers};
use crate::operations::im::v1::ChatPath;
use crate::people::People;
use crate::rules;
use crate::standing;
use crate::translate;
use crate::{Call, Empty, Input, Operation};

/// `PUT /im/v1/chats/:chat_id`
pub(super) struct Update;

impl Operation for Update {
    const SPEC: &'static Spec = &Spec {
        id: "im.v1.chat.update",
        summary: "Update a group",
        reference: "im-v1/chat/update",
        route: put("/open-apis/im/v1/chats/{chat_id}"),
        access: Access::tenant_or_user(&[scopes::IM_CHAT, scopes::IM_CHAT_UPDATE]).with_bot(),
        rate: rates::TIER_4,
        effect: Effect::Writes,
        consumes: Consumes::Json,
        reply: Reply::Data("success"),
        invalid: codes::PARAM_INVALID,
        codes: &[
            codes::PARAM_INVALID,
            codes::EDIT_NEEDS_MANAGER,
            codes::APP_NOT_FOUND,
            codes::CHAT_ID_INVALID,
            codes::CHAT_TYPE_UNSUPPORTED,
            codes::CHAT_DISSOLVED,
            codes::TENANT_MISMATCH,
            codes::OPERATOR_NOT_IN_CHAT,
            codes::NEW_OWNER_NOT_IN_CHAT,
            codes::FIELD_NEEDS_MANAGER,
            codes::CHAT_BUSY,
            codes::REVIEW_FAILED,
            codes::BOT_NOT_ACTIVATED,
            codes::PUBLIC_NAME_TAKEN,
            codes::USER_ID_INVALID,
            codes::NEW_OWNER_OTHER_TENANT,
            codes::EXTERNAL_NOT_ALLOWED,
            codes::APP_UNAVAILABLE,
            codes::OWNER_ID_INVALID,
            codes::LABELS_NOT_ALLOWED,
            codes::AVATAR_INVALID,
            codes::TAB_NAME_TOO_LONG,
            codes::RESTRICTED_MODE_NOT_ALLOWED,
            codes::EXTERNAL_CANNOT_BE_PUBLIC,
            codes::HIDE_COUNT_NOT_ALLOWED,
            codes::PUBLIC_NOT_ALLOWED,
            codes::MEETING_RESTRICTED,
            codes::OPEN_ID_UNKNOWN,
            codes::USER_ID_UNKNOWN,
            codes::UNION_ID_UNKNOWN,
            codes::OPEN_ID_CROSS_APP,
        ],
        recodes: &[],
        emits: &[&events::CHAT_UPDATED],
        example: r#"{"name":"larkspur","description":"renamed by a test"}"#,
        behaviours: &[EDITORS, LIMITS, NAMES, OWNER, POLICY, LIMITER, LISTENERS, OPERATOR, CHANGES],
        deviations: &[],
    };
    type Ground = Tx;
    type Path = ChatPath;
    type Query = IdType;
    type Body = Body;
    type Output = Empty;

    fn people(input: &Input<Self>) -> Option<People<'_>> {
        let owner = input.body.owner_id.iter().filter(|id| !id.is_empty());
        Some(People::new(input.query.user_id_type, "owner_id", owner).with_strangers())
    }

    async fn run(tx: &mut Tx, call: &Call, input: &Input<Self>) -> Result<Empty, Fault> {
        let body = &input.body;
        let (chat, standing) = standing::lock_in_use(tx, call, &input.path.chat_id).await?;
        standing::joined(call, &standing)?;
        busy::edit(tx, call, &chat).await?;
        rules::chats::is_group(&chat)?;
        rules::chats::may_edit(&chat, &standing, body.restricted())?;
        let form = translate::form(call, input.query.user_id_type, codes::PARAM_INVALID)?;
        body.check(&chat.settings)?;
        body.fits(&call.policy, &chat)?;
        let mut new = body.applied(&chat)?;
        let meeting = moderation::holds(tx, chat.chat_id).await?.meeting;
        rules::chats::approval_stays(&chat, &new, meeting)?;
        if let Some(key) = &body.avatar {
            super::owns_avatar(tx, call, key, codes::AVATAR_INVALID).await?;
        }
        if let Some(id) = body.owner_id.as_deref().filter(|id| !id.is_empty()) {
            let owner = changes::owner(tx, call, &chat, form, id).await?;
            // The owner is not in the list of managers.
            members::set_manager(tx, &chat, &owner, false).await?;
            new.owner = Some(owner);
        }
        let renamed = new.name != chat.name || new.chat_type != chat.chat_type;
        if new.chat_type == ChatType::Public
            && renamed
            && chats::public_name_is_taken(tx, &chat, &new.name).await?
        {
            return Err(Fault::new(codes::PUBLIC_NAME_TAKEN, "another public chat has this name")
                .with_fact("name", new.name.clone()));
        }
        chats::update(tx, &chat, &new).await?;
        let operator = Party::of(call);
        chat_updated::emit(tx, (&chat, &new), &Speakers::default(), &operator, call.now).await?;
        Ok(Empty {})
    }
}

const EDITORS: Behaviour = Behaviour {
    name: "chat_update_editors",
    rule: "Owner, managers and the creator bot with im:chat:operate_as_owner may change everything. Other members may change avatar, name, description and i18n_names if edit_permission is all_members (otherwise 232002); any other field is 232016.",
    basis: Documented,
    switch: false,
};
const LIMITS: Behaviour = Behaviour {
    name: "chat_text_limits",
    rule: "The pages only recommend 60 and 100 characters: a name has at most 255 (on update 232047, on creation 232001), a description at most 4096 (232001).",
    basis: Assumed,
    switch: false,
};
const NAMES: Behaviour = Behaviour {
    name: "chat_update_names",
    rule: "A public name is compared exactly with those of the tenant's other public chats that are not dissolved. Creating a public chat does not compare names, since its page has no code for it. A public name of less than two characters is 232001. In i18n_names, only the languages sent are changed.",
    basis: Assumed,
    switch: false,
};
const OWNER: Behaviour = Behaviour {
    name: "chat_update_owner",
    rule: "An unknown owner_id is the gateway's 9999235x/236x, a resigned user 232030, a user of another tenant 232031, a user who is not in the chat 232012, a bot in an external chat 232035. The old owner becomes an ordinary member; the new owner is no longer a manager.",
    basis: Assumed,
    switch: false,
};
