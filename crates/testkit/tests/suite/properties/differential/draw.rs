//! Random operations, valid and invalid.

use larkspur_testkit::Random;
use larkspur_testkit::model::{Actor, Change, Edit, Form, Model, Op, TabDraft};

use super::{ACTORS, APPS, STARTS, USERS};

/// Draws operations on things that exist in the model, and on things that do not.
pub(super) struct Draw<'a> {
    pub(super) random: &'a mut Random,
    pub(super) model: &'a Model,
    /// Whether to draw nothing invalid on purpose.
    pub(super) careful: bool,
}

impl Draw<'_> {
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    pub(super) fn index(&mut self, below: usize) -> usize {
        usize::try_from(self.random.below(below.max(1) as u64)).expect("an index")
    }

    pub(super) fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[self.index(of.len())]
    }

    /// One of these; when careful, one of the first `good`, which are valid.
    pub(super) fn of<'b>(&mut self, good: usize, of: &[&'b str]) -> &'b str {
        let most = if self.careful { good } else { of.len() };
        self.one(&of[..most])
    }

    /// True if the draw is to be invalid: in `percent` percent of the careless draws.
    pub(super) fn slip(&mut self, percent: u64) -> bool {
        !self.careful && self.chance(percent)
    }

    /// Mostly one of these ids, sometimes something else.
    pub(super) fn known(&mut self, ids: &[String], others: &[&str]) -> String {
        if ids.is_empty() || (!self.careful && self.chance(10)) {
            return self.one(others).to_owned();
        }
        ids[self.index(ids.len())].clone()
    }

    pub(super) fn several<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let least = u64::from(self.careful);
        (0..least + self.random.below(most + 1 - least)).map(|_| make(self)).collect()
    }

    pub(super) fn maybe<T>(&mut self, percent: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(percent) { Some(make(self)) } else { None }
    }

    fn tag(&mut self) -> String {
        self.known(&self.model.all("tag"), &["77", "x", "077", "9223372036854775807"])
    }

    pub(super) fn image(&mut self) -> String {
        self.known(&self.model.all("image"), &["img_v3_none", ""])
    }

    /// A chat, mostly one that satisfies the condition, if a few draws find one.
    pub(super) fn chat_that(&mut self, holds: impl Fn(&Model, &str) -> bool) -> String {
        let draws = if self.slip(25) { 1 } else { 12 };
        let mut chat = self.any_chat();
        for _ in 1..draws {
            if holds(self.model, &chat) {
                break;
            }
            chat = self.any_chat();
        }
        chat
    }

    pub(super) fn any_chat(&mut self) -> String {
        // The initial chats are the interesting ones.
        if self.chance(60) {
            return format!("<chat:{}>", self.index(STARTS.len()));
        }
        let nowhere = format!("oc_{}", "0".repeat(32));
        if self.slip(20) {
            return self.one(&[&nowhere, "oc_1", "x"]).to_owned();
        }
        let number = self.index(1 << 20);
        self.model.nth_chat(number).cloned().unwrap_or(nowhere)
    }

    /// An actor: mostly a member of a chat, often its owner.
    pub(super) fn actor(&mut self, chat: &str) -> Actor {
        let members = self.model.members_of(chat);
        if !members.is_empty() && !self.slip(30) {
            let asked = if self.chance(45) { 0 } else { self.index(members.len()) };
            let inside: Vec<Actor> =
                ACTORS.into_iter().filter(|actor| actor.member() == members[asked]).collect();
            if !inside.is_empty() {
                return inside[self.index(inside.len())];
            }
        }
        self.compatriot(chat)
    }

    /// As `actor`, but not the owner, if a few draws find another one.
    pub(super) fn plain_member(&mut self, chat: &str) -> Actor {
        let owner = self.model.members_of(chat).into_iter().next();
        let mut by = self.actor(chat);
        for _ in 0..4 {
            if owner != Some(by.member()) {
                break;
            }
            by = self.actor(chat);
        }
        by
    }

    /// Any actor, mostly of a chat's tenant.
    fn compatriot(&mut self, chat: &str) -> Actor {
        let tenant = self.model.tenant_of(chat);
        let any = self.slip(30);
        let found: Vec<Actor> = ACTORS.into_iter().filter(|actor| any || APPS[actor.app] == tenant).collect();
        found[self.index(found.len())]
    }

    /// An app, mostly one whose bot is in a chat.
    fn app(&mut self, chat: &str) -> usize {
        let members = self.model.members_of(chat);
        let inside: Vec<usize> =
            (0..APPS.len()).filter(|app| members.contains(&Actor::bot(*app).member())).collect();
        if !inside.is_empty() && !self.slip(30) {
            return inside[self.index(inside.len())];
        }
        self.compatriot(chat).app
    }

    fn form(&mut self) -> Form {
        [Form::Open, Form::Open, Form::Union, Form::User][self.index(4)]
    }

    /// The id of a person in a form, mostly as the app should name them.
    fn person(&mut self, app: usize, form: Form) -> String {
        let user = self.index(USERS.len());
        let user = if !self.slip(40) && USERS[user].0 != APPS[app] { user % 7 } else { user };
        let user = if APPS[app] == 1 && self.chance(80) { 8 + user % 3 } else { user };
        let tenant = USERS[user].0;
        if self.slip(8) {
            return self.one(&["ou_1", "on_1", "cli_1", "x"]).to_owned();
        }
        match form {
            Form::User => format!("<user:{user}>"),
            Form::Union => format!("<union:{tenant}.{user}>"),
            Form::App => format!("<app:{}>", self.index(APPS.len())),
            // Every app of a user's tenant knows the user.
            Form::Open if tenant == 1 => format!("<open:2.{user}>"),
            Form::Open if APPS[app] == 0 && !self.slip(10) => format!("<open:{app}.{user}>"),
            Form::Open => format!("<open:{}.{user}>", self.index(2)),
        }
    }

    /// Some people; occasionally more than a call may name.
    pub(super) fn people(&mut self, app: usize, form: Form) -> Vec<String> {
        let mut ids = self.several(3, |draw| draw.person(app, form));
        if ids.is_empty() && self.chance(70) {
            ids.push(self.person(app, form));
        }
        if self.chance(2) {
            ids.extend(vec!["x".to_owned(); 51]);
        }
        ids
    }

    /// Members of a chat, as an app names them.
    pub(super) fn insiders(&mut self, app: usize, form: Form, chat: &str) -> Vec<String> {
        let members = self.model.members_of(chat);
        if members.is_empty() || self.slip(50) {
            return self.people(app, form);
        }
        let mut ids = Vec::new();
        for _ in 0..=self.random.below(2) {
            // Nothing can be done to the owner.
            let first = usize::from(members.len() > 1 && self.chance(85));
            let member = members[first + self.index(members.len() - first)].clone();
            let user = member.strip_prefix("<user:").and_then(|rest| rest.strip_suffix('>'));
            let id = match (user, form) {
                (Some(user), Form::Open) => format!("<open:{app}.{user}>"),
                (Some(user), Form::Union) => format!("<union:{}.{user}>", APPS[app]),
                _ => member,
            };
            // An open_id of the other tenant's app is drawn elsewhere.
            ids.push(if self.model.tenant_of(chat) == APPS[app] { id } else { "x".to_owned() });
        }
        ids
    }

    /// The next operation.
    pub(super) fn op(&mut self) -> Op {
        self.careful = self.chance(50);
        let chat = self.chat_that(Model::is_open);
        let by = self.actor(&chat);
        let (app, form) = (self.app(&chat), self.form());
        let plain = if self.chance(50) { self.plain_member(&chat) } else { by };
        match self.random.below(236) {
            0..24 => self.tag_op(app, chat),
            24..58 => self.tab_op(by, chat),
            58..96 => self.chat_op(by, app, form, chat),
            96..140 => self.member_op(by, form, chat),
            140..166 => self.menu_op(),
            166..171 => Op::GetAnnouncement { by: plain, form, chat },
            171..178 => {
                let latest = self.model.revision_of(&chat);
                let back = i64::from(self.chance(20)) * (self.random.below(4).cast_signed() - 2);
                let revision = if self.chance(4) { "x".to_owned() } else { (latest - back).to_string() };
                let edits = self.several(2, |draw| match draw.random.below(10) {
                    0..5 => Edit::Paragraph(format!("p{}", draw.random.below(100)), draw.chance(50)),
                    5..9 => Edit::Title(format!("t{}", draw.random.below(100))),
                    _ => Edit::Unsupported,
                });
                Op::PatchAnnouncement { by: plain, chat, revision, edits }
            }
            178..183 => Op::Upload { app, avatar: self.chance(40) },
            200.. => self.message_op(by, chat),
            _ => self.control_op(chat),
        }
    }

    fn tag_op(&mut self, app: usize, chat: String) -> Op {
        let chat = if self.slip(40) { self.any_chat() } else { chat };
        let app = if self.slip(30) { self.index(APPS.len()) } else { app };
        match self.random.below(24) {
            0..6 => {
                let kind = if self.chance(97) { "tenant" } else { "user" };
                Op::CreateTag { app, kind: kind.to_owned(), name: self.name(), names: self.names() }
            }
            6..11 => {
                let tag = self.tag();
                let same = tag.clone();
                let id = self.maybe(30, |draw| if draw.chance(80) { same } else { draw.tag() });
                let (name, names) = (self.maybe(70, Draw::name), self.maybe(40, Draw::names));
                Op::PatchTag { app, tag, id, name, names }
            }
            11..15 => {
                let most = if self.slip(20) { 60 } else { 6 };
                Op::ListTags { app, ids: self.several(most, Draw::tag) }
            }
            15..18 => Op::Bind { app, chat, tags: self.several(5, Draw::tag) },
            18..21 => Op::Unbind { app, chat, tags: self.several(3, Draw::tag) },
            _ => Op::Bound { app, chat },
        }
    }

    fn tab_op(&mut self, by: Actor, chat: String) -> Op {
        let tabs = self.model.tabs_of(&chat);
        match self.random.below(34) {
            0..3 => {
                // Enough to reach the limit.
                let url = Some("https://example.com".to_owned());
                let draft = TabDraft { tab_type: "url".to_owned(), url, ..TabDraft::default() };
                let chat = "<chat:0>".to_owned();
                Op::AddTabs { by: self.actor(&chat), chat, drafts: vec![draft; 12] }
            }
            3..8 => Op::AddTabs { by, chat, drafts: self.several(2, Draw::good_tab) },
            8..13 => Op::AddTabs { by, chat, drafts: self.several(3, |draw| draw.tab(&[])) },
            13..20 => Op::UpdateTabs { by, chat, drafts: self.several(2, |draw| draw.tab(&tabs)) },
            20..25 => {
                let custom = if self.slip(40) { &tabs } else { tabs.get(1..).unwrap_or_default() };
                Op::DeleteTabs { by, chat, ids: self.several(3, |draw| draw.known(custom, &["5"])) }
            }
            25..30 => {
                let mut ids = tabs;
                if ids.len() > 2 {
                    ids[1..].rotate_left(1);
                }
                if self.slip(40) {
                    ids.pop();
                }
                Op::SortTabs { by, chat, ids }
            }
            _ => Op::ListTabs { by, chat },
        }
    }

    fn chat_op(&mut self, by: Actor, app: usize, form: Form, chat: String) -> Op {
        match self.random.below(38) {
            0..8 => {
                let mut draft = self.change(app, form, &chat);
                draft.owner = self.maybe(40, |draw| draw.person(app, form));
                draft.mode = self.maybe(20, |draw| draw.one(&["group", "topic", "topic"]).to_owned());
                if draft.mode.is_some() && self.chance(40) {
                    draft.settings.retain(|(name, _)| *name != "hide_member_count_setting");
                    draft.settings.push(("hide_member_count_setting", "only_owner".into()));
                }
                let users = self.several(2, |draw| draw.person(app, form));
                let bots = if self.chance(25) {
                    self.several(2, |draw| draw.person(app, Form::App))
                } else {
                    vec![]
                };
                let uuid = self.maybe(40, |draw| format!("u{}", draw.random.below(4)));
                Op::CreateChat { app, form, draft, people: (users, bots), uuid, bot_manages: self.chance(50) }
            }
            8..16 => Op::GetChat { by, form, chat },
            16..29 if self.chance(8) => {
                // An external chat cannot be made public.
                let chat = "<chat:4>".to_owned();
                let by = self.actor(&chat);
                let change =
                    Change { chat_type: Some("public".to_owned()), ..self.change(by.app, form, &chat) };
                Op::UpdateChat { by, form, chat, change }
            }
            16..29 => Op::UpdateChat { by, form, change: self.change(by.app, form, &chat), chat },
            29..32 => {
                // Rarely an initial one, so that they survive.
                let late = self.known(&self.model.all("chat"), &["x"]);
                let chat = if self.chance(15) { chat } else { late };
                Op::DeleteChat { by: self.actor(&chat), chat }
            }
            _ => Op::ListChats { by, form, active: self.chance(50), size: 1 + self.index(9) },
        }
    }

    fn member_op(&mut self, by: Actor, form: Form, chat: String) -> Op {
        let any = if self.chance(20) { Form::App } else { form };
        match self.random.below(44) {
            0..13 => {
                let (mut by, mut chat) = (by, chat);
                if self.chance(30) {
                    chat = self.chat_that(Model::asks_approval);
                    // The owner approves by adding.
                    by = self.plain_member(&chat);
                }
                let ids = self.people(by.app, any);
                Op::AddMembers { by, form: any, chat, ids, kind: self.index(3) }
            }
            13..21 => {
                if self.chance(25) {
                    let form = if by.user.is_some() { Form::User } else { Form::App };
                    return Op::RemoveMembers { by, form, chat, ids: vec![by.member()] };
                }
                let ids = self.insiders(by.app, any, &chat);
                Op::RemoveMembers { by, form: any, chat, ids }
            }
            21..27 => Op::Members { by, form, chat, size: 1 + self.index(5) },
            27..31 => {
                let chat = if self.slip(50) { self.any_chat() } else { chat };
                Op::IsInChat { by: if self.slip(30) { ACTORS[self.index(ACTORS.len())] } else { by }, chat }
            }
            31..36 => {
                let (unasked, full) = (self.chance(70), self.chance(40));
                let chat = self.chat_that(|model, chat| {
                    (model.is_joined_unasked(chat) && (!full || model.is_full(chat)))
                        || (!unasked && model.asks_approval(chat))
                });
                Op::Join { by: self.compatriot(&chat), chat }
            }
            36..40 => {
                let ids = self.insiders(by.app, any, &chat);
                Op::Appoint { by, form: any, chat, ids, manager: true }
            }
            _ => {
                let ids = self.insiders(by.app, any, &chat);
                Op::Appoint { by, form: any, chat, ids, manager: false }
            }
        }
    }

    fn menu_op(&mut self) -> Op {
        let which = self.random.below(26);
        // Only groups with a bot have menus, and only some of them have items.
        let chat = self.chat_that(|model, chat| {
            let bot = model.members_of(chat).iter().any(|member| member.starts_with("<app"));
            let some = which < 10 || !model.menu_of(chat).0.is_empty();
            model.is_open(chat) && bot && some
        });
        let app = self.app(&chat);
        let (top, second) = self.model.menu_of(&chat);
        match which {
            0..10 => Op::AddMenus { app, chat, drafts: self.several(2, |draw| draw.menu(true)) },
            10..14 => Op::DeleteMenus { app, chat, ids: self.several(2, |draw| draw.known(&top, &["5"])) },
            14..17 => Op::GetMenus { app, chat },
            17..21 => {
                let mut ids = top;
                if !ids.is_empty() {
                    ids.rotate_left(1);
                }
                if self.slip(40) {
                    ids.push(self.known(&second, &["5", "x"]));
                }
                Op::SortMenus { app, chat, ids }
            }
            _ => {
                let both: Vec<String> = top.into_iter().chain(second).collect();
                let id = self.known(&both, &["5", "x"]);
                let all = ["ICON", "NAME", "I18N_NAME", "REDIRECT_LINK"];
                let fields = self.several(3, |draw| all[draw.index(all.len())]);
                Op::PatchMenu { app, chat, id, fields, draft: self.menu(false) }
            }
        }
    }

    fn control_op(&mut self, chat: String) -> Op {
        let tenant = self.model.tenant_of(&chat);
        let member = self.one(members_of(tenant)).to_owned();
        match self.random.below(18) {
            0 => Op::DeleteImage { image: self.known(&self.model.all("image"), &["img_v3_none"]) },
            1..6 => Op::SetApp {
                app: self.index(2),
                bot: self.chance(87),
                external_sharing: self.chance(80),
                as_owner: self.chance(70),
                visible_to: self.maybe(30, |draw| {
                    let mut users = draw.several(4, |draw| draw.index(7));
                    users.sort_unstable();
                    users.dedup();
                    users
                }),
            },
            6..8 => Op::SetMember { tenant, chat, member, manager: self.chance(40) },
            8..10 => Op::DropMember { tenant, chat, member },
            10..13 => {
                let chat = self.chat_that(|model, chat| !model.waiting_in(chat).is_empty());
                let (tenant, waiting) = (self.model.tenant_of(&chat), self.model.waiting_in(&chat));
                let member = self.known(&waiting, &["<user:0>", "<user:9>"]);
                Op::Answer { tenant, chat, member, welcome: self.chance(70) }
            }
            _ => {
                // Any chat, so that dissolved ones are restored.
                let chat = self.any_chat();
                let tenant = self.model.tenant_of(&chat);
                let members = members_of(tenant);
                Op::SetChat {
                    tenant,
                    chat,
                    status: self
                        .one(&["normal", "normal", "normal", "normal", "dissolved", "dissolved_save"])
                        .to_owned(),
                    only_owner_manages: self.chance(40),
                    owner: self.maybe(25, |draw| draw.one(members).to_owned()),
                    announcement: self.maybe(75, |draw| {
                        (draw.one(&["doc", "doc", "doc", "docx", "none"]).to_owned(), draw.chance(60))
                    }),
                    settings: self.several(2, |draw| SETTINGS[draw.index(SETTINGS.len())]),
                }
            }
        }
    }
}

/// Settings of the control API.
const SETTINGS: [(&str, &str); 7] = [
    ("membership_approval", "approval_required"),
    ("membership_approval", "approval_required"),
    ("membership_approval", "no_approval_required"),
    ("edit_permission", "only_owner"),
    ("edit_permission", "all_members"),
    ("add_member_permission", "only_owner"),
    ("add_member_permission", "all_members"),
];

/// The possible members of a tenant's chats.
fn members_of(tenant: usize) -> &'static [&'static str] {
    match tenant {
        0 => &["<app:0>", "<app:1>", "<user:0>", "<user:1>", "<user:2>", "<user:3>", "<user:7>"],
        _ => &["<app:2>", "<user:8>", "<user:9>", "<user:10>"],
    }
}
