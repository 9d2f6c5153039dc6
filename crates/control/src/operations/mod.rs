//! `/larkspur/v1`: Larkspur's own operations to create and change worlds, for tests and operators.
//!
//! Every write locks the row of its world first. So two writes never interleave in one world, and no write runs in a
//! world that is being deleted.

use larkspur_api::{Entry, entry};
use larkspur_contract::{Access, Consumes, Effect, Reply, Spec, codes, get, rates};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) mod app;
pub(crate) mod chat;
mod console;
pub(crate) mod document;
mod event;
pub(crate) mod fault;
mod file;
mod hook;
mod image;
pub(crate) mod message;
mod operation;
mod p2p;
mod refusal;
mod share_link;
mod token;
mod traffic;
pub(crate) mod user;
pub(crate) mod world;

/// The fields that all specs of the control API share: the control key is required, there is no rate limit, the answer
/// is `success`, an invalid request is 5275400, and there is no public page and no deviation.
///
/// The other fields are placeholders. Each `SPEC` sets its own, which a test checks.
pub(crate) const CONTROL: Spec = Spec {
    reference: "",
    access: Access::Control,
    rate: rates::UNLIMITED,
    reply: Reply::Data("success"),
    invalid: codes::CONTROL_PARAM_INVALID,
    behaviours: &[],
    deviations: &[],
    id: "",
    summary: "",
    route: get(""),
    effect: Effect::Reads,
    consumes: Consumes::Nothing,
    codes: &[],
    recodes: &[],
    emits: &[],
    example: "",
};

/// The world.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct WorldPath {
    /// Its tenant.
    tenant_key: String,
}

/// The operations of the control API, in the order of the documents.
pub static ENTRIES: &[Entry] = &[
    entry::<world::create::Create>(),
    entry::<world::seed::Seed>(),
    entry::<world::list::List>(),
    entry::<world::get::Get>(),
    entry::<world::delete::Delete>(),
    entry::<world::clock::SetClock>(),
    entry::<world::limits::SetLimits>(),
    entry::<world::settings::get::Get>(),
    entry::<world::settings::put::Put>(),
    entry::<world::reset::Reset>(),
    entry::<world::snapshots::create::Create>(),
    entry::<world::snapshots::list::List>(),
    entry::<world::snapshots::delete::Delete>(),
    entry::<world::snapshots::restore::Restore>(),
    entry::<world::snapshots::file::File>(),
    entry::<world::snapshots::upload::Upload>(),
    entry::<world::snapshots::diff::Diff>(),
    entry::<fault::add::Add>(),
    entry::<fault::list::List>(),
    entry::<fault::put::Put>(),
    entry::<fault::update::Update>(),
    entry::<fault::delete::Delete>(),
    entry::<fault::clear::Clear>(),
    entry::<fault::order::Order>(),
    entry::<fault::preview::Preview>(),
    entry::<refusal::put::Put>(),
    entry::<refusal::list::List>(),
    entry::<refusal::delete::Delete>(),
    entry::<app::create::Create>(),
    entry::<app::list::List>(),
    entry::<app::get::Get>(),
    entry::<app::update::Update>(),
    entry::<app::secret::Rotate>(),
    entry::<app::token::Issue>(),
    entry::<app::install::Install>(),
    entry::<app::menu_click::Click>(),
    entry::<app::callback::Send>(),
    entry::<app::sign_in::get::Get>(),
    entry::<app::sign_in::put::Put>(),
    entry::<app::events::get::Get>(),
    entry::<app::events::put::Put>(),
    entry::<app::events::challenge::Challenge>(),
    entry::<app::ledger::Ledger>(),
    entry::<app::grants::Grants>(),
    entry::<app::connections::list::List>(),
    entry::<app::connections::delete::Delete>(),
    entry::<app::deliveries::get::Get>(),
    entry::<app::deliveries::put::Put>(),
    entry::<app::deliveries::delete::Delete>(),
    entry::<event::list::List>(),
    entry::<event::get::Get>(),
    entry::<event::check::Check>(),
    entry::<event::send::Send>(),
    entry::<event::resend::Resend>(),
    entry::<user::create::Create>(),
    entry::<user::list::List>(),
    entry::<user::get::Get>(),
    entry::<user::update::Update>(),
    entry::<user::delete::Delete>(),
    entry::<user::token::Issue>(),
    entry::<token::inspect::Inspect>(),
    entry::<token::revoke::Revoke>(),
    entry::<chat::create::Create>(),
    entry::<chat::list::List>(),
    entry::<chat::get::Get>(),
    entry::<chat::view::View>(),
    entry::<chat::update::Update>(),
    entry::<chat::dissolve::Dissolve>(),
    entry::<chat::member_put::Put>(),
    entry::<chat::member_delete::Delete>(),
    entry::<chat::pending_list::List>(),
    entry::<chat::pending_put::Put>(),
    entry::<chat::pending_delete::Delete>(),
    entry::<chat::tab_add::Add>(),
    entry::<chat::tab_order::Order>(),
    entry::<chat::tab_delete::Delete>(),
    entry::<chat::say::Say>(),
    entry::<chat::messages::Messages>(),
    entry::<message::edit::Edit>(),
    entry::<message::recall::Recall>(),
    entry::<message::read::Read>(),
    entry::<message::react::React>(),
    entry::<message::unreact::Unreact>(),
    entry::<message::pin::Pin>(),
    entry::<message::unpin::Unpin>(),
    entry::<message::click::Click>(),
    entry::<hook::create::Create>(),
    entry::<hook::list::List>(),
    entry::<hook::delete::Delete>(),
    entry::<share_link::open::Open>(),
    entry::<p2p::open::Open>(),
    entry::<document::create::Create>(),
    entry::<document::get::Get>(),
    entry::<document::update::Update>(),
    entry::<document::collaborator_put::Put>(),
    entry::<image::get::Get>(),
    entry::<image::delete::Delete>(),
    entry::<file::get::Get>(),
    entry::<file::delete::Delete>(),
    entry::<traffic::list::List>(),
    entry::<traffic::get::Get>(),
    entry::<traffic::clear::Clear>(),
    entry::<traffic::check::Check>(),
    entry::<traffic::summary::Summary>(),
    entry::<traffic::diff::Diff>(),
    entry::<traffic::replay::Replay>(),
    entry::<traffic::export::Export>(),
    entry::<traffic::stream::Stream>(),
    entry::<traffic::all::All>(),
    entry::<traffic::find::Find>(),
    entry::<console::link::Make>(),
    entry::<operation::list::List>(),
];
