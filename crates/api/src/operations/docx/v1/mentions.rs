//! People, documents and chats in the contents of blocks.

use std::collections::HashMap;

use larkspur_contract::ids::ChatId;
use larkspur_contract::model::{UserIdType, UserStatus};
use larkspur_contract::{Fault, codes};
use larkspur_store::users::User;
use larkspur_store::{Tx, chats, documents, members, users};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Call;
use crate::rules::docx::{Block, Element, MentionDoc};
use crate::translate::{self, Named};

/// What remains as it is in the URL of a mentioned document.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The ids of users in an element.
fn people(element: &mut Element) -> impl Iterator<Item = &mut String> {
    let mentioned = element.mention_user.as_mut().map(|mention| &mut mention.user_id);
    let reminding = element.reminder.as_mut().map(|reminder| &mut reminder.create_user_id);
    mentioned.into_iter().chain(reminding)
}

/// Replaces the ids of users in new elements by their numbers, which the store keeps. Refuses users who cannot be
/// mentioned, and documents that the operator may not read.
pub(super) async fn keep(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    mut elements: Vec<&mut Element>,
) -> Result<(), Fault> {
    let ids: Vec<String> =
        elements.iter_mut().flat_map(|element| people(element)).map(|id| id.clone()).collect();
    let named =
        translate::all_named(tx, call, form, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let audience = translate::audience(tx, call, &named).await?;
    let mut numbers: HashMap<String, String> = HashMap::with_capacity(ids.len());
    for (id, named) in ids.into_iter().zip(named) {
        if numbers.contains_key(&id) {
            continue;
        }
        let refused = |why: &str| Err(Fault::new(codes::DOCX_FORBIDDEN, format!("user {id:?} {why}")));
        let Named::User(user) = named else { return refused("is not a user here") };
        if user.status != UserStatus::Active {
            return refused("is not in service");
        }
        if !audience.has(&user.user_id) {
            return refused("does not see the app");
        }
        numbers.insert(id, user.user_no.to_string());
    }
    let mut titles = HashMap::new();
    for element in elements {
        for id in people(element) {
            if let Some(number) = numbers.get(id) {
                id.clone_from(number);
            }
        }
        if let Some(mention) = &mut element.mention_doc {
            document(tx, call, mention, &mut titles).await?;
        }
    }
    Ok(())
}

/// Completes the mention of a document that the operator may read. `titles` has those of the documents of earlier mentions:
/// each document is looked up once.
async fn document(
    tx: &mut Tx,
    call: &Call,
    mention: &mut MentionDoc,
    titles: &mut HashMap<String, String>,
) -> Result<(), Fault> {
    let title = match titles.get(&mention.token) {
        Some(title) => title.clone(),
        None => title(tx, call, mention).await?,
    };
    titles.insert(mention.token.clone(), title.clone());
    mention.title = Some(title);
    if mention.url.contains(['/', ':']) {
        mention.url = utf8_percent_encode(&mention.url, PLAIN).to_string();
    }
    Ok(())
}

/// The title of a mentioned document that the operator may read.
async fn title(tx: &mut Tx, call: &Call, mention: &MentionDoc) -> Result<String, Fault> {
    let found = documents::get(tx, &mention.token).await?.filter(|found| !found.deleted);
    let unknown = || Fault::new(codes::DOCX_RESOURCE_NOT_FOUND, format!("no document {:?}", mention.token));
    let found = found.ok_or_else(unknown)?;
    let operator = call.operator().to_column();
    if found.owner != operator && documents::permission_of(tx, &found.token, &operator).await?.is_none() {
        let note = format!("the operator may not read document {:?}", found.token);
        return Err(Fault::new(codes::DOCX_FORBIDDEN, note));
    }
    Ok(found.title)
}

/// Refuses the cards of chats that do not exist, or that the operator is not in.
pub(super) async fn cards(tx: &mut Tx, call: &Call, drafts: &[Block]) -> Result<(), Fault> {
    for card in drafts.iter().filter_map(|draft| draft.chat_card.as_ref()) {
        let chat = match ChatId::parse(&card.chat_id) {
            Some(id) => chats::get(tx, id).await?,
            None => None,
        };
        let unknown = || Fault::new(codes::DOCX_RESOURCE_NOT_FOUND, format!("no chat {:?}", card.chat_id));
        let chat = chat.ok_or_else(unknown)?;
        if members::get(tx, chat.chat_id, &call.operator()).await?.is_none() {
            let note = format!("the operator is not in {}", chat.chat_id);
            return Err(Fault::new(codes::DOCX_FORBIDDEN, note));
        }
    }
    Ok(())
}

/// Replaces the numbers of users in stored blocks by ids of a form.
pub(super) async fn show(
    tx: &mut Tx,
    call: &Call,
    form: UserIdType,
    blocks: &mut [Block],
) -> Result<(), Fault> {
    let mut ids: Vec<&mut String> = blocks
        .iter_mut()
        .filter_map(Block::text_content_mut)
        .flat_map(|text| text.elements.iter_mut())
        .flat_map(people)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let users: HashMap<i64, User> = if form == UserIdType::UserId {
        let numbers: Vec<i64> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        users::by_numbers(tx, numbers).await?.into_iter().map(|user| (user.user_no, user)).collect()
    } else {
        HashMap::new()
    };
    let keys = &tx.engine().keys;
    for id in &mut ids {
        let number: i64 = id.parse().unwrap_or_default();
        **id = match form {
            UserIdType::OpenId => keys.open_id(number.cast_unsigned(), call.app_id()).to_string(),
            UserIdType::UnionId => keys.union_id(number.cast_unsigned(), call.app.developer).to_string(),
            UserIdType::UserId => users.get(&number).map(|user| user.user_id.clone()).unwrap_or_default(),
        };
    }
    Ok(())
}

/// All elements of new blocks.
pub(super) fn elements(drafts: &mut [Block]) -> Vec<&mut Element> {
    let texts = drafts.iter_mut().filter_map(Block::text_content_mut);
    texts.flat_map(|text| text.elements.iter_mut()).collect()
}

/// The blocks of a request, each with the content of its own type alone.
pub(super) fn drafts(sent: &[Block]) -> Vec<Block> {
    sent.iter().map(Block::sent).collect()
}
