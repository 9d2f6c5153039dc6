//! An update: the fields that the request sets, and the resulting chat.

use larkspur_contract::model::{
    ChatSettings, ChatType, GroupMessageType, I18nNames, MembershipApproval, MessageVisibility, Permission,
    RestrictedMode, SharePermission, UserIdType, UserStatus,
};
use larkspur_contract::{Fault, codes};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::policies::Policy;
use larkspur_store::{Tx, members};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Call;
use crate::rules::{chats as rules, policies};
use crate::translate::{self, Named};

/// What to change. Absent fields are unchanged.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Body {
    /// An image of type avatar; empty for the default one.
    pub(super) avatar: Option<String>,
    /// Its name.
    pub(super) name: Option<String>,
    /// Its description.
    description: Option<String>,
    /// Its name in three languages; absent languages are unchanged.
    i18n_names: Option<I18nNames>,
    /// Who may add members; must agree with `share_card_permission`.
    add_member_permission: Option<Permission>,
    /// Whether it may be shared; must agree with `add_member_permission`.
    share_card_permission: Option<SharePermission>,
    /// Who may mention all members.
    at_all_permission: Option<Permission>,
    /// Who may edit it.
    edit_permission: Option<Permission>,
    /// The new owner, a member of the chat.
    pub(super) owner_id: Option<String>,
    /// In one stream or in threads.
    group_message_type: Option<GroupMessageType>,
    /// Private or public.
    chat_type: Option<ChatType>,
    /// Who sees that a member joined.
    join_message_visibility: Option<MessageVisibility>,
    /// Who sees that a member left.
    leave_message_visibility: Option<MessageVisibility>,
    /// Whether joining needs approval.
    membership_approval: Option<MembershipApproval>,
    /// Restricted mode; replaces all of it.
    restricted_mode_setting: Option<RestrictedMode>,
    /// Who may send urgent messages.
    urgent_setting: Option<Permission>,
    /// Who may start video meetings.
    video_conference_setting: Option<Permission>,
    /// Who sees the number of members.
    hide_member_count_setting: Option<Permission>,
    /// Who may pin and unpin messages.
    pin_manage_setting: Option<Permission>,
    /// Accepted and ignored.
    labels: Vec<String>,
    /// Accepted and ignored: some clients send numbers, others strings.
    toolkit_ids: Option<serde_json::Value>,
}

