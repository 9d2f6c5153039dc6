use clap::{Args, Subcommand};
use larkspur_api::rules::card::render::{Tree, plain, render};
use serde_json::{Map, Value, json};

use super::cast::Cast;
use super::chat_tab;
use super::in_world::{Where, World, encoded, nothing};
use super::terminal::{Part, Screen, bold, columns, dim, paragraph, plain as usual};
use super::waiting::waiting;

/// Flags of `larkspur chat`.
#[derive(Args)]
pub(super) struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send a text to a chat and print its message_id
    Say(Say),
    /// Use an element of a card and print what the user sees
    Click(Click),
    /// Print the latest messages of a chat
    Show(Show),
    /// Print, add, sort and delete the tabs of a chat
    #[command(subcommand)]
    Tab(chat_tab::Command),
}

#[derive(Args)]
struct Say {
    /// Chat, by its chat_id; an app_id means the user's chat with its bot
    chat: String,
    /// Text
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// User who says it, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// User or bot to mention first, by id or name, repeatable
    #[arg(long, value_name = "WHO")]
    at: Vec<String>,
    /// Message to reply to
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<String>,
    /// Reply in a thread
    #[arg(long, requires = "reply_to")]
    in_thread: bool,
    #[command(flatten)]
    place: Where,
}

#[derive(Args)]
struct Click {
    /// Message with the card
    message: String,
    /// Element, by its address as `larkspur chat show` prints it
    element: String,
    /// User who clicks, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: String,
    #[command(flatten)]
    inputs: Inputs,
    #[command(flatten)]
    place: Where,
}

/// What a user enters.
#[derive(Args)]
struct Inputs {
    /// Option to choose in a menu, or date or time; repeatable
    #[arg(long, value_name = "VALUE")]
    option: Vec<String>,
    /// Text to enter
    #[arg(long, value_name = "TEXT")]
    input: Option<String>,
    /// Whether to tick the box
    #[arg(long, value_name = "BOOL")]
    checked: Option<bool>,
    /// Values of the form by the names of its components: a JSON object
    #[arg(long, value_name = "JSON")]
    form: Option<String>,
}

#[derive(Args)]
struct Show {
    /// Chat, by its chat_id; an app_id means the user's chat with its bot
    chat: String,
    /// User whose view it is, by user_id or name
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// At most so many messages; replies in threads are not counted
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    limit: u16,
    /// Language of cards
    #[arg(long, default_value = "en_us")]
    lang: String,
    /// Print JSON, one message per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Where,
}

/// Does in chats what a user's client does; a refusal makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    waiting(async {
        match &flags.command {
            Command::Say(flags) => say(flags).await,
            Command::Click(flags) => click(flags).await,
            Command::Show(flags) => show(flags).await,
            Command::Tab(command) => chat_tab::run(command).await,
        }
    })
}

/// The chat_id of a chat, or of a user's chat with a bot, which is opened as a client would.
pub(super) async fn chat_id(world: &World, chat: &str, user: Option<&str>) -> Result<String, String> {
    let Some(user) = user.filter(|_| chat.starts_with("cli_")) else { return Ok(chat.to_owned()) };
    let opened = world.call("POST", "/p2p", Some(json!({"as": user, "app_id": chat}))).await?;
    Ok(opened["chat_id"].as_str().unwrap_or_default().to_owned())
}

async fn say(flags: &Say) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let cast = Cast::of(&world).await?;
    let user = cast.user(&flags.user)?;
    let chat = chat_id(&world, &flags.chat, Some(&user)).await?;
    let mut body = json!({"as": user, "text": cast.mentioning(&flags.at, &flags.text)?});
    if let Some(to) = &flags.reply_to {
        body["reply_to"] = json!(to);
        body["in_thread"] = json!(flags.in_thread);
    }
    let sent = world.call("POST", &format!("/chats/{}/messages", encoded(&chat)), Some(body)).await?;
    super::print(&format!("{}\n", sent["message_id"].as_str().unwrap_or_default()))
}

