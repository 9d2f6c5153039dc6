//! The demo world: what an empty store is given, so that the first call works.

use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_contract::ids::{AppId, ChatId, TabId, TenantKey};
use larkspur_contract::model::{
    AppKind, ChatMode, ChatSettings, ChatStatus, ChatType, DocPermission, DocType, GroupMessageType,
    I18nNames, InstallStatus, Permission, TabType, UserStatus,
};
use larkspur_contract::scopes;
use larkspur_store::apps::{self, App, InstallSettings, Scopes};
use larkspur_store::chats::{self, Chat, Member};
use larkspur_store::documents::{self, Collaborator, Document};
use larkspur_store::tabs::{self, Tab};
use larkspur_store::users::{self, User};
use larkspur_store::{Engine, Keys, Root, StoreError, members, tenants};

use crate::ready::Person;
pub use crate::ready::World;

const PEOPLE: [&str; 3] = ["Ada Larkin", "Ben Sparrow", "Chen Yan"];

/// Every id and secret of a new world, drawn beforehand, because its transaction may be run again.
struct Plan {
    tenant: TenantKey,
    app: AppId,
    secret: String,
    secret_hash: String,
    users: Vec<User>,
    chat: ChatId,
    tab: TabId,
    document: String,
    now: i64,
}

impl Plan {
    fn draw(engine: &Engine) -> Self {
        let secret = Keys::fresh_secret();
        let users = PEOPLE.map(|name| User {
            user_id: format!("{:08x}", half(engine) >> 32),
            user_no: engine.ids.snowflake(),
            name: name.to_owned(),
            status: UserStatus::Active,
            email: None,
            mobile: None,
        });
        Plan {
            tenant: TenantKey(half(engine)),
            app: AppId(half(engine)),
            secret_hash: engine.keys.hash_secret(&secret),
            secret,
            users: users.into(),
            chat: ChatId(engine.ids.random()),
            tab: TabId(engine.ids.snowflake()),
            document: Keys::fresh_secret().chars().take(27).collect(),
            now: engine.clock.now_ms(),
        }
    }

    fn world(&self, engine: &Engine) -> World {
        let person = |user: &User| Person {
            open_id: engine.keys.open_id(user.user_no.cast_unsigned(), self.app).to_string(),
            user_id: user.user_id.clone(),
            union_id: engine.keys.union_id(user.user_no.cast_unsigned(), self.tenant).to_string(),
            name: user.name.clone(),
        };
        World {
            tenant_key: self.tenant.to_string(),
            app_id: self.app.to_string(),
            app_secret: self.secret.clone(),
            chat_id: self.chat.to_string(),
            document_url: format!("https://larkspur.feishu.cn/docx/{}", self.document),
            users: self.users.iter().map(person).collect(),
        }
    }
}

/// Half of a random id.
fn half(engine: &Engine) -> u64 {
    #[allow(clippy::cast_possible_truncation, reason = "any 64 bits")]
    let bits = engine.ids.random() as u64;
    bits
}

/// Makes the demo world if the store has no tenant at all.
pub(crate) async fn make_if_empty(engine: &Arc<Engine>) -> Result<Option<World>, StoreError> {
    let plan = Arc::new(Plan::draw(engine));
    let planned = plan.clone();
    let made = engine
        .run(Effect::Writes, move |root| {
            let plan = planned.clone();
            Box::pin(async move {
                if !tenants::all(root).await?.is_empty() {
                    return Ok(false);
                }
                make(root, &plan).await?;
                Ok(true)
            })
        })
        .await?;
    Ok(made.then(|| plan.world(engine)))
}

async fn make(root: &mut Root, plan: &Plan) -> Result<(), StoreError> {
    let app = App {
        app_id: plan.app,
        developer: plan.tenant,
        kind: AppKind::Custom,
        name: "Larkspur demo".to_owned(),
        secret_hash: plan.secret_hash.clone(),
    };
    let mut tx = root.tenant(plan.tenant);
    tenants::insert(&mut tx, "Demo", plan.now).await?;
    apps::register(root, &app, plan.now).await?;
    let settings = InstallSettings {
        status: InstallStatus::Enabled,
        bot: true,
        external_sharing: true,
        scopes: Scopes::new(scopes::ALL.iter().copied()),
        visible_to: None,
    };
    apps::set_install(&mut tx, plan.app, &settings).await?;
    for user in &plan.users {
        users::insert(&mut tx, user, plan.now).await?;
    }
    let owner = plan.users.first().map(|user| Member::User(user.user_id.clone()));
    let locked = chats::insert(&mut tx, chat(plan, owner.clone()), plan.now).await?;
    for user in &plan.users {
        members::add(&mut tx, &locked, &Member::User(user.user_id.clone()), false, plan.now).await?;
    }
    members::add(&mut tx, &locked, &Member::Bot(plan.app), false, plan.now).await?;
    let tab = Tab {
        tab_id: plan.tab,
        tab_type: TabType::Message,
        name: String::new(),
        target: String::new(),
        config: None,
    };
    tabs::insert(&mut tx, &locked, &tab, 0).await?;
    let document = Document {
        token: plan.document.clone(),
        doc_type: DocType::Docx,
        title: "Demo document".to_owned(),
        owner: owner.map(|owner| owner.to_column()).unwrap_or_default(),
        deleted: false,
    };
    documents::insert(&mut tx, &document, plan.now).await?;
    let bot = Collaborator {
        member: plan.app.to_string(),
        member_type: "appid".to_owned(),
        permission: DocPermission::FullAccess,
        perm_type: "container".to_owned(),
    };
    documents::set_collaborator(&mut tx, &plan.document, &bot).await?;
    tx.outcome()
}

fn chat(plan: &Plan, owner: Option<Member>) -> Chat {
    Chat {
        chat_id: plan.chat,
        mode: ChatMode::Group,
        chat_type: ChatType::Private,
        tag: "inner".to_owned(),
        status: ChatStatus::Normal,
        external: false,
        name: "Demo chat".to_owned(),
        description: String::new(),
        i18n_names: I18nNames::default(),
        avatar: String::new(),
        owner,
        creator_app: Some(plan.app),
        group_message_type: GroupMessageType::Chat,
        settings: ChatSettings::default(),
        manage_widgets: Permission::AllMembers,
        user_count: 0,
        bot_count: 0,
    }
}

/// Whether a world that was written down is still there, with the same secret.
pub(crate) async fn is_there(engine: &Arc<Engine>, world: &World) -> Result<bool, StoreError> {
    let Some(app_id) = AppId::parse(&world.app_id) else { return Ok(false) };
    let app = engine.run(Effect::Reads, move |root| Box::pin(apps::find(root, app_id))).await?;
    Ok(app.is_some_and(|app| engine.keys.secret_matches(&world.app_secret, &app.secret_hash)))
}
