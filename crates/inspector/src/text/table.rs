//! `Table`: what a view has as rows of texts, and those as CSV (RFC 4180).

/// Rows of texts under names of columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(columns: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, fields: impl IntoIterator<Item = String>) {
        self.rows.push(fields.into_iter().collect());
    }

    /// The table as CSV, with the names of the columns first.
    pub(crate) fn csv(&self) -> String {
        let mut csv = String::new();
        line(&mut csv, self.columns.iter().copied());
        for row in &self.rows {
            line(&mut csv, row.iter().map(String::as_str));
        }
        csv
    }
}

fn line<'a>(csv: &mut String, fields: impl Iterator<Item = &'a str>) {
    for (at, field) in fields.enumerate() {
        if at > 0 {
            csv.push(',');
        }
        match field.contains(['"', ',', '\n', '\r']) {
            true => csv.push_str(&format!("\"{}\"", field.replace('"', "\"\""))),
            false => csv.push_str(field),
        }
    }
    csv.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_in_their_columns() {
        let mut table = Table::new(["a", "b"]);
        table.row(["x,\"y\"".to_owned(), "two\nlines".to_owned()]);
        assert_eq!(table.csv(), "a,b\r\n\"x,\"\"y\"\"\",\"two\nlines\"\r\n");
    }
}
