use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::cast::Cast;
use super::chat::{self, View, words};
use super::in_world::{Where, World, encoded};
use super::script::{Hear, Script, Step};
use super::waiting::waiting;

/// How often the chat is looked at while something is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many of the latest messages are looked at.
const LATEST: u16 = 50;

/// Flags of `larkspur play`.
#[derive(Args)]
pub(super) struct Flags {
    /// File with the conversation, in YAML or JSON
    file: PathBuf,
    /// Chat [default: the file's, else that of the ready file]; an app_id means the user's chat with its bot
    #[arg(long)]
    chat: Option<String>,
    /// User who speaks if a step names no other one [default: the file's, else the first of the ready file]
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Plays a conversation; what does not go as written makes the command fail.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let name = flags.file.display();
    let text =
        std::fs::read_to_string(&flags.file).map_err(|error| format!("cannot read {name}: {error}"))?;
    let script = Script::read(&text).map_err(|why| format!("{name}: {why}"))?;
    waiting(async {
        let world = World::find(&flags.place)?;
        let mut play = Play::begin(&world, flags, &script).await?;
        for (index, step) in script.steps.iter().enumerate() {
            let done = play.step(step).await;
            let done = done.map_err(|why| format!("{name}: step {}: {why}", index + 1))?;
            super::print(&format!("ok {}  {done}\n", index + 1))?;
        }
        Ok(())
    })
}

/// A conversation that is played.
struct Play<'a> {
    world: &'a World,
    cast: Cast,
    chat: String,
    user: String,
    /// The messages of bots that were heard or skipped, each with what it said then.
    heard: HashSet<(String, String)>,
    /// The message of the bot that was heard last.
    last: Option<String>,
    /// The user's message that was sent last.
    said: Option<String>,
}

impl<'a> Play<'a> {
    async fn begin(world: &'a World, flags: &Flags, script: &Script) -> Result<Self, String> {
        let cast = Cast::of(world).await?;
        let demo = || world.server().known().ok()?.world.as_ref();
        let user = flags.user.as_deref().or(script.user.as_deref());
        let user = user.or_else(|| Some(demo()?.users.first()?.user_id.as_str()));
        let user = cast.user(user.ok_or("nothing says who speaks: set `as` in the file, or pass --as")?)?;
        let chat = flags.chat.as_deref().or(script.chat.as_deref());
        let chat = chat.or_else(|| Some(demo()?.chat_id.as_str()).filter(|chat| !chat.is_empty()));
        let chat = chat.ok_or("no chat is named: set `chat` in the file, or pass --chat")?;
        let chat = chat::chat_id(world, chat, Some(&user)).await?;
        let (heard, last, said) = (HashSet::new(), None, None);
        let mut play = Play { world, cast, chat, user, heard, last, said };
        let before = play.messages().await?;
        play.heard.extend(before.iter().map(state));
        Ok(play)
    }

    /// The messages of bots, the oldest first.
    async fn messages(&self) -> Result<Vec<Value>, String> {
        let view = View { chat: &self.chat, user: None, limit: LATEST, language: "en_us" };
        let mut found = view.messages(self.world).await?;
        found.retain(|message| message["sender"]["sender_type"] == "app" && message["deleted"] == false);
        Ok(found)
    }

    /// Does a step, and says what was done.
    async fn step(&mut self, step: &Step) -> Result<String, String> {
        let user = match &step.user {
            Some(user) => self.cast.user(user)?,
            None => self.user.clone(),
        };
        let name = self.cast.name(&user).to_owned();
        if let Some(text) = &step.say {
            self.say(&user, step, text).await?;
            return Ok(format!("{name} says {text:?}"));
        }
        if let Some(element) = &step.click {
            self.click(&user, step, element).await?;
            return Ok(format!("{name} clicks {element}"));
        }
        if let Some(emoji) = &step.react {
            let message = self.last.as_deref().ok_or("nothing was heard yet to react to")?;
            let path = format!("/messages/{}/reactions", encoded(message));
            self.world.call("POST", &path, Some(json!({"as": user, "emoji_type": emoji}))).await?;
            return Ok(format!("{name} reacts with {emoji}"));
        }
        let hear = step.hear.as_ref().ok_or("it has no say, hear, click or react")?;
        self.hear(&hear.whole()).await
    }

