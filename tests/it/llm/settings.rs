use kenning::ErrorKind;
use kenning::config::Format;
use kenning::llm::{Settings, open};

fn parse(text: &str) -> Result<Settings, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn settings_name_a_model() {
    assert!(parse("kind = \"none\"").unwrap().is_none());
    assert!(matches!(
        parse("kind = \"local\"\npath = \"m.gguf\"").unwrap(),
        Settings::Local(_)
    ));
    assert!(matches!(
        parse("kind = \"replay\"\npath = \"r.jsonl\"").unwrap(),
        Settings::Replay(_)
    ));
    let Settings::Remote(remote) =
        parse("kind = \"remote\"\nurl = \"http://x/v1\"\nmodel = \"m\"").unwrap()
    else {
        panic!("another kind");
    };
    assert_eq!(
        (remote.retries, remote.format, remote.key_env),
        (3, Format::Text, None)
    );
}

#[test]
fn settings_that_nobody_knows_are_refused() {
    for text in [
        "",
        "kind = \"oracle\"",
        "kind = \"none\"\npath = \"m.gguf\"",
        "kind = \"local\"\npaht = \"m.gguf\"",
        "kind = \"remote\"\nurl = \"http://x/v1\"",
        "kind = \"remote\"\nurl = \"http://x/v1\"\nmodel = \"m\"\nkey = \"secret\"",
        "kind = \"replay\"",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_cannot_be_opened_says_why() {
    for (text, kind) in [
        ("kind = \"none\"", ErrorKind::Unavailable),
        (
            "kind = \"local\"\npath = \"no-such.gguf\"",
            ErrorKind::NotFound,
        ),
        ("kind = \"local\"\nmodel = \"no-such\"", ErrorKind::NotFound),
        (
            "kind = \"replay\"\npath = \"no-such.jsonl\"",
            ErrorKind::NotFound,
        ),
        (
            "kind = \"remote\"\nurl = \"ftp://x\"\nmodel = \"m\"",
            ErrorKind::Usage,
        ),
        (
            "kind = \"remote\"\nurl = \"http://u:p@x\"\nmodel = \"m\"",
            ErrorKind::Usage,
        ),
        (
            "kind = \"remote\"\nurl = \"http://x\"\nmodel = \"m\"\ntimeout_seconds = nan",
            ErrorKind::Usage,
        ),
        (
            "kind = \"remote\"\nurl = \"http://x\"\nmodel = \"m\"\nkey_env = \"KENNING_NO_SUCH_KEY\"",
            ErrorKind::Usage,
        ),
        (
            "kind = \"remote\"\nurl = \"http://x\"\nmodel = \"m\"\nkey_file = \"no-such\"",
            ErrorKind::NotFound,
        ),
    ] {
        let error = open(&parse(text).unwrap()).err().unwrap();
        assert_eq!(error.kind(), kind, "{text}: {error:?}");
    }
}
