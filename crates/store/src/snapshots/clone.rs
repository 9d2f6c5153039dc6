//! Makes rows those of another tenant: every id in them is replaced by a new one.
//!
//! Ids are replaced in the columns that hold them, and in JSON where one is a whole value or the end of a URL. Ids inside of longer
//! texts stay.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use larkspur_contract::ids::{AppId, ChatId, TenantKey};
use serde_json::Value as Json;

use super::content::{Content, Rows};
use super::held::Cells;
use super::id_columns::{Holds, LEFT_OUT, holds};
use super::restoring;
use crate::driver::StoreError;
use crate::{Tx, Value, blobs, hooks};

/// A tenant that was made of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cloned {
    /// The ids of the source, as its callers see them, each with the one that replaces it.
    pub ids: BTreeMap<String, String>,
    /// How many rows were written.
    pub rows: usize,
    /// Files outside of the database that the clone names, and its tenant does not have yet: their hashes.
    pub files: BTreeSet<String>,
}

/// Writes the rows of a source as those of the transaction's tenant, which is new. Also returns the rows of its
/// apps and of their installations.
pub(super) async fn write(
    source: TenantKey,
    tx: &mut Tx,
    mut content: Content,
    name: &str,
) -> Result<(Cloned, [Vec<Cells>; 2]), StoreError> {
    let ids = renew(tx, source, &mut content)?;
    let files = super::hashes(&content);
    for hash in &files {
        blobs::claim_new(tx, hash).await?;
    }
    let rows = content.count();
    let installs = ["app", "app_install"].map(|name| content.of(name).to_vec());
    for Rows { table, mut rows } in content.0 {
        if let (0, Some(at)) = (table.key, table.columns.iter().position(|column| column == "name")) {
            for cell in rows.iter_mut().filter_map(|row| row.get_mut(at)) {
                *cell = name.into();
            }
        }
        restoring::insert(tx, table, rows.into_iter().map(Ok)).await?;
    }
    let key = tx.tenant();
    tx.forget(move |engine| engine.memory.tenants.forget(&key));
    Ok((Cloned { ids, rows, files }, installs))
}

/// Replaces the ids in rows of a source by new ones for the transaction's tenant, and leaves out what belongs to the source's
/// ids. Returns the ids that callers see, each with the one that replaces it.
pub(super) fn renew(
    tx: &Tx,
    source: TenantKey,
    content: &mut Content,
) -> Result<BTreeMap<String, String>, StoreError> {
    content.0.retain(|rows| !LEFT_OUT.contains(&rows.table.name));
    for Rows { table, rows } in &mut content.0 {
        // Of an app that is gone.
        rows.retain(|row| !table.is_remainder(row));
    }
    let mut renewal = Renewal::of(tx, source, content);
    renewal.see_all(content);
    renewal.name_all(content);
    for Rows { table, rows } in &mut content.0 {
        let kinds: Vec<Option<Holds>> =
            table.columns.iter().map(|column| holds(table.name, column)).collect();
        // A message that is not known cannot be named.
        rows.retain(|row| {
            let mut cells = row.iter().zip(&kinds);
            cells.all(|(cell, kind)| *kind != Some(Holds::Message) || renewal.knows(cell))
        });
        for row in rows.iter_mut() {
            for (cell, kind) in row.iter_mut().zip(&kinds) {
                if let Some(kind) = kind {
                    renewal.replace(cell, *kind)?;
                }
            }
        }
        rows.sort_by(|one, other| table.order(one, other));
    }
    Ok(renewal.ids)
}

/// The new ids.
struct Renewal<'a> {
    tx: &'a Tx,
    source: TenantKey,
    /// Apps of other tenants, which keep their ids.
    foreign: HashSet<String>,
    texts: HashMap<String, String>,
    users: HashMap<String, String>,
    numbers: HashMap<i64, i64>,
    hooks: HashMap<i64, i64>,
    /// The ids that callers see.
    ids: BTreeMap<String, String>,
}

impl<'a> Renewal<'a> {
    fn of(tx: &'a Tx, source: TenantKey, content: &Content) -> Self {
        let first = |name: &str| -> HashSet<String> {
            content.of(name).iter().filter_map(|row| row.first().and_then(text)).map(str::to_owned).collect()
        };
        let own = first("app");
        Renewal {
            tx,
            source,
            foreign: first("app_install").difference(&own).cloned().collect(),
            texts: HashMap::new(),
            users: HashMap::new(),
            numbers: HashMap::new(),
            hooks: HashMap::new(),
            ids: BTreeMap::from([(source.to_string(), tx.tenant().to_string())]),
        }
    }

