//! The contents of blocks that are not text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{TEXT_MAX, URL_MAX};

/// A table of a bitable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Bitable {
    /// The app token, `_` and the table id; read only.
    pub token: String,
    /// 1 grid, 2 kanban.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2]))]
    pub view_type: Option<i64>,
}

/// A callout. Its text is in its children.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Callout {
    /// The color behind it, 1 to 15; absent means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub background_color: Option<i64>,
    /// The color of its border, 1 to 7; absent means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 7))]
    pub border_color: Option<i64>,
    /// The color of its text, 1 to 7; absent means the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 7))]
    pub text_color: Option<i64>,
    /// Its emoji; `gift` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emoji_id: Option<String>,
}

/// The card of a chat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChatCard {
    /// The chat. The operator must be in it.
    pub chat_id: String,
    /// 1 left (default), 2 center, 3 right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, 3]))]
    pub align: Option<i64>,
}

/// A file. On creation its token is empty; `replace_file` sets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct File {
    /// Its name; read only.
    pub name: String,
    /// Its token.
    pub token: String,
    /// How its frame shows it: 1 as a card (default), 2 as a preview. Write only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2]))]
    pub view_type: Option<i64>,
}

/// Columns beside one another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Grid {
    /// How many columns it has: 2 to 5 on creation, up to 10 later.
    pub column_size: i64,
}

/// A column of a grid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GridColumn {
    /// Its share of the width, in percent.
    pub width_ratio: i64,
}

/// A page of another site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Iframe {
    /// The page.
    pub component: Component,
}

/// A page of another site.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Component {
    /// The site: 1 Bilibili, 2 Xigua, 3 Youku, 4 Airtable, 5 Baidu map, 6 Amap, 8 Figma, 9 Modao, 10 Canva, 11 CodePen, 12
    /// Feishu form, 13 Jinshuju, 99 another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 99]))]
    pub iframe_type: Option<i64>,
    /// Its URL, percent-encoded; kept as sent.
    #[schemars(length(min = 1, max = URL_MAX))]
    pub url: String,
}

/// A picture. On creation its token is empty; `replace_image` sets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Image {
    /// Its width in pixels; 100 until a picture is set.
    pub width: i64,
    /// Its height in pixels; 100 until a picture is set.
    pub height: i64,
    /// Its token.
    pub token: String,
    /// 1 left, 2 center (default), 3 right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, 3]))]
    pub align: Option<i64>,
    /// Text below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<Caption>,
    /// How much it is enlarged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
}

/// Text below a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Caption {
    /// The text.
    pub content: String,
}

/// A widget of a third party.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Isv {
    /// The widget.
    pub component_id: String,
    /// Its kind.
    pub component_type_id: String,
}

/// A sheet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sheet {
    /// The spreadsheet token, `_` and the sheet id; read only.
    pub token: String,
    /// Its rows. Write only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub row_size: Option<i64>,
    /// Its columns. Write only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub column_size: Option<i64>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Its cells, row by row; read only.
    #[serde(default)]
    pub cells: Vec<String>,
    /// Its properties.
    pub property: Property,
}

/// The properties of a table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Property {
    /// Its rows: at most 9 on creation.
    #[schemars(range(min = 1))]
    pub row_size: i64,
    /// Its columns: at most 9 on creation.
    #[schemars(range(min = 1))]
    pub column_size: i64,
    /// The width of each column in pixels; 100 by default.
    #[serde(default)]
    pub column_width: Vec<i64>,
    /// Whether the first row is a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_row: Option<bool>,
    /// Whether the first column is a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_column: Option<bool>,
    /// What each cell spans, in the order of the cells; read only.
    #[serde(default)]
    pub merge_info: Vec<Span>,
}

/// What a cell spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Span {
    /// Rows.
    pub row_span: i64,
    /// Columns.
    pub col_span: i64,
}

impl Default for Span {
    fn default() -> Self {
        Span { row_span: 1, col_span: 1 }
    }
}

/// The frame of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct View {
    /// 1 card, 2 preview, 3 inline.
    pub view_type: i64,
}

/// Objectives and key results.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Okr {
    /// The OKR.
    pub okr_id: String,
    /// The objectives to show; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objectives: Option<Vec<Objective>>,
}

/// An objective to show.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// The objective.
    pub objective_id: String,
    /// Its key results to show.
    #[serde(default)]
    pub kr_ids: Vec<String>,
}

/// An add-on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddOns {
    /// The add-on.
    #[serde(default)]
    pub component_id: String,
    /// Its kind.
    pub component_type_id: String,
    /// Its data, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = TEXT_MAX))]
    pub record: Option<String>,
}

/// A directory of a wiki.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WikiCatalog {
    /// The wiki node.
    pub wiki_token: String,
}

/// A board.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Board {
    /// Its token; read only.
    pub token: String,
    /// 1 left (default), 2 center, 3 right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, 3]))]
    pub align: Option<i64>,
    /// Its width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 90))]
    pub width: Option<i64>,
    /// Its height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 90))]
    pub height: Option<i64>,
}

/// The preview of a link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LinkPreview {
    /// The link. Required on creation, and write only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = URL_MAX))]
    pub url: Option<String>,
    /// `MessageLink`.
    #[schemars(extend("enum" = ["MessageLink"]))]
    pub url_type: String,
}
