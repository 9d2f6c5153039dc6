//! Files outside of the database: permissions, a start without them, and backups.

use std::process::Command;
use std::sync::Arc;

use larkspur_contract::ids::TenantKey;
use larkspur_server::blobs::Objects;
use larkspur_store::blobs::{BlobKey, Blobs};
use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::{Lab, LabOptions, png};

use crate::support::cluster::sign_in;
use crate::support::program::{Program, binary};

/// Whatever the umask, files and the data directory are private to their owner.
#[cfg(unix)]
#[test]
fn permissions_do_not_follow_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    for umask in ["000", "277"] {
        let directory = tempfile::tempdir().expect("a directory");
        let (data, settings) = (directory.path().join("data"), directory.path().join("settings.toml"));
        let url = format!("[blobs]\nurl = \"file://{}/files/inner\"\n", directory.path().display());
        std::fs::write(&settings, url).expect("written");
        std::fs::create_dir(&data).expect("a directory");
        let place = ["--data".as_ref(), data.as_os_str(), "--config".as_ref(), settings.as_os_str()];
        let shell = format!("umask {umask};");
        let program = Program::spawn_at(directory.path(), &place, &shell).until_ready();
        let mut client = program.client();
        let token = sign_in(&mut client, &program.ready);
        let (status, answer) = client.upload(&token, &png(7, 8)).expect("an answer");
        assert!(status == 200 && answer["code"] == 0, "{answer}");
        let (mut looked, mut folders) = (0, vec![directory.path().join("files"), data.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let entry = entry.expect("an entry");
                let about = entry.metadata().expect("about it");
                let mode = about.permissions().mode() & 0o777;
                let wanted = if about.is_dir() { 0o700 } else { 0o600 };
                // The umask may take read access to SQLite's own files and the lock, but other users never have it.
                let right = if folder == data { mode & 0o077 == 0 } else { mode == wanted };
                assert!(right, "umask {umask}: {} has {mode:o}", entry.path().display());
                looked += 1;
                if about.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        assert!(looked >= 5, "{looked}");
    }
}

/// A start that would report every image as missing, and store new ones elsewhere.
#[test]
fn a_store_that_names_files_is_not_started_without_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let (data, settings) = (directory.path().join("data"), directory.path().join("settings.toml"));
    let files = directory.path().join("files");
    std::fs::write(&settings, format!("[blobs]\nurl = \"file://{}\"\n", files.display())).expect("written");
    let plain = ["--data".as_ref(), data.as_os_str()];
    let with = ["--data".as_ref(), data.as_os_str(), "--config".as_ref(), settings.as_os_str()];
    // No row names a file yet: both are accepted.
    for place in [&plain[..], &with[..]] {
        let program = Program::spawn_at(directory.path(), place, "").until_ready();
        program.terminate();
        assert!(program.wait().0.success());
    }
    let program = Program::spawn_at(directory.path(), &with, "").until_ready();
    let mut client = program.client();
    let token = sign_in(&mut client, &program.ready);
    let (_, answer) = client.upload(&token, &png(7, 8)).expect("an answer");
    let image = answer["data"]["image_key"].as_str().expect("a key").to_owned();
    drop(client);
    program.terminate();
    assert!(program.wait().0.success());
    let (status, log) = Program::spawn_at(directory.path(), &plain, "").wait();
    assert!(status.code() == Some(1) && log.contains("blobs.url is not set: set it"), "{log}");
    let away = directory.path().join("away");
    std::fs::rename(&files, &away).expect("moved");
    let (status, log) = Program::spawn_at(directory.path(), &with, "").wait();
    assert!(status.code() == Some(1) && log.contains("which is missing or empty: mount its disk"), "{log}");
    assert!(!files.exists(), "an empty folder would hide that");
    // The mount point of a disk that is not mounted.
    std::fs::create_dir(&files).expect("made");
    let (status, log) = Program::spawn_at(directory.path(), &with, "").wait();
    assert!(status.code() == Some(1) && log.contains("missing or empty"), "{log}");
    std::fs::remove_dir(&files).expect("removed");
    std::fs::rename(&away, &files).expect("moved");
    let program = Program::spawn_at(directory.path(), &with, "").until_ready();
    let mut client = program.client();
    assert_eq!(client.image(&token, &image), Some(png(7, 8)));
}

#[tokio::test]
async fn a_backup_has_the_files_of_a_folder() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let settings = |name: &str| {
        let file = path(&format!("{name}.toml"));
        let text = format!("[blobs]\nurl = \"file://{}\"\n", path(&format!("{name} files")).display());
        std::fs::write(&file, text).expect("written");
        file
    };
    let larkspur = |command: &str, name: &str| {
        let mut program = Command::new(binary());
        program.arg(command).arg("--data").arg(path(name)).arg("--config").arg(settings(name)).env_clear();
        if command != "check" {
            program.arg(path("backup"));
        }
        let output = program.output().expect("the program runs");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
        (output.status.success(), said)
    };
    let lab = async |name: &str| {
        let driver = Arc::new(Sqlite::open(&path(name), &Options::default()).expect("opens"));
        let files = format!("file://{}", path(&format!("{name} files")).display());
        let blobs: Arc<dyn Blobs> = Objects::open(&files).expect("opens");
        let options =
            LabOptions { driver: Some(driver.clone()), blobs: Some(blobs), ..LabOptions::default() };
        (Lab::with(options).await, driver)
    };
    let picture = png(7, 8);
    let (old, driver) = lab("old").await;
    let world = old.world().await;
    let upload = world.call("POST", "/im/v1/images");
    let upload = upload.multipart(&[("image_type", "message")], ("image", &picture)).send().await;
    let image = upload.data()["image_key"].as_str().expect("a key").to_owned();
    let (done, said) = larkspur("check", "old");
    assert!(
        done && said.contains("1 files checked, none missing or damaged"),
        "while a server has the data: {said}"
    );
    let (done, said) = larkspur("backup", "old");
    assert!(done && said.contains("Copied its 1 files to"), "{said}");
    driver.close();
    let (done, said) = larkspur("check", "old");
    assert!(done && said.contains("1 files checked, none missing or damaged"), "{said}");
    let (done, said) = larkspur("restore", "new");
    assert!(done, "{said}");
    let key = BlobKey::of(TenantKey::parse(&world.tenant_key).expect("a tenant"), &picture);
    let file = path("old files").join(key.to_string());
    std::fs::write(&file, png(8, 7)).expect("damaged");
    let (done, said) = larkspur("check", "old");
    assert!(!done && said.contains(&format!("damaged: {key}")) && said.contains("1 are damaged"), "{said}");
    std::fs::remove_file(&file).expect("removed");
    let (done, said) = larkspur("check", "old");
    assert!(
        !done && said.contains(&format!("missing: {key}")) && said.contains("lacks 1 image files"),
        "{said}"
    );
    std::fs::remove_dir_all(path("old files")).expect("removed");
    let (done, said) = larkspur("check", "old");
    assert!(
        !done && said.contains("which is missing or empty: mount its disk") && !path("old files").exists(),
        "{said}"
    );
    let (new, driver) = lab("new").await;
    let path = format!("/open-apis/im/v1/images/{image}");
    let reply = new.request("GET", &path).token(&world.token).send().await;
    assert_eq!(*reply.bytes(), picture);
    driver.close();
}