    /// Draws a new id for each one in the columns that hold ids.
    fn see_all(&mut self, content: &Content) {
        // Numbers grow with time, and lists have their order.
        let mut numbers = BTreeSet::new();
        for Rows { table, rows } in &content.0 {
            for (at, column) in table.columns.iter().enumerate() {
                let Some(kind) = holds(table.name, column) else { continue };
                for cell in rows.iter().filter_map(|row| row.get(at)) {
                    match (kind, cell) {
                        (Holds::Number, Value::Int(number)) if *number != 0 => {
                            numbers.insert(*number);
                        }
                        (Holds::Hook, Value::Int(number)) => {
                            self.hooks.insert(*number, hooks::fresh_number(self.tx));
                        }
                        (_, Value::Text(text)) if !text.is_empty() => self.see(kind, text),
                        _ => {}
                    }
                }
            }
        }
        self.numbers.extend(numbers.into_iter().map(|number| (number, self.tx.next_id())));
    }

    fn see(&mut self, kind: Holds, text: &str) {
        match kind {
            Holds::Parties => text.split(' ').for_each(|member| self.see(Holds::Member, member)),
            Holds::Member if !text.starts_with(AppId::PREFIX) => self.see(Holds::User, text),
            Holds::Member => self.see(Holds::App, text),
            Holds::User if !self.users.contains_key(text) => {
                let word = random_text(self.tx, "aaaaaaaa");
                self.users.insert(text.to_owned(), word);
            }
            _ if self.texts.contains_key(text) || self.foreign.contains(text) => {}
            Holds::App => {
                let app = AppId(self.tx.random_id() as u64);
                self.texts.insert(text.to_owned(), app.to_string());
            }
            Holds::Chat => {
                let chat = ChatId(self.tx.random_id());
                self.texts.insert(text.to_owned(), chat.to_string());
            }
            Holds::Key => {
                let key = like(self.tx, text);
                self.texts.insert(text.to_owned(), key);
            }
            _ => {}
        }
    }

    /// Collects the ids as callers see them.
    fn name_all(&mut self, content: &Content) {
        let (keys, here, there) = (&self.tx.engine().keys, self.source, self.tx.tenant());
        self.ids.extend(self.texts.iter().chain(&self.users).map(|(old, new)| (old.clone(), new.clone())));
        for (table, at) in [("chat_tab", 1), ("chat_menu", 1), ("tag", 0), ("card", 0)] {
            for (old, new) in pairs(content, table, at, &self.numbers) {
                self.ids.insert(old.to_string(), new.to_string());
            }
        }
        for table in ["message", "ephemeral_card"] {
            for (old, new) in pairs(content, table, 0, &self.numbers) {
                self.ids
                    .insert(keys.message_id(old, here).to_string(), keys.message_id(new, there).to_string());
            }
        }
        for (old, new) in pairs(content, "message_reaction", 0, &self.numbers) {
            self.ids.insert(keys.reaction_id(old, here), keys.reaction_id(new, there));
        }
        for (old, new) in pairs(content, "chat_hook", 0, &self.hooks) {
            self.ids.insert(keys.hook_token(old, here).to_string(), keys.hook_token(new, there).to_string());
        }
        let apps = content.of("app_install").iter().filter_map(|row| row.first().and_then(text));
        let apps: Vec<(AppId, AppId)> = apps
            .filter_map(|old| {
                let new = self.texts.get(old).map_or(old, String::as_str);
                Some((AppId::parse(old)?, AppId::parse(new)?))
            })
            .collect();
        for (old, new) in pairs(content, "users", 1, &self.numbers) {
            let (old, new) = (old.cast_unsigned(), new.cast_unsigned());
            for (old_app, new_app) in &apps {
                let open_ids = (keys.open_id(old, *old_app), keys.open_id(new, *new_app));
                self.ids.insert(open_ids.0.to_string(), open_ids.1.to_string());
            }
            self.ids.insert(keys.union_id(old, here).to_string(), keys.union_id(new, there).to_string());
        }
    }

    /// Whether the message that a cell names is known.
    fn knows(&self, cell: &Value) -> bool {
        text(cell).is_none_or(|id| id.is_empty() || self.ids.contains_key(id))
    }

    /// Replaces the ids in a cell.
    fn replace(&self, cell: &mut Value, kind: Holds) -> Result<(), StoreError> {
        match cell {
            Value::Int(number) => {
                let new = if kind == Holds::Hook { self.hooks.get(number) } else { self.numbers.get(number) };
                *number = new.copied().unwrap_or(*number);
            }
            Value::Text(text) if !text.is_empty() => match kind {
                Holds::Json => {
                    // Some columns hold JSON or nothing, and contents of an earlier release may be plain text.
                    let Ok(mut json) = serde_json::from_str::<Json>(text) else { return Ok(()) };
                    self.replace_in(&mut json, false);
                    *text = serde_json::to_string(&json).map_err(|error| {
                        StoreError::Broken(format!("a JSON column cannot be written: {error}"))
                    })?;
                }
                Holds::Parties => {
                    let mut members: Vec<String> =
                        text.split(' ').map(|member| self.member(member)).collect();
                    members.sort_unstable();
                    *text = members.join(" ");
                }
                Holds::User | Holds::Member => *text = self.member(text),
                Holds::Maybe => *text = self.maybe(text).unwrap_or_else(|| self.member(text)),
                _ => *text = self.maybe(text).unwrap_or_else(|| text.clone()),
            },
            _ => {}
        }
        Ok(())
    }

