//! The demo world: everything that a first try or a test needs, created at once.

use larkspur_api::rules;
use larkspur_contract::ids::{AppId, ChatId, TabId};
use larkspur_contract::model::{
    AppKind, ChatMode, ChatSettings, ChatStatus, ChatType, DocPermission, DocType, GroupMessageType,
    I18nNames, InstallStatus, Permission, UserStatus,
};
use larkspur_contract::scopes;
use larkspur_store::chats::{Chat, Member};
use larkspur_store::documents::{Collaborator, Document};
use larkspur_store::users::User;
use larkspur_store::{
    Keys, Root, StoreError, Tx, apps, chats, documents, members, publishing, tabs, tenants, users,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{support, values};

/// A demo world, as its creator sees it once: only a hash of the secret is stored.
// It has no `Debug`, which would print the secret to logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DemoWorld {
    /// The tenant.
    pub tenant_key: String,
    /// A custom app with every scope and a bot.
    pub app_id: String,
    /// The app's secret.
    pub app_secret: String,
    /// A group of the three users and the bot, owned by the first user.
    pub chat_id: String,
    /// A document of the first user that the bot can edit and share.
    pub document_url: String,
    /// Three users.
    pub users: Vec<DemoUser>,
}

/// A user of a demo world, as its app sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DemoUser {
    /// `ou_…`
    pub open_id: String,
    /// The tenant's own id.
    pub user_id: String,
    /// `on_…`
    pub union_id: String,
    /// Name.
    pub name: String,
}

const NAMES: [&str; 3] = ["Ada Larkin", "Ben Sparrow", "Chen Yan"];

/// Creates a demo world. `now` is the real time, in milliseconds since 1970.
pub async fn build(root: &mut Root, now: i64, name: &str) -> Result<DemoWorld, StoreError> {
    let tenant = support::fresh_tenant(root);
    let mut tx = root.tenant(tenant);
    if !tenants::insert(&mut tx, name, now).await? {
        return Err(StoreError::Collided);
    }
    let (app_id, app_secret) = app(root, &mut tx, now).await?;
    let mut people = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        people.push(user(&mut tx, name, now).await?);
    }
    let owner = people.first().map(|user| user.user_id.clone()).unwrap_or_default();
    let about = publishing::About { description: "A demo of Larkspur".to_owned(), owner: owner.clone() };
    publishing::set_about(&mut tx, app_id, &about).await?;
    let chat_id = chat(&mut tx, app_id, &owner, &people, now).await?;
    let document_url = document(&mut tx, app_id, owner, now).await?;
    let keys = &tx.engine().keys;
    let shown = |user: &User| DemoUser {
        open_id: keys.open_id(user.user_no.cast_unsigned(), app_id).to_string(),
        user_id: user.user_id.clone(),
        union_id: keys.union_id(user.user_no.cast_unsigned(), tenant).to_string(),
        name: user.name.clone(),
    };
    Ok(DemoWorld {
        tenant_key: tenant.to_string(),
        app_id: app_id.to_string(),
        app_secret,
        chat_id: chat_id.to_string(),
        document_url,
        users: people.iter().map(shown).collect(),
    })
}

async fn app(root: &mut Root, tx: &mut Tx, now: i64) -> Result<(AppId, String), StoreError> {
    let (app_id, secret) = (support::app_id(tx), Keys::fresh_secret());
    let app = apps::App {
        app_id,
        developer: tx.tenant(),
        kind: AppKind::Custom,
        name: "Larkspur demo".to_owned(),
        secret_hash: tx.engine().keys.hash_secret(&secret),
    };
    let settings = apps::InstallSettings {
        status: InstallStatus::Enabled,
        bot: true,
        external_sharing: false,
        scopes: apps::Scopes::new(scopes::ALL.iter().copied()),
        visible_to: None,
    };
    support::make_app(root, tx, &app, &settings, now).await?.ok_or(StoreError::Collided)?;
    support::subscribe(tx, app_id).await?;
    Ok((app_id, secret))
}

async fn user(tx: &mut Tx, name: &str, now: i64) -> Result<User, StoreError> {
    let user = User {
        user_id: values::word(tx.random_id(), 8),
        user_no: tx.next_id(),
        name: name.to_owned(),
        status: UserStatus::Active,
        email: None,
        mobile: None,
    };
    if users::insert(tx, &user, now).await? { Ok(user) } else { Err(StoreError::Collided) }
}

async fn chat(
    tx: &mut Tx,
    app_id: AppId,
    owner: &str,
    people: &[User],
    now: i64,
) -> Result<ChatId, StoreError> {
    let chat = Chat {
        chat_id: ChatId(tx.random_id()),
        mode: ChatMode::Group,
        chat_type: ChatType::Private,
        tag: "inner".to_owned(),
        status: ChatStatus::Normal,
        external: false,
        name: "Larkspur demo".to_owned(),
        description: "Three people and a bot".to_owned(),
        i18n_names: I18nNames::default(),
        avatar: String::new(),
        owner: Some(Member::User(owner.to_owned())),
        creator_app: Some(app_id),
        group_message_type: GroupMessageType::Chat,
        settings: ChatSettings::default(),
        manage_widgets: Permission::AllMembers,
        conditions: Vec::new(),
        user_count: 0,
        bot_count: 0,
    };
    let locked = chats::insert(tx, chat, now).await?;
    let users = people.iter().map(|user| Member::User(user.user_id.clone()));
    let all: Vec<Member> = users.chain([Member::Bot(app_id)]).collect();
    members::add_all(tx, &locked, &all, false, now).await?;
    let message = tabs::Tab::message(TabId(tx.next_id()));
    tabs::insert(tx, &locked, &message).await?;
    Ok(locked.chat_id)
}

async fn document(tx: &mut Tx, app_id: AppId, owner: String, now: i64) -> Result<String, StoreError> {
    let document = Document {
        token: values::word(tx.random_id(), 24),
        doc_type: DocType::Docx,
        title: "Larkspur demo".to_owned(),
        owner,
        deleted: false,
    };
    if !documents::insert(tx, &document, now).await? {
        return Err(StoreError::Collided);
    }
    let bot = Collaborator {
        member: app_id.to_string(),
        member_type: "openid".to_owned(),
        permission: DocPermission::FullAccess,
        perm_type: "container".to_owned(),
    };
    documents::set_collaborator(tx, &document.token, &bot).await?;
    Ok(rules::documents::url(document.doc_type, &document.token))
}
