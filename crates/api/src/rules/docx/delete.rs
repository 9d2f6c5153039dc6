//! Deletes children of a block.

use larkspur_contract::{Fault, codes};

use super::{CALLOUT, GRID, GRID_COLUMN, TABLE, TABLE_CELL, Tree, invalid};

/// Deletes the children from `start` to the one before `end`, with all that is below them.
pub fn delete(tree: &mut Tree, parent: &str, start: i64, end: i64) -> Result<(), Fault> {
    let node = tree.find(parent)?;
    let (block_type, present) = (node.block.block_type, node.children.len());
    let refused = |why: &str| {
        Err(Fault::new(codes::DOCX_CHILDREN_KEPT, format!("{why} of a block of type {block_type}")))
    };
    if [TABLE, GRID].contains(&block_type) {
        return refused("the children");
    }
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let range = range.filter(|(start, end)| start < end && *end <= present);
    let (start, end) = range.ok_or_else(|| invalid(format!("children {start} to {end} of {present}")))?;
    if end - start == present && [TABLE_CELL, GRID_COLUMN, CALLOUT].contains(&block_type) {
        return refused("all children");
    }
    tree.remove(parent, start, end);
    Ok(())
}
