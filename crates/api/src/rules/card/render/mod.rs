//! A card as a tree of a closed set of nodes. The console, the command line and tests print the same tree.

mod build;
mod click;
pub(crate) mod inline;
mod markdown;
mod plain;
mod tree;

use serde_json::Value;

pub use build::{DEPTH_MAX, NODES_MAX, TEXT_MAX, render};
pub use click::{Action, ClickError, Inputs, action_of};
pub use plain::plain;
pub use tree::{Act, At, Color, Column, Field, Header, Node, Options, Question, Row, Span, Tree, Warning};

/// The text of a text object in a language: `i18n_content` or `i18n` if it has the language, otherwise `content`. A string
/// is its own text.
pub(crate) fn text_of<'a>(part: &'a Value, language: &str) -> &'a str {
    let translated =
        ["i18n_content", "i18n"].into_iter().find_map(|name| part.get(name)?.get(language)?.as_str());
    translated.or_else(|| part.get("content")?.as_str()).or_else(|| part.as_str()).unwrap_or_default()
}
