//! Turns rows into numbers: numbers as they are, categories as learned on the training rows, dates as weekdays.

use super::dataset::Dataset;
use anyhow::{Context, Result, bail};
use chrono::{Datelike, NaiveDate};
use csv::StringRecord;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many rows the overall rate weighs in a category's rate: a rare category is drawn to the overall rate.
const SMOOTHING: f64 = 20.0;

/// One input of a model, with all it needs to be computed again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// How it is computed.
    #[serde(flatten)]
    pub encoding: Encoding,
}

/// How a feature is computed from a row. Whatever has no value becomes "missing", which the model can handle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "encoding", rename_all = "snake_case")]
pub enum Encoding {
    /// The column's number.
    Number,
    /// The smoothed share of yes among the training rows of the same text; a text never seen has the overall share.
    Category {
        /// Share of yes by text.
        rates: BTreeMap<String, f64>,
        /// Share of yes over all training rows.
        overall: f64,
    },
    /// 1 for Monday to 7 for Sunday.
    Weekday {
        /// The columns that hold year, month and day.
        columns: [String; 3],
    },
}

impl Encoding {
    /// Learns a category's rates from the texts of the training rows (`None` where there is no value) and their labels.
    pub fn learn_category<'a>(texts: impl Iterator<Item = Option<&'a str>>, labels: &[f64]) -> Self {
        let overall = labels.iter().sum::<f64>() / labels.len() as f64;
        let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for (text, label) in texts.zip(labels) {
            if let Some(text) = text {
                let (rows, yes) = counts.entry(text).or_default();
                *rows += 1.0;
                *yes += label;
            }
        }
        let rate = |(rows, yes): (f64, f64)| (yes + SMOOTHING * overall) / (rows + SMOOTHING);
        let rates = counts.into_iter().map(|(text, count)| (text.to_owned(), rate(count))).collect();
        Self::Category { rates, overall }
    }
}

/// The numbers of some rows, column after column, NaN where there is no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Column by column.
    pub data: Vec<f64>,
    /// How many rows.
    pub rows: usize,
    /// How many columns.
    pub columns: usize,
}

/// The numbers of `rows` for `features`.
///
/// # Errors
/// A column is missing, or a text that should be a number is none.
pub fn encode(dataset: &Dataset, features: &[Feature], rows: &[StringRecord]) -> Result<Numbers> {
    let mut data = Vec::with_capacity(features.len() * rows.len());
    for feature in features {
        column(dataset, feature, rows, &mut data).with_context(|| format!("the feature `{}` can not be computed", feature.name))?;
    }
    Ok(Numbers { data, rows: rows.len(), columns: features.len() })
}

fn column(dataset: &Dataset, feature: &Feature, rows: &[StringRecord], data: &mut Vec<f64>) -> Result<()> {
    match &feature.encoding {
        Encoding::Number => {
            let index = dataset.column(&feature.name)?;
            for row in rows {
                data.push(number(dataset, row, index, &feature.name)?);
            }
        }
        Encoding::Category { rates, overall } => {
            let index = dataset.column(&feature.name)?;
            data.extend(rows.iter().map(|row| match value(dataset, row, index) {
                Some(text) => *rates.get(text).unwrap_or(overall),
                None => f64::NAN,
            }));
        }
        Encoding::Weekday { columns: [year, month, day] } => {
            let (y, m, d) = (dataset.column(year)?, dataset.column(month)?, dataset.column(day)?);
            for row in rows {
                data.push(weekday(number(dataset, row, y, year)?, number(dataset, row, m, month)?, number(dataset, row, d, day)?));
            }
        }
    }
    Ok(())
}

/// The text at `index`, if it is a value.
pub fn value<'a>(dataset: &Dataset, row: &'a StringRecord, index: usize) -> Option<&'a str> {
    row.get(index).filter(|text| !dataset.is_missing(text))
}

fn number(dataset: &Dataset, row: &StringRecord, index: usize, name: &str) -> Result<f64> {
    let Some(text) = value(dataset, row, index) else { return Ok(f64::NAN) };
    // An infinite number fits in no bin of the trees.
    match text.trim().parse::<f64>() {
        Ok(number) if !number.is_infinite() => Ok(number),
        _ => bail!("`{name}` = \"{text}\" is not a finite number; a column of texts belongs in `with.categories`"),
    }
}

// A date that does not exist, such as the 31st of June, is a missing value.
fn weekday(year: f64, month: f64, day: f64) -> f64 {
    if year.is_nan() || month.is_nan() || day.is_nan() {
        return f64::NAN;
    }
    NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32).map_or(f64::NAN, |date| f64::from(date.weekday().number_from_monday()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_drawn_to_the_overall_rate_the_rarer_it_is() {
        let texts = [vec![Some("often"); 80], vec![Some("once"); 1], vec![None; 19]].concat();
        let labels: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row < 50))).collect();
        let Encoding::Category { rates, overall } = Encoding::learn_category(texts.into_iter(), &labels) else { panic!("a category") };
        assert_eq!(overall, 0.5);
        assert!((rates["often"] - (50.0 + 10.0) / 100.0).abs() < 1e-12);
        assert!((rates["once"] - 10.0 / 21.0).abs() < 1e-12);
    }

    #[test]
    fn weekdays_count_from_monday_and_a_date_that_is_none_is_missing() {
        assert_eq!(weekday(2013.0, 1.0, 1.0), 2.0);
        assert_eq!(weekday(2013.0, 7.0, 28.0), 7.0);
        assert!(weekday(2013.0, 6.0, 31.0).is_nan());
        assert!(weekday(f64::NAN, 6.0, 1.0).is_nan());
    }
}
