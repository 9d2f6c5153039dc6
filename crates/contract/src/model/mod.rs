//! Wire types that are stored unchanged: enums, settings and names; one file per family.

/// An enum of words that are the same on the wire and in columns.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
            pub enum $name {
                $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
            }

            impl $name {
                /// The word.
                pub const fn as_str(self) -> &'static str {
                    match self { $($name::$variant => $text,)* }
                }

                /// The value of a word.
                pub fn parse(text: &str) -> Option<Self> {
                    match text { $($text => Some($name::$variant),)* _ => None }
                }
            }
        )*
    };
}

mod app;
mod chat;
mod document;
mod file;
mod image;
mod member;
mod menu;
mod message;
mod tab;
mod tag;
mod user;

pub use app::*;
pub use chat::*;
pub use document::*;
pub use file::*;
pub use image::*;
pub use member::*;
pub use menu::*;
pub use message::*;
pub use tab::*;
pub use tag::*;
pub use user::*;
