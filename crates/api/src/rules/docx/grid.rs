//! Edits of grids.

use larkspur_contract::{Fault, codes};

use super::create::Made;
use super::{Tree, invalid, shape};

/// The most columns of a grid. Source: the batch_update page.
const COLUMNS_MAX: i64 = 10;
/// The fewest columns of a grid. Source: the batch_update page.
const COLUMNS_MIN: i64 = 2;

fn columns(tree: &Tree, id: &str) -> Result<i64, Fault> {
    tree.find(id).map(|node| i64::try_from(node.children.len()).unwrap_or(i64::MAX))
}

/// Inserts a column behind `index` columns, or behind the last one with -1.
pub(super) fn insert_column(
    tree: &mut Tree,
    id: &str,
    index: i64,
    new_id: &mut dyn FnMut() -> String,
) -> Result<(), Fault> {
    let present = columns(tree, id)?;
    if index == 0 {
        return Err(invalid("a column before the first one"));
    }
    let index = if index == -1 { present } else { index };
    if index > present {
        return Err(Fault::new(codes::DOCX_COLUMN_OUT_OF_RANGE, format!("column {index} of {present}")));
    }
    if present >= COLUMNS_MAX {
        let note = format!("a grid of {} columns", present + 1);
        return Err(Fault::new(codes::DOCX_TOO_MANY_GRID_COLUMNS, note));
    }
    let at = usize::try_from(index).unwrap_or_default();
    tree.insert(id, at, vec![Made::column(0)], new_id)?;
    share(tree, id)
}

/// Deletes a column with all that is in it; -1 is the last one.
pub(super) fn delete_column(tree: &mut Tree, id: &str, index: i64) -> Result<(), Fault> {
    let present = columns(tree, id)?;
    let index = if index == -1 { present - 1 } else { index };
    if index >= present {
        return Err(Fault::new(codes::DOCX_COLUMN_OUT_OF_RANGE, format!("column {index} of {present}")));
    }
    if present <= COLUMNS_MIN {
        let note = format!("a grid of {} columns", present - 1);
        return Err(Fault::new(codes::DOCX_INVALID_OPERATION, note));
    }
    let at = usize::try_from(index).unwrap_or_default();
    tree.remove(id, at, at + 1);
    share(tree, id)
}

/// Sets the width of each column.
pub(super) fn set_ratios(tree: &mut Tree, id: &str, ratios: &[i64]) -> Result<(), Fault> {
    let children = tree.find(id)?.children.clone();
    if children.len() != ratios.len() {
        let note = format!("{} widths of {} columns", ratios.len(), children.len());
        return Err(invalid(note));
    }
    for (child, ratio) in children.iter().zip(ratios) {
        if let Some(column) = &mut tree.edit(child)?.grid_column {
            column.width_ratio = *ratio;
        }
    }
    Ok(())
}

/// Counts the columns, and gives them equal widths.
fn share(tree: &mut Tree, id: &str) -> Result<(), Fault> {
    let present = columns(tree, id)?;
    if let Some(grid) = &mut tree.edit(id)?.grid {
        grid.column_size = present;
    }
    set_ratios(tree, id, &shape::shares(present))
}
