//! The product against the reference model: random operations, step by step, on the kind of store that the run tests.
//!
//! A failure is reported as a sequence: the shortest failing part of the original one, found by leaving steps out. It
//! is shown step by step, with the model's names.

mod draw;
mod drivers;
mod real;
mod talk;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use draw::Draw;
use larkspur_store::Driver;
use larkspur_testkit::Random;
use larkspur_testkit::model::{Actor, Op, Start};
use larkspur_testkit::{empty_store, racing_store};
use real::Real;

/// The default, unless the environment variable `TEST_SEQUENCES` is set.
const SEQUENCES: u64 = 14;
/// How many of them are the same in every run.
const COUNTED: u64 = 12;
const STEPS: usize = 600;
/// How often each operation must succeed, and be refused, at least, in the counted sequences.
const AT_LEAST: (u32, u32) = (6, 3);
const EPOCH: i64 = 1_750_000_000_000;
/// The administrators' limit in tenant 0.
const CHAT_USERS: usize = 4;
/// The tenant of each app.
const APPS: [usize; 3] = [0, 0, 1];
/// For each user: the tenant, the name, and whether they have left. The first three of a world are its initial users.
const USERS: [(usize, &str, bool); 11] = [
    (0, "Ada Larkin", false),
    (0, "Ben Sparrow", false),
    (0, "Chen Yan", false),
    (0, "Dan", false),
    (0, "Eve", false),
    (0, "Fay", false),
    (0, "Gil", false),
    (0, "Gone", true),
    (1, "Ada Larkin", false),
    (1, "Ben Sparrow", false),
    (1, "Chen Yan", false),
];
/// The callers.
const ACTORS: [Actor; 12] = [
    Actor { app: 0, user: None },
    Actor { app: 0, user: Some(0) },
    Actor { app: 0, user: Some(1) },
    Actor { app: 0, user: Some(2) },
    Actor { app: 0, user: Some(3) },
    Actor { app: 0, user: Some(4) },
    Actor { app: 1, user: None },
    Actor { app: 1, user: Some(0) },
    Actor { app: 1, user: Some(1) },
    Actor { app: 2, user: None },
    Actor { app: 2, user: Some(8) },
    Actor { app: 2, user: Some(9) },
];

const PLAIN: Start = Start {
    tenant: 0,
    mode: "group",
    chat_type: "private",
    external: false,
    name: "o",
    description: "",
    owner: None,
    creator: None,
    approval: false,
    members: &[],
};
/// The initial chats; the first two are those of a new world.
const STARTS: [Start; 9] = [
    Start {
        name: "Larkspur demo",
        description: "Three people and a bot",
        owner: Some("<user:0>"),
        creator: Some(0),
        members: &["<app:0>", "<user:0>", "<user:1>", "<user:2>"],
        ..PLAIN
    },
    Start {
        tenant: 1,
        name: "Larkspur demo",
        description: "Three people and a bot",
        owner: Some("<user:8>"),
        creator: Some(2),
        members: &["<app:2>", "<user:8>", "<user:9>", "<user:10>"],
        ..PLAIN
    },
    Start {
        mode: "topic",
        name: "t",
        owner: Some("<user:1>"),
        members: &["<app:0>", "<user:0>", "<user:1>"],
        ..PLAIN
    },
    Start { mode: "p2p", name: "", members: &["<app:0>", "<user:2>"], ..PLAIN },
    Start {
        external: true,
        name: "e",
        description: "d",
        owner: Some("<app:0>"),
        members: &["<app:0>", "<user:0>", "<user:1>"],
        ..PLAIN
    },
    Start {
        chat_type: "public",
        name: "Town square",
        owner: Some("<user:0>"),
        creator: Some(1),
        members: &["<app:0>", "<app:1>", "<user:0>"],
        ..PLAIN
    },
    Start { owner: Some("<user:2>"), members: &["<user:1>", "<user:2>"], ..PLAIN },
    Start {
        name: "two bots",
        approval: true,
        owner: Some("<app:1>"),
        creator: Some(1),
        members: &["<app:0>", "<app:1>", "<user:0>", "<user:1>", "<user:3>"],
        ..PLAIN
    },
    Start {
        tenant: 1,
        chat_type: "public",
        name: "Town square",
        owner: Some("<app:2>"),
        approval: true,
        members: &["<app:2>", "<user:8>"],
        ..PLAIN
    },
];

