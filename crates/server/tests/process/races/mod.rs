//! Every operation that writes, raced by two real servers on one database.
//!
//! Whatever the order, the answers and the result are those of some sequential order of the calls: limits are kept, one
//! of two equal names wins, one of two whole values is stored whole, and counts match the rows. No call is answered
//! with 5xx.

mod cards;
mod chats;
mod faults;
mod hooks;
mod identity;
mod members;
mod messages;
mod parts;
mod people;
mod snapshots;
mod stage;
mod tags;
mod talk;
mod worlds;

use std::collections::BTreeSet;
use std::sync::Arc;

use larkspur_contract::Effect;
use larkspur_server::REGISTRY;
use larkspur_store::BoxFuture;

use crate::support::program::Program;
use stage::{CALLS, Place, Stage, distinct, mixed, text, texts};

/// How often each race is run.
const ROUNDS: usize = 3;
/// Races one operation, in a world of its own.
type Race = fn(Place) -> BoxFuture<'static, ()>;

macro_rules! races {
    ($($operation:literal => $race:path,)*) => { &[$(($operation, |place| Box::pin($race(place)))),*] };
}

/// By operation.
const RACES: &[(&str, Race)] = races! {
    "application.v6.scope.apply" => worlds::applications,
    "application.v7.application_config.patch" => worlds::config,
    "auth.v3.app_access_token.create" => identity::app_token_of_the_shop,
    "auth.v3.app_access_token.internal" => identity::app_token,
    "auth.v3.app_ticket.resend" => identity::tickets,
    "auth.v3.tenant_access_token.create" => identity::tenant_token_of_the_shop,
    "auth.v3.tenant_access_token.internal" => identity::tenant_token,
    "authen.v1.access_token.create" => identity::historic_code,
    "authen.v1.authorize.decide" => identity::decisions,
    "authen.v1.oidc_access_token.create" => identity::oidc_code,
    "authen.v1.oidc_refresh_access_token.create" => identity::oidc_refresh,
    "authen.v1.refresh_access_token.create" => identity::historic_refresh,
    "authen.v2.oauth.token" => identity::code,
    "docx.v1.chat_announcement_block.batch_update" => parts::docx_title,
    "docx.v1.chat_announcement_block_children.batch_delete" => parts::docx_delete,
    "docx.v1.chat_announcement_block_children.create" => parts::docx_create,
    "bot.hook.send" => hooks::post_by_version_1,
    "bot.v2.hook.send" => hooks::post,
    "cardkit.v1.card.batch_update" => cards::batch,
    "cardkit.v1.card.create" => cards::create,
    "cardkit.v1.card.id_convert" => cards::convert,
    "cardkit.v1.card.settings" => cards::settings,
    "cardkit.v1.card.update" => cards::update,
    "cardkit.v1.card_element.content" => cards::content,
    "cardkit.v1.card_element.create" => cards::add,
    "cardkit.v1.card_element.delete" => cards::delete,
    "cardkit.v1.card_element.patch" => cards::patch,
    "cardkit.v1.card_element.update" => cards::replace,
    "drive.v1.media.upload_all" => parts::docx_upload,
    "drive.v1.permission_member.create" => people::share,
    "drive.v1.permission_member.delete" => people::unshare,
    "drive.v1.permission_member.update" => people::change_share,
    "ephemeral.v1.delete" => cards::hidden,
    "ephemeral.v1.send" => cards::seen,
    "im.v1.chat.create" => chats::create,
    "im.v1.chat.delete" => chats::dissolve,
    "im.v1.chat.link" => chats::link,
    "im.v1.chat.update" => chats::rename,
    "im.v1.chat_announcement.patch" => parts::announcement,
    "im.v1.chat_managers.add_managers" => members::appoint,
    "im.v1.chat_managers.delete_managers" => members::dismiss,
    "im.v1.chat_members.create" => members::seats,
    "im.v1.chat_members.delete" => members::leave,
    "im.v1.chat_members.me_join" => members::join,
    "im.v1.chat_menu_item.patch" => parts::menu_item,
    "im.v1.chat_menu_tree.create" => parts::menu_limit,
    "im.v1.chat_menu_tree.delete" => parts::menu_delete,
    "im.v1.chat_menu_tree.sort" => parts::menu_order,
    "im.v1.chat_moderation.update" => members::speakers,
    "im.v1.chat_nickname.delete" => members::no_nickname,
    "im.v1.chat_nickname.update" => members::nickname,
    "im.v1.chat_tab.create" => parts::tab_limit,
    "im.v1.chat_tab.delete_tabs" => parts::tab_delete,
    "im.v1.chat_tab.sort_tabs" => parts::tab_order,
    "im.v1.chat_tab.update_tabs" => parts::tab_change,
    "im.v1.chat_top_notice.delete_top_notice" => parts::notice_down,
    "im.v1.chat_top_notice.put_top_notice" => parts::notice_up,
    "im.v1.chat_user_setting.batch_update" => members::mute,
    "im.v1.file.create" => chats::upload_file,
    "im.v1.image.create" => chats::upload,
    "im.v1.message.forward" => messages::forward,
    "im.v1.message.merge_forward" => messages::merge,
    "im.v1.message.push_follow_up" => messages::follow_up,
    "im.v1.message.urgent_app" => messages::urge_app,
    "im.v1.message.urgent_phone" => messages::urge_phone,
    "im.v1.message.urgent_sms" => messages::urge_sms,
    "im.v1.batch_message.delete" => messages::recall_batch,
    "im.v1.thread.forward" => messages::forward_thread,
    "im.v1.message.create" => messages::send,
    "im.v1.message.delete" => messages::recall,
    "im.v1.message.patch" => messages::replace,
    "im.v1.message.reply" => messages::reply,
    "im.v1.message.update" => messages::edit,
    "im.v1.message_reaction.create" => messages::react,
    "im.v1.message_reaction.delete" => messages::unreact,
    "im.v1.pin.create" => messages::pin,
    "im.v1.pin.delete" => messages::unpin,
    "im.v2.biz_entity_tag_relation.create" => tags::bind,
    "im.v2.biz_entity_tag_relation.update" => tags::unbind,
    "im.v2.tag.create" => tags::create,
    "im.v2.tag.patch" => tags::rename,
    "larkspur.v1.app.callback" => worlds::called,
    "larkspur.v1.app.connections.delete" => worlds::cut,
    "interactive.v1.card.update" => cards::clicked,
    "larkspur.v1.app.create" => worlds::app,
    "larkspur.v1.app.deliveries.delete" => worlds::released,
    "larkspur.v1.app.deliveries.put" => worlds::steered,
    "larkspur.v1.app.events.challenge" => worlds::challenge,
    "larkspur.v1.app.events.put" => worlds::events,
    "larkspur.v1.app.install" => worlds::install,
    "larkspur.v1.app.menu_click" => people::menu_clicks,
    "larkspur.v1.app.secret" => worlds::secret,
    "larkspur.v1.app.sign_in.put" => worlds::addresses,
    "larkspur.v1.app.update" => worlds::app_settings,
    "larkspur.v1.chat.create" => chats::made,
    "larkspur.v1.chat.dissolve" => chats::dissolved_once,
    "larkspur.v1.chat.member_delete" => members::taken_out,
    "larkspur.v1.chat.member_put" => members::put_in,
    "larkspur.v1.chat.pending_delete" => members::answered,
    "larkspur.v1.chat.pending_put" => members::answered,
    "larkspur.v1.chat.say" => talk::say,
    "larkspur.v1.chat.tab_add" => talk::tab_limit,
    "larkspur.v1.chat.tab_delete" => talk::tab_delete,
    "larkspur.v1.chat.tab_order" => talk::tab_order,
    "larkspur.v1.chat.update" => chats::changed,
    "larkspur.v1.document.collaborator_put" => people::collaborator,
    "larkspur.v1.document.create" => people::document,
    "larkspur.v1.document.update" => people::document_state,
    "larkspur.v1.event.resend" => worlds::resent,
    "larkspur.v1.event.send" => worlds::made_up,
    "larkspur.v1.fault.add" => faults::add,
    "larkspur.v1.fault.clear" => faults::clear,
    "larkspur.v1.fault.delete" => faults::delete,
    "larkspur.v1.fault.order" => faults::order,
    "larkspur.v1.fault.put" => faults::put,
    "larkspur.v1.fault.update" => faults::update,
    "larkspur.v1.file.delete" => chats::delete_file,
    "larkspur.v1.hook.create" => hooks::create,
    "larkspur.v1.hook.delete" => hooks::delete,
    "larkspur.v1.image.delete" => chats::delete_image,
    "larkspur.v1.message.click" => talk::click,
    "larkspur.v1.message.edit" => talk::edit,
    "larkspur.v1.message.pin" => talk::pin,
    "larkspur.v1.message.react" => talk::react,
    "larkspur.v1.message.read" => talk::read,
    "larkspur.v1.message.recall" => talk::recall,
    "larkspur.v1.message.unpin" => talk::unpin,
    "larkspur.v1.message.unreact" => talk::unreact,
    "larkspur.v1.p2p.open" => people::p2p_chat,
    "larkspur.v1.refusal.delete" => worlds::no_refusal,
    "larkspur.v1.refusal.put" => worlds::refusal,
    "larkspur.v1.share_link.open" => members::open_link,
    "larkspur.v1.token.revoke" => people::revoked,
    "larkspur.v1.user.create" => people::user,
    "larkspur.v1.user.delete" => people::no_user,
    "larkspur.v1.user.token" => people::tokens,
    "larkspur.v1.user.update" => people::change,
    "larkspur.v1.world.reset" => snapshots::reset,
    "larkspur.v1.world.snapshots.create" => snapshots::create,
    "larkspur.v1.world.snapshots.delete" => snapshots::delete,
    "larkspur.v1.world.snapshots.restore" => snapshots::restore,
    "larkspur.v1.world.snapshots.upload" => snapshots::upload,
    "larkspur.v1.world.clock" => worlds::clock,
    "larkspur.v1.world.create" => worlds::create,
    "larkspur.v1.world.delete" => worlds::delete,
    "larkspur.v1.world.limits" => worlds::limits,
    "larkspur.v1.world.seed" => worlds::seed,
    "larkspur.v1.world.settings.put" => worlds::settings,
    "message.v4.batch_send" => messages::batch,
    "oauth.v3.token.create" => identity::code_of_v3,
};

