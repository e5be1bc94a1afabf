//! The label: a yes-or-no question about one column, such as "is `arr_delay` greater than 15".

use super::dataset::Dataset;
use anyhow::{Context, Result, bail};
use csv::StringRecord;
use serde::{Deserialize, Serialize};

/// `label = { column = "arr_delay", greater_than = 15 }`; exactly one of the three tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRule {
    /// The column that is asked.
    pub column: String,
    /// Yes if the number is greater.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greater_than: Option<f64>,
    /// Yes if the number is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_than: Option<f64>,
    /// Yes if the text is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
}

enum Test<'a> {
    Greater(f64),
    Less(f64),
    Equals(&'a str),
}

/// A label rule that knows where its column stands.
pub struct Labeler<'a> {
    rule: &'a LabelRule,
    test: Test<'a>,
    index: usize,
    dataset: &'a Dataset,
}

impl LabelRule {
    /// Finds the column in `dataset`.
    ///
    /// # Errors
    /// The column is missing, or not exactly one test is given.
    pub fn on<'a>(&'a self, dataset: &'a Dataset) -> Result<Labeler<'a>> {
        let test = match (self.greater_than, self.less_than, self.equals.as_deref()) {
            (Some(bound), None, None) => Test::Greater(bound),
            (None, Some(bound), None) => Test::Less(bound),
            (None, None, Some(text)) => Test::Equals(text),
            _ => bail!("`with.label` needs exactly one of `greater_than`, `less_than`, `equals` beside its column"),
        };
        let index = dataset.column(&self.column).context("the label can not be computed")?;
        Ok(Labeler { rule: self, test, index, dataset })
    }
}

impl std::fmt::Display for LabelRule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.column)?;
        match (self.greater_than, self.less_than, &self.equals) {
            (Some(bound), _, _) => write!(f, " > {bound}"),
            (_, Some(bound), _) => write!(f, " < {bound}"),
            (_, _, Some(text)) => write!(f, " = \"{text}\""),
            (None, None, None) => Ok(()),
        }
    }
}

impl Labeler<'_> {
    /// The answer for a row; `None` if the column has no value there.
    ///
    /// # Errors
    /// A value that should be a number is none.
    pub fn label(&self, row: &StringRecord) -> Result<Option<bool>> {
        let text = row.get(self.index).unwrap_or_default();
        if self.dataset.is_missing(text) {
            return Ok(None);
        }
        let number = || match text.trim().parse::<f64>() {
            Ok(number) if !number.is_nan() => Ok(number),
            _ => bail!("`{}` = \"{text}\" is not a number, so `{}` has no answer", self.rule.column, self.rule),
        };
        Ok(Some(match self.test {
            Test::Greater(bound) => number()? > bound,
            Test::Less(bound) => number()? < bound,
            Test::Equals(other) => text == other,
        }))
    }
}

/// Rows whose label is known, with their labels.
pub struct Labeled {
    /// The rows.
    pub rows: Vec<StringRecord>,
    /// 1 for yes, 0 for no.
    pub labels: Vec<f64>,
    /// How many rows were left out because the label's column has no value.
    pub dropped: u64,
}

impl Labeled {
    /// Reads the split `name` of `dataset` and asks `rule` of each row.
    ///
    /// # Errors
    /// The split can not be read, or all answers are the same: then there is nothing to learn or to measure.
    pub fn read(dataset: &Dataset, name: &str, rule: &LabelRule) -> Result<Self> {
        let labeler = rule.on(dataset)?;
        let mut read = Self { rows: Vec::new(), labels: Vec::new(), dropped: 0 };
        dataset.for_each(name, |row| {
            match labeler.label(row)? {
                Some(label) => {
                    read.rows.push(row.clone());
                    read.labels.push(f64::from(u8::from(label)));
                }
                None => read.dropped += 1,
            }
            Ok(())
        })?;
        let yes = read.positives();
        if yes == 0 || yes == read.rows.len() {
            bail!("`{rule}` is the same for all {} rows of split `{name}` ({yes} yes): there is nothing to tell apart", read.rows.len());
        }
        Ok(read)
    }

    /// How many rows answer yes.
    pub fn positives(&self) -> usize {
        self.labels.iter().filter(|label| **label > 0.5).count()
    }
}
