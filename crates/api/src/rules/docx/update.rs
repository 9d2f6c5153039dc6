//! `batch_update`: 16 kinds of edits.

use std::collections::{HashMap, HashSet};

use larkspur_contract::{Fault, codes};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Block, Caption, ELEMENTS_MAX, Element, FILE, GRID, IMAGE, Style, TABLE, Text, Tree, grid, invalid, table,
};

/// The most reminders, documents and users that one edit mentions. Source: the batch_update page.
const REMINDERS_MAX: usize = 30;
const DOCUMENTS_MAX: usize = 50;
const USERS_MAX: usize = 100;
/// The most cells that the edits of one call touch. Assumed: no number is published.
const TOUCHED_MAX: i64 = 4000;

/// An edit of one block: its id, and exactly one of the other members.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Request {
    /// The block.
    pub block_id: Option<String>,
    /// Replaces the elements of a text.
    pub update_text_elements: Option<Elements>,
    /// Changes the style of a text.
    pub update_text_style: Option<TextStyle>,
    /// Changes both.
    pub update_text: Option<BothOfText>,
    /// Changes a task.
    pub update_task: Option<Task>,
    /// Changes the width of a column of a table, and its headers.
    pub update_table_property: Option<TableProperty>,
    /// Inserts a row into a table.
    pub insert_table_row: Option<RowIndex>,
    /// Inserts a column into a table.
    pub insert_table_column: Option<ColumnIndex>,
    /// Deletes rows of a table.
    pub delete_table_rows: Option<Rows>,
    /// Deletes columns of a table.
    pub delete_table_columns: Option<Columns>,
    /// Merges cells of a table.
    pub merge_table_cells: Option<Cells>,
    /// Divides merged cells of a table.
    pub unmerge_table_cells: Option<Cell>,
    /// Inserts a column into a grid.
    pub insert_grid_column: Option<ColumnIndex>,
    /// Deletes a column of a grid.
    pub delete_grid_column: Option<ColumnIndex>,
    /// Sets the widths of the columns of a grid.
    pub update_grid_column_width_ratio: Option<Ratios>,
    /// Sets the picture of an image.
    pub replace_image: Option<NewImage>,
    /// Sets the file of a file block.
    pub replace_file: Option<NewFile>,
}

/// New elements.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Elements {
    /// All elements of the block.
    #[schemars(length(min = 1, max = ELEMENTS_MAX))]
    pub elements: Vec<Element>,
}

/// A new style.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct TextStyle {
    /// The new values.
    pub style: Style,
    /// The fields to change: 1 align, 2 done, 3 folded, 4 language, 5 wrap, 6 background_color, 7 indentation_level.
    #[schemars(length(min = 1), inner(range(min = 1, max = 7)))]
    pub fields: Vec<i64>,
}

/// New elements and a new style.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct BothOfText {
    /// All elements of the block.
    #[schemars(length(min = 1, max = ELEMENTS_MAX))]
    pub elements: Vec<Element>,
    /// The new values.
    pub style: Style,
    /// The fields to change, as in `update_text_style`.
    #[schemars(length(min = 1), inner(range(min = 1, max = 7)))]
    pub fields: Vec<i64>,
}

/// A change of a task.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Task {
    /// The task.
    pub task_id: Option<String>,
    /// Whether it is folded.
    pub folded: Option<bool>,
}

/// A change of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TableProperty {
    /// The width of a column in pixels.
    #[schemars(range(min = 50))]
    pub column_width: Option<i64>,
    /// That column.
    #[schemars(range(min = 0))]
    pub column_index: Option<i64>,
    /// Whether the first row is a header.
    pub header_row: Option<bool>,
    /// Whether the first column is a header.
    pub header_column: Option<bool>,
}

/// Where a row is inserted.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct RowIndex {
    /// The index of the new row; -1 is behind the last one.
    #[schemars(range(min = -1))]
    pub row_index: i64,
}

