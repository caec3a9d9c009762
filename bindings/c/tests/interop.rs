//! Rust, C and Python on one region at once: what one of them does, the others see.
//!
//! Each party answers the same commands: this process by the crate, agents/agent.c by the header, agents/agent.py by the Python package,
//! where the environment that the Python step makes has it.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use hostcache::{Cache, CounterOptions, Lifetime, SetOptions};
use support::{Language, Link, answers, compile, here, in_regions, regions, skipped, workspace};

/// What is done, and what must be answered. `@` stands for a key of the party's own; a batch is of that and of `@:m`.
const SCRIPT: &[(&str, &str)] = &[
    ("get @", "-"),
    ("contains @", "no"),
    ("replace @ a", "no"),
    ("cas @ a", "no"),
    ("append @ a", "-"),
    ("prepend @ a", "-"),
    ("incr @ 1", "-"),
    ("decr @ 1", "-"),
    ("touch @ 60000", "no"),
    ("gat @ 60000", "-"),
    ("mget @", "-,-"),
    ("mdel @", "0"),
    ("delete @", "no"),
    ("take @", "-"),
    ("pin @", "-"),
    ("add @ first", "yes"),
    ("add @ second", "no"),
    ("get @", "first"),
    ("set @ third", "yes"),
    ("replace @ fourth", "yes"),
    ("cas @ fifth", "yes"),
    ("append @ !", "6"),
    ("prepend @ >", "7"),
    ("pin @", ">fifth!"),
    ("ttl @", "0"),
    ("touch @ 60000", "yes"),
    ("ttl @", "1"),
    ("gat @ 60000", ">fifth!"),
    ("contains @", "yes"),
    ("take @", ">fifth!"),
    ("publish @ made", "yes"),
    ("delete @", "yes"),
    ("mset @ many", "yes"),
    ("mget @", "many,many"),
    ("bytes @", "8"),
    ("mdel @", "2"),
    ("from @ 40", "40"),
    ("from @ 40", "41"),
    ("set @ 41", "yes"),
    ("incr @ 1", "42"),
    ("decr @ 50", "0"),
    ("set @:1 x", "yes"),
    ("set @:2 y", "yes"),
    ("count @", "3"),
    ("prune @:", "2"),
    ("count @", "1"),
];

/// What every party is asked after each step of one of them: all must agree.
const LOOKS: [&str; 6] = ["get @", "token @", "ttl @", "contains @", "pin @", "count @"];

/// One of those who use the region.
trait Party {
    fn name(&self) -> &str;
    fn ask(&mut self, command: &str) -> String;
}

struct Rust(Cache);

impl Party for Rust {
    fn name(&self) -> &str {
        "rust"
    }

    fn ask(&mut self, command: &str) -> String {
        let mut words = command.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let (verb, key, value) = (word(), word(), word());
        let cache = &self.0;
        let whether = |is: bool| if is { "yes" } else { "no" }.to_owned();
        let text = |value: Option<Vec<u8>>| {
            value.map_or("-".to_owned(), |bytes| String::from_utf8(bytes).expect("text"))
        };
        let number = |number: Option<u64>| number.map_or("-".to_owned(), |n| n.to_string());
        let len = |len: Option<usize>| number(len.map(|len| len as u64));
        let by = || value.parse().expect("a number");
        let info = cache.item_info(key);
        match verb {
            "get" => text(cache.get(key)),
            "set" => whether(cache.set(key, value).is_ok()),
            "add" => whether(cache.add(key, value).expect("sound")),
            "replace" => whether(cache.replace(key, value).expect("sound")),
            "cas" => whether(info.is_some_and(|info| {
                let swapped = cache.compare_and_swap(key, value, info.cas_token);
                swapped.expect("sound").is_stored()
            })),
            "token" => number(info.map(|info| info.cas_token.0)),
            "append" => len(cache.append(key, value).expect("sound")),
            "prepend" => len(cache.prepend(key, value).expect("sound")),
            "incr" => number(cache.increment(key, by()).expect("sound")),
            "decr" => number(cache.decrement(key, by()).expect("sound")),
            "touch" => {
                let lifetime = Lifetime::Ttl(Duration::from_millis(by()));
                whether(cache.touch(key, lifetime).expect("sound"))
            }
            "gat" => {
                let lifetime = Lifetime::Ttl(Duration::from_millis(by()));
                text(cache.get_and_touch(key, lifetime).expect("sound"))
            }
            "from" => {
                let options = CounterOptions::new().initial(by());
                number(cache.increment_with(key, 1, &options).expect("sound"))
            }
            "mset" => {
                let set = cache.set_many(&[(key, value), (&format!("{key}:m"), value)]);
                whether(set.iter().all(Result::is_ok))
            }
            "mget" => cache
                .get_many(&[key, &format!("{key}:m")])
                .into_iter()
                .map(text)
                .collect::<Vec<_>>()
                .join(","),
            "mdel" => {
                let deleted = cache.delete_many(&[key, &format!("{key}:m")]);
                deleted
                    .into_iter()
                    .filter(|gone| *gone.as_ref().expect("sound"))
                    .count()
                    .to_string()
            }
            "bytes" => {
                let items = cache.items().prefix(key);
                items.map(|(_, item)| item.value.len()).sum::<usize>().to_string()
            }
            "ttl" => number(info.map(|info| u64::from(info.ttl.is_some()))),
            "contains" => whether(cache.contains(key)),
            "delete" => whether(cache.delete(key).expect("sound")),
            "take" => text(cache.take(key).expect("sound")),
            "pin" => text(cache.pin(key).expect("sound").map(|pin| pin.to_vec())),
            "publish" => {
                let reserved = cache.reserve(key, value.len(), &SetOptions::new());
                let mut reserved = reserved.expect("room");
                reserved.write_all(value.as_bytes()).expect("room");
                whether(reserved.publish().expect("sound").is_stored())
            }
            "count" => cache.keys().prefix(key).count().to_string(),
            "prune" => cache.delete_prefix(key).expect("sound").to_string(),
            "clear" => whether(cache.clear().is_ok()),
            unknown => panic!("unknown command {unknown:?}"),
        }
    }
}

