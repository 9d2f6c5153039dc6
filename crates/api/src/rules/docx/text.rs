//! The text of a block: elements with their styles, and the style of the block.

use larkspur_contract::{Fault, codes};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::{CODE, FOLDING, PAGE, TEXT, TODO, invalid};

/// The most UTF-16 units of all contents of one block. Source: the data-structure page.
pub const TEXT_MAX: usize = 100_000;
/// The most elements of one block. Assumed: no number is published.
pub const ELEMENTS_MAX: usize = 1000;
/// The most characters of a URL. Assumed: no number is published.
pub const URL_MAX: usize = 10_000;

/// Text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-name" = "Text"))]
pub struct Text {
    /// Its elements. An empty list becomes one empty run.
    #[schemars(length(max = ELEMENTS_MAX))]
    pub elements: Vec<Element>,
    /// The style of the block.
    #[serde(default)]
    pub style: Style,
}

/// The style of a block of text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Style {
    /// 1 left (default), 2 center, 3 right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [1, 2, 3]))]
    pub align: Option<i64>,
    /// Whether a todo is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<bool>,
    /// Whether the children are folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<bool>,
    /// The language of code, 1 to 75; 1 is plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 75))]
    pub language: Option<i64>,
    /// Whether lines of code are wrapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrap: Option<bool>,
    /// The color behind the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_color: Option<Background>,
    /// The indentation of a text block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indentation_level: Option<Indentation>,
    /// The number of an item of a numbered list, or `auto`; not given for items made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<String>,
}

/// The color behind a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Background {
    /// Light gray.
    LightGrayBackground,
    /// Light red.
    LightRedBackground,
    /// Light orange.
    LightOrangeBackground,
    /// Light yellow.
    LightYellowBackground,
    /// Light green.
    LightGreenBackground,
    /// Light blue.
    LightBlueBackground,
    /// Light purple.
    LightPurpleBackground,
    /// Pale gray.
    PaleGrayBackground,
    /// Dark gray.
    DarkGrayBackground,
    /// Dark red.
    DarkRedBackground,
    /// Dark orange.
    DarkOrangeBackground,
    /// Dark yellow.
    DarkYellowBackground,
    /// Dark green.
    DarkGreenBackground,
    /// Dark blue.
    DarkBlueBackground,
    /// Dark purple.
    DarkPurpleBackground,
}

/// The indentation of a text block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Indentation {
    /// None.
    NoIndent,
    /// One level.
    OneLevelIndent,
}

/// An element of a text: exactly one of its members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-name" = "TextElement"))]
pub struct Element {
    /// Characters of one style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_run: Option<Box<TextRun>>,
    /// A mention of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_user: Option<Box<MentionUser>>,
    /// A mention of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mention_doc: Option<Box<MentionDoc>>,
    /// A reminder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reminder: Option<Box<Reminder>>,
    /// A file in a text. It cannot be made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Box<InlineFile>>,
    /// A block in a text. It cannot be made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline_block: Option<Box<InlineBlock>>,
    /// A formula.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equation: Option<Box<Equation>>,
    /// The preview of a link. It cannot be made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_preview: Option<Box<InlinePreview>>,
    /// An element of an unknown kind. It cannot be made here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undefined: Option<Nothing>,
}

/// An object without members.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nothing {}

/// A file in a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InlineFile {
    /// The file.
    pub file_token: String,
    /// The block that it is from.
    pub source_block_id: String,
    /// Its style.
    pub text_element_style: ElementStyle,
}

/// A block in a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InlineBlock {
    /// The block.
    pub block_id: String,
    /// Its style.
    pub text_element_style: ElementStyle,
}

/// The preview of a link in a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct InlinePreview {
    /// The title of the linked page.
    pub title: String,
    /// The link.
    pub url: String,
    /// The kind of the link.
    pub url_type: String,
    /// Its style.
    pub text_element_style: ElementStyle,
}

/// Characters of one style.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextRun {
    /// The characters; a line feed is a soft break.
    pub content: String,
    /// Their style.
    #[serde(default)]
    pub text_element_style: ElementStyle,
}

/// A mention of a user. Through the API it sends no notice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MentionUser {
    /// The user, in the form that `user_id_type` names.
    pub user_id: String,
    /// Its style.
    #[serde(default)]
    pub text_element_style: ElementStyle,
}

/// A mention of a document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MentionDoc {
    /// The document.
    pub token: String,
    /// Its kind: 1 doc, 3 sheet, 8 bitable, 11 mind note, 12 file, 15 slides, 16 wiki, 22 docx.
    #[schemars(extend("enum" = [1, 3, 8, 11, 12, 15, 16, 22]))]
    pub obj_type: i64,
    /// Its URL, percent-encoded.
    #[schemars(length(max = URL_MAX))]
    pub url: String,
    /// Its title; read only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What a document that cannot be mentioned becomes. Accepted and ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_type: Option<String>,
    /// Its style.
    #[serde(default)]
    pub text_element_style: ElementStyle,
}

