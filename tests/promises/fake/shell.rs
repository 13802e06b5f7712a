//! The small shell in the guests of the fakes: what it can do, it does as a shell does; the rest fails loudly.

use std::time::Duration;

use windlass::incus::Instance;
use windlass::shakenfist::Disk;
use windlass::testing::{FakeIncus, FakeKoyeb, FakeShakenFist};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn web() -> Result<(FakeIncus, Instance), Box<dyn std::error::Error>> {
    let fake = FakeIncus::start().await?;
    let web = fake.client()?.launch("web").image("busybox").await?;
    Ok((fake, web))
}

/// Status, output and errors.
async fn run(web: &Instance, script: &str) -> windlass::Result<(i32, String, String)> {
    let done = web.exec(["sh", "-c", script]).output().await?;
    Ok((done.status.code(), done.stdout_text(), done.stderr_text()))
}

async fn all(cases: &[(&str, i32, &str)]) -> Outcome {
    let (_fake, web) = web().await?;
    for (script, code, out) in cases {
        let done = run(&web, script).await?;
        assert_eq!(done, (*code, (*out).to_owned(), String::new()), "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn compound_commands() -> Outcome {
    all(&[
        ("if true; then echo a; else echo b; fi", 0, "a\n"),
        ("if false\nthen echo a\nelif test 1 -lt 2\nthen echo b\nfi", 0, "b\n"),
        ("if false; then echo a; fi; echo $?", 0, "0\n"),
        ("for i in 1 \"2 3\" 4; do echo \"<$i>\"; done", 0, "<1>\n<2 3>\n<4>\n"),
        ("i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo $i; done", 0, "1\n2\n3\n"),
        ("i=0; until [ $i -ge 2 ]; do i=$((i+1)); done; echo $i", 0, "2\n"),
        ("for i in 1 2 3 4; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done", 0, "1\n3\n"),
        (
            "for a in 1 2; do for b in 1 2; do [ $a$b = 12 ] && continue 2; echo $a$b; done; done",
            0,
            "11\n21\n22\n",
        ),
        ("for a in 1 2; do for b in 1 2; do break 2; done; done; echo $a$b", 0, "11\n"),
        ("{ echo a; echo b; } > /tmp/f; cat < /tmp/f", 0, "a\nb\n"),
        ("A=1; (A=2; cd /tmp; echo $A; pwd); echo $A; pwd", 0, "2\n/tmp\n1\n/root\n"),
        ("(exit 3); echo $?", 0, "3\n"),
        ("! true; echo $?; ! false; echo $?", 0, "1\n0\n"),
    ])
    .await
}

#[tokio::test]
async fn pipes_and_substitutions() -> Outcome {
    all(&[
        ("echo hi | cat | cat", 0, "hi\n"),
        ("false | true; echo $?; true | false; echo $?", 0, "0\n1\n"),
        ("set -o pipefail; false | true; echo $?", 0, "1\n"),
        ("printf 'a b\\nc\\n' | while read -r x y; do echo \"$y$x\"; done", 0, "ba\nc\n"),
        ("yes | head -c 3 /dev/zero | cat", 0, "\0\0\0"),
        ("yes | true; echo $?", 0, "0\n"),
        ("echo 'echo $1 from a pipe' | sh -c 'cat | sh'", 0, "from a pipe\n"),
        ("x=$(echo a; echo b); echo \"$x\"", 0, "a\nb\n"),
        ("x=$(echo a; exit 3); echo $? $x", 0, "3 a\n"),
        ("echo $(echo a  b) \"$(echo 'c  d')\" $(echo $(echo e))", 0, "a b c  d e\n"),
    ])
    .await
}

#[tokio::test]
async fn words_and_sums() -> Outcome {
    all(&[
        ("echo $((1+1)) $(( (2 + 3) * 4 % 7 )) $((7 / 2))", 0, "2 6 3\n"),
        ("n=5; echo $((n * $n - 1)); echo $((n += 2)) $n", 0, "24\n7 7\n"),
        ("x='a  b'; echo $x; echo \"$x\"", 0, "a b\na  b\n"),
        ("x='a b c'; for w in $x; do echo $w; done", 0, "a\nb\nc\n"),
        ("echo ${no:-none} ${no-} ${HOME:+set} ${#HOME}", 0, "none set 5\n"),
        ("echo ~ ~/x '~' a~", 0, "/root /root/x ~ a~\n"),
        ("e=; set -e; [ -z $e ] && echo empty", 0, "empty\n"),
        ("A=1 env > /tmp/e; A=2 sh -c 'echo $A'; B=3; sh -c 'echo -$B-'", 0, "2\n--\n"),
        ("export C=4; sh -c 'C=5; echo $C'; echo $C", 0, "5\n4\n"),
        ("sh -c 'echo $0 $1 $# \"$@\"; shift; echo $*' me 'a b' c", 0, "me a b 2 a b c\nc\n"),
        ("echo a \\\n  b", 0, "a b\n"),
    ])
    .await
}

#[tokio::test]
async fn set_e_ends_at_the_first_failure() -> Outcome {
    all(&[
        ("set -e; false; echo no", 1, ""),
        ("set -e; if false; then :; fi; false || echo on; ! true; echo end", 0, "on\nend\n"),
        ("set -e; (exit 4); echo no", 4, ""),
        ("set -e; x=$(exit 5); echo no", 5, ""),
        ("set -e; for i in 1 2; do echo $i; false; done", 1, "1\n"),
        ("set -e; true && false; echo no", 1, ""),
        ("set -e; set +e; false; echo on", 0, "on\n"),
        ("sh -ec 'false; echo no'; echo $?", 0, "1\n"),
    ])
    .await
}

#[tokio::test]
async fn scripts_in_files_are_run() -> Outcome {
    let (_fake, web) = web().await?;
    let script =
        "#!/bin/sh\n# A test.\nset -e\nfor name in \"$@\"; do\n\techo \"hello $name\"\ndone\nexit 3\n";
    web.push(script.as_bytes().to_vec()).mode(0o755).to("/root/run.sh").await?;
    let expected = (3, "hello a\nhello b c\n".to_owned());
    for command in [vec!["sh", "run.sh", "a", "b c"], vec!["/root/run.sh", "a", "b c"]] {
        let done = web.exec(command).output().await?;
        assert_eq!((done.status.code(), done.stdout_text()), expected);
    }
    let done = run(&web, "./run.sh a 'b c'; echo $?; for a in \"$@\"; do echo no; done; . ./run.sh; echo no")
        .await?;
    assert_eq!(done, (3, "hello a\nhello b c\n3\n".to_owned(), String::new()));
    let missing = run(&web, "sh none.sh").await?;
    assert_eq!((missing.0, missing.2.as_str()), (2, "sh: can't open 'none.sh': No such file or directory\n"));

    web.push(b"true\n".to_vec()).mode(0o644).to("/root/plain").await?;
    let refused = "sh: ./plain: Permission denied\n".to_owned();
    assert_eq!(run(&web, "./plain || echo $?").await?, (0, "126\n".to_owned(), refused));
    // Without a shell, nothing is written.
    let refused = web.exec(["/root/plain"]).output().await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (Some("126"), "Command not executable"));
    web.push(b"#!/usr/bin/env python3\n".to_vec()).mode(0o755).to("/root/py").await?;
    let (code, _, why) = run(&web, "./py || true").await?;
    assert!(code == 2 && why.contains("python3"), "{code} {why}");
    Ok(())
}

#[tokio::test]
async fn a_script_on_standard_input() -> Outcome {
    let (_fake, web) = web().await?;
    let script = "if true\nthen\n  echo \"a\nb\"\nfi\nfor i in 1 2\ndo echo $i; done\nexit 7\necho no\n";
    let done = web.exec(["sh"]).stdin(script).output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str()), (7, "a\nb\n1\n2\n"));
    let done = web.exec(["sh"]).stdin("if true\n").output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str()), (2, ""));
    Ok(())
}

