//! A message as mail, by SMTP.

use super::{Failure, Means, Message, Notifier};
use crate::{
    model::{Mail, MailTls, SecretSource},
    stdx::sanitize,
};
use lettre::{
    SmtpTransport, Transport,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use std::{env, fs, time::Duration};

/// `email:ADDRESS`.
pub struct Email;

/// Why no mail is sent where nobody said how, and what to do.
const NO_SERVER: &str = "there is no [smtp] in flowyard.toml, so mail cannot be sent; write host and from there, then `flowyard engine restart`; what was given up meanwhile is not sent later";

/// How long one step of the conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Notifier for Email {
    fn kind(&self) -> &'static str {
        "email"
    }

    fn send(&self, target: &str, message: &Message, means: &Means<'_>) -> Result<String, Failure> {
        // This engine will not know of a server, whenever it tries.
        let mail = means.mail.ok_or_else(|| Failure::lasting(NO_SERVER))?;
        let letter = letter(mail, target, message)?;
        let taken = server(mail, PATIENCE)?.send(&letter).map_err(|error| refused(mail, &error))?;
        let said = taken.first_line().unwrap_or_default();
        Ok(sanitize::line(&format!("{} took it: {} {said}", mail.host, taken.code())))
    }
}

/// Greets the server and leaves, to see whether mail could be sent.
///
/// # Errors
/// Why it could not.
pub fn probe(mail: &Mail, patience: Duration) -> Result<(), String> {
    let server = server(mail, patience).map_err(|failure| failure.why)?;
    match server.test_connection() {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{}:{} does not greet as a mail server does", mail.host, mail.port)),
        Err(error) => Err(refused(mail, &error).why),
    }
}

fn letter(mail: &Mail, to: &str, message: &Message) -> Result<lettre::Message, Failure> {
    let mailbox = |text: &str| {
        text.parse::<Mailbox>().map_err(|error| Failure::lasting(format!("`{}` is no address: {error}", sanitize::line(text))))
    };
    let from = mailbox(&mail.from)?;
    let domain = from.email.domain().to_owned();
    // Nobody's holiday answers it (RFC 3834).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    lettre::Message::builder()
        .from(from)
        .to(mailbox(to)?)
        .subject(format!("[flowyard] {}", message.subject()))
        .message_id(Some(format!("<flowyard-{}@{domain}>", message.id)))
        .raw_header(automatic)
        .header(ContentType::TEXT_PLAIN)
        .body(message.text())
        .map_err(|error| Failure::lasting(format!("the mail cannot be written: {error}")))
}

fn server(mail: &Mail, patience: Duration) -> Result<SmtpTransport, Failure> {
    let tls = match mail.tls {
        MailTls::None => Tls::None,
        MailTls::Starttls => Tls::Required(trust(mail)?),
        MailTls::Tls => Tls::Wrapper(trust(mail)?),
    };
    let mut server = SmtpTransport::builder_dangerous(&mail.host)
        .port(mail.port)
        .tls(tls)
        .timeout(Some(patience))
        .hello_name(ClientId::Domain("flowyard.localhost".to_owned()));
    if let (Some(user), Some(source)) = (&mail.user, &mail.password) {
        server = server.credentials(Credentials::new(user.clone(), password(source)?));
    }
    Ok(server.build())
}

fn trust(mail: &Mail) -> Result<TlsParameters, Failure> {
    let mut trust = TlsParameters::builder(mail.host.clone());
    if let Some(path) = &mail.ca {
        let known = fs::read(path)
            .map_err(|error| error.to_string())
            .and_then(|pem| Certificate::from_pem(&pem).map_err(|error| format!("not certificates as PEM has them: {error}")));
        trust = trust.add_root_certificate(known.map_err(|why| Failure::passing(format!("[smtp] ca, {}: {why}", path.display())))?);
    }
    trust
        .build()
        .map_err(|error| Failure::lasting(format!("`{}` cannot be the name of a certificate: {error}", sanitize::line(&mail.host))))
}

/// Read anew for each message: a file may get another one, and the next engine another variable.
fn password(source: &SecretSource) -> Result<String, Failure> {
    match source {
        SecretSource::Env(name) => env::var(name).map_err(|_| {
            Failure::passing(format!(
                "{name} is not set where the engine runs; it holds the password of [smtp]\nhint: set it, then `flowyard engine restart`"
            ))
        }),
        SecretSource::File(path) => match fs::read_to_string(path) {
            Ok(text) => Ok(text.lines().next().unwrap_or_default().to_owned()),
            Err(error) => Err(Failure::passing(format!("the password of [smtp] cannot be read: {}: {error}", path.display()))),
        },
    }
}

fn refused(mail: &Mail, error: &lettre::transport::smtp::Error) -> Failure {
    let mut why = format!("{}:{}: {error}", mail.host, mail.port);
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Some say their cause themselves.
        if !why.contains(&text) {
            why = format!("{why}: {text}");
        }
        cause = inner.source();
    }
    // 55x is about who gets it or what it says; other refusals, such as of the login, are mended by whoever keeps the server.
    let for_good = error.status().is_some_and(|code| code.to_string().starts_with("55"));
    Failure { why: sanitize::line(&why), may_pass: !for_good }
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::failure, *};

    fn mail() -> Mail {
        Mail {
            host: "127.0.0.1".to_owned(),
            port: 1,
            from: "Flowyard <yard@example.com>".to_owned(),
            tls: MailTls::None,
            user: None,
            password: None,
            ca: None,
        }
    }

    #[test]
    fn a_letter_says_that_no_person_wrote_it_and_is_the_same_at_each_try() {
        let text = String::from_utf8(letter(&mail(), "ada@example.com", &failure()).unwrap().formatted()).unwrap();
        for line in [
            "From: Flowyard <yard@example.com>",
            "To: ada@example.com",
            "Subject: [flowyard] churn#12 failed: train (exit code 3)",
            "Message-ID: <flowyard-7@example.com>",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}\n{text}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_may_come_back_and_a_bad_address_never_is_good() {
        let means = super::super::tests_means();
        let mail = mail();
        let to = |target: &str, mail: &Mail| Email.send(target, &failure(), &Means { mail: Some(mail), ..means }).unwrap_err();
        let gone = to("ada@example.com", &mail);
        assert!(gone.may_pass && gone.why.starts_with("127.0.0.1:1: "), "{gone:?}");
        assert!(!to("no address", &mail).may_pass);
        let login = Mail { user: Some("u".to_owned()), password: Some(SecretSource::Env("FLOWYARD_NO_SUCH_PASSWORD".to_owned())), ..mail };
        assert!(to("ada@example.com", &login).why.starts_with("FLOWYARD_NO_SUCH_PASSWORD is not set"));
    }
}