/// A reminder.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reminder {
    /// Who made it, in the form that `user_id_type` names.
    pub create_user_id: String,
    /// Whether it notifies.
    #[serde(default)]
    pub is_notify: bool,
    /// Whether it is about a whole day.
    #[serde(default)]
    pub is_whole_day: bool,
    /// When it is due, in milliseconds since 1970, decimal.
    pub expire_time: Milliseconds,
    /// When it notifies, in milliseconds since 1970, decimal.
    pub notify_time: Milliseconds,
    /// Its style.
    #[serde(default)]
    pub text_element_style: ElementStyle,
}

/// A time in milliseconds since 1970: a decimal string; in requests a number is accepted, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(transparent)]
pub struct Milliseconds(#[schemars(with = "serde_json::Value")] String);

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Sent {
            Text(String),
            Number(i64),
        }
        Ok(Milliseconds(match Sent::deserialize(from)? {
            Sent::Text(text) => text,
            Sent::Number(number) => number.to_string(),
        }))
    }
}

impl Milliseconds {
    /// Whether it is a decimal number. The numbers of requests may have any sign; texts of requests may be anything.
    fn is_time(&self) -> bool {
        (1..=19).contains(&self.0.len()) && self.0.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// A formula.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Equation {
    /// Its KaTeX source, 1 to 10 000 characters.
    #[schemars(length(min = 1, max = 10_000))]
    pub content: String,
    /// Its style.
    #[serde(default)]
    pub text_element_style: ElementStyle,
}

/// The style of an element.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("x-name" = "TextElementStyle"))]
pub struct ElementStyle {
    /// Bold.
    pub bold: bool,
    /// Inline code.
    pub inline_code: bool,
    /// Italic.
    pub italic: bool,
    /// Struck through.
    pub strikethrough: bool,
    /// Underlined.
    pub underline: bool,
    /// The color of the characters, 1 to 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 7))]
    pub text_color: Option<i64>,
    /// The color behind them, 1 to 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 15))]
    pub background_color: Option<i64>,
    /// What a run links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// Comments on the element. There are none, so that no id can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment_ids: Option<Vec<String>>,
}

/// A link.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Its URL, percent-encoded; kept as sent.
    #[schemars(length(min = 1, max = URL_MAX))]
    pub url: String,
}

impl Element {
    /// A run of plain characters.
    pub fn run(content: &str) -> Element {
        let run = TextRun { content: content.to_owned(), text_element_style: ElementStyle::default() };
        Element { text_run: Some(Box::new(run)), ..Element::default() }
    }

    /// The style of the element; `None` for elements that cannot be made.
    fn style(&mut self) -> Option<&mut ElementStyle> {
        let run = self.text_run.as_mut().map(|of| &mut of.text_element_style);
        let user = self.mention_user.as_mut().map(|of| &mut of.text_element_style);
        let doc = self.mention_doc.as_mut().map(|of| &mut of.text_element_style);
        let reminder = self.reminder.as_mut().map(|of| &mut of.text_element_style);
        let equation = self.equation.as_mut().map(|of| &mut of.text_element_style);
        run.or(user).or(doc).or(reminder).or(equation)
    }

    /// Whether it has exactly one member, and one that can be made.
    fn check(&mut self, block_type: i64) -> Result<(), Fault> {
        let (run, user, doc) =
            (self.text_run.is_some(), self.mention_user.is_some(), self.mention_doc.is_some());
        let (reminder, equation) = (self.reminder.is_some(), self.equation.is_some());
        let fixed = [
            self.file.is_some(),
            self.inline_block.is_some(),
            self.link_preview.is_some(),
            self.undefined.is_some(),
        ];
        let sent = [run, user, doc, reminder, equation].into_iter().chain(fixed).filter(|is| *is).count();
        if sent != 1 {
            return Err(invalid(format!("an element has {sent} members instead of one")));
        }
        if fixed.contains(&true) {
            return Err(Fault::new(codes::DOCX_INVALID_OPERATION, "an element of this kind cannot be made"));
        }
        if (block_type == CODE && !run) || (block_type == PAGE && user) {
            return Err(invalid(format!("an element that blocks of type {block_type} do not take")));
        }
        let due = self.reminder.as_ref();
        if due.is_some_and(|due| !due.expire_time.is_time() || !due.notify_time.is_time()) {
            return Err(invalid("a time of a reminder that is not a number of milliseconds"));
        }
        if let Some(mention) = &mut self.mention_doc {
            mention.fallback_type = None;
        }
        let Some(style) = self.style() else { return Ok(()) };
        if style.link.is_some() && !run {
            return Err(Fault::new(codes::DOCX_INVALID_OPERATION, "only text_run can have a link"));
        }
        if style.comment_ids.take().is_some_and(|ids| !ids.is_empty()) {
            return Err(invalid("comment_ids of comments that do not exist"));
        }
        Ok(())
    }

