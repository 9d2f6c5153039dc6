//! Edits of tables.

use larkspur_contract::{Code, Fault, codes};

use super::create::Made;
use super::shape::{self, Area};
use super::{Property, Tree, invalid};

fn property(tree: &Tree, id: &str) -> Result<Property, Fault> {
    let table = &tree.find(id)?.block.table;
    table.as_ref().map(|table| table.property.clone()).ok_or_else(|| invalid("not a table"))
}

fn set(tree: &mut Tree, id: &str, property: Property) -> Result<(), Fault> {
    if let Some(table) = &mut tree.edit(id)?.table {
        table.property = property;
    }
    Ok(())
}

fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// The index of a new line: -1 is behind the last one.
fn place(index: i64, present: i64, beyond: Code) -> Result<i64, Fault> {
    let index = if index == -1 { present } else { index };
    if index > present {
        return Err(Fault::new(beyond, format!("line {index} of {present}")));
    }
    Ok(index)
}

/// A half-open range of lines.
fn range(start: i64, end: i64, present: i64, beyond: Code) -> Result<(i64, i64), Fault> {
    if start >= end || end > present {
        return Err(Fault::new(beyond, format!("lines {start} to {end} of {present}")));
    }
    Ok((start, end))
}

/// Inserts a row before row `index`.
pub(super) fn insert_row(
    tree: &mut Tree,
    id: &str,
    index: i64,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    let at = place(index, new.row_size, codes::DOCX_ROW_OUT_OF_RANGE)?;
    let mut areas = new.areas();
    areas.iter_mut().for_each(|area| area.rows = shape::inserted(area.rows, at));
    new.row_size += 1;
    shape::cells(new.row_size, new.column_size)?;
    new.set_areas(&areas);
    let row = std::iter::repeat_n(Made::cell(), size(new.column_size)).collect();
    tree.insert(id, size(at * new.column_size), row, new_id)?;
    set(tree, id, new)
}

/// Inserts a column before column `index`.
pub(super) fn insert_column(
    tree: &mut Tree,
    id: &str,
    index: i64,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    let at = place(index, new.column_size, codes::DOCX_COLUMN_OUT_OF_RANGE)?;
    let mut areas = new.areas();
    areas.iter_mut().for_each(|area| area.columns = shape::inserted(area.columns, at));
    new.column_size += 1;
    shape::cells(new.row_size, new.column_size)?;
    new.column_width.insert(size(at).min(new.column_width.len()), 100);
    new.set_areas(&areas);
    for row in 0..new.row_size {
        tree.insert(id, size(row * new.column_size + at), vec![Made::cell()], new_id)?;
    }
    set(tree, id, new)
}

/// Deletes rows, but not all of them.
pub(super) fn delete_rows(tree: &mut Tree, id: &str, start: i64, end: i64) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    let (start, end) = range(start, end, new.row_size, codes::DOCX_ROW_OUT_OF_RANGE)?;
    if end - start == new.row_size {
        return Err(Fault::new(codes::DOCX_INVALID_OPERATION, "all rows"));
    }
    let mut areas = new.areas();
    areas.iter_mut().for_each(|area| area.rows = shape::deleted(area.rows, (start, end)));
    new.row_size -= end - start;
    new.set_areas(&areas);
    tree.remove(id, size(start * new.column_size), size(end * new.column_size));
    set(tree, id, new)
}

/// Deletes columns, but not all of them.
pub(super) fn delete_columns(tree: &mut Tree, id: &str, start: i64, end: i64) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    let (start, end) = range(start, end, new.column_size, codes::DOCX_COLUMN_OUT_OF_RANGE)?;
    if end - start == new.column_size {
        return Err(Fault::new(codes::DOCX_INVALID_OPERATION, "all columns"));
    }
    let (mut areas, before) = (new.areas(), new.column_size);
    areas.iter_mut().for_each(|area| area.columns = shape::deleted(area.columns, (start, end)));
    new.column_size -= end - start;
    if size(end) <= new.column_width.len() {
        new.column_width.drain(size(start)..size(end));
    }
    new.set_areas(&areas);
    for row in (0..new.row_size).rev() {
        tree.remove(id, size(row * before + start), size(row * before + end));
    }
    set(tree, id, new)
}

/// Merges the cells of an area. An earlier area must be wholly inside or outside of it: otherwise 1770024.
pub(super) fn merge(tree: &mut Tree, id: &str, rows: (i64, i64), columns: (i64, i64)) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    let rows = range(rows.0, rows.1, new.row_size, codes::DOCX_ROW_OUT_OF_RANGE)?;
    let columns = range(columns.0, columns.1, new.column_size, codes::DOCX_COLUMN_OUT_OF_RANGE)?;
    let (area, mut areas) = (Area { rows, columns }, new.areas());
    if areas.iter().any(|other| area.meets(*other) && !area.covers(*other)) {
        return Err(Fault::new(codes::DOCX_INVALID_OPERATION, "the area cuts a merged one"));
    }
    areas.retain(|other| !area.meets(*other));
    areas.push(area);
    new.set_areas(&areas);
    set(tree, id, new)
}

/// Divides the merged area that has a cell; no change if there is none.
pub(super) fn unmerge(tree: &mut Tree, id: &str, row: i64, column: i64) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    range(row, row.saturating_add(1), new.row_size, codes::DOCX_ROW_OUT_OF_RANGE)?;
    range(column, column.saturating_add(1), new.column_size, codes::DOCX_COLUMN_OUT_OF_RANGE)?;
    let mut areas = new.areas();
    areas.retain(|area| !area.has(row, column));
    new.set_areas(&areas);
    set(tree, id, new)
}

/// Sets the width of a column, and which line is a header.
pub(super) fn set_property(
    tree: &mut Tree,
    id: &str,
    width: Option<i64>,
    index: Option<i64>,
    headers: [Option<bool>; 2],
) -> Result<(), Fault> {
    let mut new = property(tree, id)?;
    if let Some(width) = width {
        let index = index.ok_or_else(|| invalid("column_width without column_index"))?;
        let beyond =
            || Fault::new(codes::DOCX_COLUMN_OUT_OF_RANGE, format!("column {index} of {}", new.column_size));
        let column = usize::try_from(index).ok().and_then(|at| new.column_width.get_mut(at));
        match column {
            Some(column) => *column = width,
            None => return Err(beyond()),
        }
    }
    let [row, column] = headers;
    new.header_row = row.or(new.header_row).filter(|is| *is);
    new.header_column = column.or(new.header_column).filter(|is| *is);
    set(tree, id, new)
}