/// A column.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct ColumnIndex {
    /// The index of the column; -1 is behind the last one to insert, and the last one to delete.
    #[schemars(range(min = -1))]
    pub column_index: i64,
}

/// Rows of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rows {
    /// The first one.
    #[schemars(range(min = 0))]
    pub row_start_index: i64,
    /// The one behind the last one.
    #[schemars(range(min = 1))]
    pub row_end_index: i64,
}

/// Columns of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Columns {
    /// The first one.
    #[schemars(range(min = 0))]
    pub column_start_index: i64,
    /// The one behind the last one.
    #[schemars(range(min = 1))]
    pub column_end_index: i64,
}

/// An area of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cells {
    /// The first row.
    #[schemars(range(min = 0))]
    pub row_start_index: i64,
    /// The row behind the last one.
    #[schemars(range(min = 1))]
    pub row_end_index: i64,
    /// The first column.
    #[schemars(range(min = 0))]
    pub column_start_index: i64,
    /// The column behind the last one.
    #[schemars(range(min = 1))]
    pub column_end_index: i64,
}

/// A cell of a table.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Its row.
    #[schemars(range(min = 0))]
    pub row_index: i64,
    /// Its column.
    #[schemars(range(min = 0))]
    pub column_index: i64,
}

/// Widths of the columns of a grid.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ratios {
    /// The share of each column, in percent.
    #[schemars(length(min = 1, max = 99), inner(range(min = 1, max = 99)))]
    pub width_ratios: Vec<i64>,
}

/// A picture.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct NewImage {
    /// The uploaded picture.
    pub token: String,
    /// Its width in pixels; the picture's own one if it is the block's first picture.
    #[schemars(range(min = 1))]
    pub width: Option<i64>,
    /// Its height in pixels; the picture's own one if it is the block's first picture.
    #[schemars(range(min = 1))]
    pub height: Option<i64>,
    /// 1 left, 2 center, 3 right.
    #[schemars(extend("enum" = [1, 2, 3]))]
    pub align: Option<i64>,
    /// Text below it.
    pub caption: Option<Caption>,
    /// How much it is enlarged.
    pub scale: Option<f64>,
}

/// A file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct NewFile {
    /// The uploaded file.
    pub token: String,
}

/// An uploaded file, as far as edits need it.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// Its name.
    pub name: String,
    /// Width and height in pixels, if it is a picture.
    pub size: Option<(i64, i64)>,
}

/// Uploaded files, by the block that an edit names and the token: the token of one block does not fit another one.
pub type Pictures = HashMap<(String, String), Picture>;

impl Request {
    /// New elements of a text, if the edit has some.
    pub fn elements(&self) -> Option<&Vec<Element>> {
        let both = self.update_text.as_ref().map(|both| &both.elements);
        self.update_text_elements.as_ref().map(|new| &new.elements).or(both)
    }

    /// Like [`Request::elements`], to change them.
    pub fn elements_mut(&mut self) -> Option<&mut Vec<Element>> {
        let both = self.update_text.as_mut().map(|both| &mut both.elements);
        self.update_text_elements.as_mut().map(|new| &mut new.elements).or(both)
    }

    /// The token of an uploaded file, if the edit has one.
    pub fn token(&self) -> Option<&str> {
        let file = self.replace_file.as_ref().map(|new| new.token.as_str());
        self.replace_image.as_ref().map(|new| new.token.as_str()).or(file)
    }

    /// How many kinds of edits it has.
    fn kinds(&self) -> usize {
        [
            self.update_text_elements.is_some(),
            self.update_text_style.is_some(),
            self.update_text.is_some(),
            self.update_task.is_some(),
            self.update_table_property.is_some(),
            self.insert_table_row.is_some(),
            self.insert_table_column.is_some(),
            self.delete_table_rows.is_some(),
            self.delete_table_columns.is_some(),
            self.merge_table_cells.is_some(),
            self.unmerge_table_cells.is_some(),
            self.insert_grid_column.is_some(),
            self.delete_grid_column.is_some(),
            self.update_grid_column_width_ratio.is_some(),
            self.replace_image.is_some(),
            self.replace_file.is_some(),
        ]
        .into_iter()
        .filter(|is| *is)
        .count()
    }