#[tokio::test]
async fn what_it_can_not_do_fails_loudly() -> Outcome {
    let (_fake, web) = web().await?;
    for (script, named) in [
        ("case $x in a) echo a;; esac", "`case`"),
        ("f() { echo a; }; f", "functions"),
        ("cat <<END\na\nEND", "`<<`"),
        ("sleep 1 & wait", "`&`"),
        ("echo *.txt", "patterns"),
        ("[[ a = b ]]", "`[[`"),
        ("trap 'echo a' EXIT", "`trap`"),
        ("echo ${HOME%/*}", "`${HOME%"),
        ("echo $$", "`$$`"),
        ("echo `pwd`", "backquotes"),
        ("echo -e a", "`echo -e a`"),
        ("cat -n /etc/passwd", "`cat -n"),
        ("printf '%5d' 1", "`printf"),
        ("head -n 1 /root/f", "`head -n"),
        ("uname -a", "`uname -a`"),
        ("set -x", "`set -x`"),
        ("test a == b", "`test a == b`"),
        ("echo $((2 ** 3))", "`$((2 ** 3))`"),
        ("echo $((1 / 0))", "division by zero"),
        ("set -u; echo $NONE", "NONE: parameter not set"),
        ("if true; then echo a", "unexpected end"),
        ("echo a\ndone", "line 2"),
        // Neither a redirection nor `||` hides it.
        ("{ trap - EXIT; } 2>/dev/null || true", "`trap`"),
        ("(trap - EXIT) | cat || true", "`trap`"),
        ("x=$(trap - EXIT) || true", "`trap`"),
        ("sh -c 'trap - EXIT' || true", "`trap`"),
    ] {
        let (code, _, why) = run(&web, script).await?;
        assert!(code == 2 && why.starts_with("sh: ") && why.contains(named), "{script}: {code} {why}");
    }
    // Nothing has run before the end of the script is known to work.
    assert_eq!(run(&web, "echo a; case a in b) ;; esac").await?.1, "");
    // What a machine may lack is an ordinary failure.
    assert_eq!(run(&web, "echo x > /none/f || echo $?").await?.1, "1\n");
    Ok(())
}

