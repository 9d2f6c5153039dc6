use std::collections::HashSet;

use larkspur_contract::Code;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const CHAT: &str = "oc_1";

/// An announcement, and a source of ids.
struct Bench {
    tree: Tree,
    next: usize,
}

impl Bench {
    fn new() -> Bench {
        Bench { tree: Tree::new(CHAT, Vec::new()), next: 0 }
    }

    fn create(&mut self, parent: &str, index: i64, drafts: Value) -> Result<Vec<String>, Fault> {
        let drafts: Vec<Block> = serde_json::from_value(drafts).expect("blocks");
        let next = &mut self.next;
        create(&mut self.tree, parent, index, &drafts, false, &mut || {
            *next += 1;
            format!("b{next}")
        })
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
    fn made(&mut self, parent: &str, draft: Value) -> String {
        self.create(parent, -1, json!([draft])).expect("created").remove(0)
    }

    fn update(&mut self, requests: Value) -> Result<(), Fault> {
        let requests: Vec<Request> = serde_json::from_value(requests).expect("requests");
        let picture = Picture { name: "p.png".to_owned(), size: Some((8, 9)) };
        // Uploaded for each of the blocks.
        let ids = requests.iter().filter_map(|request| request.block_id.clone());
        let files: Pictures = ids.map(|id| ((id, "img".to_owned()), picture.clone())).collect();
        let next = &mut self.next;
        update(&mut self.tree, &requests, &files, &mut || {
            *next += 1;
            format!("b{next}")
        })
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write json!(…)")]
    fn edit(&mut self, id: &str, kind: &str, edit: Value) -> Result<(), Fault> {
        self.update(json!([{"block_id": id, kind: edit}]))
    }

    fn shown(&self, id: &str) -> Value {
        json!(self.tree.shown(id).expect("a block"))
    }

    /// Stores and loads it, as the server does between two calls.
    fn again(&mut self) {
        let rows = self.tree.in_order().into_iter().map(|id| {
            let node = self.tree.get(id).expect("a node");
            let content: Block = serde_json::from_value(json!(node.block)).expect("a stored block");
            (id.to_owned(), node.parent.clone(), node.position, content)
        });
        let tree = Tree::new(CHAT, rows.collect());
        assert_eq!(tree.in_order(), self.tree.in_order());
        assert_eq!(tree.changes().count() + tree.removals().count(), 0);
        self.tree = tree;
    }
}

fn paragraph(text: &str) -> Value {
    json!({"block_type": 2, "text": {"elements": [{"text_run": {"content": text}}]}})
}

fn table(rows: i64, columns: i64) -> Value {
    json!({"block_type": 31, "table": {"property": {"row_size": rows, "column_size": columns}}})
}

fn grid(columns: i64) -> Value {
    json!({"block_type": 24, "grid": {"column_size": columns}})
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Fault>, code: Code) {
    assert_eq!(result.expect_err("refused").code(), code);
}

#[test]
fn a_new_announcement_is_an_empty_page() {
    let bench = Bench::new();
    assert_eq!(
        bench.shown(CHAT),
        json!({"block_id": CHAT, "block_type": 1, "parent_id": "", "page": {
            "elements": [{"text_run": {"content": "", "text_element_style": {"bold": false, "inline_code": false,
                "italic": false, "strikethrough": false, "underline": false}}}],
            "style": {"align": 1}}})
    );
}

#[test]
fn text_is_completed() {
    let mut bench = Bench::new();
    let id = bench.made(
        CHAT,
        json!({"block_type": 2, "block_id": "mine", "children": ["x"], "text": {"elements": [
            {"text_run": {"content": "a", "text_element_style": {"bold": true, "text_color": 5}}}]}}),
    );
    assert_eq!(
        bench.shown(&id),
        json!({"block_id": id, "block_type": 2, "parent_id": CHAT, "text": {
            "elements": [{"text_run": {"content": "a", "text_element_style": {"bold": true, "inline_code": false,
                "italic": false, "strikethrough": false, "underline": false, "text_color": 5}}}],
            "style": {"align": 1, "folded": false}}})
    );
    let style = |bench: &mut Bench, kind: i64, name: &str, style: Value| {
        let id = bench.made(CHAT, json!({"block_type": kind, name: {"elements": [], "style": style}}));
        bench.shown(&id)[name]["style"].clone()
    };
    let todo = style(&mut bench, 17, "todo", json!({"done": true, "language": 3}));
    assert_eq!(todo, json!({"align": 1, "folded": false, "done": true}));
    let code = style(&mut bench, 14, "code", json!({"folded": true, "align": 2}));
    assert_eq!(code, json!({"align": 2, "language": 1, "wrap": false}));
    let indented = style(&mut bench, 2, "text", json!({"indentation_level": "OneLevelIndent"}));
    assert_eq!(indented, json!({"align": 1, "folded": false, "indentation_level": "OneLevelIndent"}));
}

#[test]
fn elements_that_cannot_be_made() {
    let text =
        |kind: i64, name: &str, element: Value| json!([{"block_type": kind, name: {"elements": [element]}}]);
    let user = json!({"mention_user": {"user_id": "ou"}});
    let doc = json!({"token": "t", "obj_type": 22, "url": "u", "text_element_style": {"link": {"url": "x"}}});
    for (draft, code) in [
        (text(2, "text", json!({})), codes::DOCX_INVALID_PARAM),
        (
            text(2, "text", json!({"text_run": {"content": ""}, "equation": {"content": "x"}})),
            codes::DOCX_INVALID_PARAM,
        ),
        (text(2, "text", json!({"undefined": {}})), codes::DOCX_INVALID_OPERATION),
        (text(2, "text", json!({"file": {"file_token": "x"}})), codes::DOCX_INVALID_OPERATION),
        (text(2, "text", json!({"mention_doc": doc})), codes::DOCX_INVALID_OPERATION),
        (text(14, "code", user.clone()), codes::DOCX_INVALID_PARAM),
        (
            text(
                2,
                "text",
                json!({"text_run": {"content": "", "text_element_style": {"comment_ids": ["1"]}}}),
            ),
            codes::DOCX_INVALID_PARAM,
        ),
        (
            text(2, "text", json!({"text_run": {"content": "𝄞".repeat(50_001)}})),
            codes::DOCX_CONTENT_TOO_LARGE,
        ),
    ] {
        refused(Bench::new().create(CHAT, -1, draft), code);
    }
    let mut bench = Bench::new();
    bench.create(CHAT, -1, text(2, "text", user.clone())).expect("created");
    bench
        .create(CHAT, -1, text(2, "text", json!({"text_run": {"content": "𝄞".repeat(50_000)}})))
        .expect("created");
    refused(bench.edit(CHAT, "update_text_elements", json!({"elements": [user]})), codes::DOCX_INVALID_PARAM);
}

#[test]
fn blocks_are_added_at_their_index() {
    let mut bench = Bench::new();
    for (index, text) in [(-1, "c"), (0, "a"), (1, "b"), (3, "d")] {
        bench.create(CHAT, index, json!([paragraph(text)])).expect("created");
        bench.again();
    }
    let texts: Vec<String> = bench.tree.in_order()[1..]
        .iter()
        .map(|id| {
            bench.shown(id)["text"]["elements"][0]["text_run"]["content"].as_str().expect("text").to_owned()
        })
        .collect();
    assert_eq!(texts, ["a", "b", "c", "d"]);
    refused(bench.create(CHAT, 5, json!([paragraph("x")])), codes::DOCX_INVALID_PARAM);
    refused(bench.create(CHAT, -2, json!([paragraph("x")])), codes::DOCX_INVALID_PARAM);
    refused(bench.create("gone", -1, json!([paragraph("x")])), codes::DOCX_NOT_FOUND);
}

#[test]
fn what_may_be_created_where() {
    let mut bench = Bench::new();
    for (draft, code) in [
        (json!({"block_type": 1, "page": {"elements": []}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 25, "grid_column": {}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 32, "table_cell": {}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 33, "view": {}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 35}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 36, "okr": {"okr_id": "1"}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 999, "undefined": {}}), codes::DOCX_NOT_CREATABLE),
        (json!({"block_type": 16}), codes::DOCX_INVALID_PARAM),
        (json!({"block_type": 0, "text": {"elements": []}}), codes::DOCX_INVALID_PARAM),
        (json!({"block_type": 22}), codes::DOCX_INVALID_PARAM),
        (json!({"block_type": 22, "text": {"elements": []}}), codes::DOCX_INVALID_PARAM),
        (table(10, 1), codes::DOCX_INVALID_PARAM),
        (table(1, 101), codes::DOCX_TOO_MANY_COLUMNS),
        (table(201, 10), codes::DOCX_TOO_MANY_CELLS),
        (grid(6), codes::FIELD_VALIDATION),
        (grid(1), codes::FIELD_VALIDATION),
    ] {
        refused(bench.create(CHAT, -1, json!([draft])), code);
    }
    let divider = json!({"block_type": 22, "divider": {}});
    let leaf = bench.made(CHAT, divider.clone());
    refused(bench.create(&leaf, -1, json!([divider])), codes::DOCX_NO_CHILDREN_HERE);
    let callout = bench.made(CHAT, json!({"block_type": 19, "callout": {}}));
    assert_eq!(bench.shown(&callout)["callout"], json!({"emoji_id": "gift"}));
    refused(bench.create(&callout, -1, json!([divider])), codes::DOCX_CHILD_NOT_ALLOWED);
    bench.made(&callout, paragraph("in it"));
    let (sheet, bitable) =
        (json!({"block_type": 30, "sheet": {}}), json!({"block_type": 18, "bitable": {"view_type": 1}}));
    let table_id = bench.made(CHAT, table(1, 1));
    let cell = bench.tree.get(&table_id).expect("a table").children[0].clone();
    for draft in [table(1, 1), sheet.clone(), bitable.clone()] {
        refused(bench.create(&cell, -1, json!([draft])), codes::DOCX_CHILD_NOT_ALLOWED);
    }
    bench.made(&cell, grid(2));
    let grid_id = bench.made(CHAT, grid(3));
    let column = bench.tree.get(&grid_id).expect("a grid").children[0].clone();
    for draft in [grid(2), bitable] {
        refused(bench.create(&column, -1, json!([draft])), codes::DOCX_CHILD_NOT_ALLOWED);
    }
    bench.made(&column, table(1, 1));
    bench.made(&column, sheet.clone());
    refused(bench.create(&grid_id, -1, json!([divider])), codes::DOCX_NO_CHILDREN_HERE);
    let sheets: Vec<Value> = std::iter::repeat_n(sheet, 6).collect();
    refused(bench.create(CHAT, -1, json!(sheets)), codes::DOCX_TOO_MANY_RESOURCES);
    bench.create(CHAT, -1, json!(sheets[..5])).expect("five are allowed");
}

#[test]
fn what_the_server_adds() {
    let mut bench = Bench::new();
    let id = bench.made(CHAT, table(2, 2));
    let shown = bench.shown(&id);
    let span = json!({"row_span": 1, "col_span": 1});
    assert_eq!(shown["children"], shown["table"]["cells"]);
    assert_eq!(
        shown["table"]["property"],
        json!({"row_size": 2, "column_size": 2, "column_width": [100, 100], "merge_info": [span, span, span, span]})
    );
    let cell = bench.shown(shown["children"][0].as_str().expect("an id"));
    assert_eq!((&cell["table_cell"], &cell["parent_id"]), (&json!({}), &json!(id)));
    let inner = bench.shown(cell["children"][0].as_str().expect("an id"));
    assert_eq!(inner["text"]["elements"][0]["text_run"]["content"], "");

    let view = bench.made(CHAT, json!({"block_type": 23, "file": {"token": "x", "view_type": 2}}));
    let shown = bench.shown(&view);
    assert_eq!((&shown["block_type"], &shown["view"]), (&json!(33), &json!({"view_type": 2})));
    let file = shown["children"][0].as_str().expect("an id").to_owned();
    assert_eq!(bench.shown(&file)["file"], json!({"name": "", "token": ""}));
    bench.edit(&file, "replace_file", json!({"token": "img"})).expect("replaced");
    assert_eq!(bench.shown(&file)["file"], json!({"name": "p.png", "token": "img"}));

    let image = bench.made(CHAT, json!({"block_type": 27, "image": {"width": 5}}));
    assert_eq!(bench.shown(&image)["image"], json!({"width": 100, "height": 100, "token": "", "align": 2}));
    refused(bench.edit(&image, "replace_image", json!({"token": "no"})), codes::DOCX_RELATION_MISMATCH);
    bench.edit(&image, "replace_image", json!({"token": "img", "width": 20})).expect("replaced");
    assert_eq!(bench.shown(&image)["image"], json!({"width": 20, "height": 9, "token": "img", "align": 2}));
    bench.edit(&image, "replace_image", json!({"token": "img", "align": 3})).expect("replaced");
    assert_eq!(bench.shown(&image)["image"], json!({"width": 20, "height": 9, "token": "img", "align": 3}));

    let id = bench.made(CHAT, grid(3));
    let columns = bench.shown(&id)["children"].as_array().expect("columns").clone();
    let ratios = columns
        .iter()
        .map(|id| bench.shown(id.as_str().expect("an id"))["grid_column"]["width_ratio"].clone());
    assert_eq!(ratios.collect::<Vec<_>>(), [json!(34), json!(33), json!(33)]);
    let sheet = bench.made(CHAT, json!({"block_type": 30, "sheet": {"row_size": 3, "column_size": 3}}));
    let shown = bench.shown(&sheet)["sheet"].clone();
    assert_eq!(shown.as_object().expect("an object").len(), 1);
    assert!(shown["token"].as_str().expect("a token").contains('_'));
}

/// Rows and columns of a table, and its merged areas as `[row, column, rows, columns]`.
fn layout(bench: &Bench, id: &str) -> (i64, i64, Vec<[i64; 4]>) {
    let table = bench.shown(id)["table"].clone();
    let number = |name: &str| table["property"][name].as_i64().expect("a number");
    let (rows, columns) = (number("row_size"), number("column_size"));
    let spans = table["property"]["merge_info"].as_array().expect("spans").clone();
    let cells = usize::try_from(rows * columns).expect("few");
    assert_eq!((spans.len(), table["cells"].as_array().map(Vec::len)), (cells, Some(cells)));
    assert_eq!(table["property"]["column_width"].as_array().map(Vec::len), usize::try_from(columns).ok());
    let area = |(span, at): (&Value, i64)| {
        let (height, width) = (span["row_span"].as_i64()?, span["col_span"].as_i64()?);
        (height * width > 1).then_some([at / columns, at % columns, height, width])
    };
    (rows, columns, spans.iter().zip(0..).filter_map(area).collect())
}

#[test]
fn tables_change_their_size() {
    let mut bench = Bench::new();
    let id = bench.made(CHAT, table(3, 3));
    let first: Vec<String> = bench.tree.get(&id).expect("a table").children.clone();
    let merge =
        json!({"row_start_index": 0, "row_end_index": 2, "column_start_index": 1, "column_end_index": 3});
    bench.edit(&id, "merge_table_cells", merge.clone()).expect("merged");
    assert_eq!(layout(&bench, &id), (3, 3, vec![[0, 1, 2, 2]]));
    bench.edit(&id, "insert_table_row", json!({"row_index": 1})).expect("inserted");
    assert_eq!(layout(&bench, &id), (4, 3, vec![[0, 1, 3, 2]]));
    bench.edit(&id, "insert_table_column", json!({"column_index": 0})).expect("inserted");
    assert_eq!(layout(&bench, &id), (4, 4, vec![[0, 2, 3, 2]]));
    bench.again();
    let now = bench.tree.get(&id).expect("a table").children.clone();
    assert_eq!([&now[1], &now[2], &now[3], &now[9]], [&first[0], &first[1], &first[2], &first[3]]);
    bench
        .edit(&id, "delete_table_columns", json!({"column_start_index": 3, "column_end_index": 4}))
        .expect("deleted");
    assert_eq!(layout(&bench, &id), (4, 3, vec![[0, 2, 3, 1]]));
    bench.edit(&id, "delete_table_rows", json!({"row_start_index": 0, "row_end_index": 2})).expect("deleted");
    assert_eq!(layout(&bench, &id), (2, 3, vec![]));
    bench.edit(&id, "insert_table_row", json!({"row_index": -1})).expect("inserted");
    bench.edit(&id, "insert_table_column", json!({"column_index": -1})).expect("inserted");
    assert_eq!(layout(&bench, &id), (3, 4, vec![]));

    let last = |what: &str, start: i64, end: i64| json!({format!("{what}_start_index"): start, format!("{what}_end_index"): end});
    for (kind, edit, code) in [
        ("insert_table_row", json!({"row_index": 4}), codes::DOCX_ROW_OUT_OF_RANGE),
        ("insert_table_column", json!({"column_index": 5}), codes::DOCX_COLUMN_OUT_OF_RANGE),
        ("delete_table_rows", last("row", 1, 1), codes::DOCX_ROW_OUT_OF_RANGE),
        ("delete_table_rows", last("row", 1, 4), codes::DOCX_ROW_OUT_OF_RANGE),
        ("delete_table_rows", last("row", 0, 3), codes::DOCX_INVALID_OPERATION),
        ("delete_table_columns", last("column", 2, 5), codes::DOCX_COLUMN_OUT_OF_RANGE),
        ("delete_table_columns", last("column", 0, 4), codes::DOCX_INVALID_OPERATION),
        ("unmerge_table_cells", json!({"row_index": 3, "column_index": 0}), codes::DOCX_ROW_OUT_OF_RANGE),
        ("unmerge_table_cells", json!({"row_index": 0, "column_index": 4}), codes::DOCX_COLUMN_OUT_OF_RANGE),
        (
            "update_table_property",
            json!({"column_width": 60, "column_index": 4}),
            codes::DOCX_COLUMN_OUT_OF_RANGE,
        ),
        ("update_table_property", json!({"column_width": 60}), codes::DOCX_INVALID_PARAM),
        ("insert_grid_column", json!({"column_index": 1}), codes::DOCX_OPERATION_MISMATCH),
        ("update_text_elements", json!({"elements": []}), codes::DOCX_OPERATION_MISMATCH),
        ("update_task", json!({}), codes::DOCX_OPERATION_MISMATCH),
        ("replace_image", json!({"token": "img"}), codes::DOCX_OPERATION_MISMATCH),
    ] {
        refused(bench.edit(&id, kind, edit), code);
    }
    let property = json!({"column_width": 60, "column_index": 3, "header_row": true});
    bench.edit(&id, "update_table_property", property).expect("changed");
    let property = bench.shown(&id)["table"]["property"].clone();
    assert_eq!((&property["column_width"][3], &property["header_row"]), (&json!(60), &json!(true)));
    bench.edit(&id, "merge_table_cells", merge).expect("merged");
    let cut =
        json!({"row_start_index": 0, "row_end_index": 1, "column_start_index": 0, "column_end_index": 4});
    refused(bench.edit(&id, "merge_table_cells", cut), codes::DOCX_INVALID_OPERATION);
    bench.edit(&id, "unmerge_table_cells", json!({"row_index": 1, "column_index": 2})).expect("divided");
    assert_eq!(layout(&bench, &id), (3, 4, vec![]));
}

#[test]
fn tables_have_a_largest_size() {
    let mut bench = Bench::new();
    let wide = bench.made(CHAT, table(1, 9));
    for _ in 9..100 {
        bench.edit(&wide, "insert_table_column", json!({"column_index": -1})).expect("inserted");
    }
    refused(
        bench.edit(&wide, "insert_table_column", json!({"column_index": 3})),
        codes::DOCX_TOO_MANY_COLUMNS,
    );
    for _ in 1..20 {
        bench.edit(&wide, "insert_table_row", json!({"row_index": 0})).expect("inserted");
    }
    refused(bench.edit(&wide, "insert_table_row", json!({"row_index": 0})), codes::DOCX_TOO_MANY_CELLS);
}

#[test]
fn grids_have_two_to_ten_columns() {
    let mut bench = Bench::new();
    let id = bench.made(CHAT, grid(2));
    refused(bench.edit(&id, "delete_grid_column", json!({"column_index": 0})), codes::DOCX_INVALID_OPERATION);
    refused(bench.edit(&id, "insert_grid_column", json!({"column_index": 0})), codes::DOCX_INVALID_PARAM);
    refused(
        bench.edit(&id, "insert_grid_column", json!({"column_index": 3})),
        codes::DOCX_COLUMN_OUT_OF_RANGE,
    );
    let first = bench.tree.get(&id).expect("a grid").children.clone();
    bench.edit(&id, "insert_grid_column", json!({"column_index": 1})).expect("inserted");
    let now = bench.tree.get(&id).expect("a grid").children.clone();
    assert_eq!((&now[0], &now[2]), (&first[0], &first[1]));
    for _ in 3..10 {
        bench.edit(&id, "insert_grid_column", json!({"column_index": -1})).expect("inserted");
    }
    assert_eq!(bench.shown(&id)["grid"], json!({"column_size": 10}));
    refused(
        bench.edit(&id, "insert_grid_column", json!({"column_index": -1})),
        codes::DOCX_TOO_MANY_GRID_COLUMNS,
    );
    refused(
        bench.edit(&id, "delete_grid_column", json!({"column_index": 10})),
        codes::DOCX_COLUMN_OUT_OF_RANGE,
    );
    bench.edit(&id, "delete_grid_column", json!({"column_index": -1})).expect("deleted");
    refused(
        bench.edit(&id, "update_grid_column_width_ratio", json!({"width_ratios": [50, 50]})),
        codes::DOCX_INVALID_PARAM,
    );
    bench
        .edit(&id, "update_grid_column_width_ratio", json!({"width_ratios": [1, 2, 3, 4, 5, 6, 7, 8, 9]}))
        .expect("set");
    let last = bench.tree.get(&id).expect("a grid").children[8].clone();
    assert_eq!(bench.shown(&last)["grid_column"], json!({"width_ratio": 9}));
}

#[test]
fn styles_change_by_field() {
    let mut bench = Bench::new();
    let id = bench.made(CHAT, json!({"block_type": 2, "text": {"elements": [], "style": {"align": 3, "background_color": "DarkRedBackground"}}}));
    let edit = json!({"style": {"align": 2, "folded": true}, "fields": [3, 6]});
    bench.edit(&id, "update_text_style", edit).expect("changed");
    assert_eq!(bench.shown(&id)["text"]["style"], json!({"align": 3, "folded": true}));
    let edit = json!({"style": {}, "fields": [1], "elements": [{"text_run": {"content": "new"}}]});
    bench.edit(&id, "update_text", edit).expect("changed");
    assert_eq!(bench.shown(&id)["text"]["style"], json!({"align": 1, "folded": true}));
    assert_eq!(bench.shown(&id)["text"]["elements"][0]["text_run"]["content"], "new");
    for field in [2, 4, 5] {
        let edit = json!({"style": {}, "fields": [field]});
        refused(bench.edit(&id, "update_text_style", edit), codes::DOCX_OPERATION_MISMATCH);
    }
    let edit = json!({"style": {}, "fields": [3]});
    refused(bench.edit(CHAT, "update_text_style", edit), codes::DOCX_OPERATION_MISMATCH);
    let title = json!({"elements": [{"text_run": {"content": "title"}}]});
    bench.edit(CHAT, "update_text_elements", title).expect("the title changes");
}

#[test]
fn requests_name_different_blocks_and_one_kind() {
    let mut bench = Bench::new();
    let id = bench.made(CHAT, paragraph("a"));
    let edit = json!({"elements": [{"text_run": {"content": "b"}}]});
    let good = json!({"block_id": id, "update_text_elements": edit});
    for (requests, code) in [
        (json!([good, good]), codes::DOCX_INVALID_PARAM),
        (json!([{"update_text_elements": edit}]), codes::DOCX_INVALID_PARAM),
        (json!([{"block_id": id}]), codes::DOCX_INVALID_PARAM),
        (
            json!([{"block_id": id, "update_text_elements": edit, "update_task": {}}]),
            codes::DOCX_INVALID_PARAM,
        ),
        (json!([good, {"block_id": "gone", "update_text_elements": edit}]), codes::DOCX_NOT_FOUND),
    ] {
        refused(bench.update(requests), code);
    }
    let many = |name: &str, one: Value, count: usize| json!({"elements": std::iter::repeat_n(json!({name: one}), count).collect::<Vec<_>>()});
    let reminder = json!({"create_user_id": "ou", "expire_time": 1, "notify_time": "2"});
    let doc = json!({"token": "t", "obj_type": 22, "url": "u"});
    for (name, one, max) in [
        ("reminder", reminder, 30),
        ("mention_doc", doc, 50),
        ("mention_user", json!({"user_id": "ou"}), 100),
    ] {
        bench.edit(&id, "update_text_elements", many(name, one.clone(), max)).expect("allowed");
        refused(
            bench.edit(&id, "update_text_elements", many(name, one, max + 1)),
            codes::DOCX_TOO_MANY_RESOURCES,
        );
    }
}

#[test]
fn children_are_deleted_by_index() {
    let mut bench = Bench::new();
    bench.create(CHAT, -1, json!([paragraph("a"), table(2, 2), paragraph("c")])).expect("created");
    for (start, end) in [(0, 4), (1, 1), (2, 1), (-1, 1)] {
        refused(delete(&mut bench.tree, CHAT, start, end), codes::DOCX_INVALID_PARAM);
    }
    let id = bench.tree.get(CHAT).expect("the page").children[1].clone();
    refused(delete(&mut bench.tree, &id, 0, 1), codes::DOCX_CHILDREN_KEPT);
    let cell = bench.tree.get(&id).expect("a table").children[0].clone();
    refused(delete(&mut bench.tree, &cell, 0, 1), codes::DOCX_CHILDREN_KEPT);
    bench.made(&cell, paragraph("second"));
    delete(&mut bench.tree, &cell, 0, 1).expect("one stays");
    bench.again();
    delete(&mut bench.tree, CHAT, 1, 2).expect("deleted");
    assert_eq!((bench.tree.len(), bench.tree.removals().count()), (3, 9));
    delete(&mut bench.tree, CHAT, 0, 2).expect("all children of the page");
    assert_eq!(bench.tree.in_order(), [CHAT]);
    refused(delete(&mut bench.tree, "gone", 0, 1), codes::DOCX_NOT_FOUND);
}

#[test]
fn a_child_in_the_middle_changes_few_others() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.create(CHAT, -1, json!(vec![paragraph("x"); 50])).expect("created");
    }
    let mut written = 0;
    for _ in 0..200 {
        bench.again();
        bench.create(CHAT, 250, json!([paragraph("y")])).expect("created");
        written += bench.tree.changes().count();
    }
    // One row each, and all siblings whenever the room between two of them is used up.
    assert!(written <= 200 + 700 * 5, "{written}");
}

