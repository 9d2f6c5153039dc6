//! Files outside of the database: written before their rows, shared, and removed when unreferenced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use larkspur_contract::ids::TenantKey;
use larkspur_server::blobs::Objects;
use larkspur_server::sweep_files_if_due;
use larkspur_store::blobs::{BlobKey, Blobs, Swept, examine, missing, sweep};
use larkspur_store::{BoxFuture, Clock, Driver, Engine, EngineOptions, StoreError, SystemClock};
use larkspur_store_postgres::Postgres;
use larkspur_store_sqlite::Sqlite;
use larkspur_testkit::postgres::Server;
use larkspur_testkit::{Lab, LabOptions, ManualClock, Reply, World};
use serde_json::json;

const GRACE: i64 = 3_600_000;

/// Files in memory; full on demand.
struct Disk {
    objects: Arc<Objects>,
    full: AtomicBool,
}

impl Blobs for Disk {
    fn put<'a>(&'a self, key: &'a BlobKey, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        if self.full.load(Ordering::Relaxed) {
            return Box::pin(async { Err(StoreError::Unavailable("no space is left".to_owned())) });
        }
        self.objects.put(key, content)
    }
    fn get<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        self.objects.get(key)
    }
    fn remove<'a>(&'a self, key: &'a BlobKey) -> BoxFuture<'a, Result<(), StoreError>> {
        self.objects.remove(key)
    }
    fn tenants(&self) -> BoxFuture<'_, Result<Vec<TenantKey>, StoreError>> {
        self.objects.tenants()
    }
    fn list(&self, tenant: TenantKey) -> BoxFuture<'_, Result<Vec<(BlobKey, i64)>, StoreError>> {
        self.objects.list(tenant)
    }
}

struct Place {
    lab: Lab,
    world: World,
    disk: Arc<Disk>,
    clock: Arc<ManualClock>,
}

impl Place {
    async fn new() -> Place {
        let objects = Objects::open("memory:").expect("files in memory");
        let disk = Arc::new(Disk { objects, full: AtomicBool::new(false) });
        let clock = ManualClock::at(SystemClock.now_ms());
        let options = LabOptions { clock: clock.clone(), blobs: Some(disk.clone()), ..LabOptions::default() };
        let lab = Lab::with(options).await;
        Place { world: lab.world().await, lab, disk, clock }
    }

    async fn upload(&self, content: &[u8]) -> Reply {
        let request = self.world.call("POST", "/im/v1/images").token(&self.token().await);
        request.multipart(&[("image_type", "message")], ("image", content)).send().await
    }

    async fn image(&self, content: &[u8]) -> String {
        self.upload(content).await.data()["image_key"].as_str().expect("a key").to_owned()
    }

    async fn download(&self, image: &str) -> Reply {
        self.world.call("GET", &format!("/im/v1/images/{image}")).token(&self.token().await).send().await
    }

    /// A new token: older ones have expired by the clock.
    async fn token(&self) -> String {
        self.world.sign_in(&self.world.app_id, &self.world.app_secret).await
    }

    async fn delete(&self, image: &str) {
        self.world.control("DELETE", &format!("/images/{image}")).send().await.data();
    }

    fn tenant(&self) -> TenantKey {
        TenantKey::parse(&self.world.tenant_key).expect("a tenant")
    }

    /// The number of the world's files.
    async fn files(&self) -> usize {
        self.disk.list(self.tenant()).await.expect("listed").len()
    }

    async fn sweep(&self) -> Swept {
        sweep(self.lab.app.engine(), &*self.disk, GRACE, u64::MAX).await.expect("swept")
    }

    /// Sweeps twice, with the grace period in between, so that all doomed files are removed.
    async fn sweep_for_long(&self) -> u64 {
        let mut removed = 0;
        for _ in 0..3 {
            removed += self.sweep().await.removed;
            self.clock.advance(GRACE + 1);
        }
        removed
    }
}

#[tokio::test]
async fn uploads_of_the_same_bytes_share_a_file_as_long_as_one_of_them_lives() {
    let place = Place::new().await;
    let (picture, other) = (larkspur_testkit::png(7, 8), larkspur_testkit::png(9, 9));
    let (one, two) = (place.image(&picture).await, place.image(&picture).await);
    assert_ne!(one, two);
    assert_eq!(place.files().await, 1);
    let third = place.image(&other).await;
    assert_eq!(place.files().await, 2);
    place.delete(&one).await;
    assert_eq!(place.sweep_for_long().await, 0);
    assert_eq!(*place.download(&two).await.bytes(), picture);
    place.delete(&two).await;
    assert_eq!(place.sweep().await, Swept { seen: 2, removed: 0 });
    assert_eq!(place.files().await, 2, "not at once");
    assert_eq!(place.sweep_for_long().await, 1);
    assert_eq!(*place.download(&third).await.bytes(), other);
    // The rest is removed with its world.
    place.world.control("DELETE", "").send().await.data();
    assert_eq!(place.sweep_for_long().await, 1);
    assert_eq!(place.files().await, 0);
}

