//! A disk that can be filled: a small in-memory file system that one process and its children see.

use std::fs::{File, remove_file};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Mounts it, and continues as the user who started this. It disappears with the last process that sees it.
const MOUNT: &str = r#"
folder=$1 size=$2 user=$3 group=$4
shift 4
mount -t tmpfs -o "size=${size}k,mode=1777" tmpfs "$folder" || { echo 'a small disk for this test cannot be mounted' >&2; exit 1; }
if [ "$user" = 0 ]; then exec "$@"; fi
exec unshare --user --map-user="$user" --map-group="$group" "$@"
"#;

/// A disk that exists once a program runs on it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
    kilobytes: u32,
}

impl SmallDisk {
    /// A disk of this many kilobytes.
    pub fn new(kilobytes: u32) -> Self {
        SmallDisk { folder: tempfile::tempdir().expect("a directory"), kilobytes }
    }

    /// Where the disk is, for programs on it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs this program, which alone will see the disk. Needs root, or a system that lets every user
    /// mount.
    pub fn command(&self, program: &str) -> Command {
        let id = |which: &str| {
            let output = Command::new("id").arg(which).output().expect("id runs");
            String::from_utf8(output.stdout).expect("a number").trim().to_owned()
        };
        let user = id("-u");
        let mut command = Command::new("unshare");
        if user != "0" {
            command.arg("--map-root-user");
        }
        command.args(["--mount", "--propagation", "private", "sh", "-c", MOUNT, "small-disk"]);
        command.arg(self.folder()).args([&self.kilobytes.to_string(), &user, &id("-g")]).arg(program);
        command
    }

    /// The disk, as this process sees it.
    pub fn of(&self, process: u32) -> FullDisk {
        let inside = self.folder().strip_prefix("/").expect("an absolute path");
        let folder = Path::new("/proc").join(process.to_string()).join("root").join(inside);
        let device = |folder: &Path| folder.metadata().expect("a folder").dev();
        // Never fill the disk of the test run itself.
        assert_ne!(device(&folder), device(self.folder()), "process {process} has no disk of its own");
        FullDisk { folder }
    }
}

/// A small disk from outside, to fill it.
#[derive(Debug)]
pub struct FullDisk {
    folder: PathBuf,
}

impl FullDisk {
    /// Where its files are, for other processes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fills all remaining space; returns the number of bytes.
    pub fn fill(&self) -> usize {
        self.take(usize::MAX)
    }

    /// Takes this many bytes, or all that remain; returns the number.
    pub fn take(&self, bytes: usize) -> usize {
        let mut file = File::options().append(true).create(true).open(self.filler()).expect("a file");
        let mut taken = 0;
        while taken < bytes {
            match file.write(&[b'x'; 4096]) {
                Ok(some) => taken += some,
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => break,
                Err(error) => panic!("the disk cannot be filled: {error}"),
            }
        }
        taken
    }

    /// Frees the space again.
    pub fn make_room(&self) {
        remove_file(self.filler()).expect("something was taken");
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}
