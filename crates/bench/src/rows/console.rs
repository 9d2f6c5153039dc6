//! The console in a browser. The client tests measure it; here its figures become rows.

use std::path::Path;

use serde::Deserialize;

use super::announce;
use crate::Res;
use crate::report::{Row, Table};
use crate::stats::{Goal, Spread};

/// A figure, as `tests/clients/console_soak.py` writes it.
#[derive(Debug, Deserialize)]
struct Figure {
    name: String,
    unit: String,
    most: f64,
    values: Vec<f64>,
}

/// Makes rows of a file of figures.
pub(crate) fn of_file(path: &Path, table: &mut Table) -> Res<()> {
    announce("console");
    let figures: Vec<Figure> = serde_json::from_slice(&std::fs::read(path)?)?;
    table.section(
        "The console in Chromium, cold, over loopback; what else the machine did was not measured".to_owned(),
    );
    for figure in figures {
        let rounds = figure.values.len();
        let row = Row::named(format!("**console, {}**", figure.name)).note(format!("rounds: {rounds}"));
        let row = row.against(&figure.unit, Spread::of(figure.values));
        table.row(row.should_be(Goal::Below(figure.most), true));
    }
    Ok(())
}
