//! Fills a store with chats through the store's own functions, as lists and searches meet them.

use std::path::Path;
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Moderation, Permission,
    UserStatus,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{Engine, StoreError, SystemClock, Tx, apps, chats, members, moderation, tenants, users};
use larkspur_store_sqlite::{Options, Sqlite};

use crate::Res;
use crate::embedded::runtime;

/// Chats that one transaction makes: few, since the journal that SQLite keeps for its statements grows with it, and is
/// walked through at the end of each.
const BATCH: u64 = 20;
/// Members of the large chat.
pub(crate) const LARGE: u64 = 5_000;
/// Members of the small one.
pub(crate) const SMALL: u64 = 100;
/// When the first chat was made, in milliseconds since 1970; the others follow, a millisecond each.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// The two chats that are not like the others.
pub(crate) struct Filled {
    pub(crate) large: String,
    pub(crate) small: String,
}

struct Ground {
    engine: Arc<Engine>,
    tenant: TenantKey,
    app: AppId,
    users: u64,
}

/// Fills the store of a directory with so many chats. The demo app's bot is in every one of them, each has a user out
/// of a tenth as many, and every tenth is public.
pub(crate) fn chats(store: &Path, count: u64) -> Res<Filled> {
    runtime()?.block_on(async {
        // Rows that go all over the indexes: without room for them, each page is written many times.
        let options = Options { writer_cache_bytes: 256 << 20, ..Options::default() };
        let driver = Sqlite::open(store, &options)?;
        let engine = Engine::open(Arc::new(driver), Arc::new(SystemClock), 1 << 20).await?;
        let (tenant, app) = engine
            .run(Effect::Reads, |root| {
                Box::pin(async move {
                    let gone = || StoreError::Broken("the store has no demo world".to_owned());
                    let tenant = tenants::all(root).await?.first().ok_or_else(gone)?.tenant;
                    let app = apps::made_by(root, tenant).await?.first().ok_or_else(gone)?.app_id;
                    Ok((tenant, app))
                })
            })
            .await?;
        let ground = Ground { engine, tenant, app, users: LARGE.max(count / 10) };
        for first in (0..ground.users).step_by(usize::try_from(BATCH)?) {
            ground.users(first).await?;
        }
        for first in (0..count).step_by(usize::try_from(BATCH)?) {
            ground.chats(first, count.min(first + BATCH)).await?;
        }
        Ok(Filled { large: ground.crowd(LARGE).await?, small: ground.crowd(SMALL).await? })
    })
}

fn person(number: u64) -> Member {
    Member::User(format!("person{number:09}"))
}

fn time(number: u64) -> i64 {
    BEGIN_MS.saturating_add_unsigned(number)
}

fn chat(tx: &Tx, app: AppId, number: u64, name: String) -> Chat {
    Chat {
        chat_id: ChatId(tx.random_id()),
        mode: ChatMode::Group,
        chat_type: if number.is_multiple_of(10) { ChatType::Public } else { ChatType::Private },
        tag: "inner".to_owned(),
        status: ChatStatus::Normal,
        external: false,
        name,
        description: String::new(),
        i18n_names: I18nNames::default(),
        avatar: String::new(),
        owner: Some(Member::Bot(app)),
        creator_app: Some(app),
        group_message_type: GroupMessageType::Chat,
        settings: ChatSettings::default(),
        manage_widgets: Permission::AllMembers,
        user_count: 0,
        bot_count: 0,
    }
}

impl Ground {
    async fn users(&self, first: u64) -> Result<(), StoreError> {
        let (tenant, end) = (self.tenant, self.users.min(first + BATCH));
        let filled = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                for number in first..end {
                    let user = User {
                        user_id: person(number).to_column(),
                        user_no: tx.next_id(),
                        name: format!("Person p{number:09}"),
                        status: UserStatus::Active,
                        email: None,
                        mobile: None,
                    };
                    users::insert(&mut tx, &user, BEGIN_MS).await?;
                }
                Ok(())
            })
        });
        filled.await
    }

    async fn chats(&self, first: u64, end: u64) -> Result<(), StoreError> {
        let (tenant, app, users) = (self.tenant, self.app, self.users);
        let filled = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                for number in first..end {
                    let chat = chat(&tx, app, number, format!("Store chat {number:012}"));
                    let locked = chats::insert(&mut tx, chat, time(number)).await?;
                    let people = [Member::Bot(app), person(number % users)];
                    members::add_all(&mut tx, &locked, &people, false, time(number)).await?;
                }
                Ok(())
            })
        });
        filled.await
    }

    /// A chat of so many users, all of whom may speak; two join at a time.
    async fn crowd(&self, size: u64) -> Result<String, StoreError> {
        let (tenant, app) = (self.tenant, self.app);
        let made = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                let mut chat = chat(&tx, app, 1, format!("Crowd {size}"));
                chat.settings.moderation_permission = Moderation::ModeratorList;
                let locked = chats::insert(&mut tx, chat, BEGIN_MS).await?;
                members::add(&mut tx, &locked, &Member::Bot(app), false, BEGIN_MS).await?;
                for number in 0..size {
                    members::add(&mut tx, &locked, &person(number), false, time(number / 2)).await?;
                    moderation::set(&mut tx, &locked, &person(number), true).await?;
                }
                Ok(locked.chat_id.to_string())
            })
        });
        made.await
    }
}
