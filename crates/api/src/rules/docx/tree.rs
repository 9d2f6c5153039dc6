//! The blocks of one revision as a tree, and which of them an edit changed.

use std::collections::{BTreeSet, HashMap};
use std::io;

use larkspur_contract::{Fault, codes};

use super::create::Made;
use super::{BLOCKS_MAX, BYTES_MAX, Block, CHARACTERS_MAX, CHILDREN_MAX, DEPTH_MAX};

/// The distance between the positions of two neighbors that were added one after the other.
const GAP: i64 = 1 << 40;

/// A block in a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its type and content; ids are not set.
    pub block: Block,
    /// Its parent; empty for the page.
    pub parent: String,
    /// Its place: siblings are in the order of their positions.
    pub position: i64,
    /// Its children, in their order.
    pub children: Vec<String>,
}

/// The blocks of an announcement.
#[derive(Debug, Clone)]
pub struct Tree {
    root: String,
    nodes: HashMap<String, Node>,
    changed: BTreeSet<String>,
    removed: BTreeSet<String>,
    fresh: BTreeSet<String>,
}

impl Tree {
    /// The tree of an announcement whose page has this id. Blocks are given with id, parent and position, in any order;
    /// without the page there is an empty one.
    pub fn new(root: &str, blocks: Vec<(String, String, i64, Block)>) -> Tree {
        let mut nodes: HashMap<String, Node> = blocks
            .into_iter()
            .map(|(id, parent, position, block)| (id, Node { block, parent, position, children: Vec::new() }))
            .collect();
        let mut order: Vec<(i64, String, String)> =
            nodes.iter().map(|(id, node)| (node.position, id.clone(), node.parent.clone())).collect();
        order.sort_unstable();
        for (_, id, parent) in order {
            if let Some(parent) = nodes.get_mut(&parent) {
                parent.children.push(id);
            }
        }
        let mut tree = Tree {
            root: root.to_owned(),
            nodes,
            changed: BTreeSet::new(),
            removed: BTreeSet::new(),
            fresh: BTreeSet::new(),
        };
        if !tree.nodes.contains_key(root) {
            let page =
                Node { block: Block::empty_page(), parent: String::new(), position: 0, children: Vec::new() };
            tree.nodes.insert(root.to_owned(), page);
            tree.changed.insert(root.to_owned());
            tree.fresh.insert(root.to_owned());
        }
        tree
    }

    /// The id of the page.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The number of blocks.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no block: never.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A block.
    pub fn get(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// A block, or 1770002.
    pub fn find(&self, id: &str) -> Result<&Node, Fault> {
        self.get(id).ok_or_else(|| Fault::new(codes::DOCX_NOT_FOUND, format!("no block {id}")))
    }

    /// A block to change.
    pub(super) fn edit(&mut self, id: &str) -> Result<&mut Block, Fault> {
        self.changed.insert(id.to_owned());
        let node = self.nodes.get_mut(id);
        node.map(|node| &mut node.block)
            .ok_or_else(|| Fault::new(codes::DOCX_NOT_FOUND, format!("no block {id}")))
    }

    /// A block as it is on the wire.
    pub fn shown(&self, id: &str) -> Option<Block> {
        let node = self.get(id)?;
        let mut block = node.block.clone();
        block.block_id = Some(id.to_owned());
        block.parent_id = Some(node.parent.clone());
        block.children = Some(node.children.clone()).filter(|children| !children.is_empty());
        if let Some(table) = &mut block.table {
            table.cells.clone_from(&node.children);
        }
        Some(block)
    }

    /// The ids of all blocks in pre-order.
    pub fn in_order(&self) -> Vec<&str> {
        let (mut all, mut open) = (Vec::with_capacity(self.nodes.len()), vec![self.root.as_str()]);
        while let Some(id) = open.pop() {
            all.push(id);
            if let Some(node) = self.nodes.get(id) {
                open.extend(node.children.iter().rev().map(String::as_str));
            }
        }
        all
    }

    /// The blocks to write: id, node, and whether the store does not have it yet.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &Node, bool)> {
        self.changed.iter().filter_map(|id| Some((id.as_str(), self.nodes.get(id)?, self.fresh.contains(id))))
    }

    /// The blocks of the store to remove.
    pub fn removals(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(String::as_str)
    }

    /// How many levels are above a block: 0 for the page.
    fn depth(&self, id: &str) -> usize {
        let mut depth = 0;
        let mut at = id;
        while let Some(node) = self.nodes.get(at).filter(|node| !node.parent.is_empty()) {
            at = &node.parent;
            depth += 1;
        }
        depth
    }

