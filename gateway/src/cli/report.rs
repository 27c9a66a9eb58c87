//! `passerelle report`: what may be said of many persons at once.

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use super::{
    Failure,
    client::{Connection, encoded},
    output::say,
};

/// Report on many persons at once, in counts that tell of nobody.
#[derive(Debug, Subcommand)]
pub enum Report {
    /// Tell how far the persons of a programme have come, and what came of it
    ///
    /// Persons are counted by gender and by the region where they live, placements by the employer's country and by track.
    /// A step counts whoever has reached it or a later one that implies it; `selected by BE` counts persons whom employers
    /// on matching platforms have selected, by the employer's country; `moved` means arrived in the country of the work.
    ///
    /// Counts from one to four are shown as `<5`. Where such a count could be computed from totals and others, some of those
    /// are shown as `*`. Who was erased counts in nothing. See docs/programmes.md.
    Programme {
        /// The programme, as events call it
        name: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        connection: Connection,
    },
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Table,
    /// What the API says
    Json,
    /// A count a line: of what, by what, of which, column, count
    Csv,
}

impl Report {
    pub async fn run(self) -> Result<(), Failure> {
        let Self::Programme { name, format, connection } = self;
        let report = connection.open()?.get(&format!("/v1/reports/programme/{}", encoded(&name))).await?;
        match format {
            _ if connection.json => say(&report.to_string()),
            Format::Json => say(&report.to_string()),
            Format::Table => show(&report),
            Format::Csv => say(csv_of(&report)?.trim_end()),
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn show(report: &Value) {
    say(&format!("programme {}, as of {}", text(&report["programme"]), text(&report["at"])));
    for counted in ["persons", "placements"] {
        let columns: Vec<String> = items(&report[counted]["columns"]).map(text).collect();
        for table in items(&report[counted]["tables"]) {
            let by = text(&table["by"]);
            let title = if by == "all" { counted.to_owned() } else { format!("{counted} by {by}") };
            let rows: Vec<&Value> = items(&table["rows"]).collect();
            if rows.is_empty() {
                let why =
                    if table["is_withheld"] == true { "withheld: small counts could be computed" } else { "none" };
                say(&format!("\n{title}: {why}"));
                continue;
            }
            say("");
            for line in grid(&title, &columns, &rows) {
                say(&line);
            }
        }
    }
    say(&format!(
        "\nselected by employers of any country {}, of several countries {}",
        text(&report["selected"]),
        text(&report["selected_by_several"])
    ));
    say(&format!("towns of those who are trained {}", text(&report["towns_of_trained"])));
    let committee: Vec<String> = items(&report["committee"]).map(text).collect();
    if !committee.is_empty() {
        say(&format!("on committees: {}", committee.join(", ")));
    }
    say(&format!(
        "<{}: hidden, since it tells of few; *: hidden, since such counts could be computed from it",
        report["hidden_below"]
    ));
}

/// Columns as lines, since there are many, and names as columns, unless there are more of those.
fn grid(title: &str, columns: &[String], rows: &[&Value]) -> Vec<String> {
    let mut lines = vec![[vec![title.to_owned()], columns.to_vec()].concat()];
    lines.extend(rows.iter().map(|row| [vec![text(&row["name"])], items(&row["cells"]).map(text).collect()].concat()));
    if rows.len() < columns.len() {
        lines = (0..=columns.len()).map(|place| lines.iter().map(|line| line[place].clone()).collect()).collect();
    }
    let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let cell = |(place, text): (usize, &String)| match place {
        0 => format!("{text:width$}", width = widths[0]),
        _ => format!("{text:>width$}", width = widths[place]),
    };
    lines.iter().map(|line| line.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ")).collect()
}

/// A text that no spreadsheet takes for a formula.
fn no_formula(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

fn csv_of(report: &Value) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |line: [String; 5]| writer.write_record(line).context("cannot write CSV");
    write(["of", "by", "name", "column", "count"].map(str::to_owned))?;
    for counted in ["persons", "placements"] {
        for table in items(&report[counted]["tables"]) {
            for row in items(&table["rows"]) {
                for (column, cell) in items(&report[counted]["columns"]).zip(items(&row["cells"])) {
                    let name = no_formula(text(&row["name"]));
                    write([counted.to_owned(), text(&table["by"]), name, text(column), text(cell)])?;
                }
            }
        }
    }
    for (name, column) in [
        ("selected", "selected by any"),
        ("selected_by_several", "selected by several"),
        ("towns_of_trained", "towns of those who are trained"),
    ] {
        write(["persons".to_owned(), "all".to_owned(), "all".to_owned(), column.to_owned(), text(&report[name])])?;
    }
    let bytes = writer.into_inner().context("cannot write CSV")?;
    Ok(String::from_utf8(bytes).context("what was written is no text")?)
}
