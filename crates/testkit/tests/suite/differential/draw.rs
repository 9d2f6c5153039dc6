//! Random operations, right and wrong ones.

use larkspur_testkit::model::{Actor, Model, Op, TabDraft};

use super::STARTS;
use crate::random::Random;

/// Draws operations about what the model has, and about what it has not.
pub(super) struct Draw<'a> {
    pub(super) random: &'a mut Random,
    pub(super) model: &'a Model,
}

impl Draw<'_> {
    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        let index = self.random.below(of.len() as u64);
        of[usize::try_from(index).expect("an index")]
    }

    /// Mostly one of so many things, sometimes something else.
    fn id(&mut self, kind: &str, count: usize, others: &[&str]) -> String {
        if count == 0 || self.chance(6) {
            return self.one(others).to_owned();
        }
        format!("<{kind}:{}>", self.random.below(count as u64))
    }

    fn tag(&mut self) -> String {
        self.id("tag", self.model.counts().0, &["77", "x", "077", "9223372036854775807"])
    }

    fn chat(&mut self) -> String {
        // The chats of the start are the interesting ones.
        if self.chance(70) {
            return format!("<chat:{}>", self.random.below(STARTS.len() as u64));
        }
        let nowhere = format!("oc_{}", "0".repeat(32));
        self.id("chat", self.model.counts().1, &[&nowhere, "oc_1", "x"])
    }

    fn image(&mut self) -> String {
        self.id("image", self.model.counts().2, &["img_v3_none", ""])
    }

    fn member(&mut self) -> String {
        self.one(&["<bot>", "<user:0>", "<user:1>", "<user:2>"]).to_owned()
    }

    fn actor(&mut self) -> Actor {
        if self.chance(50) {
            Actor::Bot
        } else {
            Actor::User(usize::try_from(self.random.below(3)).unwrap_or(0))
        }
    }

    fn several<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.random.below(most + 1)).map(|_| make(self)).collect()
    }

    fn maybe<T>(&mut self, percent: u64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance(percent) { Some(make(self)) } else { None }
    }

    fn name(&mut self) -> String {
        let long = "字".repeat(usize::try_from(254 + self.random.below(3)).unwrap_or(0));
        let plain = format!("name {}", self.random.below(40));
        self.one(&[&plain, &plain, &plain, &plain, "", "Ä", "ä", "a%_'\"\\", &long, " name 1", "🦜"])
            .to_owned()
    }

    fn names(&mut self) -> Vec<(String, Option<String>)> {
        let most = if self.chance(5) { 45 } else { 3 };
        let locales = ["zh_cn", "en_us", "ja_jp", "zh-CN", ""];
        let mut names = self.several(most, |draw| {
            let fresh = format!("l{}", draw.random.next());
            let locale = if draw.chance(50) { fresh } else { draw.one(&locales).to_owned() };
            (locale, draw.maybe(80, Draw::name))
        });
        if self.chance(70) {
            names.retain(|(locale, _)| locale.starts_with('l'));
        }
        names
    }

    fn draft(&mut self, tabs: &[String]) -> TabDraft {
        let tab_type = self.one(&["url", "url", "url", "doc", "doc", "pin"]).to_owned();
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
            let most = if draw.chance(85) { 4 } else { targets.len() };
            draw.one(&targets[..most]).to_owned()
        };
        let long = "名".repeat(usize::try_from(59 + self.random.below(3)).unwrap_or(0));
        TabDraft {
            id: self.maybe(95, |draw| {
                let known: Vec<&str> = tabs.iter().map(String::as_str).chain(["5"]).collect();
                draw.one(&known).to_owned()
            }),
            name: self.maybe(70, |draw| draw.one(&["tab", "", "标签", &long, &long]).to_owned()),
            url: if tab_type == "url" || self.chance(10) { self.maybe(90, target) } else { None },
            doc: if tab_type == "doc" || self.chance(10) { self.maybe(90, target) } else { None },
            config: self
                .maybe(30, |draw| (draw.maybe(60, Draw::image), draw.maybe(60, |draw| draw.chance(50)))),
            tab_type,
        }
    }

    /// The next operation.
    pub(super) fn op(&mut self) -> Op {
        let chat = self.chat();
        let tabs = self.model.tabs_of(&chat);
        let by = self.actor();
        match self.random.below(100) {
            0..12 => {
                let kind = if self.chance(97) { "tenant" } else { "user" };
                Op::CreateTag { kind: kind.to_owned(), name: self.name(), names: self.names() }
            }
            12..20 => {
                let tag = self.tag();
                let same = tag.clone();
                let id = self.maybe(30, |draw| if draw.chance(80) { same } else { draw.tag() });
                Op::PatchTag { tag, id, name: self.maybe(70, Draw::name), names: self.maybe(40, Draw::names) }
            }
            20..30 => {
                let most = if self.chance(5) { 44 } else { 6 };
                Op::ListTags { ids: self.several(most, Draw::tag) }
            }
            30..36 => Op::Bind { chat, tags: self.several(5, Draw::tag) },
            36..40 => Op::Unbind { chat, tags: self.several(3, Draw::tag) },
            40..46 => Op::Bound { chat },
            46..49 => {
                // As many as it takes to come to the limit.
                let url = Some("https://example.com".to_owned());
                let draft = TabDraft { tab_type: "url".to_owned(), url, ..TabDraft::default() };
                Op::AddTabs { by, chat: "<chat:0>".to_owned(), drafts: vec![draft; 12] }
            }
            49..53 => {
                // Good ones, as far as rights and icons allow.
                let drafts = self.several(2, |draw| {
                    let document = format!("<document:{}>", draw.random.below(2));
                    let icon = draw.maybe(60, Draw::image);
                    let config = draw.maybe(60, |draw| (icon, draw.maybe(50, |draw| draw.chance(50))));
                    let name = draw.maybe(15, |_| "名".repeat(61));
                    let (url, doc) = (Some("https://a.b/c".to_owned()), Some(document));
                    let tab_type = draw.one(&["url", "doc"]).to_owned();
                    TabDraft { id: None, tab_type, name, url, doc, config }
                });
                Op::AddTabs { by, chat, drafts }
            }
            53..57 => Op::AddTabs { by, chat, drafts: self.several(3, |draw| draw.draft(&[])) },
            57..61 => Op::UpdateTabs { by, chat, drafts: self.several(2, |draw| draw.draft(&tabs)) },
            61..64 => {
                let known: Vec<&str> = tabs.iter().map(String::as_str).chain(["5"]).collect();
                let ids = self.several(3, |draw| draw.one(&known).to_owned());
                Op::DeleteTabs { by, chat, ids }
            }
            64..67 => {
                let mut ids = tabs;
                if ids.len() > 2 {
                    let last = ids.len() - 1;
                    ids[1..=last].rotate_left(1);
                }
                if self.chance(20) {
                    ids.pop();
                }
                Op::SortTabs { by, chat, ids }
            }
            67..74 => Op::ListTabs { by, chat },
            74..80 => {
                let people = [
                    "<open:0>", "<open:1>", "<open:2>", "<open:0>", "<open:1>", "<open:2>", "<open:3>",
                    "ou_1",
                ];
                Op::CreateChat {
                    name: self.one(&["", "", "a", "群", "ab", "chat"]).to_owned(),
                    chat_type: self.one(&["private", "public"]).to_owned(),
                    description: self.one(&["", "described"]).to_owned(),
                    avatar: if self.chance(20) { self.image() } else { String::new() },
                    owner: self.maybe(50, |draw| draw.one(&people).to_owned()),
                    users: self.several(3, |draw| draw.one(&people).to_owned()),
                    uuid: self.maybe(50, |draw| format!("u{}", draw.random.below(4))),
                    bot_manages: self.chance(50),
                }
            }
            80..88 => Op::GetChat { by, chat },
            88..90 => Op::Upload { avatar: self.chance(50) },
            90 => Op::DeleteImage { image: self.id("image", self.model.counts().2, &["img_v3_none"]) },
            91..94 => Op::SetApp {
                bot: self.chance(88),
                external_sharing: self.chance(60),
                visible_to: self.maybe(40, |draw| {
                    let mut users =
                        draw.several(3, |draw| usize::try_from(draw.random.below(3)).unwrap_or(0));
                    users.sort_unstable();
                    users.dedup();
                    users
                }),
            },
            94..96 => Op::SetMember { chat, member: self.member(), manager: self.chance(40) },
            96..98 => Op::RemoveMember { chat, member: self.member() },
            _ => Op::SetChat {
                chat,
                status: self
                    .one(&["normal", "normal", "normal", "normal", "normal", "dissolved", "dissolved_save"])
                    .to_owned(),
                only_owner_manages: self.chance(60),
                owner: self.maybe(30, Draw::member),
            },
        }
    }
}
