//! Fills a store with chats for lists and searches: a few through the store's own functions, then copies of these.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use larkspur_contract::model::{
    ChatMode, ChatSettings, ChatStatus, ChatType, GroupMessageType, I18nNames, Moderation, Permission,
    UserStatus,
};
use larkspur_store::chats::{Chat, Member};
use larkspur_store::users::User;
use larkspur_store::{
    Driver, Engine, StoreError, SystemClock, Tx, apps, chats, members, moderation, tenants, users,
};
use larkspur_store_postgres::{Options as PostgresOptions, Postgres};
use larkspur_store_sqlite::{Options, Sqlite};
use tokio::runtime::Runtime;

use crate::Res;
use crate::machine::runtime;
use crate::multiplied::{self, Database, Patterns};
use crate::postgres::Cluster;

/// Members who join in one transaction. Few, because SQLite walks a unit's journal at the end of each of its
/// statements.
const JOINING: usize = 100;
/// Members of the large chat.
pub(crate) const LARGE: u64 = 5_000;
/// Members of the small one.
pub(crate) const SMALL: u64 = 100;
/// When the first chat was created, in milliseconds since 1970; each of the others a millisecond later.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// The two special chats; of messages, the large chat and its large thread.
pub(crate) struct Filled {
    pub(crate) large: String,
    pub(crate) small: String,
}

struct Ground {
    engine: Arc<Engine>,
    tenant: TenantKey,
    app: AppId,
}

/// Fills the store of a directory with `count` chats. The demo app's bot is in every chat. Each has a user; there are a
/// tenth as many users as chats. Every tenth chat is public.
pub(crate) fn chats(store: &Path, count: u64) -> Res<Filled> {
    let driver = Arc::new(Sqlite::open(store, &Options::default())?);
    let database = multiplied::Sqlite::open(store)?;
    let filled = fill(&runtime()?, driver.clone(), &database, count)?;
    driver.close();
    database.settle()?;
    Ok(filled)
}

/// As [`chats()`], in a PostgreSQL database, which may be in use.
pub(crate) fn chats_on(cluster: &Cluster, database: &str, count: u64) -> Res<Filled> {
    let runtime = runtime()?;
    // Allow a busy machine more time.
    let options = PostgresOptions { deadline: Duration::from_secs(120), ..PostgresOptions::default() };
    let driver = runtime.block_on(Postgres::open(&cluster.url(database), &options))?;
    fill(&runtime, Arc::new(driver), &cluster.session(database)?, count)
}

fn fill(runtime: &Runtime, driver: Arc<dyn Driver>, database: &impl Database, count: u64) -> Res<Filled> {
    let (ground, first) = runtime.block_on(async {
        let ground = Ground::open(driver).await?;
        ground.users(2).await?;
        let first = [ground.chat(0).await?, ground.chat(1).await?];
        Ok::<_, StoreError>((ground, first))
    })?;
    let [public, private] = &first;
    let users = LARGE.max(count / 10);
    multiplied::chats(database, &Patterns { chats: [public, private], count, users })?;
    runtime.block_on(async {
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
        conditions: Vec::new(),
        user_count: 0,
        bot_count: 0,
    }
}

impl Ground {
    async fn open(driver: Arc<dyn Driver>) -> Result<Self, StoreError> {
        let engine = Engine::open(driver, Arc::new(SystemClock), 1 << 20).await?;
        let found = engine.run(Effect::Reads, |root| {
            Box::pin(async move {
                let gone = || StoreError::Broken("the store has no demo world".to_owned());
                let tenant = tenants::all(root).await?.first().ok_or_else(gone)?.tenant;
                let app = apps::made_by(root, tenant).await?.first().ok_or_else(gone)?.app_id;
                Ok((tenant, app))
            })
        });
        let (tenant, app) = found.await?;
        Ok(Ground { engine, tenant, app })
    }

    async fn users(&self, count: u64) -> Result<(), StoreError> {
        let tenant = self.tenant;
        let filled = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                for number in 0..count {
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

    /// One of the chats that are copied.
    async fn chat(&self, number: u64) -> Result<String, StoreError> {
        let (tenant, app) = (self.tenant, self.app);
        let made = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                let chat = chat(&tx, app, number, format!("Store chat {number:012}"));
                let locked = chats::insert(&mut tx, chat, time(number)).await?;
                let people = [Member::Bot(app), person(number)];
                members::add_all(&mut tx, &locked, &people, false, time(number)).await?;
                Ok(locked.chat_id.to_string())
            })
        });
        made.await
    }

    /// A chat of `size` users, all of whom may speak; two join at a time.
    async fn crowd(&self, size: u64) -> Result<String, StoreError> {
        let (tenant, app) = (self.tenant, self.app);
        let made = self.engine.run(Effect::Writes, move |root| {
            Box::pin(async move {
                let mut tx = root.tenant(tenant);
                let mut chat = chat(&tx, app, 1, format!("Crowd {size}"));
                chat.settings.moderation_permission = Moderation::ModeratorList;
                let locked = chats::insert(&mut tx, chat, BEGIN_MS).await?;
                members::add(&mut tx, &locked, &Member::Bot(app), false, BEGIN_MS).await?;
                Ok(locked.chat_id)
            })
        });
        let chat_id = made.await?;
        for first in (0..size).step_by(JOINING) {
            let end = size.min(first + JOINING as u64);
            let joined = self.engine.run(Effect::Writes, move |root| {
                Box::pin(async move {
                    let mut tx = root.tenant(tenant);
                    let gone = || StoreError::Broken("the chat is gone".to_owned());
                    let locked = chats::lock(&mut tx, chat_id).await?.ok_or_else(gone)?;
                    let people: Vec<Member> = (first..end).map(person).collect();
                    for (pair, number) in people.chunks(2).zip(first / 2..) {
                        members::add_all(&mut tx, &locked, pair, false, time(number)).await?;
                    }
                    moderation::set_all(&mut tx, &locked, &people, true).await?;
                    Ok(())
                })
            });
            joined.await?;
        }
        Ok(chat_id.to_string())
    }
}