    fn member(&self, text: &str) -> String {
        let new = self.users.get(text).or_else(|| self.texts.get(text));
        new.map_or_else(|| text.to_owned(), Clone::clone)
    }

    /// What replaces a text that is an id other than a user_id, or a URL that ends with one.
    fn maybe(&self, text: &str) -> Option<String> {
        let new_of = |id: &str| {
            self.texts.get(id).or_else(|| self.ids.get(id).filter(|_| !self.users.contains_key(id)))
        };
        if let Some(new) = new_of(text) {
            return Some(new.clone());
        }
        let path = text.strip_prefix("http").and_then(|rest| rest.split(['?', '#']).next())?;
        let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
        let start = "http".len() + path.len() - last.len();
        let (head, tail) = (text.get(..start)?, text.get(start + last.len()..)?);
        new_of(last).map(|new| format!("{head}{new}{tail}"))
    }

    /// Replaces the ids in a JSON value. `of_user` says that texts here are user_ids.
    fn replace_in(&self, json: &mut Json, of_user: bool) {
        match json {
            Json::String(text) => {
                let number = text.parse().ok().and_then(|number: i64| self.numbers.get(&number));
                let new = self.maybe(text).or_else(|| number.map(ToString::to_string));
                let user = || self.users.get(text).filter(|_| of_user).cloned();
                if let Some(new) = new.or_else(user) {
                    *text = new;
                }
            }
            Json::Number(number) => {
                let number_of = |old: u64| {
                    let new = i64::try_from(old).ok().and_then(|old| self.numbers.get(&old));
                    let app = || self.texts.get(&AppId(old).to_string()).and_then(|new| AppId::parse(new));
                    new.map(|new| new.cast_unsigned()).or_else(|| app().map(|app| app.0))
                };
                if let Some(new) = number.as_u64().and_then(number_of) {
                    *json = new.into();
                }
            }
            Json::Array(list) => list.iter_mut().for_each(|item| self.replace_in(item, of_user)),
            Json::Object(map) => {
                for (name, value) in map {
                    let names = ["user", "generic_user"].contains(&name.as_str());
                    let of_user = names || name.ends_with("user_id") || name.ends_with("user_ids");
                    self.replace_in(value, of_user);
                }
            }
            Json::Null | Json::Bool(_) => {}
        }
    }
}

/// The numbers in a column of a table, each with its new one.
fn pairs(content: &Content, table: &str, at: usize, new: &HashMap<i64, i64>) -> Vec<(i64, i64)> {
    let numbers = content.of(table).iter().filter_map(|row| match row.get(at) {
        Some(Value::Int(number)) => new.get(number).map(|new| (*number, *new)),
        _ => None,
    });
    numbers.collect()
}

fn text(cell: &Value) -> Option<&str> {
    match cell {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// A random text in the form of an id: its prefix stays, and each letter or digit is replaced by one of its kind.
fn like(tx: &Tx, old: &str) -> String {
    let start = if old.starts_with("bm-") { 3 } else { old.rfind('_').map_or(0, |at| at + 1) };
    let (prefix, body) = old.split_at(start);
    if body.len() < 16 {
        // Chosen by a test, and too short to be random.
        return format!("{prefix}{}", random_text(tx, "aaaaaaaaaaaaaaaaaaaaaaaa"));
    }
    format!("{prefix}{}", random_text(tx, body))
}

/// A random text in the form of another one.
fn random_text(tx: &Tx, form: &str) -> String {
    let hex = |letter: char| letter.is_ascii_digit() || ('a'..='f').contains(&letter);
    // The last letter of the platform's keys is not random.
    let body = form.strip_suffix('g').unwrap_or(form);
    let is_hex = body.len() > 8 && body.chars().all(|letter| hex(letter) || letter == '-');
    let mut random = 0u128;
    let mut draw = |of: u8| {
        if random < 1 << 16 {
            random = tx.random_id();
        }
        let drawn = (random % u128::from(of)) as u8;
        random /= u128::from(of);
        drawn
    };
    let mut letter_like = |letter: char| match letter {
        _ if is_hex && hex(letter) => char::from_digit(u32::from(draw(16)), 16).unwrap_or(letter),
        'a'..='z' | '0'..='9' if !is_hex => match draw(36) {
            digit @ 0..10 => char::from(b'0' + digit),
            other => char::from(b'a' + other - 10),
        },
        'A'..='Z' => char::from(b'A' + draw(26)),
        other => other,
    };
    form.chars().map(&mut letter_like).collect()
}
