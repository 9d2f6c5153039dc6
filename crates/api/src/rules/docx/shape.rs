//! Sizes of tables and grids, and the areas of merged cells.

use larkspur_contract::{Fault, codes};

use super::{Property, Span};

/// The most columns of a table. Source: the create page.
const COLUMNS_MAX: i64 = 100;
/// The most cells of a table. Source: the create page.
const CELLS_MAX: i64 = 2000;

/// The number of cells: 1770010 for too many columns, 1770011 for too many cells.
pub(super) fn cells(rows: i64, columns: i64) -> Result<usize, Fault> {
    if columns > COLUMNS_MAX {
        return Err(Fault::new(codes::DOCX_TOO_MANY_COLUMNS, format!("{columns} columns")));
    }
    let cells = rows.saturating_mul(columns);
    if cells > CELLS_MAX {
        return Err(Fault::new(codes::DOCX_TOO_MANY_CELLS, format!("{cells} cells")));
    }
    Ok(usize::try_from(cells).unwrap_or_default())
}

/// Equal shares of 100 for the columns of a grid; the first one has the rest.
pub(super) fn shares(columns: i64) -> Vec<i64> {
    let columns = columns.max(1);
    let mut all = vec![100 / columns; usize::try_from(columns).unwrap_or_default()];
    if let Some(first) = all.first_mut() {
        *first += 100 % columns;
    }
    all
}

/// Cells of a table that are shown as one: rows and columns from the first to the one before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) rows: (i64, i64),
    pub(super) columns: (i64, i64),
}

impl Area {
    fn is_one_cell(self) -> bool {
        self.rows.1 - self.rows.0 <= 1 && self.columns.1 - self.columns.0 <= 1
    }

    /// Whether it has a cell.
    pub(super) fn has(self, row: i64, column: i64) -> bool {
        (self.rows.0..self.rows.1).contains(&row) && (self.columns.0..self.columns.1).contains(&column)
    }

    /// Whether both have a cell in common.
    pub(super) fn meets(self, other: Area) -> bool {
        let meets = |a: (i64, i64), b: (i64, i64)| a.0 < b.1 && b.0 < a.1;
        meets(self.rows, other.rows) && meets(self.columns, other.columns)
    }

    /// Whether all cells of another area are in it.
    pub(super) fn covers(self, other: Area) -> bool {
        let covers = |a: (i64, i64), b: (i64, i64)| a.0 <= b.0 && b.1 <= a.1;
        covers(self.rows, other.rows) && covers(self.columns, other.columns)
    }
}

/// A range after a line was inserted before line `at`: a range around it grows, one behind it moves.
pub(super) fn inserted((start, end): (i64, i64), at: i64) -> (i64, i64) {
    if at <= start {
        (start + 1, end + 1)
    } else if at < end {
        (start, end + 1)
    } else {
        (start, end)
    }
}

/// A range after the lines from `from` to the one before `to` were deleted; it may be empty.
pub(super) fn deleted((start, end): (i64, i64), (from, to): (i64, i64)) -> (i64, i64) {
    let moved = |at: i64| if at <= from { at } else { (at - (to - from)).max(from) };
    (moved(start), moved(end))
}

impl Property {
    /// The merged areas of the table.
    pub(super) fn areas(&self) -> Vec<Area> {
        let columns = self.column_size.max(1);
        let spans = self.merge_info.iter().zip(0..);
        let area = |(span, at): (&Span, i64)| {
            let (row, column) = (at / columns, at % columns);
            Area { rows: (row, row + span.row_span), columns: (column, column + span.col_span) }
        };
        spans.map(area).filter(|area| !area.is_one_cell()).collect()
    }

    /// Sets the merged areas; areas of one cell or none are dropped.
    pub(super) fn set_areas(&mut self, areas: &[Area]) {
        let count = usize::try_from(self.row_size.saturating_mul(self.column_size)).unwrap_or_default();
        self.merge_info = vec![Span::default(); count];
        for area in areas.iter().filter(|area| !area.is_one_cell()) {
            let (height, width) = (area.rows.1 - area.rows.0, area.columns.1 - area.columns.0);
            let at = usize::try_from(area.rows.0 * self.column_size + area.columns.0).ok();
            if let Some(span) =
                at.and_then(|at| self.merge_info.get_mut(at)).filter(|_| height > 0 && width > 0)
            {
                *span = Span { row_span: height, col_span: width };
            }
        }
    }
}
