//! What a person may do in a chat at a client, by the rules that the operations apply.

use larkspur_contract::Fault;
use larkspur_contract::codes;
use larkspur_contract::model::ChatCondition;
use larkspur_store::announcements::Announcement;
use larkspur_store::chats::{Chat, Member, Place};
use larkspur_store::moderation::Holds;

use crate::messages::changing::{self, may_recall_others};
use crate::messages::conditions::CONDITIONS;
use crate::messages::pinning::{self, may_pin};
use crate::messages::standing::{SPEAKING, may_mention_all, may_speak};
use crate::messages::urging::{self, may_urge_in};
use crate::messages::{Speaker, standing};
use crate::rules::{announcements, chats, links, members, menus, widgets};
use crate::standing::{Role, Standing, in_use, is_inside};

/// Something that is done in a chat.
#[derive(Debug)]
pub struct Act {
    /// Its name.
    pub name: &'static str,
    /// The rule that decides.
    pub rule: &'static str,
    /// The setting of the chat that the rule reads, and its value, if it reads one.
    pub setting: Option<(&'static str, &'static str)>,
    /// Why it is not allowed, if it is not.
    pub refused: Option<Fault>,
}

/// A chat as one finds it who does something in it.
pub struct Scene<'a> {
    /// Who.
    pub speaker: &'a Speaker,
    /// The chat, and whether the person is in it.
    pub place: &'a Place,
    /// Its announcement.
    pub announcement: &'a Announcement,
    /// What blocks changes of its settings.
    pub holds: Holds,
}

/// Everything that a person may do in a chat or not, in a fixed order.
pub fn acts(scene: &Scene<'_>) -> Vec<Act> {
    let mut all = with_messages(scene);
    all.extend(with_the_chat(scene));
    all.extend(with_the_rules_of_the_chat(scene));
    all
}

fn act(
    name: &'static str,
    rule: &'static str,
    setting: Option<(&'static str, &'static str)>,
    result: Result<(), Fault>,
) -> Act {
    Act { name, rule, setting, refused: result.err() }
}

fn with_messages(scene: &Scene<'_>) -> Vec<Act> {
    let Scene { speaker, place, .. } = scene;
    let settings = &place.chat.settings;
    let inside = || standing::inside(speaker, place, standing::Act::Send);
    let moderation = ("moderation_permission", settings.moderation_permission.as_str());
    let at_all = ("at_all_permission", settings.at_all_permission.as_str());
    let pins = ("pin_manage_setting", settings.pin_manage_setting.as_str());
    let urgent = ("urgent_setting", settings.urgent_setting.as_str());
    let muted = place.chat.is(ChatCondition::Muted);
    let speaking = if muted { CONDITIONS.name } else { SPEAKING.name };
    let speak = || inside().and_then(|()| may_speak(speaker, place));
    vec![
        act("speak", speaking, Some(moderation).filter(|_| !muted), speak()),
        act(
            "mention_all",
            speaking,
            Some(at_all).filter(|_| !muted),
            speak().and_then(|()| may_mention_all(speaker, place)),
        ),
        act("react", standing::ORDER.name, None, inside()),
        act("pin", pinning::PINNING.name, Some(pins), inside().and_then(|()| may_pin(speaker, place))),
        act("urgent", urging::URGING.name, Some(urgent), inside().and_then(|()| may_urge_in(speaker, place))),
        act(
            "recall_others",
            changing::RECALLING.name,
            None,
            inside().and_then(|()| may_recall_others(speaker, place).map(drop)),
        ),
    ]
}

/// A chat, and someone who does something in it as the operations of chats see them.
struct Inside<'a> {
    chat: &'a Chat,
    standing: Standing,
    operator: Member,
}

impl<'a> Inside<'a> {
    fn of(scene: &Scene<'a>) -> Self {
        let operator = scene.speaker.member();
        let role = Role::of(&scene.place.chat, &operator, scene.place.manager);
        Inside { chat: &scene.place.chat, standing: Standing { role, creator: false }, operator }
    }

