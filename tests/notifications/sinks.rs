//! Who is told in these tests: a mail server and a server of the web, both real.

use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

/// Where `.ci/run` puts the packages of Python that tests need; elsewhere Python's own places do as well.
fn python_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/ci-tools/python")
}

/// Whether the mail server can be started; a test that needs it is skipped elsewhere, but not in CI, which installs it.
pub fn has_mail_server() -> bool {
    let there = Command::new("python3").args(["-c", "import aiosmtpd"]).env("PYTHONPATH", python_path()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CI").is_none(), "aiosmtpd is missing: pip install --target target/ci-tools/python aiosmtpd");
    if !there {
        eprintln!("skipped: aiosmtpd is missing (pip install --target target/ci-tools/python aiosmtpd)");
    }
    there
}

/// A mail server.
pub struct MailServer {
    child: Child,
    pub port: u16,
    kept: PathBuf,
}

impl MailServer {
    /// `protection` is none, starttls or tls; certificate and key are those that [`certificate`] wrote.
    pub fn start(folder: &Path, protection: &str, login: Option<(&str, &str)>) -> Self {
        let kept = folder.join("mail.jsonl");
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/notifications/sink.py")).arg(protection).arg(&kept);
        if protection != "none" {
            command.args([folder.join("server.pem"), folder.join("server.key")]);
        }
        if let Some((user, password)) = login {
            command.args([user, password]);
        }
        let command = command.env("PYTHONPATH", python_path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().expect("the mail server says its port"), kept }
    }

    /// What it got so far.
    pub fn letters(&self) -> Vec<Value> {
        let kept = fs::read_to_string(&self.kept).unwrap_or_default();
        kept.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes `ca.pem`, and `server.pem` and `server.key` for 127.0.0.1, which it signed.
pub fn certificate(folder: &Path) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    fs::write(folder.join("server.pem"), server.pem()).unwrap();
    fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
}

/// What a [`WebServer`] does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With this status.
    Status(u16),
    /// By sending elsewhere.
    Elsewhere,
    /// Not at all.
    Never,
}

/// A server of the web that keeps what it gets.
pub struct WebServer {
    pub port: u16,
    got: Arc<Mutex<Vec<Value>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
}

impl WebServer {
    /// Answers as `answers` say, one after the other, the last of them for ever.
    pub fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, answers) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(answers.to_vec())));
        let (keep, say) = (Arc::clone(&got), Arc::clone(&answers));
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                let answer = {
                    let mut answers = say.lock().unwrap();
                    if answers.len() > 1 { answers.remove(0) } else { answers[0] }
                };
                silent.extend(serve(stream, answer, &keep));
            }
        });
        Self { port, got, answers }
    }

    /// From now on it answers so.
    pub fn answer(&self, answer: Answer) {
        *self.answers.lock().unwrap() = vec![answer];
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/s3cr3t-part", self.port)
    }

    /// The bodies it got so far.
    pub fn got(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }
}

/// Keeps the connection open that is never answered.
fn serve(stream: TcpStream, answer: Answer, keep: &Mutex<Vec<Value>>) -> Option<TcpStream> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    keep.lock().unwrap().push(serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body))));
    let mut stream = reader.into_inner();
    let head = match answer {
        Answer::Status(status) => format!("{status} Said\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsaid.\n"),
        Answer::Elsewhere => "307 Elsewhere\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        Answer::Never => return Some(stream),
    };
    let _ = stream.write_all(format!("HTTP/1.1 {head}").as_bytes());
    None
}
