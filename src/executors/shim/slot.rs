//! One small record that is overwritten in place and never believed in half: its line begins with a checksum of the rest.
//!
//! Overwriting needs no room on a full disk and no second file; a reader that meets a writer reads again.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
};

/// How often a reader that meets a writer reads again.
const TRIES: u32 = 5;

/// Makes the file, private to this user.
///
/// # Errors
/// What the file system says.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Overwrites the record by one write.
///
/// # Errors
/// What the file system says.
pub fn write(file: &File, record: &impl Serialize) -> io::Result<()> {
    let json = serde_json::to_string(record)?;
    file.write_all_at(format!("{:016x} {json}\n", checksum(&json)).as_bytes(), 0)
}

/// The record, if there is a whole one.
pub fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    for _ in 0..TRIES {
        // What is not there, or cannot be read, does not come by asking again.
        let text = fs::read(path).ok()?;
        if let Some(record) = parse(&String::from_utf8_lossy(&text)) {
            return Some(record);
        }
    }
    None
}

/// Only the first line counts: an older, longer record may end behind it.
fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    let (line, _) = text.split_once('\n')?;
    let (sum, json) = line.split_once(' ')?;
    (u64::from_str_radix(sum, 16).ok()? == checksum(json)).then(|| serde_json::from_str(json).ok())?
}

/// FNV-1a.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shorter_record_over_a_longer_one_is_read_and_a_mixture_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slot");
        assert_eq!(read::<Vec<u64>>(&path), None);
        let file = create(&path).unwrap();
        write(&file, &[1_000_000_u64, 2_000_000]).unwrap();
        write(&file, &[7_u64]).unwrap();
        assert_eq!(read::<Vec<u64>>(&path), Some(vec![7]));
        file.write_all_at(b"8", 18).unwrap();
        assert_eq!(read::<Vec<u64>>(&path), None);
    }
}
