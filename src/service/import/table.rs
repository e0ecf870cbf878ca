//! Reads a CSV table row by row, keeping the line of each and noting every row that does not parse.

use serde::de::DeserializeOwned;

use super::fault::Faults;

/// A row and the line it stands on.
#[derive(Debug)]
pub(super) struct Row<T> {
    pub(super) line: u64,
    pub(super) value: T,
}

/// Reads all rows of a table with a heading. Columns that nobody asks for are passed over.
pub(super) fn read<T: DeserializeOwned>(text: &str, faults: &mut Faults) -> Vec<Row<T>> {
    read_as(text, faults, |row, _| Some(row))
}

/// The same, and makes something of each row at once: a country's rows are not held twice.
pub(super) fn read_as<T: DeserializeOwned, R>(
    text: &str,
    faults: &mut Faults,
    mut make: impl FnMut(Row<T>, &mut Faults) -> Option<R>,
) -> Vec<R> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heading = match reader.headers() {
        Ok(heading) => heading.clone(),
        Err(error) => {
            faults.add(
                1,
                format!("表头无法读取: {error}"),
                format!("the heading cannot be read: {error}"),
            );
            return Vec::new();
        }
    };
    // no more rows than lines
    let mut rows = Vec::with_capacity(text.bytes().filter(|byte| *byte == b'\n').count());
    let mut record = csv::StringRecord::new();
    let line_of = |position: Option<&csv::Position>| position.map_or(0, csv::Position::line);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => return rows,
            Ok(true) => {
                let line = line_of(record.position());
                match record.deserialize(Some(&heading)) {
                    Ok(value) => rows.extend(make(Row { line, value }, faults)),
                    Err(error) => faults.add(
                        line,
                        format!("列值不符: {error}"),
                        format!("a column does not fit: {error}"),
                    ),
                }
            }
            Err(error) => faults.add(
                line_of(error.position()),
                format!("该行无法读取: {error}"),
                format!("the row cannot be read: {error}"),
            ),
        }
    }
}

/// The names of the heading, to tell one table from another.
pub(super) fn heading(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader
        .headers()
        .map(|names| names.iter().map(str::to_owned).collect())
        .unwrap_or_default()
}
