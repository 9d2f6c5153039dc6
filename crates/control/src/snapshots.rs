//! What the operations on snapshots of worlds share.

use larkspur_api::{Asking, FileCopies, RootCall};
use larkspur_contract::ids::TenantKey;
use larkspur_contract::{Fault, codes};
use larkspur_store::snapshots::{self, BYTES_MAX, Budget, Cloned, Label, MOST, START, Snapshot, Unsaved};
use larkspur_store::{Root, SCHEMA_VERSION, StoreError, Tx, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{support, values};

/// Names that mean something else where a snapshot can be named.
const RESERVED: [&str; 3] = ["now", "start", "empty"];
/// The most characters of a name.
const NAME_MAX: usize = 64;

/// A snapshot.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Path {
    /// The world's tenant.
    pub(crate) tenant_key: String,
    /// The snapshot's name; `@start` is the state that the world was made with.
    pub(crate) name: String,
}

/// What is known of a snapshot.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// Its name.
    name: String,
    /// A note, for people.
    note: String,
    /// When it was saved, in milliseconds of the real time.
    created_at_ms: i64,
    /// The world's time when it was saved, in milliseconds since 1970.
    world_now_ms: i64,
    /// How many rows it has.
    rows: i64,
    /// How many bytes it has.
    bytes: i64,
}

impl From<Snapshot> for Shown {
    fn from(snapshot: Snapshot) -> Self {
        Shown {
            name: snapshot.name,
            note: snapshot.note,
            created_at_ms: snapshot.created_at,
            world_now_ms: snapshot.world_now,
            rows: snapshot.rows,
            bytes: snapshot.bytes,
        }
    }
}

/// Opens a world for a change of all of it: no call runs in it until the operation ends. Also returns its time.
pub(crate) async fn freeze(root: &mut Root, call: &RootCall, key: &str) -> Result<(Tx, i64), Fault> {
    let mut tx = root.tenant(support::tenant_key(key)?);
    snapshots::keep_others_out(&mut tx).await?;
    let world = tenants::lock(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
    Ok((tx, call.now + world.clock_offset_ms))
}

/// A snapshot of a world.
pub(crate) async fn find(tx: &mut Tx, field: &str, name: &str) -> Result<Snapshot, Fault> {
    let found = snapshots::find(tx, name).await?;
    found.ok_or_else(|| {
        let no_start = format!(
            "the world has no start: its first rows had more than {BYTES_MAX} bytes, or a release that kept no start made it; save a snapshot and use its name"
        );
        let why = if name == START { &no_start } else { "the world has no such snapshot" };
        support::not_found(field, name, why)
    })
}

/// Like [`find`], for a snapshot whose rows are to be read.
pub(crate) async fn readable(tx: &mut Tx, field: &str, name: &str) -> Result<Snapshot, Fault> {
    let found = find(tx, field, name).await?;
    if found.is_current() {
        return Ok(found);
    }
    Err(other_schema(field, name, found.schema))
}

/// The refusal of rows with another schema.
pub(crate) fn other_schema(field: &str, name: &str, schema: i64) -> Fault {
    let why = format!(
        "it has schema {schema}, and this release {SCHEMA_VERSION}: use the release that saved it, or save it anew"
    );
    values::invalid(field, Some(name), &why)
}

/// Refuses a name that no new snapshot may have, and one more than there may be.
pub(crate) async fn is_free(tx: &mut Tx, name: &str) -> Result<(), Fault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(fits) {
        let why = format!("1 to {NAME_MAX} letters, digits, `_`, `-` and `.`");
        return Err(values::invalid("name", Some(name), &why));
    }
    if RESERVED.contains(&name) {
        let why = "now, start and empty are states that every world has";
        return Err(values::invalid("name", Some(name), why));
    }
    let all = snapshots::list(tx).await?;
    if all.iter().any(|known| known.name == name) {
        let why = "is taken: delete this snapshot first, or choose another name";
        return Err(Fault::new(codes::CONTROL_CONFLICT, format!("the snapshot {name} exists"))
            .with_violation("name", Some(name), why));
    }
    if all.iter().filter(|known| known.name != START).count() >= MOST {
        let why = format!("a world has at most {MOST} snapshots: delete one");
        return Err(values::invalid("name", Some(name), &why));
    }
    Ok(())
}