    fn id(&self) -> Result<&str, Fault> {
        self.block_id
            .as_deref()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| invalid("a request without block_id"))
    }
}

/// Checks what can be checked without the announcement: 1770001 for a request without a block or not with exactly one
/// kind of edit, or for a block that is named twice. The ids of the blocks.
pub fn named(requests: &[Request]) -> Result<Vec<&str>, Fault> {
    let (mut ids, mut seen) = (Vec::with_capacity(requests.len()), HashSet::new());
    for request in requests {
        let (id, kinds) = (request.id()?, request.kinds());
        if kinds != 1 {
            return Err(invalid(format!("a request with {kinds} kinds of edits")));
        }
        if !seen.insert(id) {
            return Err(invalid(format!("block {id} is named twice")));
        }
        ids.push(id);
    }
    Ok(ids)
}

/// Applies edits; all of them or none. `files` has those that were uploaded.
pub fn update(
    tree: &mut Tree,
    requests: &[Request],
    files: &Pictures,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    for id in named(requests)? {
        tree.find(id)?;
    }
    let mut touched: i64 = 0;
    for request in requests {
        mentions_fit(request)?;
        let id = request.id()?;
        // Blocks that an earlier request of the call deleted are gone.
        let block = tree.find(id)?.block.clone();
        if let Some(table) = &block.table {
            touched =
                touched.saturating_add(table.property.row_size.saturating_mul(table.property.column_size));
        }
        if touched > TOUCHED_MAX {
            return Err(Fault::new(codes::DOCX_TOO_MANY_OPERATIONS, format!("{touched} cells in one call")));
        }
        apply(tree, id, &block, request, files, new_id)?;
    }
    tree.fits()
}

/// Whether an edit mentions few enough of each kind, otherwise 1770035. It is checked before they are looked up.
pub fn mentions_fit(request: &Request) -> Result<(), Fault> {
    let Some(elements) = request.elements() else { return Ok(()) };
    let count = |is: fn(&Element) -> bool| elements.iter().filter(|element| is(element)).count();
    let counts = [
        (count(|element| element.reminder.is_some()), REMINDERS_MAX),
        (count(|element| element.mention_doc.is_some()), DOCUMENTS_MAX),
        (count(|element| element.mention_user.is_some()), USERS_MAX),
    ];
    match counts.iter().find(|(count, max)| count > max) {
        None => Ok(()),
        Some((count, max)) => {
            let note = format!("{count} mentions of a kind, of which {max} are allowed");
            Err(Fault::new(codes::DOCX_TOO_MANY_RESOURCES, note))
        }
    }
}

fn apply(
    tree: &mut Tree,
    id: &str,
    block: &Block,
    request: &Request,
    files: &Pictures,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    let on = |block_type: i64| {
        if block.block_type == block_type {
            return Ok(());
        }
        let note = format!("an edit of type {block_type} of a block of type {}", block.block_type);
        Err(Fault::new(codes::DOCX_OPERATION_MISMATCH, note))
    };
    if let Some(new) = &request.update_text_elements {
        return text(tree, id, block, Some(&new.elements), None);
    }
    if let Some(new) = &request.update_text_style {
        return text(tree, id, block, None, Some((&new.style, &new.fields)));
    }
    if let Some(new) = &request.update_text {
        return text(tree, id, block, Some(&new.elements), Some((&new.style, &new.fields)));
    }
    if let Some(new) = &request.replace_image {
        return on(IMAGE).and_then(|()| picture(tree, id, new, files));
    }
    if let Some(new) = &request.replace_file {
        return on(FILE).and_then(|()| file(tree, id, new, files));
    }
    if let Some(new) = &request.insert_grid_column {
        return on(GRID).and_then(|()| grid::insert_column(tree, id, new.column_index, new_id));
    }
    if let Some(new) = &request.delete_grid_column {
        return on(GRID).and_then(|()| grid::delete_column(tree, id, new.column_index));
    }
    if let Some(new) = &request.update_grid_column_width_ratio {
        return on(GRID).and_then(|()| grid::set_ratios(tree, id, &new.width_ratios));
    }
    // No block is a task: they cannot be created.
    if request.update_task.is_some() {
        return on(35);
    }
    on(TABLE)?;
    of_table(tree, id, request, new_id)
}