/// A process that reads commands and writes answers.
struct Agent {
    name: &'static str,
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Agent {
    fn start(name: &'static str, command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("an agent");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { name, child, commands, answers }
    }
}

impl Party for Agent {
    fn name(&self) -> &str {
        self.name
    }

    fn ask(&mut self, command: &str) -> String {
        writeln!(self.commands.as_mut().expect("a pipe"), "{command}").expect("the agent listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the agent answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Agent {
    /// An agent ends with its commands.
    fn drop(&mut self) {
        drop(self.commands.take());
        let status = self.child.wait().expect("the agent ends");
        assert!(status.success() || std::thread::panicking(), "{}: {status}", self.name);
    }
}

/// The Python package's agent, where it is installed.
fn python(regions: &Path) -> Option<Agent> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let interpreter = workspace().join(target).join("python-venv/bin/python");
    let leg = "the Python leg of the interop test";
    if !workspace().join("python/pyproject.toml").exists() {
        skipped(leg, "there is no python/pyproject.toml");
        return None;
    }
    if !answers(&interpreter.to_string_lossy(), &["-c", "import hostcache"]) {
        skipped(leg, "target/python-venv has no hostcache (cargo xtask test python makes it)");
        return None;
    }
    let mut command = Command::new(interpreter);
    command
        .arg("-B")
        .arg(here("tests/agents/agent.py"))
        .arg("interop")
        .env("HOSTCACHE_DIR", regions);
    Some(Agent::start("python", &mut command))
}

#[test]
fn what_one_language_does_the_others_see() {
    let regions = regions();
    let builder = Cache::builder("interop").directory(regions.path()).capacity(4 << 20);
    let cache = builder.create().expect("a region");
    let agent = compile("tests/agents/agent.c", Language::C("c99"), Link::Shared, &["-O1", "-g"]);
    let mut c = in_regions(&agent, regions.path());
    let mut parties: Vec<Box<dyn Party>> =
        vec![Box::new(Rust(cache.clone())), Box::new(Agent::start("c", c.arg("interop")))];
    parties.extend(python(regions.path()).map(|agent| Box::new(agent) as Box<dyn Party>));

    // Each does all of it on a key of its own, and all on one key take turns.
    let count = parties.len();
    for doer in 0..=count {
        let key =
            parties.get(doer).map_or("shared".to_owned(), |party| format!("of-{}", party.name()));
        for (step, (command, expected)) in SCRIPT.iter().enumerate() {
            let party = &mut parties[if doer < count { doer } else { step % count }];
            let answer = party.ask(&command.replace('@', &key));
            assert_eq!(answer, *expected, "{}: {command}", party.name());
            for look in LOOKS {
                let ask = |party: &mut Box<dyn Party>| party.ask(&look.replace('@', &key));
                let seen: Vec<String> = parties.iter_mut().map(ask).collect();
                let agree = seen.iter().all(|answer| *answer == seen[0]);
                assert!(agree, "after {command}, {look}: {seen:?}");
            }
        }
    }
    assert_eq!(cache.keys().count(), count + 1);
    assert_eq!(parties[1].ask("clear"), "yes");
    for party in &mut parties {
        assert_eq!(party.ask("count of-"), "0", "{}", party.name());
    }
    drop(parties);
    assert!(cache.check().is_sound());
}
