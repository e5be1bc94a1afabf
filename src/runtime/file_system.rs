//! What kind of file system a path is on: whether locks and shared memory can be trusted there.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// The answer of [`network_kind`], replaceable in tests.
pub type Probe<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// File systems whose other end is another machine, by the magic number of `statfs`.
const NETWORK: &[(u64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x1983_0326, "BeeGFS"),
    (0x2003_0528, "OrangeFS"),
    (0xaad7_aaea, "PanFS"),
    (0x564c, "NCP"),
];

/// One magic number for everything in user space; the mount table says what it is.
const FUSE: u64 = 0x6573_5546;

/// Types in the mount table behind [`FUSE`] that reach another machine.
const NETWORK_FUSE: &[&str] = &[
    "sshfs",
    "s3fs",
    "rclone",
    "gcsfuse",
    "goofys",
    "glusterfs",
    "juicefs",
    "ceph",
    "davfs",
    "curlftpfs",
    "mfs",
    "blobfuse",
    "httpfs",
    "smbnetfs",
    "beegfs",
    "lizardfs",
    "cvmfs",
    "gvfsd-fuse",
];

/// The name of the network file system that `path`, or its nearest parent that exists, is on; `None` on a local one.
pub fn network_kind(path: &Path) -> Option<String> {
    let existing = path.ancestors().find(|p| p.exists())?;
    // The width and sign of `f_type` differ between machines; the magic numbers are 32 bits everywhere.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    let magic = u64::from(rustix::fs::statfs(existing).ok()?.f_type as u32);
    if magic == FUSE {
        let device = fs::metadata(existing).ok()?.dev();
        return fuse_kind(&fs::read_to_string("/proc/self/mountinfo").ok()?, device);
    }
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| (*name).to_owned())
}

/// The network file system that the mount table names for a device.
fn fuse_kind(mountinfo: &str, device: u64) -> Option<String> {
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let line = mountinfo.lines().find(|line| line.split(' ').nth(2) == Some(&wanted))?;
    let kind = line.split_once(" - ")?.1.split(' ').next()?;
    let inner = kind.strip_prefix("fuse.").unwrap_or(kind);
    NETWORK_FUSE.contains(&inner).then(|| format!("FUSE ({inner})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_table_tells_a_remote_fuse_mount_from_a_local_one() {
        let table =
            "36 35 0:51 / /home/a/remote rw,nosuid - fuse.sshfs host:/data rw\n37 35 0:52 / /mnt/usb rw - fuse.ntfs-3g /dev/sdb1 rw\n";
        assert_eq!(fuse_kind(table, rustix::fs::makedev(0, 51)), Some("FUSE (sshfs)".to_owned()));
        assert_eq!(fuse_kind(table, rustix::fs::makedev(0, 52)), None);
        assert_eq!(fuse_kind(table, rustix::fs::makedev(0, 53)), None);
    }

    #[test]
    fn the_kernel_s_own_file_systems_are_local() {
        assert_eq!(network_kind(Path::new("/proc/self")), None);
    }
}
