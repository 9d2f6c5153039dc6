//! A disk that can be filled: a small file system in memory, which one process and its children see.

use std::fs::{File, remove_file};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Mounts it, and goes on as whoever started this. It is gone with the last process that sees it, however that ends.
const MOUNT: &str = r#"
folder=$1 size=$2 user=$3 group=$4
shift 4
mount -t tmpfs -o "size=${size}k,mode=1777" tmpfs "$folder" || { echo 'a small disk for this test cannot be mounted' >&2; exit 1; }
if [ "$user" = 0 ]; then exec "$@"; fi
exec unshare --user --map-user="$user" --map-group="$group" "$@"
"#;

/// A disk that is there once something runs on it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
    kilobytes: u32,
}

impl SmallDisk {
    /// A disk of these many kilobytes.
    pub fn new(kilobytes: u32) -> Self {
        SmallDisk { folder: tempfile::tempdir().expect("a directory"), kilobytes }
    }

    /// Where the disk is, for what runs on it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A command that runs this program, which alone will have the disk. Needs root, or a system that lets every user
    /// have mounts of their own.
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

    /// The disk as the process with this number has it.
    pub fn of(&self, process: u32) -> FullDisk {
        let inside = self.folder().strip_prefix("/").expect("an absolute path");
        let folder = Path::new("/proc").join(process.to_string()).join("root").join(inside);
        let device = |folder: &Path| folder.metadata().expect("a folder").dev();
        // What is filled must never be the disk of whoever runs the tests.
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
    /// Where its files are, for whoever does not run on it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes all the space that is left; how many bytes that was.
    pub fn fill(&self) -> usize {
        self.take(usize::MAX)
    }

    /// Takes so many bytes, or all that are left; how many that was.
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

    /// Gives what was taken back.
    pub fn make_room(&self) {
        remove_file(self.filler()).expect("something was taken");
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}