    /// The plain text of the element.
    fn content(&self) -> &str {
        let run = self.text_run.as_ref().map(|run| run.content.as_str());
        run.or(self.equation.as_ref().map(|equation| equation.content.as_str())).unwrap_or("")
    }
}

impl Text {
    /// One empty run in the default style of a type.
    pub fn empty(block_type: i64) -> Text {
        Text { elements: vec![Element::run("")], style: Style::default().of(block_type) }
    }

    /// Checks elements, and completes them and the style as they will be read.
    pub fn complete(mut self, block_type: i64) -> Result<Text, Fault> {
        if self.elements.is_empty() {
            self.elements.push(Element::run(""));
        }
        self.elements.iter_mut().try_for_each(|element| element.check(block_type))?;
        let length: usize =
            self.elements.iter().map(|element| element.content().encode_utf16().count()).sum();
        if length > TEXT_MAX {
            let note = format!("the text of a block has {length} UTF-16 units");
            return Err(Fault::new(codes::DOCX_CONTENT_TOO_LARGE, note));
        }
        self.style = self.style.of(block_type);
        Ok(self)
    }

    /// The number of characters of its plain text.
    pub fn size(&self) -> usize {
        self.elements.iter().map(|element| element.content().chars().count()).sum()
    }
}

impl Style {
    /// The style as a block of this type has it: defaults are filled in, what the type does not have is dropped.
    pub fn of(self, block_type: i64) -> Style {
        let folds = block_type != PAGE && block_type != CODE;
        let is = |kind: i64| block_type == kind;
        Style {
            align: Some(self.align.unwrap_or(1)),
            done: is(TODO).then(|| self.done.unwrap_or(false)),
            folded: folds.then(|| self.folded.unwrap_or(false)),
            language: is(CODE).then(|| self.language.unwrap_or(1)),
            wrap: is(CODE).then(|| self.wrap.unwrap_or(false)),
            background_color: self.background_color,
            indentation_level: self.indentation_level.filter(|_| is(TEXT)),
            sequence: None,
        }
    }

    /// Replaces the named fields: 1 align, 2 done, 3 folded, 4 language, 5 wrap, 6 background_color, 7
    /// indentation_level. A named field that is absent in `new` returns to its default. A field that the type does not
    /// have is 1770025.
    pub fn change(mut self, new: &Style, fields: &[i64], block_type: i64) -> Result<Style, Fault> {
        for field in fields {
            let fits = match field {
                1 | 6 => true,
                2 => block_type == TODO,
                3 => FOLDING.contains(&block_type),
                4 | 5 => block_type == CODE,
                _ => block_type == TEXT,
            };
            if !fits {
                let note = format!("field {field} of a block of type {block_type}");
                return Err(Fault::new(codes::DOCX_OPERATION_MISMATCH, note));
            }
            match field {
                1 => self.align = new.align,
                2 => self.done = new.done,
                3 => self.folded = new.folded,
                4 => self.language = new.language,
                5 => self.wrap = new.wrap,
                6 => self.background_color = new.background_color,
                _ => self.indentation_level = new.indentation_level,
            }
        }
        Ok(self.of(block_type))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn times_are_numbers() {
        let code = |time: Value| {
            let reminder =
                json!({"create_user_id": "u", "expire_time": time, "notify_time": "1700000000000"});
            let text: Text =
                serde_json::from_value(json!({"elements": [{"reminder": reminder}]})).expect("text");
            text.complete(TEXT).map(drop).map_err(|fault| fault.code())
        };
        for good in [json!("1700000000000"), json!(1_700_000_000_000_i64), json!("0")] {
            assert_eq!(code(good.clone()), Ok(()), "{good}");
        }
        for bad in [json!("soon"), json!(""), json!("-1"), json!(-1), json!("1.5"), json!("1".repeat(20))] {
            assert_eq!(code(bad.clone()), Err(codes::DOCX_INVALID_PARAM), "{bad}");
        }
    }

    #[test]
    fn an_empty_element_is_small() {
        // A request of 10 MiB has millions of them.
        assert!(size_of::<Element>() <= 9 * size_of::<usize>());
    }
}
