//! A message as JSON to an address of the web.
//!
//! Slack and what speaks like it (Mattermost, Rocket.Chat, …) gets `{"text": …}`, everybody else all parts by name. The form is
//! known by the host, or by `#slack` or `#generic` at the end of the address, which is not sent.

use super::{Failure, Means, Message, Notifier};
use crate::{model::notify::BY_VARIABLE, stdx::sanitize};
use serde_json::{Value, json};
use std::{env, time::Duration};

/// `webhook:URL` or `webhook:env:NAME`.
pub struct Webhook;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it may take to be connected.
const CONNECT: Duration = Duration::from_secs(5);

/// As much of a refusal as is told.
const SHOWN: u64 = 300;

impl Notifier for Webhook {
    fn kind(&self) -> &'static str {
        "webhook"
    }

    fn send(&self, target: &str, message: &Message, _: &Means<'_>) -> Result<String, Failure> {
        let address = Address::of(target)?;
        let body = if address.slack { slack(message) } else { message.json() };
        post(&address.url, &body.to_string(), PATIENCE)
    }
}

/// Says only that somebody lives.
///
/// # Errors
/// See [`Notifier::send`].
pub fn ping(target: &str, body: &Value) -> Result<String, Failure> {
    post(&Address::of(target)?.url, &body.to_string(), PATIENCE)
}

struct Address {
    url: String,
    slack: bool,
}

impl Address {
    fn of(target: &str) -> Result<Self, Failure> {
        let written = match target.strip_prefix(BY_VARIABLE) {
            // Another engine may be started with it.
            Some(name) => env::var(name)
                .map_err(|_| Failure::passing(format!("{name} is not set where the engine runs; it holds the address of this webhook")))?,
            None => target.to_owned(),
        };
        let (url, form) = written.split_once('#').map_or((written.as_str(), None), |(url, form)| (url, Some(form)));
        let slack = match form {
            Some("slack") => true,
            Some("generic") => false,
            Some(_) | None => host(url) == "hooks.slack.com",
        };
        Ok(Self { url: url.to_owned(), slack })
    }
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['/', '?']).next().unwrap_or_default();
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(':').next().unwrap_or_default()
}

/// In its text three characters would be read as marks: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
fn slack(message: &Message) -> Value {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = message.text();
    let body = text.split_once("\n\n").map_or("", |(_, body)| body);
    json!({ "text": format!("*{}*\n```\n{}```", escaped(&message.subject()), escaped(&body.replace("```", "'''"))) })
}

fn post(url: &str, body: &str, patience: Duration) -> Result<String, Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(patience))
        .timeout_connect(Some(CONNECT))
        // Whoever answers with another address would choose who reads it.
        .max_redirects(0)
        .http_status_as_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("flowyard/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut answer = agent.post(url).content_type("application/json").send(body).map_err(|error| {
        let why = match error {
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(step) => format!("it took too long ({step})"),
            other => other.to_string(),
        };
        // The address itself may let others write to it: it is told to nobody.
        Failure::passing(sanitize::line(&format!("not reached: {why}").replace(url, "the address")))
    })?;
    let status = answer.status();
    let code = status.as_u16();
    match code {
        200..300 => Ok(format!("answered {status}")),
        300..400 => Err(Failure::lasting(format!("answered {status}: an answer that sends elsewhere is not followed"))),
        _ => {
            let said = answer.body_mut().with_config().limit(SHOWN).lossy_utf8(true).read_to_string().unwrap_or_default();
            let said = said.lines().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim())).unwrap_or_default();
            let why = sanitize::line(&format!("answered {status}{said}"));
            // These ask to come back later; any other is a no.
            let may_pass = code >= 500 || matches!(code, 408 | 425 | 429);
            Err(if may_pass { Failure::passing(why) } else { Failure::lasting(why) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::failure, *};

    #[test]
    fn the_form_is_known_by_the_host_or_the_end_of_the_address() {
        for (target, url, is_slack) in [
            ("https://hooks.slack.com/services/x", "https://hooks.slack.com/services/x", true),
            ("https://hooks.slack.com/services/x#generic", "https://hooks.slack.com/services/x", false),
            ("https://chat.example.com/hooks/x#slack", "https://chat.example.com/hooks/x", true),
            ("https://hooks.slack.com.evil.example/", "https://hooks.slack.com.evil.example/", false),
            ("https://me@hooks.slack.com:443?x", "https://me@hooks.slack.com:443?x", true),
            ("https://example.com/?q=hooks.slack.com", "https://example.com/?q=hooks.slack.com", false),
        ] {
            let found = Address::of(target).unwrap();
            assert_eq!((found.url.as_str(), found.slack), (url, is_slack), "{target}");
        }
    }

    #[test]
    fn for_slack_nothing_in_a_message_is_a_mark() {
        let mut message = failure();
        message.note = "<!channel> & ```".to_owned();
        let text = slack(&message)["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("*churn#12 failed: train (exit code 3)*\n```\n") && text.ends_with("```"), "{text}");
        assert!(text.contains("&lt;!channel&gt; &amp; '''") && text.matches("```").count() == 2, "{text}");
    }

    #[test]
    fn a_server_that_says_nothing_is_not_waited_for_and_its_address_is_not_told() {
        // Connected by the kernel, and never answered.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/s3cr3t", silent.local_addr().unwrap());
        let failure = post(&url, "{}", Duration::from_millis(200)).unwrap_err();
        assert!(failure.may_pass && failure.why.starts_with("not reached: it took too long"), "{failure:?}");
        assert!(!failure.why.contains("s3cr3t"));
    }

    #[test]
    fn an_address_that_is_not_set_may_be_set_later() {
        assert!(Webhook.send("env:FLOWYARD_NO_SUCH_ADDRESS", &failure(), &super::super::tests_means()).unwrap_err().may_pass);
    }
}
