//! An address of the web, and whether its answer is the one that is waited for.

use super::Look;
use anyhow::{Result, bail};
use std::time::Duration;

/// As much of an answer as is searched.
const LONGEST: u64 = 1024 * 1024;

/// Answers that send elsewhere, one after another.
const MOST_REDIRECTS: u32 = 5;

/// What is asked.
pub struct Question<'a> {
    /// The address.
    pub url: &'a str,
    /// The status that is waited for.
    pub status: u16,
    /// What the answer holds.
    pub contains: Option<&'a str>,
    /// Whether an answer that sends elsewhere is followed.
    pub redirects: bool,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Asks once. Nothing is kept open between two looks.
///
/// # Errors
/// The address is none.
pub fn look(question: &Question<'_>) -> Result<Look> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(question.timeout))
        .max_redirects(if question.redirects { MOST_REDIRECTS } else { 0 })
        .max_redirects_will_error(question.redirects)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("flowyard/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut answer = match agent.get(question.url).call() {
        Ok(answer) => answer,
        Err(error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_))) => bail!("`http` is no address: {error}"),
        Err(error) => return Ok(Look::NotYet(format!("not reached: {error}"))),
    };
    let status = answer.status();
    if status.as_u16() != question.status {
        let elsewhere = answer.headers().get("location").and_then(|to| to.to_str().ok()).filter(|_| status.is_redirection());
        let elsewhere = elsewhere.map(|to| format!(" to {to}, which is not followed")).unwrap_or_default();
        return Ok(Look::NotYet(format!("it answered {status}{elsewhere}")));
    }
    if let Some(wanted) = question.contains {
        // The end of a longer answer is not looked at.
        let mut text = Vec::new();
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(answer.body_mut().as_reader(), LONGEST), &mut text);
        if let Err(error) = read {
            return Ok(Look::NotYet(format!("its answer broke off: {error}")));
        }
        if !String::from_utf8_lossy(&text).contains(wanted) {
            return Ok(Look::NotYet(format!("it answered {status} without `{wanted}`")));
        }
    }
    Ok(Look::Met(format!("it answered {status}"), Default::default()))
}