async fn click(flags: &Click) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let user = Cast::of(&world).await?.user(&flags.user)?;
    let inputs = &flags.inputs;
    let mut body = json!({"as": user, "element": flags.element});
    if let Some(first) = inputs.option.first() {
        // Each element takes the one that it needs.
        body["option"] = json!(first);
        body["options"] = json!(inputs.option);
    }
    if let Some(text) = &inputs.input {
        body["input"] = json!(text);
    }
    if let Some(checked) = inputs.checked {
        body["checked"] = json!(checked);
    }
    if let Some(form) = &inputs.form {
        let form: Map<String, Value> =
            serde_json::from_str(form).map_err(|error| format!("--form is not a JSON object: {error}"))?;
        body["form"] = Value::Object(form);
    }
    let path = format!("/messages/{}/clicks", encoded(&flags.message));
    let seen = world.call("POST", &path, Some(body)).await?;
    super::print(&clicked(&seen))?;
    match failed(&seen) {
        Some(why) => Err(why),
        None => Ok(()),
    }
}

/// The failure that the user sees after a click.
pub(super) fn failed(seen: &Value) -> Option<String> {
    let code = seen["code"].as_u64()?;
    let why = seen["failure"].as_str().unwrap_or_default();
    Some(format!("the client shows {code}: {}: {why}", seen["meaning"].as_str().unwrap_or_default()))
}

/// What the user sees after a click, in lines.
fn clicked(seen: &Value) -> String {
    let mut lines = Vec::new();
    if let Some(url) = seen["opens"].as_str() {
        lines.push(format!("opens {url}"));
    }
    if let Some(toast) = seen.get("toast") {
        lines.push(format!(
            "{}: {}",
            toast["type"].as_str().unwrap_or("info"),
            toast["content"].as_str().unwrap_or_default()
        ));
    }
    if let Some(card) = seen.get("card") {
        lines.push(plain(&render(card, "en_us")));
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

async fn show(flags: &Show) -> Result<(), String> {
    let world = World::find(&flags.place)?;
    let cast = Cast::of(&world).await?;
    let user = flags.user.as_deref().map(|user| cast.user(user)).transpose()?;
    let chat = chat_id(&world, &flags.chat, user.as_deref()).await?;
    let view = View { chat: &chat, user: user.as_deref(), limit: flags.limit, language: &flags.lang };
    let found = view.messages(&world).await?;
    let screen = Screen::standard();
    if found.is_empty() && !flags.json {
        nothing("messages");
    }
    for message in &found {
        let text = match flags.json {
            true => format!("{message}\n"),
            false => screen.uncut().lines(&shown(message, &cast, &screen)),
        };
        super::print(&text)?;
    }
    Ok(())
}

/// How a chat is looked at.
pub(super) struct View<'a> {
    /// The chat_id.
    pub(super) chat: &'a str,
    /// The user_id of the user whose view it is.
    pub(super) user: Option<&'a str>,
    /// The most messages.
    pub(super) limit: u16,
    /// The language of cards.
    pub(super) language: &'a str,
}

impl View<'_> {
    /// The latest messages, the oldest first, with the trees of cards.
    pub(super) async fn messages(&self, world: &World) -> Result<Vec<Value>, String> {
        let mut path = format!("/chats/{}/messages?render=1&limit={}", encoded(self.chat), self.limit);
        path.push_str(&format!("&lang={}", encoded(self.language)));
        if let Some(user) = self.user {
            path.push_str(&format!("&as={}", encoded(user)));
        }
        let mut found = world.call("GET", &path, None).await?;
        Ok(match found["messages"].take() {
            Value::Array(messages) => messages,
            _ => Vec::new(),
        })
    }
}

/// What a message says: one line, or the lines of its card.
pub(super) fn words(message: &Value) -> String {
    card(message).unwrap_or_else(|| message["line"].as_str().unwrap_or_default().to_owned())
}

/// The lines of a card, if there is one.
fn card(shown: &Value) -> Option<String> {
    let tree = serde_json::from_value::<Tree>(shown.get("tree")?.clone()).ok()?;
    Some(plain(&tree))
}

