//! The nodes of a render tree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A card to be shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tree {
    /// Its header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// Its nodes, from top to bottom.
    pub body: Vec<Node>,
    /// What the platform refuses or clients show badly.
    pub warnings: Vec<Warning>,
}

/// The header of a card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// The title.
    pub title: Vec<Span>,
    /// The line below it.
    pub subtitle: Vec<Span>,
    /// The colored labels beside the title.
    pub tags: Vec<Span>,
    /// Its color.
    pub color: Color,
    /// Its icon: the token of a standard icon, or an image key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// A part of a card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Node {
    /// A paragraph.
    Text {
        /// The text.
        spans: Vec<Span>,
        /// `text_size`, such as `heading` or `notation`.
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<String>,
        /// `text_align`: left, center or right.
        #[serde(skip_serializing_if = "Option::is_none")]
        align: Option<String>,
    },
    /// A heading.
    Heading {
        /// 1 to 6.
        level: usize,
        /// The text.
        spans: Vec<Span>,
    },
    /// A list.
    List {
        /// Whether the items are numbered.
        ordered: bool,
        /// The items.
        items: Vec<Vec<Span>>,
    },
    /// A quotation.
    Quote {
        /// The text.
        spans: Vec<Span>,
    },
    /// A block of code.
    Code {
        /// Its language, as given.
        language: String,
        /// The code.
        text: String,
    },
    /// A horizontal line.
    Rule,
    /// An image.
    Image {
        /// Its key.
        key: String,
        /// Its description.
        alt: String,
    },
    /// Columns beside each other.
    Columns {
        /// The columns.
        columns: Vec<Column>,
    },
    /// Short texts in one or two columns.
    Fields {
        /// The fields.
        fields: Vec<Field>,
    },
    /// A footnote.
    Note {
        /// Texts and images.
        nodes: Vec<Node>,
    },
    /// A button.
    Button {
        /// Its address, for clicks.
        address: String,
        /// Its text.
        label: String,
        /// `type`, such as `primary` or `danger`.
        style: String,
        /// Whether it cannot be clicked.
        disabled: bool,
        /// What the client asks before it acts.
        #[serde(skip_serializing_if = "Option::is_none")]
        confirm: Option<Question>,
        /// What a click does.
        act: Act,
    },
    /// A field for text.
    Input {
        /// Its address, for clicks.
        address: String,
        /// Its name in the form.
        name: String,
        /// What it asks for.
        label: String,
        /// The text before an entry.
        placeholder: String,
        /// The text in it.
        value: String,
        /// Whether it cannot be used.
        disabled: bool,
        /// Whether the form needs it.
        required: bool,
    },
    /// A menu of options, of people or of images.
    Select {
        /// Its address, for clicks.
        address: String,
        /// Its tag.
        tag: String,
        /// Its name in the form.
        name: String,
        /// The text before a choice.
        placeholder: String,
        /// The options.
        options: Vec<Options>,
        /// What is chosen.
        chosen: Vec<String>,
        /// Whether several can be chosen.
        multiple: bool,
        /// Whether it cannot be used.
        disabled: bool,
        /// Whether the form needs it.
        required: bool,
    },
    /// A field for a date, a time, or both.
    Picker {
        /// Its address, for clicks.
        address: String,
        /// Its tag.
        tag: String,
        /// Its name in the form.
        name: String,
        /// The text before a choice.
        placeholder: String,
        /// What is chosen.
        value: String,
        /// Whether it cannot be used.
        disabled: bool,
        /// Whether the form needs it.
        required: bool,
    },
    /// A box to tick.
    Checker {
        /// Its address, for clicks.
        address: String,
        /// Its name in the form.
        name: String,
        /// Its text.
        spans: Vec<Span>,
        /// Whether it is ticked.
        checked: bool,
        /// Whether it cannot be used.
        disabled: bool,
    },
    /// A part that can be folded.
    Panel {
        /// Its title.
        title: Vec<Span>,
        /// Whether it is open at first.
        open: bool,
        /// What is in it.
        nodes: Vec<Node>,
    },
    /// A part that can be clicked.
    Container {
        /// Its address, for clicks.
        address: String,
        /// Whether it cannot be clicked.
        disabled: bool,
        /// What a click does.
        act: Act,
        /// What is in it.
        nodes: Vec<Node>,
    },
    /// A form.
    Form {
        /// Its name.
        name: String,
        /// What is in it.
        nodes: Vec<Node>,
    },
    /// A table.
    Table {
        /// The names of the columns.
        columns: Vec<String>,
        /// The rows.
        rows: Vec<Row>,
    },
    /// An element that has no node of its own.
    Box {
        /// Its tag.
        tag: String,
        /// The beginning of its JSON.
        json: String,
    },
    /// The rest is left out: the card is larger than what is shown.
    Cut,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Its share of the width, from 1 to 5; 0 if it is as wide as its content.
    pub weight: u64,
    /// What is in it.
    pub nodes: Vec<Node>,
}

/// A field of a `div`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Field {
    /// Whether another one fits beside it.
    pub short: bool,
    /// The text.
    pub spans: Vec<Span>,
}

/// A row of a table: the text of each column.
pub type Row = Vec<String>;

/// An option of a menu.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Options {
    /// What the app is told.
    pub value: String,
    /// What people see.
    pub text: String,
}

/// What the client asks before it acts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// What a click does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "does", rename_all = "snake_case")]
pub enum Act {
    /// It opens a URL.
    Open {
        /// The URL.
        url: String,
    },
    /// It tells the app.
    Callback {
        /// What the app is told.
        value: Value,
    },
    /// It sends the form.
    Submit,
    /// It empties the form.
    Reset,
}

/// A piece of text with one style.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Bold.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bold: bool,
    /// Italic.
    #[serde(default, skip_serializing_if = "is_false")]
    pub italic: bool,
    /// Struck through.
    #[serde(default, skip_serializing_if = "is_false")]
    pub strike: bool,
    /// Code.
    #[serde(default, skip_serializing_if = "is_false")]
    pub code: bool,
    /// Its color.
    #[serde(default, skip_serializing_if = "Color::is_default")]
    pub color: Color,
    /// Whether it is a colored label.
    #[serde(default, skip_serializing_if = "is_false")]
    pub label: bool,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// Who is mentioned; `text` is the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// A mention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct At {
    /// The id as the card has it, or `all`.
    pub id: String,
}

/// A color. Others, rgba and hexadecimal ones among them, are the default: contrast is only known for these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names of colors")]
pub enum Color {
    #[default]
    Default,
    Blue,
    Wathet,
    Turquoise,
    Green,
    Yellow,
    Orange,
    Red,
    Carmine,
    Violet,
    Purple,
    Indigo,
    Grey,
}

impl Color {
    /// The color of a name.
    pub fn parse(name: &str) -> Color {
        match name.split('-').next().unwrap_or_default() {
            "blue" => Color::Blue,
            "wathet" => Color::Wathet,
            "turquoise" => Color::Turquoise,
            "green" | "lime" => Color::Green,
            "yellow" => Color::Yellow,
            "orange" => Color::Orange,
            "red" => Color::Red,
            "carmine" => Color::Carmine,
            "violet" => Color::Violet,
            "purple" => Color::Purple,
            "indigo" => Color::Indigo,
            "grey" | "gray" | "neutral" => Color::Grey,
            _ => Color::Default,
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Color::Default
    }
}

/// Something that the platform refuses or clients show badly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Warning {
    /// The address of the element, or nothing if it is about the card.
    pub address: String,
    /// What is wrong, and what to do.
    pub text: String,
}