    /// The chat is in use, and the operator is in it; then the rule.
    fn and(&self, rule: impl FnOnce(&Chat, &Standing) -> Result<(), Fault>) -> Result<(), Fault> {
        in_use(self.chat)?;
        is_inside(&self.operator, &self.standing)?;
        rule(self.chat, &self.standing)
    }

    /// As [`Inside::and`], of a group.
    fn of_group(&self, rule: impl FnOnce(&Chat, &Standing) -> Result<(), Fault>) -> Result<(), Fault> {
        self.and(|chat, standing| {
            chats::is_group(chat)?;
            rule(chat, standing)
        })
    }

    /// As [`Inside::and`], of a chat whose members change.
    fn of_people(&self, rule: impl FnOnce(&Chat, &Standing) -> Result<(), Fault>) -> Result<(), Fault> {
        self.and(|chat, standing| {
            members::change(chat, codes::CHAT_TYPE_UNSUPPORTED)?;
            rule(chat, standing)
        })
    }
}

fn with_the_chat(scene: &Scene<'_>) -> Vec<Act> {
    let (inside, settings) = (Inside::of(scene), &scene.place.chat.settings);
    let edit = Some(("edit_permission", settings.edit_permission.as_str()));
    let add = Some(("add_member_permission", settings.add_member_permission.as_str()));
    let share = Some(("share_card_permission", settings.share_card_permission.as_str()));
    let widgets = Some(("manage_widgets", scene.place.chat.manage_widgets.as_str()));
    let info = inside.of_group(|chat, standing| chats::may_edit(chat, standing, None));
    let remove = inside.of_people(|_, standing| members::may_remove(standing));
    let announce = inside.and(|chat, standing| may_announce(chat, scene.announcement, standing));
    vec![
        act("edit_info", "edit_permission", edit, info),
        act("add_members", "add_member_permission", add, inside.of_people(members::may_add)),
        act("remove_members", "remove_members", None, remove),
        act("share", "share_card_permission", share, inside.and(links::may_share)),
        act("manage_tabs", "manage_widgets", widgets, inside.and(widgets::may_manage)),
        act("manage_menu", "manage_widgets", widgets, inside.and(may_manage_menu)),
        act("top_notice", "manage_widgets", widgets, inside.and(widgets::may_notice)),
        act("edit_announcement", "edit_permission", edit, announce),
    ]
}

/// What mostly its owner does.
fn with_the_rules_of_the_chat(scene: &Scene<'_>) -> Vec<Act> {
    let inside = Inside::of(scene);
    let of_managers = |field| inside.of_group(|chat, standing| chats::may_edit(chat, standing, Some(field)));
    let edit = Some(("edit_permission", scene.place.chat.settings.edit_permission.as_str()));
    let moderate = inside.and(|_, standing| chats::may_moderate(scene.holds, standing));
    let appoint = inside.of_people(|_, standing| members::may_appoint(standing));
    let dissolve = inside.of_group(|_, standing| chats::owns(standing));
    vec![
        act("set_permissions", "fields_of_managers", edit, of_managers("edit_permission")),
        act("moderate", "owner_or_creator", None, moderate),
        act("name_managers", "appoint_managers", None, appoint),
        act("transfer", "fields_of_managers", None, of_managers("owner_id")),
        act("dissolve", "owner_or_creator", None, dissolve),
    ]
}

fn may_manage_menu(chat: &Chat, standing: &Standing) -> Result<(), Fault> {
    menus::mode_has_menus(chat, codes::CHAT_TYPE_UNSUPPORTED)?;
    widgets::may_manage(chat, standing)
}

fn may_announce(chat: &Chat, announcement: &Announcement, standing: &Standing) -> Result<(), Fault> {
    announcements::exists(announcement)?;
    announcements::may_edit(chat, standing)?;
    announcements::may_open(announcement, standing)
}
