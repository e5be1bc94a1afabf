//! Reads CSV files, plain or gzipped, row by row; a bad row is told with file and line.

use crate::stdx::suggest;
use anyhow::{Context, Result, anyhow, bail};
use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

/// A CSV file being read.
pub struct CsvFile {
    name: String,
    header: Vec<String>,
    reader: csv::Reader<Box<dyn Read>>,
}

impl CsvFile {
    /// Opens `path`; a name that ends in `.gz` is unpacked. `name` is what errors call it.
    ///
    /// # Errors
    /// It can not be read, has no header, or has a column twice.
    pub fn open(path: &Path, name: &str) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let bytes: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(file) };
        // Flexible, so that the message about a ragged row is ours.
        let mut reader = csv::ReaderBuilder::new().flexible(true).buffer_capacity(1 << 16).from_reader(bytes);
        let header: Vec<String> = reader
            .headers()
            .with_context(|| format!("cannot read the header of {name}"))?
            .iter()
            .map(|text| text.trim().to_owned())
            .collect();
        if header.is_empty() || header.iter().all(String::is_empty) {
            bail!("{name} is empty: its first line must name the columns");
        }
        for (index, column) in header.iter().enumerate() {
            if header[..index].contains(column) {
                bail!("{name} has the column `{column}` twice; rename one");
            }
        }
        Ok(Self { name: name.to_owned(), header, reader })
    }

    /// Names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads the next row into `record`; false at the end.
    ///
    /// # Errors
    /// The row has not as many fields as the header, or is not text.
    pub fn next(&mut self, record: &mut StringRecord) -> Result<bool> {
        if !self.reader.read_record(record).with_context(|| format!("cannot read {}", self.name))? {
            return Ok(false);
        }
        if record.len() != self.header.len() {
            let line = record.position().map_or(0, csv::Position::line);
            bail!("{}:{line}: {} fields, but the header has {}", self.name, record.len(), self.header.len());
        }
        Ok(true)
    }
}

/// Where `column` stands in `header`; `place` is what the error calls the file.
///
/// # Errors
/// It is not there; the error lists what is.
pub fn column(header: &[String], column: &str, place: &str) -> Result<usize> {
    header.iter().position(|name| name == column).ok_or_else(|| {
        let near = suggest::nearest(column, header.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        anyhow!("column `{column}` is missing in {place}; it has: {}{hint}", header.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn rows(path: &Path) -> Result<Vec<Vec<String>>> {
        let mut file = CsvFile::open(path, "x.csv")?;
        let (mut rows, mut record) = (Vec::new(), StringRecord::new());
        while file.next(&mut record)? {
            rows.push(record.iter().map(str::to_owned).collect());
        }
        Ok(rows)
    }

    #[test]
    fn a_gzipped_file_reads_as_the_plain_one() {
        let folder = tempfile::tempdir().unwrap();
        let text = "a,b\n1,\"x,y\"\n2,z\n";
        std::fs::write(folder.path().join("x.csv"), text).unwrap();
        let mut packed = GzEncoder::new(File::create(folder.path().join("x.csv.gz")).unwrap(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap();
        let plain = rows(&folder.path().join("x.csv")).unwrap();
        assert_eq!(plain, [["1", "x,y"], ["2", "z"]]);
        assert_eq!(rows(&folder.path().join("x.csv.gz")).unwrap(), plain);
    }

    #[test]
    fn a_ragged_row_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "a,b\n1,2\n3\n").unwrap();
        assert_eq!(rows(&path).unwrap_err().to_string(), "x.csv:3: 1 fields, but the header has 2");
    }

    #[test]
    fn an_empty_file_and_a_doubled_column_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, "").unwrap();
        assert!(rows(&path).unwrap_err().to_string().contains("is empty"));
        std::fs::write(&path, "a,b,a\n").unwrap();
        assert!(rows(&path).unwrap_err().to_string().contains("column `a` twice"));
    }

    #[test]
    fn a_missing_column_is_told_with_those_that_are_there() {
        let header = ["arr_delay".to_owned(), "carrier".to_owned()];
        let error = column(&header, "arr_dely", "x.csv").unwrap_err().to_string();
        assert_eq!(error, "column `arr_dely` is missing in x.csv; it has: arr_delay, carrier; did you mean `arr_delay`?");
    }
}