/// An operation, its number, which it keeps when others are left out, and the milliseconds before it.
#[derive(Debug, Clone)]
struct Step {
    number: usize,
    pause: i64,
    op: Op,
}

/// Answers by operation: successes and refusals; and by code.
#[derive(Debug, Default)]
struct Counts {
    operations: BTreeMap<String, (u32, u32)>,
    codes: BTreeMap<u32, u32>,
}

impl Counts {
    fn note(&mut self, op: &Op, code: u32) {
        let (done, refused) = self.operations.entry(op.name()).or_default();
        *if code == 0 { done } else { refused } += 1;
        *self.codes.entry(code).or_default() += 1;
    }

    /// A generator with only refusals, or without any of a kind, tests nothing.
    fn assert_enough(&self) {
        let rare = self.operations.iter().filter(|(name, (done, refused))| {
            *done < AT_LEAST.0 || (*refused < AT_LEAST.1 && !PREPARING.contains(&name.as_str()))
        });
        let rare: Vec<_> = rare.collect();
        assert!(rare.is_empty(), "too rare: {rare:?}");
        assert_eq!(self.operations.len(), OPERATIONS, "an operation is never drawn: {self:?}");
        let missing: Vec<&u32> = CODES.iter().filter(|code| !self.codes.contains_key(code)).collect();
        assert!(missing.is_empty(), "never met: {missing:?} of {self:?}");
    }
}

/// For a step with an unexpected answer: its index, and the difference.
type Outcome = Result<(), (usize, String)>;

/// Runs steps until one has an unexpected answer.
async fn replay(driver: Arc<dyn Driver>, steps: &[Step]) -> Outcome {
    let (mut real, mut model) = Real::open(driver).await;
    for (place, step) in steps.iter().enumerate() {
        pause(&mut real, step.pause).await;
        model.now += step.pause;
        let expected = model.apply(step.number, &step.op);
        real.check(&step.op, &expected).await.map_err(|why| (place, why))?;
        real.learn_of(step, &expected, &model).await;
    }
    Ok(())
}

async fn pause(real: &mut Real, milliseconds: i64) {
    real.clock.advance(milliseconds);
    if milliseconds > 1000 {
        // The tokens have expired.
        real.sign_in().await;
    }
}

/// Draws a sequence. Only the model runs it: its answers decide what is drawn next.
fn drawn(random: &mut Random, counts: &mut Counts) -> Vec<Step> {
    let mut model = larkspur_testkit::model::Model::new(EPOCH, CHAT_USERS, &APPS, &USERS);
    for (number, start) in STARTS.iter().enumerate() {
        model.start_with(number, start);
    }
    model.document("<user:0>", &["<app:0>"]);
    model.document("<user:1>", &["<chat:6>"]);
    let mut steps = Vec::with_capacity(STEPS);
    for number in STARTS.len()..STARTS.len() + STEPS {
        // Often the same millisecond; occasionally half a day, after which uuids may be reused.
        let pauses = [0, 0, 1, 3, 0, 12 * 3600 * 1000 * i64::from(random.below(40) == 0)];
        let pause = pauses[usize::try_from(random.below(6)).expect("an index")];
        model.now += pause;
        let op = Draw { random, model: &model, careful: true }.op();
        counts.note(&op, model.apply(number, &op).code);
        steps.push(Step { number, pause, op });
    }
    steps
}