impl Body {
    /// A field of the request that only owner, managers and the creator bot may set.
    pub(super) fn restricted(&self) -> Option<&'static str> {
        let fields = [
            ("add_member_permission", self.add_member_permission.is_some()),
            ("share_card_permission", self.share_card_permission.is_some()),
            ("at_all_permission", self.at_all_permission.is_some()),
            ("edit_permission", self.edit_permission.is_some()),
            ("owner_id", self.owner_id.is_some()),
            ("group_message_type", self.group_message_type.is_some()),
            ("chat_type", self.chat_type.is_some()),
            ("join_message_visibility", self.join_message_visibility.is_some()),
            ("leave_message_visibility", self.leave_message_visibility.is_some()),
            ("membership_approval", self.membership_approval.is_some()),
            ("restricted_mode_setting", self.restricted_mode_setting.is_some()),
            ("urgent_setting", self.urgent_setting.is_some()),
            ("video_conference_setting", self.video_conference_setting.is_some()),
            ("hide_member_count_setting", self.hide_member_count_setting.is_some()),
            ("pin_manage_setting", self.pin_manage_setting.is_some()),
        ];
        fields.into_iter().find_map(|(name, sent)| sent.then_some(name))
    }

    /// Checks the request against its own rules and the present settings.
    pub(super) fn check(&self, present: &ChatSettings) -> Result<(), Fault> {
        rules::permissions_agree(present, self.add_member_permission, self.share_card_permission)?;
        self.restricted_mode_setting.as_ref().map_or(Ok(()), rules::restricted_mode)
    }

    /// Checks the request against the tenant's policy.
    pub(super) fn fits(&self, policy: &Policy, chat: &Chat) -> Result<(), Fault> {
        policies::may_publish(policy, chat.chat_type, self.chat_type.unwrap_or(chat.chat_type))?;
        policies::may_restrict(policy, self.restricted_mode_setting.as_ref())?;
        policies::may_hide_count(policy, self.hide_member_count_setting)?;
        let (name, description) = (self.name.as_deref(), self.description.as_deref());
        policies::passes_review(policy, name, description, self.i18n_names.as_ref())
    }

    /// The resulting chat, without a change of its owner.
    pub(super) fn applied(&self, chat: &Chat) -> Result<Chat, Fault> {
        let mut new = chat.clone();
        set(&mut new.avatar, &self.avatar);
        set(&mut new.description, &self.description);
        set(&mut new.group_message_type, &self.group_message_type);
        set(&mut new.chat_type, &self.chat_type);
        if new.chat_type == ChatType::Public && new.external {
            return Err(Fault::new(codes::EXTERNAL_CANNOT_BE_PUBLIC, "an external chat cannot be public")
                .with_fact("external", "true"));
        }
        set(&mut new.name, &self.name);
        if self.name.is_some() || new.chat_type != chat.chat_type {
            new.name = rules::new_name(new.chat_type, &new.name)?.to_owned();
        }
        rules::description_fits(&new.description)?;
        if let Some(names) = &self.i18n_names {
            rules::i18n_names_fit(names, codes::TAB_NAME_TOO_LONG)?;
            let old = &mut new.i18n_names;
            for (old, new) in [
                (&mut old.zh_cn, &names.zh_cn),
                (&mut old.en_us, &names.en_us),
                (&mut old.ja_jp, &names.ja_jp),
            ] {
                if new.is_some() {
                    old.clone_from(new);
                }
            }
        }
        let settings = &mut new.settings;
        set(&mut settings.add_member_permission, &self.add_member_permission);
        set(&mut settings.share_card_permission, &self.share_card_permission);
        set(&mut settings.at_all_permission, &self.at_all_permission);
        set(&mut settings.edit_permission, &self.edit_permission);
        set(&mut settings.join_message_visibility, &self.join_message_visibility);
        set(&mut settings.leave_message_visibility, &self.leave_message_visibility);
        set(&mut settings.membership_approval, &self.membership_approval);
        set(&mut settings.restricted_mode_setting, &self.restricted_mode_setting);
        set(&mut settings.urgent_setting, &self.urgent_setting);
        set(&mut settings.video_conference_setting, &self.video_conference_setting);
        set(&mut settings.hide_member_count_setting, &self.hide_member_count_setting);
        set(&mut settings.pin_manage_setting, &self.pin_manage_setting);
        Ok(new)
    }
}

fn set<T: Clone>(field: &mut T, sent: &Option<T>) {
    if let Some(sent) = sent {
        field.clone_from(sent);
    }
}

/// The new owner, who must be in the chat.
pub(super) async fn owner(
    tx: &mut Tx,
    call: &Call,
    chat: &Chat,
    form: UserIdType,
    id: &str,
) -> Result<Member, Fault> {
    let invalid =
        |code, note: &'static str| Err(Fault::new(code, note).with_violation("owner_id", Some(id), note));
    let owner = match translate::named(tx, call, form, id).await? {
        Named::User(user) if user.status == UserStatus::Resigned => {
            return invalid(codes::USER_ID_INVALID, "the new owner has resigned");
        }
        Named::User(user) => Member::User(user.user_id),
        Named::Bot(_) if chat.external => {
            return invalid(codes::OWNER_ID_INVALID, "a bot cannot own an external chat");
        }
        Named::Bot(app) => Member::Bot(app),
        Named::OtherTenant => {
            return invalid(codes::NEW_OWNER_OTHER_TENANT, "the new owner is of another tenant");
        }
        named @ (Named::OtherApp | Named::Unknown) => {
            return Err(translate::refusal(form, id, &named).about("owner_id"));
        }
    };
    if members::get(tx, chat.chat_id, &owner).await?.is_none() {
        return invalid(codes::NEW_OWNER_NOT_IN_CHAT, "the new owner is not in the chat");
    }
    Ok(owner)
}