fn writes() -> impl Iterator<Item = &'static larkspur_contract::Spec> {
    let all = REGISTRY.iter().copied().flatten().map(|entry| entry.spec);
    all.filter(|spec| spec.effect == Effect::Writes)
}

#[test]
fn every_write_operation_has_a_race() {
    let listed: BTreeSet<&str> = RACES.iter().map(|(id, _)| *id).collect();
    assert_eq!(listed, writes().map(|spec| spec.id).collect(), "the table of races");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_race_for_everything_that_is_written() {
    let stage = Arc::new(Stage::new().await);
    let mut broken = Vec::new();
    for (id, race) in RACES {
        for _ in 0..ROUNDS {
            stage.raced.lock().expect("no panic").clear();
            let place = Place { stage: stage.clone(), world: stage.lab.world().await };
            let done = tokio::spawn(race(place)).await.is_ok();
            let calls = stage.raced.lock().expect("no panic").get(id).copied().unwrap_or_default();
            if !done || calls.iter().any(|calls| *calls < 2) {
                broken.push(format!("{id}, which both servers were asked {calls:?} times"));
                break;
            }
        }
    }
    let logs = stage.servers.each_ref().map(Program::log).concat();
    let logs = logs.lines().filter(|line| !line.contains("\"refused\"")).collect::<Vec<_>>().join("\n");
    assert!(broken.is_empty(), "{}\n{logs}", broken.join("\n"));
    assert!(!logs.contains("panicked") && !logs.contains("undocumented"), "{logs}");
}
