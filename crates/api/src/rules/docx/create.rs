//! New blocks: what may be created where, and what the server adds.

use std::collections::HashMap;

use larkspur_contract::{Fault, codes};

use super::{
    BITABLE, Block, Board, CALLOUT, CHAT_CARD, FILE, GRID, GRID_COLUMN, GridColumn, IMAGE, ISV, Nothing, OKR,
    PAGE, QUOTE, QUOTE_CONTAINER, SHEET, Span, TABLE, TABLE_CELL, TEXT, TODO, Tree, VIEW, View, invalid,
    shape,
};

/// The most blocks that one call creates. Source: the create page.
pub const CHILDREN_PER_CALL: usize = 50;
/// The most rows and columns of a new table. Source: observed.
const NEW_TABLE_MAX: i64 = 9;

/// A block to add, with what the server puts below it.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) block: Block,
    pub(super) children: Vec<Made>,
}

impl Made {
    fn alone(block: Block) -> Made {
        Made { block, children: Vec::new() }
    }

    /// A block with an empty paragraph in it.
    fn filled(block: Block) -> Made {
        Made { block, children: vec![Made::alone(Block::empty_text())] }
    }

    /// A new cell of a table.
    pub(super) fn cell() -> Made {
        Made::filled(Block { block_type: TABLE_CELL, table_cell: Some(Nothing {}), ..Block::default() })
    }

    /// A new column of a grid.
    pub(super) fn column(width_ratio: i64) -> Made {
        let column = Some(GridColumn { width_ratio });
        Made::filled(Block { block_type: GRID_COLUMN, grid_column: column, ..Block::default() })
    }
}

/// Types that can be created. Source: the overview.
fn creatable(block_type: i64) -> bool {
    matches!(block_type, 2..=15 | 17..=20 | 22..=24 | 26..=28 | 30 | 31 | 34 | 36 | 40 | 42 | 43 | 48)
}

/// Types that exist.
fn known(block_type: i64) -> bool {
    matches!(block_type, 1..=15 | 17..=52 | 999)
}

/// Types whose blocks can have children. Source: the create page.
fn has_children(block_type: i64) -> bool {
    matches!(block_type, PAGE..=13 | TODO | CALLOUT | GRID_COLUMN | TABLE_CELL | QUOTE_CONTAINER | 35)
}

/// Whether a block of a type can be below one of another type. Source: the create page.
fn fits(parent: i64, child: i64) -> bool {
    match parent {
        TABLE_CELL => ![TABLE, SHEET, BITABLE, OKR].contains(&child),
        GRID_COLUMN => ![GRID, BITABLE, OKR].contains(&child),
        CALLOUT => matches!(child, TEXT..=13 | QUOTE | TODO | QUOTE_CONTAINER),
        _ => true,
    }
}

/// Adds blocks below `parent`, at `index` (-1 is the end); the ids of those that were sent. `by_user` is whether the
/// operator is a user: only users create OKRs. `token` makes tokens of documents of other services.
pub fn create(
    tree: &mut Tree,
    parent: &str,
    index: i64,
    drafts: &[Block],
    by_user: bool,
    new_id: &mut dyn FnMut() -> String,
) -> Result<Vec<String>, Fault> {
    let above = tree.find(parent)?;
    let (parent_type, present) = (above.block.block_type, above.children.len());
    if !has_children(parent_type) {
        let note = format!("a block of type {parent_type} has no children");
        return Err(Fault::new(codes::DOCX_NO_CHILDREN_HERE, note));
    }
    let mut made = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let child = draft.block_type;
        if !known(child) {
            return Err(invalid(format!("block_type {child}")));
        }
        if !creatable(child) || (child == OKR && !by_user) {
            return Err(Fault::new(codes::DOCX_NOT_CREATABLE, format!("a block of type {child}")));
        }
        if !fits(parent_type, child) {
            let note = format!("a block of type {child} below one of type {parent_type}");
            return Err(Fault::new(codes::DOCX_CHILD_NOT_ALLOWED, note));
        }
        made.push(complete(draft.clone(), new_id)?);
    }
    let index = match index {
        -1 => present,
        index => usize::try_from(index)
            .ok()
            .filter(|index| *index <= present)
            .ok_or_else(|| invalid(format!("index {index} of {present} children")))?,
    };
    resources_fit(drafts)?;
    let ids = tree.insert(parent, index, made, new_id)?;
    tree.fits()?;
    Ok(ids)
}