/// The same, with the cards that single users see in place of the one that was sent.
fn words_for_all(message: &Value, cast: &Cast) -> String {
    let mut words = words(message);
    for own in message["own_cards"].as_array().into_iter().flatten() {
        let name = cast.name(own["user_id"].as_str().unwrap_or_default());
        words.push_str(&format!("\n({name} sees:)\n{}", card(own).unwrap_or_default()));
    }
    words
}

/// A message in lines. On a terminal they are folded, not cut: people read them.
fn shown(message: &Value, cast: &Cast, screen: &Screen) -> Vec<Vec<Part>> {
    let text = |name: &str| message[name].as_str().unwrap_or_default();
    let sender = cast.name(message["sender"]["id"].as_str().unwrap_or_default());
    let seconds = text("create_time").parse::<i64>().unwrap_or_default() / 1000;
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let indent = if message.get("parent_id").is_some() { "  > " } else { "" };
    let words = words_for_all(message, cast);
    let id = text("message_id");
    let head = vec![dim(format!("{id}  {time}  ")), usual(indent), bold(sender), usual(":")];
    let fold = |first: &str, rest, line: &str| -> Vec<Vec<Part>> {
        match screen.width() {
            None => vec![vec![usual(format!("{first}{line}"))]],
            width => paragraph(first, rest, line, width).lines().map(|line| vec![usual(line)]).collect(),
        }
    };
    let before: String = head.iter().map(|(_, text)| text.as_str()).collect();
    let cramped = screen.width().is_some_and(|width| columns(&before) + 20 > width);
    if words.contains('\n') || message.get("tree").is_some() || cramped {
        let under = words.lines().flat_map(|line| {
            let text = line.trim_start_matches(' ');
            let blanks = 4 + line.len() - text.len();
            fold(&" ".repeat(blanks), blanks, text)
        });
        return std::iter::once(head).chain(under).collect();
    }
    let mut lines = fold(&format!("{before} "), 4, &words);
    if let Some(first) = lines.first_mut() {
        let rest =
            first.iter().map(|(_, text)| text.get(before.len()..).unwrap_or_default()).collect::<String>();
        *first = head.into_iter().chain([usual(rest)]).collect();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_whole_in_pipes_and_folded_on_terminals() {
        let cast = Cast::default();
        let message = json!({
            "message_id": "om_1", "create_time": "3661000", "sender": {"id": "ada"}, "line": "one  two three four five",
        });
        let lines = |screen: Screen| screen.gray().lines(&shown(&message, &cast, &screen));
        assert_eq!(lines(Screen::PIPE), "om_1  01:01:01  ada: one  two three four five\n");
        assert_eq!(lines(Screen::terminal(44)), "om_1  01:01:01  ada: one two three four five\n");
        assert_eq!(lines(Screen::terminal(42)), "om_1  01:01:01  ada: one two three four\n    five\n");
        assert_eq!(lines(Screen::terminal(24)), "om_1  01:01:01  ada:\n    one two three four\n    five\n");
    }

    #[test]
    fn cards_of_single_users_follow_the_one_that_was_sent() {
        let tree =
            |text: &str| json!(render(&json!({"elements": [{"tag": "markdown", "content": text}]}), "en_us"));
        let message = json!({
            "message_id": "om_1", "create_time": "0", "sender": {"id": "demo"}, "tree": tree("for all"),
            "own_cards": [{"user_id": "ada", "tree": tree("for one")}],
        });
        let lines = Screen::PIPE.gray().lines(&shown(&message, &Cast::default(), &Screen::PIPE));
        assert_eq!(lines, "om_1  00:00:00  demo:\n    for all\n    (ada sees:)\n    for one\n");
    }

    #[test]
    fn what_a_user_sees_in_lines() {
        let seen = json!({"toast": {"content": "Done"}, "card": {"elements": [{"tag": "hr"}]}, "ms": 1});
        assert_eq!(clicked(&seen), "info: Done\n---\n");
        assert_eq!(failed(&seen), None);
        let seen = json!({"code": 200341, "meaning": "late", "failure": "no answer", "ms": 3000});
        assert_eq!(failed(&seen).as_deref(), Some("the client shows 200341: late: no answer"));
    }
}
