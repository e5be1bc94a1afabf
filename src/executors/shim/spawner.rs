//! The resident spawner: waits for orders, forks a shim for each, and says which shims are gone without a word.

use super::{ARGUMENT, Host, MAX_PACKET, Told, cgroup, fork, memory::Kills, processes, run_attempt, task::words};
use crate::model::Ticket;
use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal},
        signalfd::{SfdFlags, SignalFd},
        stat::{Mode, umask},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::MemfdFlags,
    io::{IoSlice, IoSliceMut},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use std::{
    collections::HashMap,
    fs::File,
    io::{self, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
};

/// Starts the spawner: `program` is this program. Gives the process and the socket to it, which is the last thing of this
/// process that it inherits.
///
/// # Errors
/// What the system says.
pub fn start(program: &Path) -> io::Result<(Child, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    // No `pre_exec`: it would turn the cheap posix_spawn of a large engine into a fork of it.
    let child = Command::new(program).arg(ARGUMENT).stdin(Stdio::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok((child, ours))
}

/// The file of this program, or, once that was removed under a running engine, what the kernel keeps of it.
pub fn still_there(program: &Path) -> &Path {
    if program.exists() { program } else { Path::new("/proc/self/exe") }
}

/// An attempt to be started, as it is sent: its number and its ticket in a file without a name, so that argv and
/// environment may be of any size and are never on the disk.
pub struct Order {
    id: u64,
    ticket: OwnedFd,
}

impl Order {
    /// Packs a ticket.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(id: u64, ticket: &Ticket) -> io::Result<Self> {
        let mut file = File::from(rustix::fs::memfd_create("flowyard-ticket", MemfdFlags::CLOEXEC)?);
        file.write_all(&serde_json::to_vec(ticket)?)?;
        Ok(Self { id, ticket: file.into() })
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Sends it without waiting.
    ///
    /// # Errors
    /// What the system says: no room now, or nobody there.
    pub fn send(&self, socket: &OwnedFd) -> rustix::io::Result<()> {
        let handles = [self.ticket.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut extra = SendAncillaryBuffer::new(&mut space);
        extra.push(SendAncillaryMessage::ScmRights(&handles));
        sendmsg(socket, &[IoSlice::new(&self.id.to_le_bytes())], &mut extra, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
    }

    /// Takes the next one; `None` when the engine is gone. One whose ticket found no free descriptor here is its number only.
    ///
    /// # Errors
    /// What the system says.
    pub fn receive(socket: &OwnedFd) -> rustix::io::Result<Option<Result<Self, u64>>> {
        let mut id = [0; 8];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut extra = RecvAncillaryBuffer::new(&mut space);
        let received = recvmsg(socket, &mut [IoSliceMut::new(&mut id)], &mut extra, RecvFlags::CMSG_CLOEXEC)?;
        let handle = extra.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut handles) => handles.next(),
            _ => None,
        });
        let id = (received.bytes == id.len()).then(|| u64::from_le_bytes(id));
        Ok(id.map(|id| handle.map(|ticket| Self { id, ticket }).ok_or(id)))
    }

    /// Unpacks the ticket.
    ///
    /// # Errors
    /// What the system says, or that it is no ticket.
    pub fn ticket(self) -> io::Result<Ticket> {
        let file = File::from(self.ticket);
        let mut text = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(0)];
        file.read_exact_at(&mut text, 0)?;
        Ok(serde_json::from_slice(&text)?)
    }
}

impl Told {
    /// Sends it without waiting.
    ///
    /// # Errors
    /// No room now, or nobody there.
    pub fn send(&self, socket: impl AsFd) -> rustix::io::Result<()> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        rustix::net::send(socket, &text, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop)
    }

    /// Sends it, waiting while the engine is too busy to take it; an engine that is gone does not need it.
    pub fn send_surely(&self, socket: impl AsFd) {
        while self.send(&socket) == Err(rustix::io::Errno::AGAIN) {
            let _ = poll(&mut [PollFd::new(&socket, PollFlags::OUT)], None);
        }
    }

    /// Takes the next one that is there; `None` when there is none now.
    pub fn receive(socket: &OwnedFd) -> Option<Self> {
        let mut packet = [0_u8; MAX_PACKET];
        loop {
            let (length, _) = rustix::net::recv(socket, &mut packet, RecvFlags::DONTWAIT).ok()?;
            if length == 0 {
                return None;
            }
            if let Ok(told) = serde_json::from_slice(&packet[..length]) {
                return Some(told);
            }
        }
    }
}

/// The spawner's life, from `main` to its end, which comes when the engine closes the socket.
pub(super) fn main() -> ExitCode {
    match settle_in().and_then(|(host, signals)| serve(&host, &signals)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Takes the socket from standard input, leaves the terminal, and blocks what must not end it or its shims.
///
/// # Errors
/// What the system says.
pub fn settle_in() -> io::Result<(Host, SignalFd)> {
    close_inherited();
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let _ = nix::unistd::setsid();
    std::env::set_current_dir("/")?;
    // Blocked here already, so that there is no moment in a shim's life in which one of them would end it.
    let mut blocked = SigSet::all();
    blocked.remove(Signal::SIGTERM);
    blocked.thread_block()?;
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    let signals = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let inherited_umask = umask(Mode::from_bits_truncate(0o077));
    let host = Host { socket, boot_id: processes::boot_id(), umask: inherited_umask, kills: Kills::find(), delegated: cgroup::delegated() };
    Ok((host, signals))
}

/// Whoever started the engine may have left descriptors open in it, and a task that holds one of them, the write end of
/// a pipe say, would keep somebody waiting. Nothing of this process is open yet.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let inherited: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect();
    for fd in inherited {
        let _ = nix::unistd::close(fd);
    }
}

fn serve(host: &Host, signals: &SignalFd) -> io::Result<()> {
    let mut shims = HashMap::new();
    loop {
        let (ordered, ended) = {
            let mut waiting = [PollFd::new(&host.socket, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            match poll(&mut waiting, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            (!waiting[0].revents().is_empty(), !waiting[1].revents().is_empty())
        };
        if ended {
            while let Ok(Some(_)) = signals.read_signal() {}
            reap(host, &mut shims);
        }
        if ordered {
            let order = match Order::receive(&host.socket)? {
                Some(Ok(order)) => order,
                Some(Err(id)) => {
                    let why = format!("cannot take the task: {}", words(&Errno::EMFILE.into()));
                    Told::NotNow { id, why }.send_surely(&host.socket);
                    continue;
                }
                None => return Ok(()),
            };
            let id = order.id;
            match fork::in_child(|| run_attempt(order, host)) {
                Ok(pid) => drop(shims.insert(pid, id)),
                Err(errno) => {
                    Told::NotNow { id, why: format!("cannot start a process: {}", words(&errno.into())) }.send_surely(&host.socket)
                }
            }
        }
    }
}

/// A shim that told its end exits with 0; of any other the engine must look into the folder.
fn reap(host: &Host, shims: &mut HashMap<nix::unistd::Pid, u64>) {
    loop {
        let status = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
            Ok(status) => status,
            Err(_) => continue,
        };
        let id = status.pid().and_then(|pid| shims.remove(&pid));
        if let (Some(id), false) = (id, matches!(status, WaitStatus::Exited(_, 0))) {
            Told::Gone { id }.send_surely(&host.socket);
        }
    }
}