/// A file and an image may have the same bytes: one blob, kept until neither names it.
#[tokio::test]
async fn files_and_images_share_blobs() {
    let place = Place::new().await;
    let picture = larkspur_testkit::png(7, 8);
    let image = place.image(&picture).await;
    let send = async |content: &[u8]| {
        let request = place.world.call("POST", "/im/v1/files").token(&place.token().await);
        let fields = [("file_type", "stream"), ("file_name", "a.png")];
        let made = request.multipart(&fields, ("file", content)).send().await.data();
        made["file_key"].as_str().expect("a key").to_owned()
    };
    let get = async |key: &str| {
        let request = place.world.call("GET", &format!("/im/v1/files/{key}"));
        request.token(&place.token().await).send().await.bytes().to_vec()
    };
    let (same, other) = (send(&picture).await, send(b"other bytes").await);
    assert_eq!(place.files().await, 2);
    let driver = place.lab.app.engine().driver.clone();
    let found = examine(&driver, &*place.disk, &mut |_| {}).await.expect("examined");
    assert_eq!((found.named, found.missing.len(), found.damaged.len()), (2, 0, 0));
    place.delete(&image).await;
    assert_eq!(place.sweep_for_long().await, 0);
    assert_eq!(get(&same).await, picture);
    place.world.control("DELETE", &format!("/files/{same}")).send().await.data();
    assert_eq!(place.sweep_for_long().await, 1);
    assert_eq!(get(&other).await, b"other bytes");
    let key = BlobKey::of(place.tenant(), b"other bytes");
    place.disk.remove(&key).await.expect("removed");
    assert_eq!(missing(&driver, &*place.disk).await, Ok(vec![key.to_string()]));
}

#[tokio::test]
async fn orphaned_files_are_swept_unless_an_upload_reclaims_them() {
    let place = Place::new().await;
    let picture = larkspur_testkit::png(7, 8);
    let key = BlobKey::of(place.tenant(), &picture);
    // An upload that ended between its file and its row.
    place.disk.put(&key, picture.clone().into()).await.expect("kept");
    assert_eq!(place.sweep().await, Swept { seen: 1, removed: 0 }, "it may still be under way");
    place.clock.advance(GRACE * 2);
    place.sweep().await;
    place.clock.advance(GRACE / 2);
    // Doomed, and reclaimed in time.
    let image = place.image(&picture).await;
    assert_eq!(place.sweep_for_long().await, 0);
    assert_eq!(*place.download(&image).await.bytes(), picture);
    // Gone, and uploaded while its bytes are being removed: the row keeps them.
    place.delete(&image).await;
    place.sweep().await;
    place.clock.advance(GRACE + 1);
    assert_eq!(place.sweep().await.removed, 1);
    let image = place.image(&picture).await;
    assert_eq!(place.files().await, 1, "it was put before the row was asked");
    place.sweep().await;
    assert_eq!(place.files().await, 0);
    assert_eq!(*place.download(&image).await.bytes(), picture);
    // And a file again, once its removal is forgotten.
    place.clock.advance(GRACE + 1);
    place.sweep().await;
    place.image(&picture).await;
    assert_eq!((place.sweep_for_long().await, place.files().await), (0, 1));
}

#[tokio::test]
async fn without_room_for_the_file_there_is_no_image() {
    let place = Place::new().await;
    place.disk.full.store(true, Ordering::Relaxed);
    let reply = place.upload(&larkspur_testkit::png(7, 8)).await;
    assert_eq!((reply.status(), reply.code()), (503, 5000), "{}", reply.text());
    place.disk.full.store(false, Ordering::Relaxed);
    place.upload(b"not an image").await.refused(234011);
    assert_eq!(place.files().await, 0, "what is refused is not kept");
    assert_eq!(missing(&place.lab.app.engine().driver, &*place.disk).await, Ok(Vec::new()));
}

/// A lab with files in a folder, which a test can damage.
async fn in_a_folder(folder: &std::path::Path) -> Lab {
    let files = Objects::open(&format!("file://{}", folder.display())).expect("opens");
    Lab::with(LabOptions { blobs: Some(files), ..LabOptions::default() }).await
}

#[tokio::test]
async fn a_file_that_is_damaged_is_named_and_never_answered() {
    let directory = tempfile::tempdir().expect("a directory");
    let lab = in_a_folder(directory.path()).await;
    let (world, picture) = (lab.world().await, larkspur_testkit::png(7, 8));
    let upload = async || {
        let request = world.call("POST", "/im/v1/images");
        let request = request.multipart(&[("image_type", "message")], ("image", &picture));
        request.send().await.data()["image_key"].as_str().expect("a key").to_owned()
    };
    let image = upload().await;
    let key = BlobKey::of(TenantKey::parse(&world.tenant_key).expect("a tenant"), &picture);
    let file = directory.path().join(key.to_string());
    let download = async || world.call("GET", &format!("/im/v1/images/{image}")).send().await;
    for damage in [larkspur_testkit::png(8, 7), Vec::new(), picture[..20].to_vec()] {
        std::fs::write(&file, &damage).expect("damaged");
        let reply = download().await;
        assert_eq!((reply.status(), reply.code()), (500, 2200), "{}", reply.text());
        let files = lab.app.engine().blobs.clone().expect("files");
        let found = examine(&lab.app.engine().driver, &*files, &mut |_| {}).await.expect("examined");
        assert_eq!((found.named, found.missing.len(), found.damaged), (1, 0, vec![key.to_string()]));
        // Uploading the same bytes repairs it, also for the earlier image.
        upload().await;
        assert_eq!(*download().await.bytes(), picture);
    }
}

