//! The text of an announcement without its form.

use super::{Element, Tree};

/// The text, a line for each block that has any. `name` names the users that it mentions, by number.
pub fn plain(tree: &Tree, name: &dyn Fn(&str) -> Option<String>) -> String {
    let blocks = tree.in_order().into_iter().filter_map(|id| tree.get(id)?.block.text_content());
    let lines = blocks.map(|text| text.elements.iter().map(|element| of_element(element, name)).collect());
    let lines: Vec<String> = lines.filter(|line: &String| !line.is_empty()).collect();
    lines.join("\n")
}

/// The users that it mentions, by number.
pub fn mentioned(tree: &Tree) -> Vec<&str> {
    let blocks = tree.in_order().into_iter().filter_map(|id| tree.get(id)?.block.text_content());
    let mentions = blocks.flat_map(|text| &text.elements).filter_map(|one| one.mention_user.as_deref());
    mentions.map(|mention| mention.user_id.as_str()).collect()
}

fn of_element(element: &Element, name: &dyn Fn(&str) -> Option<String>) -> String {
    if let Some(run) = &element.text_run {
        run.content.clone()
    } else if let Some(mention) = &element.mention_user {
        format!("@{}", name(&mention.user_id).unwrap_or_default())
    } else if let Some(mention) = &element.mention_doc {
        mention.title.clone().unwrap_or_else(|| mention.url.clone())
    } else if let Some(equation) = &element.equation {
        equation.content.clone()
    } else if let Some(preview) = &element.link_preview {
        preview.title.clone()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Block, MentionUser, Text};
    use super::*;

    fn block(elements: Vec<Element>) -> Block {
        let text = Text { elements, ..Text::default() };
        Block { block_type: super::super::TEXT, text: Some(text), ..Block::default() }
    }

    #[test]
    fn a_line_for_each_block_in_order() {
        let user_id = "7".to_owned();
        let mention = Box::new(MentionUser { user_id, ..MentionUser::default() });
        let mention = Element { mention_user: Some(mention), ..Element::default() };
        let row = |id: &str, position, block| (id.to_owned(), "page".to_owned(), position, block);
        let rows = vec![
            ("page".to_owned(), String::new(), 0, Block::empty_page()),
            row("b", 2, block(vec![Element::run("second "), mention])),
            row("a", 1, block(vec![Element::run("first")])),
            row("c", 3, block(Vec::new())),
        ];
        let tree = Tree::new("page", rows);
        let name = |number: &str| (number == "7").then(|| "Ada".to_owned());
        assert_eq!(mentioned(&tree), ["7"]);
        assert_eq!(plain(&tree, &name), "first\nsecond @Ada");
    }
}