#[test]
fn revisions() {
    for (asked, latest) in [(-1, 1), (1, 1), (1, 1001), (5, 7)] {
        assert!(edits_revision(asked, latest).is_ok(), "{asked} of {latest}");
    }
    for (asked, latest, code) in [
        (0, 5, codes::DOCX_INVALID_PARAM),
        (6, 5, codes::DOCX_INVALID_PARAM),
        (-2, 5, codes::DOCX_INVALID_PARAM),
        (1, 1002, codes::DOCX_TOO_OLD),
    ] {
        refused(edits_revision(asked, latest), code);
        refused(reads_revision(asked, latest), codes::DOCX_INVALID_PARAM);
    }
    assert_eq!(reads_revision(-1, 9).expect("the latest"), 9);
    assert_eq!(reads_revision(1, 1001).expect("kept"), 1);
}

/// A random step: what, where, and two numbers.
fn step() -> impl Strategy<Value = (u8, usize, i64, i64)> {
    (0u8..12, any::<usize>(), -1i64..5, 0i64..6)
}

proptest! {
    /// Whatever is created, edited and deleted: each block has one parent, that knows it; ids are unique, sizes match.
    #[test]
    fn the_tree_stays_whole(steps in proptest::collection::vec(step(), 1..60)) {
        let mut bench = Bench::new();
        for (what, which, a, b) in steps {
            let ids: Vec<String> = bench.tree.in_order().into_iter().map(str::to_owned).collect();
            let id = ids[which % ids.len()].clone();
            let before = bench.tree.clone();
            let result = match what {
                0 => bench.create(&id, a, json!([paragraph("x")])).map(drop),
                1 => bench.create(&id, a, json!([table(b.max(1), 2), paragraph("y")])).map(drop),
                2 => bench.create(&id, a, json!([grid(2 + b % 4), {"block_type": 19, "callout": {}}])).map(drop),
                3 => delete(&mut bench.tree, &id, a, a + b),
                4 => bench.edit(&id, "insert_table_row", json!({"row_index": a})),
                5 => bench.edit(&id, "insert_table_column", json!({"column_index": a})),
                6 => bench.edit(&id, "delete_table_rows", json!({"row_start_index": a.max(0), "row_end_index": b.max(1)})),
                7 => bench.edit(&id, "delete_table_columns", json!({"column_start_index": a.max(0), "column_end_index": b.max(1)})),
                8 => bench.edit(&id, "merge_table_cells", json!({"row_start_index": a.max(0), "row_end_index": b.max(1),
                    "column_start_index": 0, "column_end_index": b.max(1)})),
                9 => bench.edit(&id, "insert_grid_column", json!({"column_index": a})),
                10 => bench.edit(&id, "delete_grid_column", json!({"column_index": a})),
                _ => bench.edit(&id, "update_text_elements", json!({"elements": [{"text_run": {"content": "z"}}]})),
            };
            if result.is_err() {
                bench.tree = before;
            }
            whole(&bench)?;
            bench.again();
        }
    }
}

fn whole(bench: &Bench) -> Result<(), TestCaseError> {
    let order = bench.tree.in_order();
    prop_assert_eq!(order.len(), bench.tree.len(), "every block is below the page, once");
    prop_assert_eq!(order.iter().collect::<HashSet<_>>().len(), order.len());
    for id in order {
        let node = bench.tree.get(id).expect("a node");
        for pair in node.children.windows(2) {
            let position = |id: &String| bench.tree.get(id).map(|node| node.position);
            prop_assert!(position(&pair[0]) < position(&pair[1]));
        }
        for child in &node.children {
            prop_assert_eq!(&bench.tree.get(child).expect("a child").parent, id);
        }
        let children = i64::try_from(node.children.len()).expect("few");
        if node.block.table.is_some() {
            let (rows, columns, areas) = layout(bench, id);
            prop_assert_eq!(rows * columns, children);
            for [row, column, height, width] in areas {
                prop_assert!(row + height <= rows && column + width <= columns);
            }
        }
        if let Some(grid) = &node.block.grid {
            prop_assert_eq!(grid.column_size, children);
            prop_assert!((2..=10).contains(&children));
        }
    }
    Ok(())
}
