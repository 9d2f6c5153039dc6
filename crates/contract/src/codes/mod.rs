//! Every documented error code, one line each: name, number, HTTP status, wire text; one file per family.
//!
//! The texts are the platform's own, including misspellings and missing full stops: clients match on them.
//! A number is listed twice if the platform has two texts for it.

use std::fmt;

/// One error answer: the public half of a [`crate::Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    /// The constant's name, for logs and documents.
    pub name: &'static str,
    /// The `code` member of the body.
    pub number: u32,
    /// The HTTP status.
    pub status: u16,
    /// The `msg` member of the body; some gateway codes append to it.
    pub text: &'static str,
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.name)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $status:literal, $text:literal;)*) => {
        $($(#[$doc])* #[doc = concat!("`` ", $text, " ``")] pub const $name: Code = Code { name: stringify!($name), number: $number, status: $status, text: $text };)*
        /// Every code of this file, in its order.
        pub(super) const FAMILY: &[Code] = &[$($name),*];
    };
}

mod application;
mod auth;
mod batch;
mod callback;
mod card;
mod chinese;
mod connection;
mod contact;
mod docx;
mod drive;
mod gateway;
mod group;
mod hook;
mod image;
mod message;
mod own;
mod reaction;
mod tenant;

pub use application::*;
pub use auth::*;
pub use batch::*;
pub use callback::*;
pub use card::*;
pub use chinese::chinese;
pub use connection::*;
pub use contact::*;
pub use docx::*;
pub use drive::*;
pub use gateway::*;
pub use group::*;
pub use hook::*;
pub use image::*;
pub use message::*;
pub use own::*;
pub use reaction::*;
pub use tenant::*;

const FAMILIES: [&[Code]; 17] = [
    gateway::FAMILY,
    auth::FAMILY,
    contact::FAMILY,
    application::FAMILY,
    tenant::FAMILY,
    group::FAMILY,
    image::FAMILY,
    message::FAMILY,
    docx::FAMILY,
    reaction::FAMILY,
    hook::FAMILY,
    batch::FAMILY,
    card::FAMILY,
    drive::FAMILY,
    connection::FAMILY,
    callback::FAMILY,
    own::FAMILY,
];

/// Every code, family by family, in the order of the files.
pub const ALL: &[Code] = &joined::<{ count() }>();

const fn count() -> usize {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
}

const fn joined<const N: usize>() -> [Code; N] {
    let mut all = [gateway::INTERNAL; N];
    let (mut next, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut index = 0;
        while index < FAMILIES[family].len() {
            all[next] = FAMILIES[family][index];
            (next, index) = (next + 1, index + 1);
        }
        family += 1;
    }
    all
}