    /// Inserts blocks before the child at `index`, or at the end; the ids of the inserted ones.
    pub(super) fn insert(
        &mut self,
        parent: &str,
        index: usize,
        made: Vec<Made>,
        new_id: &mut dyn FnMut() -> String,
    ) -> Result<Vec<String>, Fault> {
        let siblings = &self.find(parent)?.children;
        let total = siblings.len() + made.len();
        if total > CHILDREN_MAX {
            return Err(Fault::new(codes::DOCX_TOO_MANY_CHILDREN, format!("a block with {total} children")));
        }
        let depth = self.depth(parent) + 1;
        if depth > DEPTH_MAX {
            return Err(Fault::new(codes::DOCX_TOO_DEEP, format!("a block at level {depth}")));
        }
        let index = index.min(siblings.len());
        let place = |at: usize| siblings.get(at).and_then(|id| self.nodes.get(id)).map(|node| node.position);
        let before = index.checked_sub(1).and_then(place);
        let places = positions(before, place(index), made.len());
        let (mut ids, mut below) = (Vec::with_capacity(made.len()), Vec::new());
        for (at, one) in made.into_iter().enumerate() {
            let id = new_id();
            let position = places.as_ref().and_then(|places| places.get(at)).copied().unwrap_or(0);
            let node = Node { block: one.block, parent: parent.to_owned(), position, children: Vec::new() };
            self.nodes.insert(id.clone(), node);
            self.changed.insert(id.clone());
            self.fresh.insert(id.clone());
            if !one.children.is_empty() {
                below.push((id.clone(), one.children));
            }
            ids.push(id);
        }
        if self.nodes.len() > BLOCKS_MAX {
            let note = format!("an announcement of {} blocks", self.nodes.len());
            return Err(Fault::new(codes::DOCX_TOO_MANY_BLOCKS, note));
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.splice(index..index, ids.iter().cloned());
        }
        if places.is_none() {
            self.renumber(parent);
        }
        for (id, children) in below {
            self.insert(&id, 0, children, new_id)?;
        }
        Ok(ids)
    }

    /// Gives all children of a block new positions: there is no room between two of them.
    fn renumber(&mut self, parent: &str) {
        let children = self.nodes.get(parent).map(|node| node.children.clone()).unwrap_or_default();
        let mut position = 0;
        for id in children {
            if let Some(node) = self.nodes.get_mut(&id) {
                position += GAP;
                node.position = position;
                self.changed.insert(id);
            }
        }
    }

    /// Removes the children from `start` to `end`, with all that is below them.
    pub(super) fn remove(&mut self, parent: &str, start: usize, end: usize) {
        let Some(node) = self.nodes.get_mut(parent) else { return };
        let end = end.min(node.children.len());
        let mut open: Vec<String> = node.children.drain(start.min(end)..end).collect();
        while let Some(id) = open.pop() {
            if let Some(node) = self.nodes.remove(&id) {
                open.extend(node.children);
            }
            self.changed.remove(&id);
            if !self.fresh.remove(&id) {
                self.removed.insert(id);
            }
        }
    }

    /// Whether all plain text together is short enough, and all contents: otherwise 1770033. Every read loads all contents.
    pub(super) fn fits(&self) -> Result<(), Fault> {
        let texts = self.nodes.values().filter_map(|node| node.block.text_content());
        let size: usize = texts.map(super::Text::size).sum();
        if size > CHARACTERS_MAX {
            let note = format!("an announcement of {size} characters");
            return Err(Fault::new(codes::DOCX_CONTENT_TOO_LARGE, note));
        }
        let bytes: usize = self.nodes.values().map(|node| bytes(&node.block)).sum();
        if bytes > BYTES_MAX {
            let note = format!("an announcement of {bytes} bytes");
            return Err(Fault::new(codes::DOCX_CONTENT_TOO_LARGE, note));
        }
        Ok(())
    }
}

/// The length of a block's JSON as it is stored.
fn bytes(block: &Block) -> usize {
    struct Counted(usize);
    impl io::Write for Counted {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0 += part.len();
            Ok(part.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    match serde_json::to_writer(&mut counted, block) {
        Ok(()) => counted.0,
        Err(_) => usize::MAX / BLOCKS_MAX / 2,
    }
}

/// Positions for new siblings between two neighbors; `None` if there is not enough room.
fn positions(before: Option<i64>, after: Option<i64>, count: usize) -> Option<Vec<i64>> {
    let count = i64::try_from(count).ok()?;
    let (first, step) = match (before, after) {
        (None, None) => (GAP, GAP),
        (Some(before), None) => (before.checked_add(GAP)?, GAP),
        (None, Some(after)) => (after.checked_sub(GAP.checked_mul(count)?)?, GAP),
        (Some(before), Some(after)) => {
            let step = (after - before) / (count + 1);
            if step < 1 {
                return None;
            }
            (before + step, step)
        }
    };
    let last = first.checked_add(step.checked_mul(count)?)?;
    (last < i64::MAX / 2 && first > i64::MIN / 2).then(|| (0..count).map(|at| first + at * step).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{AddOns, create};
    use super::*;

    #[test]
    fn contents_that_are_not_text_are_counted() {
        let of = |length: usize| {
            let add_ons = AddOns { record: Some("x".repeat(length)), ..AddOns::default() };
            Block { block_type: 40, add_ons: Some(add_ons), ..Block::default() }
        };
        let add = |length: usize| {
            let mut tree = Tree::new("oc_1", Vec::new());
            let mut next = 0;
            create(&mut tree, "oc_1", -1, &[of(length), of(length)], false, &mut || {
                next += 1;
                format!("b{next}")
            })
        };
        assert!(add(1000).is_ok());
        assert_eq!(add(BYTES_MAX / 2).expect_err("too large").code(), codes::DOCX_CONTENT_TOO_LARGE);
    }

    #[test]
    fn lengths_are_those_of_the_stored_json() {
        let block = Block::empty_page();
        assert_eq!(bytes(&block), serde_json::to_string(&block).expect("JSON").len());
    }
}