/// Whether the blocks of one call have few enough resources of each kind, otherwise 1770035. It is checked before they are
/// looked up. Source: the create page.
pub fn resources_fit(drafts: &[Block]) -> Result<(), Fault> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut count = |what, max: usize, more: usize| {
        let all = counts.entry(what).or_default();
        *all += more;
        if *all > max {
            return Err(Fault::new(
                codes::DOCX_TOO_MANY_RESOURCES,
                format!("{all} resources of kind {what}"),
            ));
        }
        Ok(())
    };
    for draft in drafts {
        match draft.block_type {
            CHAT_CARD => count("chat_card", 200, 1)?,
            FILE => count("file", 200, 1)?,
            IMAGE => count("image", 20, 1)?,
            ISV => count("isv", 20, 1)?,
            SHEET => count("sheet", 5, 1)?,
            BITABLE => count("bitable", 5, 1)?,
            _ => {}
        }
        let elements = draft.text_content().map_or(&[][..], |text| &text.elements);
        count("mention_user", 200, elements.iter().filter(|one| one.mention_user.is_some()).count())?;
        count("mention_doc", 200, elements.iter().filter(|one| one.mention_doc.is_some()).count())?;
    }
    Ok(())
}

/// A block as it will be, with what the server puts below it.
fn complete(draft: Block, new_id: &mut dyn FnMut() -> String) -> Result<Made, Fault> {
    let block_type = draft.block_type;
    let missing = || invalid(format!("a block of type {block_type} without its content"));
    let mut block = draft.of_its_type().ok_or_else(missing)?;
    if let Some(text) = block.text_content_mut() {
        *text = std::mem::take(text).complete(block_type)?;
        return Ok(Made::alone(block));
    }
    match block_type {
        TABLE => return table(block),
        GRID => return grid(block),
        FILE => return file(block),
        CALLOUT => {
            if let Some(callout) = &mut block.callout {
                callout.emoji_id.get_or_insert_with(|| "gift".to_owned());
            }
            return Ok(Made::filled(block));
        }
        QUOTE_CONTAINER => return Ok(Made::filled(block)),
        _ => {}
    }
    if let Some(image) = &mut block.image {
        (image.width, image.height, image.token) = (100, 100, String::new());
        image.align.get_or_insert(2);
    }
    if let Some(card) = &mut block.chat_card {
        card.align.get_or_insert(1);
    }
    if let Some(sheet) = &mut block.sheet {
        sheet.token = format!("{}_{}", new_id(), short(&new_id()));
        (sheet.row_size, sheet.column_size) = (None, None);
    }
    if let Some(bitable) = &mut block.bitable {
        bitable.token = format!("{}_tbl{}", new_id(), short(&new_id()));
    }
    if let Some(Board { token, align, .. }) = &mut block.board {
        *token = new_id();
        align.get_or_insert(1);
    }
    if let Some(preview) = &mut block.link_preview
        && preview.url.take().is_none()
    {
        let path = "children[*].link_preview.url";
        let fault = Fault::new(codes::FIELD_VALIDATION, "a preview of no link");
        return Err(fault.with_violation(path, None, &format!("{path} is required")));
    }
    Ok(Made::alone(block))
}

fn short(id: &str) -> String {
    id.chars().take(6).collect()
}

fn table(mut block: Block) -> Result<Made, Fault> {
    let Some(table) = &mut block.table else { return Err(invalid("no table")) };
    let property = &mut table.property;
    let (rows, columns) = (property.row_size, property.column_size);
    let cells = shape::cells(rows, columns)?;
    if rows > NEW_TABLE_MAX || columns > NEW_TABLE_MAX {
        return Err(invalid(format!("a new table of {rows} rows and {columns} columns")));
    }
    if property.column_width.is_empty() {
        property.column_width = vec![100; usize::try_from(columns).unwrap_or_default()];
    }
    if i64::try_from(property.column_width.len()) != Ok(columns) {
        return Err(invalid("column_width does not have one width for each column"));
    }
    property.merge_info = vec![Span::default(); cells];
    property.header_row = property.header_row.filter(|is| *is);
    property.header_column = property.header_column.filter(|is| *is);
    table.cells = Vec::new();
    Ok(Made { block, children: std::iter::repeat_n(Made::cell(), cells).collect() })
}

fn grid(block: Block) -> Result<Made, Fault> {
    let columns = block.grid.as_ref().map_or(0, |grid| grid.column_size);
    let told = match columns {
        2..=5 => None,
        ..2 => Some("the min value is 2"),
        _ => Some("the max value is 5"),
    };
    if let Some(told) = told {
        let fault = Fault::new(codes::FIELD_VALIDATION, format!("a new grid of {columns} columns"));
        let path = "children[*].grid.column_size";
        return Err(fault.with_violation(path, Some(&columns.to_string()), told));
    }
    let children = shape::shares(columns).into_iter().map(Made::column).collect();
    Ok(Made { block, children })
}

/// A file is created inside of a view.
fn file(mut block: Block) -> Result<Made, Fault> {
    let Some(file) = &mut block.file else { return Err(invalid("no file")) };
    let view_type = file.view_type.take().unwrap_or(1);
    (file.name, file.token) = (String::new(), String::new());
    let view = Block { block_type: VIEW, view: Some(View { view_type }), ..Block::default() };
    Ok(Made { block: view, children: vec![Made::alone(block)] })
}
