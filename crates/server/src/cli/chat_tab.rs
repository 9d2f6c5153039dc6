use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::cast::Cast;
use super::in_world::{Where, World, encoded, nothing};
use super::terminal::{Screen, plain};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Print the tabs of a chat: ids, types, names, and what they open
    List(List),
    /// Add a tab that opens a URL
    Add(Add),
    /// Sort the tabs: all of their ids, the message tab first
    Sort(Sort),
    /// Delete a tab
    Delete(Delete),
}

#[derive(Args)]
pub(super) struct List {
    /// Chat, by its chat_id
    chat: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub(super) struct Add {
    /// Chat, by its chat_id
    chat: String,
    /// URL that the tab opens
    #[arg(value_name = "URL")]
    target: String,
    /// Name of the tab
    #[arg(long)]
    name: Option<String>,
    /// The URL is that of a document
    #[arg(long)]
    doc: bool,
    /// User who adds it, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub(super) struct Sort {
    /// Chat, by its chat_id
    chat: String,
    /// Tabs in their new order, by tab_id
    #[arg(required = true)]
    tabs: Vec<String>,
    /// User who sorts them, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: String,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
pub(super) struct Delete {
    /// Chat, by its chat_id
    chat: String,
    /// Tab, by its tab_id
    tab: String,
    /// User who deletes it, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: String,
    #[command(flatten)]
    place: Where,
}

/// Does it and prints the tabs that the chat has then.
pub(super) async fn run(command: &Command) -> Result<(), String> {
    let told = match command {
        Command::List(flags) => {
            let world = World::find(&flags.place)?;
            world.call("GET", &format!("/chats/{}", encoded(&flags.chat)), None).await?
        }
        Command::Add(flags) => {
            let (world, user) = person(&flags.place, &flags.user).await?;
            let kind = if flags.doc { "doc" } else { "url" };
            let mut body = json!({"as": user, "tab_type": kind, "target": flags.target});
            if let Some(name) = &flags.name {
                body["tab_name"] = json!(name);
            }
            world.call("POST", &tabs(&flags.chat), Some(body)).await?
        }
        Command::Sort(flags) => {
            let (world, user) = person(&flags.place, &flags.user).await?;
            let body = json!({"as": user, "tab_ids": flags.tabs});
            world.call("PATCH", &tabs(&flags.chat), Some(body)).await?
        }
        Command::Delete(flags) => {
            let (world, user) = person(&flags.place, &flags.user).await?;
            let path = format!("{}/{}?as={}", tabs(&flags.chat), encoded(&flags.tab), encoded(&user));
            world.call("DELETE", &path, None).await?
        }
    };
    if told["tabs"].as_array().is_none_or(Vec::is_empty) {
        nothing("tabs");
    }
    super::print(&listed(&told))
}

/// The world of a command, and the user_id of the user who does something there.
async fn person(place: &Where, user: &str) -> Result<(World, String), String> {
    let world = World::find(place)?;
    let user = Cast::of(&world).await?.user(user)?;
    Ok((world, user))
}

fn tabs(chat: &str) -> String {
    format!("/chats/{}/tabs", encoded(chat))
}

/// The tabs in an answer, one in a line.
fn listed(told: &Value) -> String {
    let tabs = told["tabs"].as_array().into_iter().flatten();
    let line = |tab: &Value| {
        let words =
            ["tab_id", "tab_type", "tab_name", "target"].map(|name| tab[name].as_str().unwrap_or_default());
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        vec![plain(words.join("  "))]
    };
    Screen::standard().uncut().lines(&tabs.map(line).collect::<Vec<_>>())
}
