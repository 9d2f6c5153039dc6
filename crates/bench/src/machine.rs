//! Figures from the kernel: processor time of processes, memory, and other activity of the machine. Also how this
//! program uses the machine: runtime and pinning.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::Res;

/// Nanoseconds of processor time of all threads of a process.
pub(crate) fn cpu_ns(pid: u32) -> Res<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += first_number(&text);
    }
    Ok(sum)
}

fn first_number(text: &str) -> u64 {
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The processes that a measurement covers, besides this one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// The servers; several if several nodes share the load.
    pub(crate) servers: Vec<u32>,
    /// The main process of the database behind them; its children do the work.
    pub(crate) database: Option<u32>,
}

impl From<u32> for Group {
    fn from(server: u32) -> Self {
        Group { servers: vec![server], database: None }
    }
}

impl Group {
    /// Their processor time so far.
    pub(crate) fn now(&self) -> Res<Spent> {
        let mut spent = Spent { own: cpu_ns(std::process::id())?, ..Spent::default() };
        for &server in &self.servers {
            spent.servers += cpu_ns(server)?;
        }
        if let Some(database) = self.database {
            let children = fs::read_to_string(format!("/proc/{database}/task/{database}/children"))?;
            for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
                // It may have ended since.
                spent.database += cpu_ns(child).unwrap_or(0);
            }
        }
        if self.servers.contains(&std::process::id()) {
            spent.own = 0;
        }
        Ok(spent)
    }
}

/// Processor time, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    /// Of the servers.
    pub(crate) servers: u64,
    /// Of the database, without its processes that ended in between.
    pub(crate) database: u64,
    /// Of this process, unless it is the server.
    pub(crate) own: u64,
}

impl Spent {
    /// The time between two moments.
    pub(crate) fn since(self, before: &Spent) -> Spent {
        Spent {
            servers: self.servers.saturating_sub(before.servers),
            database: self.database.saturating_sub(before.database),
            own: self.own.saturating_sub(before.own),
        }
    }

    /// The total.
    pub(crate) fn all(self) -> u64 {
        self.servers + self.database + self.own
    }
}

/// Memory of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessMemory {
    /// Private pages, in MiB: the process's own memory.
    pub(crate) anonymous: f64,
    /// All resident pages, in MiB, including the program's and shared ones.
    pub(crate) resident: f64,
}

/// The memory of a process.
pub(crate) fn memory(pid: u32) -> Res<ProcessMemory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map_or(f64::NAN, |rest| first_number(rest) as f64 / 1024.0)
    };
    Ok(ProcessMemory { anonymous: field("RssAnon:"), resident: field("VmRSS:") })
}

/// The machine at one moment; two of them make a [`Noise`].
pub(crate) struct Moment {
    total: u64,
    idle: u64,
    steal: u64,
    stalled_us: u64,
}

impl Moment {
    /// Now.
    pub(crate) fn now() -> Res<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|number| number.parse().ok()).collect();
        let tick = |index: usize| ticks.get(index).copied().unwrap_or(0);
        // Absent if the kernel was built without it.
        let pressure = fs::read_to_string("/proc/pressure/cpu").unwrap_or_default();
        let stalled = pressure.lines().next().and_then(|line| line.rsplit('=').next());
        Ok(Moment {
            total: ticks.iter().sum(),
            idle: tick(3) + tick(4),
            steal: tick(7),
            stalled_us: stalled.and_then(|number| number.parse().ok()).unwrap_or(0),
        })
    }

    /// The disturbance from `self` until `end`; `ours_ns` is the processor time of the benchmark's own processes.
    pub(crate) fn until(&self, end: &Moment, ours_ns: u64, seconds: f64) -> Noise {
        let total = (end.total - self.total).max(1) as f64;
        let busy = total - (end.idle - self.idle) as f64 - (end.steal - self.steal) as f64;
        let ours = ours_ns as f64 / 1e9 / seconds / processors() as f64;
        Noise {
            steal: (end.steal - self.steal) as f64 / total,
            others: (busy / total - ours).max(0.0),
            pressure: (end.stalled_us - self.stalled_us) as f64 / 1e6 / seconds,
        }
    }
}

/// Disturbances of a measurement, as shares of the whole machine's time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noise {
    /// Used by the host for other machines.
    pub(crate) steal: f64,
    /// Used by processes outside of the benchmark, and by the kernel itself.
    pub(crate) others: f64,
    /// Share of time in which some task waited for a processor. Our own tasks wait, too, when they share one.
    pub(crate) pressure: f64,
}

impl Noise {
    /// Whether the machine did little else.
    pub(crate) fn is_quiet(self) -> bool {
        self.steal < 0.05 && self.others < 0.15
    }
}

/// A piece of work that is watched: what it costs the processes of a group, and what else the machine does.
pub(crate) struct Watch {
    group: Group,
    begun: Instant,
    moment: Moment,
    spent: Spent,
}

impl Watch {
    /// Begins.
    pub(crate) fn start(group: Group) -> Res<Self> {
        let (moment, spent) = (Moment::now()?, group.now()?);
        Ok(Watch { group, begun: Instant::now(), moment, spent })
    }

    /// Ends: processor time so far, and the disturbances.
    pub(crate) fn end(self) -> Res<(Spent, Noise)> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let spent = self.group.now()?.since(&self.spent);
        Ok((spent, self.moment.until(&Moment::now()?, spent.all(), seconds)))
    }
}

/// A runtime with a thread for each processor.
pub(crate) fn runtime() -> Res<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How many files this process, and those that it starts, may open (`ulimit -n`).
pub(crate) fn open_files() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.map_or(0, |rest| usize::try_from(first_number(rest)).unwrap_or(usize::MAX))
}

/// Pins the calling thread to a processor; false if this is not possible here.
pub(crate) fn pin_this_thread(processor: usize) -> bool {
    let Ok(link) = fs::read_link("/proc/thread-self") else { return false };
    let Some(thread) = link.file_name().and_then(|name| name.to_str()) else { return false };
    Command::new("taskset")
        .args(["-c", "-p", &processor.to_string(), thread])
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Whether processes can be pinned here, with a processor each for the server and the load.
pub(crate) fn can_pin() -> bool {
    processors() > 1 && Command::new("taskset").arg("--version").output().is_ok()
}

/// Processor, kernel, compiler and file system, for the conditions of a report.
pub(crate) fn facts(directory: &Path) -> Vec<(&'static str, String)> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpus.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc =
        Command::new("rustc").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1))
        .map_or(0.0, |number| number.parse().unwrap_or(0.0));
    let virtual_machine = cpus.contains("hypervisor");
    vec![
        ("Processor", model.unwrap_or("unknown").to_owned()),
        ("Processors", format!("{}{}", processors(), if virtual_machine { ", virtual machine" } else { "" })),
        ("Memory", format!("{:.0} GiB", kib / 1024.0 / 1024.0)),
        ("Kernel", kernel.trim().to_owned()),
        (
            "Compiler",
            String::from_utf8_lossy(&rustc).split(" (").next().unwrap_or_default().trim().to_owned(),
        ),
        ("File system of the stores", file_system(directory).unwrap_or_else(|| "unknown".to_owned())),
    ]
}

/// The type of the file system that holds a directory.
pub(crate) fn file_system(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(1);
            let (at, kind) = (words.next()?, words.next()?);
            directory.starts_with(at).then_some((at.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}
