//! `man` and `completions`: what packagers install.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use crate::support::Host;

/// The verbs of the help text.
fn verbs(host: &Host) -> BTreeSet<String> {
    let help = host.run(["--help"]).text();
    let commands = help.split("Commands:\n").nth(1).expect("a list of verbs");
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let verbs = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    verbs.filter(|verb| !verb.is_empty() && *verb != "help").map(str::to_owned).collect()
}

#[test]
fn every_verb_has_a_manual_page() {
    let host = Host::new();
    let dir = host.directory().join("man/man1");
    let dir_name = dir.to_str().expect("UTF-8");
    host.run(["man", "--dir", dir_name]).done_silently();
    let pages: BTreeSet<String> = fs::read_dir(&dir)
        .expect("the pages")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    let mut expected: BTreeSet<String> =
        verbs(&host).iter().map(|verb| format!("hostcache-{verb}.1")).collect();
    assert!(expected.len() > 20, "{expected:?}");
    expected.insert("hostcache.1".to_owned());
    assert_eq!(pages, expected);
    let serve = fs::read_to_string(dir.join("hostcache-serve.1")).expect("a page");
    for words in
        [".SH NAME", "hostcache\\-serve", "\\-\\-settings", ".SH EXAMPLE\n.nf\n  hostcache serve"]
    {
        assert!(serve.contains(words), "{words}");
    }
    for page in &pages {
        let text = fs::read_to_string(dir.join(page)).expect("a page");
        let has = |words: &str| text.contains(words);
        assert!(has(".SH EXAMPLE\n.nf\n  hostcache") && has("\n.fi\n"), "{page}: {text}");
        assert!(!has("EXTRA") && !has("Example:"), "{page}: {text}");
    }
    let whole = host.run(["man"]).text();
    assert_eq!(whole, fs::read_to_string(dir.join("hostcache.1")).expect("a page"));
    assert!(
        whole.contains("\n.SH NOTES\nExit codes:") && whole.contains("\n.fi\n.SH VERSION"),
        "{whole}"
    );
    assert!(whole.contains("hostcache\\-serve(1)") && !whole.contains("demo\\-worker"), "{whole}");
    let written = host.json(&format!("man --dir {dir_name}"));
    assert_eq!(written["pages"].as_array().map(Vec::len), Some(pages.len()));
    let text = host.run(["man", "--dir", "/dev/null/man"]).error();
    assert!(text.contains("can't write /dev/null/man"), "{text}");
}

#[test]
fn every_shell_gets_a_script_with_every_verb() {
    let host = Host::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = host.run(["completions", shell]).text();
        for verb in verbs(&host) {
            assert!(script.contains(&verb), "{verb} for {shell}");
        }
        assert!(!script.contains("demo-worker"), "hidden verbs are hidden: {shell}");
    }
    let text = host.run(["completions", "sh"]).error();
    assert!(text.contains("possible values: bash"), "{text}");
}

#[test]
fn bash_completes_verbs_and_options() {
    let host = Host::new();
    let script = host.run(["completions", "bash"]).text();
    let ask = "source /dev/stdin; COMP_WORDS=(hostcache ser); COMP_CWORD=1; \
               _hostcache hostcache ser hostcache; echo \"${COMPREPLY[@]}\"; \
               COMP_WORDS=(hostcache serve x --sett); COMP_CWORD=3; \
               _hostcache hostcache --sett x; echo \"${COMPREPLY[@]}\"";
    let mut command = Command::new("bash");
    let child = command.args(["-c", ask]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("skipped: bash is not installed, its completions are not tried");
        return;
    };
    let mut stdin = child.stdin.take().expect("stdin is piped");
    std::io::Write::write_all(&mut stdin, script.as_bytes()).expect("bash reads");
    drop(stdin);
    let answer = child.wait_with_output().expect("bash ends");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "serve\n--settings\n");
}