    async fn say(&mut self, user: &str, step: &Step, text: &str) -> Result<(), String> {
        let mut body = json!({"as": user, "text": self.cast.mentioning(&step.at, text)?});
        if step.in_thread {
            let to = self.last.as_ref().or(self.said.as_ref());
            body["reply_to"] = json!(to.ok_or("no message was sent yet to reply to")?);
            body["in_thread"] = json!(true);
        }
        let path = format!("/chats/{}/messages", encoded(&self.chat));
        let sent = self.world.call("POST", &path, Some(body)).await?;
        self.said = sent["message_id"].as_str().map(str::to_owned);
        Ok(())
    }

    async fn click(&mut self, user: &str, step: &Step, element: &str) -> Result<(), String> {
        let cards = self.messages().await?;
        let mut cards = cards.iter().rev().filter(|message| message.get("tree").is_some());
        let of_last = cards.clone().find(|card| self.last.as_deref() == card["message_id"].as_str());
        let card = of_last.or_else(|| cards.next()).ok_or("the chat shows no card")?;
        let mut body = json!({"as": user, "element": element});
        if let Some(more) = &step.with {
            body.as_object_mut().into_iter().for_each(|all| all.extend(more.clone()));
        }
        let id = card["message_id"].as_str().unwrap_or_default();
        let path = format!("/messages/{}/clicks", encoded(id));
        let seen = self.world.call("POST", &path, Some(body)).await?;
        match (step.code, seen["code"].as_u64()) {
            (None, None) => {}
            (Some(wanted), Some(code)) if wanted == code => {}
            (Some(wanted), _) => return Err(format!("the client was to show {wanted}; it shows {seen}")),
            (None, Some(_)) => return Err(chat::failed(&seen).unwrap_or_default()),
        }
        let toast = seen["toast"]["content"].as_str();
        match &step.toast {
            Some(wanted) if toast != Some(wanted) => {
                Err(format!("the toast was to be {wanted:?}; it is {:?}", toast.unwrap_or_default()))
            }
            _ => Ok(()),
        }
    }

    /// Waits for a message of a bot. What came before it and does not fit is skipped.
    async fn hear(&mut self, wanted: &Hear) -> Result<String, String> {
        let (began, within) = (Instant::now(), Duration::from_millis(wanted.within_ms));
        let from = wanted.from.as_deref().map(|from| self.cast.anyone(from)).transpose()?;
        loop {
            // What arrives while the chat is read counts if the time was not over before.
            let late = began.elapsed() >= within;
            let mut found = self.messages().await?;
            found.retain(|message| !self.heard.contains(&state(message)));
            let fits = |message: &Value| {
                from.as_deref().is_none_or(|from| message["sender"]["id"] == from)
                    && wanted.fits(message["msg_type"].as_str().unwrap_or_default(), &words(message))
            };
            let at = found.iter().position(fits);
            if let Some(at) = at {
                let message = &found[at];
                let (who, what) = (message["sender"]["id"].as_str().unwrap_or_default(), words(message));
                let done =
                    format!("{} says {what:?} after {} ms", self.cast.name(who), began.elapsed().as_millis());
                if wanted.nothing {
                    return Err(format!("nothing was to be heard, but {done}"));
                }
                self.last = message["message_id"].as_str().map(str::to_owned);
                self.heard.extend(found[..=at].iter().map(state));
                return Ok(done);
            }
            if late && wanted.nothing {
                return Ok(format!("nothing is heard within {} ms", wanted.within_ms));
            }
            if late {
                let other: Vec<String> =
                    found.iter().map(|message| format!("{:?}", words(message))).collect();
                let other = if other.is_empty() { "nothing".to_owned() } else { other.join(", ") };
                return Err(format!("not heard within {} ms: {wanted}; heard {other}", wanted.within_ms));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A message with what it says now: a changed one can be heard again.
fn state(message: &Value) -> (String, String) {
    (message["message_id"].as_str().unwrap_or_default().to_owned(), message["body"].to_string())
}
