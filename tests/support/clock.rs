//! Engines whose clock shows what a test says.

use super::Yard;
use std::{
    path::Path,
    process::{Child, Stdio},
};

/// Where Debian's package `faketime` puts its library.
pub fn faketime() -> Option<String> {
    let found = ["x86_64", "aarch64"].map(|machine| format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"));
    let found = found.into_iter().find(|path| Path::new(path).exists());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "faketime is missing");
    found
}

/// An engine whose clock shows what the file `clock` says.
pub fn engine_at(yard: &Yard, library: &str) -> Child {
    let mut command = yard.plain_command(&["engine"]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", yard.file("clock")).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_DISABLE_SHM", "1");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Sets the clock by how far it is from the true one.
pub fn set_clock(yard: &Yard, to: chrono::DateTime<chrono::Utc>) {
    let ahead = (to - chrono::Utc::now()).num_seconds();
    yard.write("clock.new", &format!("{ahead:+}\n"));
    std::fs::rename(yard.file("clock.new"), yard.file("clock")).unwrap();
}