/// The shortest failing part of a failing sequence, and how it fails.
async fn shrunk(
    mut steps: Vec<Step>,
    mut why: String,
    run: &impl AsyncFn(&[Step]) -> Outcome,
) -> (Vec<Step>, String) {
    let mut size = steps.len() / 2;
    while size > 0 {
        let (mut at, mut shorter) = (0, false);
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            match run(&fewer).await {
                Ok(()) => at += size,
                Err((place, how)) => {
                    fewer.truncate(place + 1);
                    (steps, why, shorter) = (fewer, how, true);
                }
            }
        }
        if size > 1 || !shorter {
            size /= 2;
        }
    }
    (steps, why)
}

/// Runs a sequence; every answer must be as expected.
async fn sequence(steps: &[Step], run: impl AsyncFn(&[Step]) -> Outcome) {
    let Err((place, why)) = run(steps).await else { return };
    println!("step {place} of {}: {why}\nmade shorter:", steps.len());
    let end = steps.len().min(place + 1);
    let (least, how) = shrunk(steps[..end].to_vec(), why.clone(), &run).await;
    let shown: Vec<String> =
        least.iter().map(|step| format!("{:>4} +{} ms {:?}", step.number, step.pause, step.op)).collect();
    panic!("{}\n{how}\n(at first: {why})", shown.join("\n"));
}

/// The number of sequences: the default, or that of the environment variable `TEST_SEQUENCES`.
#[expect(clippy::disallowed_methods, reason = "a long run may draw more of them")]
fn asked_for(some: u64) -> u64 {
    let Ok(text) = std::env::var("TEST_SEQUENCES") else { return some };
    text.parse().unwrap_or_else(|_| panic!("TEST_SEQUENCES is {text:?}, which is no number"))
}

/// On a store with one connection, every unit runs on it; on a racing store, units share commits, readers are used, and
/// the read model answers. A PostgreSQL store is always a racing one, and gets a part of the sequences.
///
/// The first sequences are always the same, so that their results can be counted; the others are new.
#[tokio::test]
async fn the_product_does_what_the_model_says() {
    let mut counts = Counts::default();
    let mut random = Random::seeded("differential");
    let shared = empty_store().await.is_shared();
    for number in 0..asked_for(SEQUENCES).max(COUNTED) {
        println!("sequence {number}");
        let seed = if number < COUNTED { number } else { random.number() };
        let steps = drawn(&mut Random::from(seed), &mut counts);
        if !shared {
            sequence(&steps, async |steps| replay(empty_store().await, steps).await).await;
        }
        if number == COUNTED - 1 {
            counts.assert_enough();
        }
        if number % 4 > 0 {
            continue;
        }
        let raced_for = async |steps: &[Step]| {
            let directory = tempfile::tempdir().expect("a directory");
            replay(racing_store(directory.path()).await, steps).await
        };
        sequence(&steps, raced_for).await;
    }
    println!("{counts:?}");
}

/// The number of operations.
const OPERATIONS: usize = 48;
/// Operations that only prepare the state.
const PREPARING: &[&str] = &["SetApp", "SetChat", "SetMember", "DropMember", "DeleteImage", "Upload"];
/// Every code of the model.
const CODES: &[u32] = &[
    0, 230001, 230002, 230006, 230011, 230013, 230026, 230027, 230046, 230071, 230110, 231001, 231002,
    231003, 231007, 231010, 231011, 232001, 232002, 232003, 232006, 232007, 232008, 232009, 232010, 232011,
    232012, 232013, 232014, 232016, 232017, 232018, 232020, 232021, 232022, 232024, 232025, 232026, 232027,
    232029, 232030, 232033, 232038, 232041, 232042, 232043, 232044, 232046, 232047, 232048, 232049, 232050,
    232051, 232055, 232056, 232066, 232069, 232070, 232071, 232072, 232075, 232076, 232078, 232079, 232090,
    232097, 234007, 5275400, 5275404, 99991668, 99992351, 99992354, 99992360, 99992361, 99992363, 99992364,
];
