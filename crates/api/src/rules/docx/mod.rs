//! Announcements of the docx form: a tree of blocks. Contents, what may be where, and edits.

mod block;
mod contents;
mod create;
mod delete;
mod grid;
pub mod media;
mod plain;
mod shape;
mod table;
mod text;
mod tree;
mod update;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use larkspur_contract::{Fault, codes};

pub use block::Block;
pub use contents::{
    AddOns, Bitable, Board, Callout, Caption, ChatCard, Component, File, Grid, GridColumn, Iframe, Image,
    Isv, LinkPreview, Objective, Okr, Property, Sheet, Span, Table, View, WikiCatalog,
};
pub use create::{CHILDREN_PER_CALL, create, resources_fit};
pub use delete::delete;
pub use plain::{mentioned, plain};
pub use text::{
    Background, ELEMENTS_MAX, Element, ElementStyle, Equation, Indentation, InlineBlock, InlineFile,
    InlinePreview, Link, MentionDoc, MentionUser, Milliseconds, Nothing, Reminder, Style, TEXT_MAX, Text,
    TextRun, URL_MAX,
};
pub use tree::{Node, Tree};
pub use update::{Picture, Pictures, Request, mentions_fit, named, update};

/// The page: the root of an announcement.
pub const PAGE: i64 = 1;
/// A paragraph.
pub const TEXT: i64 = 2;
/// Code.
pub const CODE: i64 = 14;
/// A quote without children.
pub const QUOTE: i64 = 15;
/// An item of a list of tasks.
pub const TODO: i64 = 17;
/// A table of a bitable.
pub const BITABLE: i64 = 18;
/// A callout.
pub const CALLOUT: i64 = 19;
/// The card of a chat.
pub const CHAT_CARD: i64 = 20;
/// A file, inside of a view.
pub const FILE: i64 = 23;
/// Columns beside one another.
pub const GRID: i64 = 24;
/// A column of a grid.
pub const GRID_COLUMN: i64 = 25;
/// A picture.
pub const IMAGE: i64 = 27;
/// A widget of a third party.
pub const ISV: i64 = 28;
/// A sheet.
pub const SHEET: i64 = 30;
/// A table.
pub const TABLE: i64 = 31;
/// A cell of a table.
pub const TABLE_CELL: i64 = 32;
/// The frame of a file.
pub const VIEW: i64 = 33;
/// A quote with children.
pub const QUOTE_CONTAINER: i64 = 34;
/// Objectives and key results.
pub const OKR: i64 = 36;

/// Types whose children can be folded. Source: the data-structure page.
const FOLDING: [i64; 13] = [TEXT, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, TODO];

/// The most blocks of an announcement. Assumed: no number is published.
pub const BLOCKS_MAX: usize = 20_000;
/// The most levels below the page. Assumed: no number is published.
pub const DEPTH_MAX: usize = 50;
/// The most children of a block. Assumed: no number is published.
pub const CHILDREN_MAX: usize = 5000;
/// The most characters of plain text of an announcement. Source: the overview page.
pub const CHARACTERS_MAX: usize = 10_485_760;
/// The most bytes of the contents of all blocks of an announcement, as they are stored. Assumed: four bytes for each character
/// of plain text.
pub const BYTES_MAX: usize = 4 * CHARACTERS_MAX;
/// How many revisions an edit may be behind, and how many can be read. Source: the pages of the three edits.
pub const REVISIONS_KEPT: i64 = 1000;

/// 1770001
fn invalid(note: impl Into<Cow<'static, str>>) -> Fault {
    Fault::new(codes::DOCX_INVALID_PARAM, note)
}

/// The revision that an edit is based on: -1 is the latest one. A newer one or 0 is 1770001, one that is more than 1000
/// behind 1770021. Source: the pages of the edits; which code answers what is assumed.
pub fn edits_revision(asked: i64, latest: i64) -> Result<(), Fault> {
    match asked {
        -1 => Ok(()),
        asked if asked < 1 || asked > latest => {
            Err(invalid(format!("revision {asked}, the latest is {latest}")))
        }
        asked if latest - asked > REVISIONS_KEPT => {
            Err(Fault::new(codes::DOCX_TOO_OLD, format!("revision {asked}, the latest is {latest}")))
        }
        _ => Ok(()),
    }
}

/// The revision to read, -1 being the latest one; 1770001 if it does not exist or is no longer kept.
pub fn reads_revision(asked: i64, latest: i64) -> Result<i64, Fault> {
    match asked {
        -1 => Ok(latest),
        asked if (1..=latest).contains(&asked) && latest - asked <= REVISIONS_KEPT => Ok(asked),
        _ => Err(invalid(format!("revision {asked}, the latest is {latest}"))),
    }
}
