//! Random values for names, tabs, menus and settings.

use larkspur_testkit::model::{Change, Form, MenuDraft, TabDraft};
use serde_json::json;

use super::draw::Draw;

/// One of the platform's own avatars.
const DEFAULT_AVATAR: &str = "default-avatar_3b0a1c52-6d7e-4f80-91a2-b3c4d5e6f708";

impl Draw<'_> {
    pub(super) fn name(&mut self) -> String {
        let long = "字".repeat(254 + self.index(3));
        let plain = format!("name {}", self.random.below(40));
        self.of(8, &[&plain, &plain, &plain, &plain, "Ä", "ä", "a%_'\"\\", "🦜", &long, "", " name 1"])
            .to_owned()
    }

    pub(super) fn names(&mut self) -> Vec<(String, Option<String>)> {
        let most = if self.slip(10) { 45 } else { 3 };
        let locales = ["zh_cn", "en_us", "ja_jp", "zh-CN", ""];
        let mut names = self.several(most, |draw| {
            let fresh = format!("l{}", draw.random.number());
            let locale = if draw.chance(50) { fresh } else { draw.one(&locales).to_owned() };
            (locale, draw.maybe(80, Draw::name))
        });
        if !self.slip(50) {
            names.retain(|(locale, _)| locale.starts_with('l'));
        }
        names
    }

    pub(super) fn tab(&mut self, tabs: &[String]) -> TabDraft {
        let tab_type = self.of(5, &["url", "url", "url", "doc", "doc", "pin"]).to_owned();
        let target = |draw: &mut Self| {
            let targets = [
                "https://example.com/a?b=c",
                "https://例え.jp",
                "<document:0>",
                "<document:1>",
                "https://x.feishu.cn/docx/nowhere",
                "ftp://a",
                "",
            ];
            draw.of(4, &targets).to_owned()
        };
        let long = "名".repeat(59 + self.index(3));
        TabDraft {
            id: self.maybe(if self.careful { 100 } else { 90 }, |draw| {
                // The first is the message tab, which cannot be changed.
                let custom = if !draw.slip(40) { tabs.get(1..).unwrap_or_default() } else { tabs };
                draw.known(custom, &["5"])
            }),
            name: self.maybe(70, |draw| draw.of(3, &["tab", "", "标签", &long]).to_owned()),
            url: if tab_type == "url" || self.chance(10) { self.maybe(92, target) } else { None },
            doc: if tab_type == "doc" || self.chance(10) { self.maybe(90, target) } else { None },
            config: self
                .maybe(30, |draw| (draw.maybe(60, Draw::image), draw.maybe(60, |draw| draw.chance(50)))),
            tab_type,
        }
    }

    /// A valid tab, as far as rights and icons allow.
    pub(super) fn good_tab(&mut self) -> TabDraft {
        let document = format!("<document:{}>", self.random.below(2));
        let icon = self.maybe(60, Draw::image);
        let config = self.maybe(60, |draw| (icon, draw.maybe(50, |draw| draw.chance(50))));
        let name = self.maybe(30, |draw| "名".repeat(if draw.slip(50) { 61 } else { 60 }));
        let tab_type = self.one(&["url", "doc"]).to_owned();
        TabDraft {
            id: None,
            tab_type,
            name,
            url: Some("https://a.b/c".to_owned()),
            doc: Some(document),
            config,
        }
    }

    pub(super) fn menu(&mut self, top: bool) -> MenuDraft {
        let children = if !top || self.chance(60) {
            Vec::new()
        } else if self.slip(20) || self.chance(10) {
            vec![MenuDraft { name: Some("m".to_owned()), ..MenuDraft::default() }; 5 + self.index(3)]
        } else {
            self.several(3, |draw| draw.menu(false))
        };
        let links = if children.is_empty() { self.chance(60) } else { self.slip(10) };
        let address = |draw: &mut Self| draw.of(2, &["https://a.b", "http://c", "ftp://d"]).to_owned();
        let long = "名".repeat(120 + self.index(2));
        MenuDraft {
            name: self.maybe(if top && self.careful { 100 } else { 85 }, |draw| {
                draw.of(4, &["menu", "m", "菜单", "M", &long, ""]).to_owned()
            }),
            untyped: !top && self.chance(20),
            japanese: self.maybe(20, |draw| draw.of(3, &["メニュー", "メ", "m", ""]).to_owned()),
            common: if links != self.slip(8) { Some(address(self)) } else { None },
            pc: if links && self.chance(30) { Some(address(self)) } else { None },
            image: if children.is_empty() || self.chance(20) { self.maybe(15, Draw::image) } else { None },
            links,
            children,
        }
    }

    pub(super) fn change(&mut self, app: usize, form: Form, chat: &str) -> Change {
        let long = "字".repeat(255 + self.index(2));
        let mut change = Change {
            name: self.maybe(50, |draw| {
                draw.of(4, &["群聊", "Town square", "chat", "Market", "a", "", "群", &long]).to_owned()
            }),
            description: self.maybe(30, |draw| draw.one(&["", "described"]).to_owned()),
            avatar: self
                .maybe(15, |draw| if draw.chance(20) { DEFAULT_AVATAR.to_owned() } else { draw.image() }),
            english: self.maybe(20, |draw| draw.of(1, &["english", &long]).to_owned()),
            ..Change::default()
        };
        if self.chance(45) {
            change.chat_type = self.maybe(60, |draw| draw.one(&["private", "public"]).to_owned());
            if change.chat_type.is_some() && self.chance(50) {
                change.name = Some(self.of(2, &["Town square", "Market", "a", ""]).to_owned());
            }
            change.message_type = self.maybe(20, |draw| draw.one(&["chat", "thread"]).to_owned());
            if self.chance(50) {
                change.settings = self.settings();
            }
            let left = match form {
                Form::Union => "<union:0.7>".to_owned(),
                Form::User => "<user:7>".to_owned(),
                // The other tenant's app does not know the user who left this one.
                Form::Open | Form::App => format!("<open:{}.7>", app % 2),
            };
            let owners = if self.chance(20) {
                vec![left]
            } else if self.slip(50) {
                self.people(app, form)
            } else {
                self.insiders(app, form, chat)
            };
            change.owner = self.maybe(30, |_| owners.into_iter().next().unwrap_or_else(|| "x".to_owned()));
        }
        change
    }

    pub(super) fn settings(&mut self) -> Vec<(&'static str, serde_json::Value)> {
        let mut settings = Vec::new();
        let everybody = |draw: &mut Self| {
            if draw.chance(60) { json!("all_members") } else { json!("only_owner") }
        };
        if self.chance(40) {
            let add = everybody(self);
            let agrees = if add == "all_members" { "allowed" } else { "not_allowed" };
            let share = if self.slip(30) { "allowed" } else { agrees };
            settings.push(("add_member_permission", add));
            if !self.slip(20) {
                settings.push(("share_card_permission", json!(share)));
            }
        }
        for name in [
            "edit_permission",
            "at_all_permission",
            "hide_member_count_setting",
            "urgent_setting",
            "pin_manage_setting",
        ] {
            if self.chance(25) {
                settings.push((name, everybody(self)));
            }
        }
        if self.chance(30) {
            let approval = self.one(&["no_approval_required", "approval_required"]);
            settings.push(("membership_approval", json!(approval)));
        }
        if self.chance(20) {
            let restricts = self.chance(50);
            let status = if self.slip(40) { !restricts } else { restricts };
            let download = if restricts { "not_anyone" } else { "all_members" };
            let mode = json!({
                "status": status, "screenshot_has_permission_setting": "all_members",
                "download_has_permission_setting": download, "message_has_permission_setting": "all_members",
            });
            settings.push(("restricted_mode_setting", mode));
        }
        settings
    }
}