#[tokio::test]
async fn a_file_that_is_missing_is_named() {
    let place = Place::new().await;
    let picture = larkspur_testkit::png(7, 8);
    let image = place.image(&picture).await;
    let key = BlobKey::of(place.tenant(), &picture);
    place.disk.remove(&key).await.expect("removed");
    assert_eq!(missing(&place.lab.app.engine().driver, &*place.disk).await, Ok(vec![key.to_string()]));
    let reply = place.download(&image).await;
    assert_eq!(reply.status(), 500, "{}", reply.text());
}

/// Two servers on one store, of each kind, with the same files.
async fn pairs(server: &Server, clock: &Arc<ManualClock>, files: &Arc<Objects>) -> Vec<[Arc<Engine>; 2]> {
    let sqlite: Arc<dyn Driver> = Arc::new(Sqlite::memory().expect("a store in memory"));
    let postgres = || async {
        let options = larkspur_store_postgres::Options { connections: 2, ..Default::default() };
        let driver = Postgres::open(&server.url("postgres"), &options).await.expect("connects");
        Arc::new(driver) as Arc<dyn Driver>
    };
    let mut pairs = Vec::new();
    for drivers in [[sqlite.clone(), sqlite], [postgres().await, postgres().await]] {
        let opened = drivers.map(|driver| {
            let files = Some(files.clone() as Arc<dyn Blobs>);
            Engine::open_with(
                driver,
                clock.clone(),
                EngineOptions { blobs: files, ..EngineOptions::default() },
            )
        });
        let [one, two] = opened;
        pairs.push([one.await.expect("opens"), two.await.expect("opens")]);
    }
    pairs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_server_an_hour_sweeps_the_files_and_so_many_of_them() {
    let server = Server::start(&["fsync=off"]);
    let tenant = TenantKey(7);
    for kind in 0..2 {
        let files = Objects::open("memory:").expect("files in memory");
        for number in 0..150u8 {
            let content = Bytes::from(vec![number]);
            files.put(&BlobKey::of(tenant, &content), content).await.expect("kept");
        }
        let clock = ManualClock::at(SystemClock.now_ms() + 2 * GRACE);
        let pair = pairs(&server, &clock, &files).await.swap_remove(kind);
        let grace = Duration::from_millis(GRACE.unsigned_abs());
        let mut done = Vec::new();
        for _ in 0..5 {
            let due = |engine: &Arc<Engine>| {
                let engine = engine.clone();
                tokio::spawn(async move { sweep_files_if_due(&engine, grace, 64).await.expect("swept") })
            };
            // Both at once, and one again in the same hour.
            let (one, two) = (due(&pair[0]), due(&pair[1]));
            let both = [one.await.expect("no panic"), two.await.expect("no panic")];
            let again = due(&pair[0]).await.expect("no panic");
            let swept: Vec<Swept> = both.into_iter().chain([again]).flatten().collect();
            assert_eq!(swept.len(), 1, "{swept:?}");
            done.push((swept[0].seen, swept[0].removed));
            clock.advance(GRACE + 1);
        }
        assert_eq!(done, [(150, 0), (64, 64), (64, 64), (22, 22), (0, 0)]);
        assert_eq!(files.list(tenant).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn a_snapshot_keeps_the_files_that_it_names() {
    let place = Place::new().await;
    let image = place.image(&larkspur_testkit::png(8, 8)).await;
    let save = json!({"name": "one"});
    place.world.control("POST", "/snapshots").body(save).send().await.data();
    // Nothing but the snapshot names the file now.
    place.world.control("POST", "/reset").body(json!({})).send().await.data();
    assert_ne!(place.download(&image).await.status(), 200);
    assert_eq!((place.sweep_for_long().await, place.files().await), (0, 1), "a snapshot names it");

    place.world.control("POST", "/snapshots/one/restore").body(json!({})).send().await.data();
    assert_eq!(place.download(&image).await.bytes(), larkspur_testkit::png(8, 8).as_slice());
    place.world.control("DELETE", "/snapshots/one").send().await.data();
    assert_eq!((place.sweep_for_long().await, place.files().await), (0, 1), "the image names it");
    place.world.control("POST", "/reset").body(json!({})).send().await.data();
    assert_eq!((place.sweep_for_long().await, place.files().await), (1, 0));
}