fn of_table(
    tree: &mut Tree,
    id: &str,
    request: &Request,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    if let Some(new) = &request.update_table_property {
        let headers = [new.header_row, new.header_column];
        return table::set_property(tree, id, new.column_width, new.column_index, headers);
    }
    if let Some(new) = &request.insert_table_row {
        return table::insert_row(tree, id, new.row_index, new_id);
    }
    if let Some(new) = &request.insert_table_column {
        return table::insert_column(tree, id, new.column_index, new_id);
    }
    if let Some(new) = &request.delete_table_rows {
        return table::delete_rows(tree, id, new.row_start_index, new.row_end_index);
    }
    if let Some(new) = &request.delete_table_columns {
        return table::delete_columns(tree, id, new.column_start_index, new.column_end_index);
    }
    if let Some(new) = &request.merge_table_cells {
        let rows = (new.row_start_index, new.row_end_index);
        return table::merge(tree, id, rows, (new.column_start_index, new.column_end_index));
    }
    match &request.unmerge_table_cells {
        Some(new) => table::unmerge(tree, id, new.row_index, new.column_index),
        None => Err(invalid("no edit")),
    }
}

/// Replaces elements and style of a text.
fn text(
    tree: &mut Tree,
    id: &str,
    block: &Block,
    elements: Option<&Vec<Element>>,
    style: Option<(&Style, &[i64])>,
) -> Result<(), Fault> {
    let block_type = block.block_type;
    let Some(present) = block.text_content() else {
        let note = format!("an edit of the text of a block of type {block_type}");
        return Err(Fault::new(codes::DOCX_OPERATION_MISMATCH, note));
    };
    let mut new = present.clone();
    if let Some(elements) = elements {
        new = Text { elements: elements.clone(), style: new.style }.complete(block_type)?;
    }
    if let Some((style, fields)) = style {
        new.style = new.style.change(style, fields, block_type)?;
    }
    if let Some(text) = tree.edit(id)?.text_content_mut() {
        *text = new;
    }
    Ok(())
}

fn uploaded<'a>(files: &'a Pictures, id: &str, token: &str) -> Result<&'a Picture, Fault> {
    let unknown =
        || Fault::new(codes::DOCX_RELATION_MISMATCH, format!("{token} was not uploaded for the block"));
    files.get(&(id.to_owned(), token.to_owned())).ok_or_else(unknown)
}

fn picture(tree: &mut Tree, id: &str, new: &NewImage, files: &Pictures) -> Result<(), Fault> {
    let found = uploaded(files, id, &new.token)?;
    if let Some(image) = &mut tree.edit(id)?.image {
        let present = (image.width, image.height);
        let own = if image.token.is_empty() { found.size.unwrap_or((100, 100)) } else { present };
        image.width = new.width.unwrap_or(own.0);
        image.height = new.height.unwrap_or(own.1);
        image.token.clone_from(&new.token);
        image.align = new.align.or(image.align);
        image.scale = new.scale.or(image.scale);
        if let Some(caption) = &new.caption {
            image.caption = Some(caption.clone());
        }
    }
    Ok(())
}

fn file(tree: &mut Tree, id: &str, new: &NewFile, files: &Pictures) -> Result<(), Fault> {
    let found = uploaded(files, id, &new.token)?;
    if let Some(file) = &mut tree.edit(id)?.file {
        file.token.clone_from(&new.token);
        file.name.clone_from(&found.name);
    }
    Ok(())
}
