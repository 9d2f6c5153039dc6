//! Programs that the tests need besides Rust, and how to install them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::run::{self, Outcome};

/// A program, the arguments that show that it exists, and its Debian packages.
const PROGRAMS: &[(&str, &[&str], &str)] = &[
    ("cc", &["--version"], "gcc libc6-dev"),
    ("c++", &["--version"], "g++"),
    ("python3", &["-c", "import venv, ensurepip"], "python3 python3-venv"),
    ("node", &["--version"], "nodejs"),
    ("npm", &["--version"], "npm"),
    ("valgrind", &["--version"], "valgrind"),
    ("sqlite3", &["--version"], "sqlite3"),
    ("openssl", &["version"], "openssl"),
    ("chromium", &["--version"], "chromium"),
    // Without these fonts, the pictures of the console have boxes for Chinese characters and for reactions.
    ("sh", &["-c", "fc-list :lang=zh-cn | grep -q ."], "fontconfig fonts-wqy-microhei"),
    ("sh", &["-c", "fc-list :charset=1f44d | grep -q ."], "fonts-noto-color-emoji"),
    // The tests start their own server; the one from Debian's package is not used. Its programs are not in the path.
    (
        "sh",
        &[
            "-c",
            "PATH=\"$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')\"; command -v initdb && command -v postgres",
        ],
        "postgresql",
    ),
    ("etcd", &["--version"], "etcd-server"),
    // Its promtool tests the alerts; the package's server is not used.
    ("promtool", &["--version"], "prometheus"),
    // As with PostgreSQL, the servers from Debian's packages are not used.
    ("sh", &["-c", "PATH=\"$PATH:/usr/sbin\"; command -v nginx"], "nginx"),
    ("caddy", &["version"], "caddy"),
    ("sh", &["-c", "PATH=\"$PATH:/usr/sbin\"; command -v haproxy"], "haproxy"),
];

/// Installs missing packages, as root on Debian; otherwise lists them.
pub(crate) fn setup() -> Outcome {
    let missing: Vec<&(&str, &[&str], &str)> =
        PROGRAMS.iter().filter(|(program, arguments, _)| !works(program, arguments)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|(_, _, packages)| packages.split(' ')).collect();
    println!("== installing {}", packages.join(" "));
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(&packages);
    let installed = run::command("apt-get".as_ref(), &["update", "--quiet"], &[])
        .and_then(|()| run::command("apt-get".as_ref(), &install, &[]));
    installed.map_err(|error| {
        format!("packages are missing. On Debian, as root: apt-get install {}. ({error})", packages.join(" "))
    })
}

fn works(program: &str, arguments: &[&str]) -> bool {
    let quiet = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// The path of a Python with the packages of the client tests.
pub(crate) fn python() -> Result<PathBuf, String> {
    environment("python", "tests/clients/python/requirements.txt", "python3")
}

/// The path of a Python with Patroni.
pub(crate) fn patroni() -> Result<PathBuf, String> {
    environment("patroni", "tests/drill/requirements.txt", &servers_python()?)
}

/// The path of a virtual environment with the packages of a requirements file.
fn environment(name: &str, requirements: &str, interpreter: &str) -> Result<PathBuf, String> {
    let environment = run::target().join(name);
    let python = environment.join("bin/python");
    let wanted = std::fs::read_to_string(run::root().join(requirements))
        .map_err(|error| format!("{requirements}: {error}"))?;
    let stamp = environment.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let path = environment.to_string_lossy().into_owned();
    run::command(interpreter.as_ref(), &["-m", "venv", "--clear", &path], &[])?;
    let install = ["-m", "pip", "install", "--quiet", "--requirement", requirements];
    run::command(python.as_os_str(), &install, &[])?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))?;
    Ok(python)
}

/// A Python that PostgreSQL's user can also run: root's own may be out of its reach.
fn servers_python() -> Result<String, String> {
    let show = ["-c", "import os, sys; print(sys.executable, os.geteuid())"];
    let shown = run::output("python3".as_ref(), &show)?;
    let Some((own, "0")) = shown.trim().rsplit_once(' ') else { return Ok("python3".to_owned()) };
    let can = |python: &&str| {
        works("runuser", &["-u", "postgres", "--", python, "-c", "import venv, ensurepip"])
            && works(python, &["-c", "import venv, ensurepip"])
    };
    [own, "/usr/bin/python3"].into_iter().find(can).map(str::to_owned).ok_or_else(|| {
        "PostgreSQL's user can run no Python with venv. On Debian: apt-get install python3 python3-venv"
            .to_owned()
    })
}

/// Installs the packages of the Node client tests.
pub(crate) fn node() -> Outcome {
    let arguments = [
        "install",
        "--prefix",
        "tests/clients/node",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--silent",
    ];
    run::command("npm".as_ref(), &arguments, &[])
}
