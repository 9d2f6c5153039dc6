//! Deletes children of a block.

use larkspur_contract::{Fault, codes};

use super::{CALLOUT, GRID, GRID_COLUMN, TABLE, TABLE_CELL, Tree, VIEW, invalid};

/// Deletes the children from `start` to the one before `end`, with all that is below them.
pub fn delete(tree: &mut Tree, parent: &str, start: i64, end: i64) -> Result<(), Fault> {
    let node = tree.find(parent)?;
    let (block_type, present) = (node.block.block_type, node.children.len());
    let refused = |why: &str| {
        Err(Fault::new(codes::DOCX_CHILDREN_KEPT, format!("{why} of a block of type {block_type}")))
    };
    if [TABLE, GRID, VIEW].contains(&block_type) {
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

#[cfg(test)]
mod tests {
    use super::super::{Block, File, create};
    use super::*;

    #[test]
    fn the_frame_of_a_file_keeps_it() {
        let mut tree = Tree::new("oc_1", Vec::new());
        let draft = Block { block_type: 23, file: Some(File::default()), ..Block::default() };
        let mut next = 0;
        let mut new_id = || {
            next += 1;
            format!("b{next}")
        };
        let view = create(&mut tree, "oc_1", -1, &[draft], false, &mut new_id).expect("created").remove(0);
        let refused = delete(&mut tree, &view, 0, 1).expect_err("the frame would be empty");
        assert_eq!(refused.code(), codes::DOCX_CHILDREN_KEPT);
        delete(&mut tree, "oc_1", 0, 1).expect("both");
        assert_eq!(tree.len(), 1);
    }
}