/// The refusal of a state that cannot be saved.
pub(crate) fn unsaved(field: &str, why: Unsaved) -> Fault {
    let why = match why {
        Unsaved::TooLarge(most) => {
            format!("the rows of the world have more than {most} bytes, the most of a snapshot or a clone")
        }
        // The head is the first line of a file.
        Unsaved::Unreadable(wrong) => format!("line {}: {}", wrong.line + 1, wrong.why),
        Unsaved::FilesMissing(count) => {
            format!("{count} of the files that it names are not kept for this world: upload them again")
        }
    };
    values::invalid(field, None, &why)
}

/// Keeps the present state of a world that was just made as its start.
///
/// # Errors
/// The store is unavailable. A world that is too large for a snapshot has no start.
pub async fn keep_start(tx: &mut Tx, now: i64) -> Result<(), StoreError> {
    snapshots::save_start(tx, now, Budget::default()).await.map(drop)
}

/// The world that a new one is made of.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Source {
    /// Its tenant.
    world: String,
    /// One of its snapshots; by default its present state.
    snapshot: Option<String>,
}

/// Makes a world of another one. Its files are copied before its rows are written: the operation is run again after that.
pub(crate) async fn clone_world(
    root: &mut Root,
    (call, asking): (&RootCall, &Asking),
    source: &Source,
    name: &str,
) -> Result<(TenantKey, Cloned), Fault> {
    let mut from = root.tenant(support::tenant_key(&source.world).map_err(|_| no_source(&source.world))?);
    snapshots::keep_others_out(&mut from).await?;
    tenants::lock(&mut from).await?.ok_or_else(|| no_source(&source.world))?;
    let snapshot = match &source.snapshot {
        Some(name) => Some(readable(&mut from, "from.snapshot", name).await?),
        None => None,
    };
    let tenant = asking.copied_to().unwrap_or_else(|| support::fresh_tenant(root));
    let mut to = root.tenant(tenant);
    let made = snapshots::make_clone(&mut from, &mut to, snapshot.as_ref(), name, Budget::default()).await?;
    let made = made.map_err(|why| unsaved("from.world", why))?;
    asking.copy(FileCopies { from: from.tenant(), to: tenant, hashes: made.files.clone() })?;
    keep_start(&mut to, call.now).await?;
    Ok((tenant, made))
}

fn no_source(key: &str) -> Fault {
    support::not_found("from.world", key, "no such world")
}

/// The first line of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    format: String,
    /// The schema of the rows.
    pub(crate) schema: i64,
    /// The release that wrote the file.
    release: String,
    /// The world that the rows are of, and a mark of the store whose keys seal its secrets.
    pub(crate) tenant_key: String,
    pub(crate) store: String,
    name: String,
    note: String,
    created_at_ms: i64,
    pub(crate) world_now_ms: i64,
    rows: i64,
}

/// The most characters of a note.
const NOTE_MAX: usize = 1000;

/// What `format` is.
const FORMAT: &str = "larkspur-snapshot/1";

impl Head {
    /// The head of a snapshot's file.
    pub(crate) fn of(tx: &Tx, snapshot: &Snapshot) -> Self {
        Head {
            format: FORMAT.to_owned(),
            schema: snapshot.schema,
            release: env!("CARGO_PKG_VERSION").to_owned(),
            tenant_key: tx.tenant().to_string(),
            store: tx.engine().keys.store_mark(),
            name: snapshot.name.clone(),
            note: snapshot.note.clone(),
            created_at_ms: snapshot.created_at,
            world_now_ms: snapshot.world_now,
            rows: snapshot.rows,
        }
    }

    /// The line.
    pub(crate) fn line(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|error| Fault::new(codes::INTERNAL, error.to_string()))
    }

    /// Reads the head of a file, and returns it with the other lines.
    pub(crate) fn read(text: &str) -> Result<(Self, &str), Fault> {
        let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
        let head: Head = serde_json::from_str(line)
            .map_err(|_| values::invalid("file", None, "line 1: it is not the head of a snapshot's file"))?;
        if head.note.chars().count() > NOTE_MAX || head.note.contains('\0') {
            let why = format!("line 1: the note is a text of at most {NOTE_MAX} characters");
            return Err(values::invalid("file", None, &why));
        }
        if head.format != FORMAT {
            let why = format!("line 1: the format is {}, and this release reads {FORMAT}", head.format);
            return Err(values::invalid("file", None, &why));
        }
        if usize::try_from(head.schema) != Ok(SCHEMA_VERSION) {
            return Err(other_schema("file", &head.name, head.schema));
        }
        Ok((head, rest))
    }

    /// What a snapshot of this file is saved as.
    pub(crate) fn label<'a>(&'a self, name: &'a str, now: i64) -> Label<'a> {
        Label { name, note: &self.note, real_now: now, world_now: self.world_now_ms }
    }
}