#[tokio::test]
async fn nothing_in_a_script_hangs_the_fake_or_fills_memory() -> Outcome {
    let (_fake, web) = web().await?;
    for (script, why) in [
        ("while :; do :; done", "100000 steps"),
        ("while true; do continue; done", "100000 steps"),
        ("yes > /dev/null", "100000 steps"),
        ("yes | cat > /dev/null", "100000 steps"),
        ("yes > /tmp/f", "8 MiB"),
        ("x=aaaaaaaa; while :; do x=$x$x; done", "1 MiB"),
        (
            "i=0; x=$(printf '%s' aaaaaaaaaaaaaaaa); while :; do i=$((i+1)); eval a$i='$x$x$x$x$x$x$x$x'; done",
            "1 MiB",
        ),
        ("echo $(yes)", "1 MiB"),
        ("echo 'sh loop.sh' > loop.sh; sh loop.sh", "nested"),
        ("x='eval \"$x\"'; eval \"$x\"", "nested"),
        ("echo '. ./again' > again; . ./again", "nested"),
        ("echo 'sh forks | sh forks' > forks; sh forks", "stopped by"),
        ("exec sh -c 'exec sh -c \"while :; do :; done\"'", "100000 steps"),
    ] {
        let done = tokio::time::timeout(Duration::from_secs(60), run(&web, script)).await;
        let (code, _, told) = done.map_err(|_| script.to_owned())??;
        assert!(code == 2 && told.contains(why), "{script}: {code} {told}");
    }
    // It can be killed.
    let mut busy = web.exec(["sh", "-c", "echo up; while :; do sleep 1; done"]).spawn().await?;
    busy.next().await.ok_or("no output")??;
    busy.kill().await?;
    assert_eq!(busy.wait().await?.code(), 137);
    Ok(())
}

#[tokio::test]
async fn the_other_fakes_have_it_too() -> Outcome {
    let fake = FakeKoyeb::start().await?;
    let id = fake.add_instance("HEALTHY");
    let instance = fake.client()?.instance(id);
    let script = "echo 'echo $((1+1)); trap' > /run.sh; [ -f /run.sh ] && sh /run.sh";
    let done = instance.exec(["sh", "-c", script]).output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str()), (2, "2\n"));

    let fake = FakeShakenFist::start().await?;
    let web = fake.client()?.launch("web").disk(Disk::from_base("debian:12")).await?;
    web.until_agent_ready().await?;
    let done = web.exec(script).output().await?;
    assert_eq!((done.status.code(), done.stdout_text().as_str()), (2, "2\n"));
    Ok(())
}
