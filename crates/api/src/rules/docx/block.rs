//! A block on the wire and in the store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AddOns, Bitable, Board, Callout, ChatCard, File, Grid, GridColumn, Iframe, Image, Isv, LinkPreview,
    Nothing, Okr, Sheet, Table, Text, View, WikiCatalog,
};

macro_rules! block {
    ($($(#[$doc:meta])* $number:literal $name:ident: $content:ty;)*) => {
        /// A block: exactly one content member, the one that its type names.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[schemars(extend("x-name" = "Block"))]
        pub struct Block {
            /// Its id, made by the server: 27 letters and digits, or the chat_id for the page. Ignored in requests.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub block_id: Option<String>,
            /// Its type.
            pub block_type: i64,
            /// Its parent; empty for the page. Ignored in requests.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub parent_id: Option<String>,
            /// The ids of its children, in their order; absent if it has none. Ignored in requests.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub children: Option<Vec<String>>,
            $($(#[$doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $name: Option<$content>,)*
        }

        impl Block {
            /// The same block with the content of its own type alone; `None` if it does not have that.
            pub(super) fn of_its_type(self) -> Option<Block> {
                let mut kept = Block { block_type: self.block_type, ..Block::default() };
                match self.block_type {
                    $($number => kept.$name = Some(self.$name?),)*
                    _ => return None,
                }
                Some(kept)
            }
        }
    };
}

block! {
    /// The page, whose text is the title. Type 1.
    1 page: Text;
    /// A paragraph. Type 2.
    2 text: Text;
    /// A heading. Type 3.
    3 heading1: Text;
    /// A heading. Type 4.
    4 heading2: Text;
    /// A heading. Type 5.
    5 heading3: Text;
    /// A heading. Type 6.
    6 heading4: Text;
    /// A heading. Type 7.
    7 heading5: Text;
    /// A heading. Type 8.
    8 heading6: Text;
    /// A heading. Type 9.
    9 heading7: Text;
    /// A heading. Type 10.
    10 heading8: Text;
    /// A heading. Type 11.
    11 heading9: Text;
    /// An item of a list. Type 12.
    12 bullet: Text;
    /// An item of a numbered list. Type 13.
    13 ordered: Text;
    /// Code. Type 14.
    14 code: Text;
    /// A quote without children. Type 15.
    15 quote: Text;
    /// An item of a list of tasks. Type 17.
    17 todo: Text;
    /// A table of a bitable. Type 18.
    18 bitable: Bitable;
    /// A callout. Type 19.
    19 callout: Callout;
    /// The card of a chat. Type 20.
    20 chat_card: ChatCard;
    /// A line. Type 22.
    22 divider: Nothing;
    /// A file. Type 23.
    23 file: File;
    /// Columns beside one another. Type 24.
    24 grid: Grid;
    /// A column of a grid. Type 25.
    25 grid_column: GridColumn;
    /// A page of another site. Type 26.
    26 iframe: Iframe;
    /// A picture. Type 27.
    27 image: Image;
    /// A widget of a third party. Type 28.
    28 isv: Isv;
    /// A sheet. Type 30.
    30 sheet: Sheet;
    /// A table. Type 31.
    31 table: Table;
    /// A cell of a table. Type 32.
    32 table_cell: Nothing;
    /// The frame of a file. Type 33.
    33 view: View;
    /// A quote with children. Type 34.
    34 quote_container: Nothing;
    /// Objectives and key results. Type 36.
    36 okr: Okr;
    /// An add-on. Type 40.
    40 add_ons: AddOns;
    /// A directory of a wiki. Type 42.
    42 wiki_catalog: WikiCatalog;
    /// A board. Type 43.
    43 board: Board;
    /// The preview of a link. Type 48.
    48 link_preview: LinkPreview;
    /// A block of an unknown kind. Type 999.
    999 undefined: Nothing;
}

impl Block {
    /// The block of a request without contents of other types, which are ignored; unchanged if it has no content of its own.
    pub fn sent(&self) -> Block {
        self.clone()
            .of_its_type()
            .unwrap_or_else(|| Block { block_type: self.block_type, ..Block::default() })
    }

    /// A block of text without any.
    pub(super) fn empty_text() -> Block {
        Block { block_type: super::TEXT, text: Some(Text::empty(super::TEXT)), ..Block::default() }
    }

    /// The page of a new announcement.
    pub(super) fn empty_page() -> Block {
        Block { block_type: super::PAGE, page: Some(Text::empty(super::PAGE)), ..Block::default() }
    }

    /// The text of a block of text.
    pub fn text_content(&self) -> Option<&Text> {
        let all = [
            &self.page,
            &self.text,
            &self.heading1,
            &self.heading2,
            &self.heading3,
            &self.heading4,
            &self.heading5,
            &self.heading6,
            &self.heading7,
            &self.heading8,
            &self.heading9,
            &self.bullet,
            &self.ordered,
            &self.code,
            &self.quote,
            &self.todo,
        ];
        all.into_iter().find_map(Option::as_ref)
    }

    /// Like [`Block::text_content`], to change it.
    pub fn text_content_mut(&mut self) -> Option<&mut Text> {
        let all = [
            &mut self.page,
            &mut self.text,
            &mut self.heading1,
            &mut self.heading2,
            &mut self.heading3,
            &mut self.heading4,
            &mut self.heading5,
            &mut self.heading6,
            &mut self.heading7,
            &mut self.heading8,
            &mut self.heading9,
            &mut self.bullet,
            &mut self.ordered,
            &mut self.code,
            &mut self.quote,
            &mut self.todo,
        ];
        all.into_iter().find_map(Option::as_mut)
    }
}
