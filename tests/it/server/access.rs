//! Keys, and the pages of other people.

use super::{Reply, Served, encoded, start};
use kenning::ErrorKind;

const ASK: &str = "/sparql?query=ASK%20%7B%7D";

/// Settings with keys. Two variables that every process has serve as such, for a test should not set any.
const KEYS: [(&str, &str); 2] = [
    ("serve.read_key_env", "HOME"),
    ("serve.write_key_env", "PATH"),
];

fn insert(served: &Served, headers: &[(&str, &str)]) -> Reply {
    let kind = [("content-type", "application/sparql-update")];
    let text = "INSERT DATA { <urn:a> <urn:p> 1 }";
    served.send("POST", "/update", &[&kind, headers].concat(), text)
}

#[test]
fn nobody_writes_without_a_key_or_leave() {
    let served = Served::of(&[]);
    assert_eq!(served.get(ASK).status, 200);
    let reply = insert(&served, &[]);
    assert!(
        reply.json()["hint"]
            .as_str()
            .unwrap()
            .contains("--allow-updates")
    );
    reply.problem(403);
    let turtle = [("content-type", "text/turtle")];
    served
        .send("PUT", "/store?graph=urn:g", &turtle, "<urn:a> <urn:p> 1 .")
        .problem(403);
    served
        .send("DELETE", "/store?graph=urn:g", &[], "")
        .problem(403);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let update = format!("update={}", encoded("CLEAR ALL"));
    served.send("POST", "/sparql", &form, &update).problem(403);
}

#[test]
fn keys_open_what_they_should() {
    let served = Served::of(&KEYS);
    let bearer = |name| format!("Bearer {}", std::env::var(name).unwrap());
    let (read, write) = (bearer("HOME"), bearer("PATH").replace("Bearer", "bearer"));
    let wrong = format!("{read}x");
    let read = [("authorization", read.as_str())];
    let write = [("authorization", write.as_str())];
    let wrong = [("authorization", wrong.as_str())];
    let basic = [("authorization", "Basic bWF5LXJlYWQ=")];
    let status =
        |path: &str, headers: &[(&str, &str)]| served.send("GET", path, headers, "").status;
    for (path, none, reads, writes) in [
        (ASK, 401, 200, 200),
        ("/sparql", 401, 200, 200),
        ("/store?default", 401, 200, 200),
        ("/metrics", 401, 200, 200),
        ("/.well-known/void", 401, 200, 200),
        ("/queries", 401, 403, 200),
        ("/health", 200, 200, 200),
        ("/", 200, 200, 200),
    ] {
        assert_eq!(status(path, &[]), none, "{path}");
        assert_eq!(status(path, &read), reads, "{path}");
        assert_eq!(status(path, &write), writes, "{path}");
        assert_eq!(status(path, &wrong), none, "{path}");
        assert_eq!(status(path, &basic), none, "{path}");
    }
    assert_eq!(insert(&served, &[]).status, 401);
    assert_eq!(insert(&served, &wrong).status, 401);
    assert_eq!(insert(&served, &read).status, 403);
    assert_eq!(insert(&served, &write).status, 200);
    let challenge = served.get(ASK);
    assert!(challenge.header("www-authenticate").starts_with("Bearer"));
    assert_eq!(served.send("DELETE", "/queries/1", &read, "").status, 403);
    assert_eq!(served.send("DELETE", "/queries/1", &write, "").status, 404);
}

#[test]
fn pages_of_others_reach_nothing_that_no_key_protects() {
    let served = Served::new(&[]);
    insert(&served, &[("origin", "https://evil.example")]).problem(403);
    insert(
        &served,
        &[("host", "evil.example"), ("origin", "http://evil.example")],
    )
    .problem(421);
    served
        .send("GET", ASK, &[("host", "evil.example:7878")], "")
        .problem(421);
    let own = served.url("");
    assert_eq!(insert(&served, &[("origin", &own)]).status, 200);
    assert_eq!(
        served.send("GET", ASK, &[("host", "localhost")], "").status,
        200
    );
    assert_eq!(
        served.send("GET", ASK, &[("host", "[::1]:80")], "").status,
        200
    );
}

#[test]
fn origins_are_allowed_by_name_only() {
    let allow = "access-control-allow-origin";
    let origin = [("origin", "https://films.example")];
    let served = Served::new(&[]);
    assert_eq!(served.send("GET", ASK, &origin, "").header(allow), "");
    let served = Served::new(&[("serve.cors", "https://films.example, https://b.example")]);
    let allowed = served.send("GET", ASK, &origin, "");
    assert_eq!(allowed.header(allow), "https://films.example");
    let other = served.send("GET", ASK, &[("origin", "https://evil.example")], "");
    assert_eq!(other.header(allow), "");
    let ask = [
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let preflight = served.send("OPTIONS", "/update", &[&origin[..], &ask].concat(), "");
    assert_eq!(preflight.header(allow), "https://films.example");
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    assert_eq!(insert(&served, &origin).status, 200);
}

#[test]
fn settings_that_would_open_too_much_are_refused() {
    let served = Served::of(&[]);
    let error = |settings: &[(&'static str, &str)]| start(&served.root, settings).err().unwrap();
    let everybody = error(&[("serve.bind", "0.0.0.0:0"), ("serve.allow_updates", "true")]);
    assert_eq!(everybody.kind(), ErrorKind::Usage);
    assert!(
        everybody
            .next_step()
            .unwrap()
            .contains("serve.write_key_env")
    );
    let keyless = error(&[("serve.write_key_env", "SERVED_NO_KEY")]);
    assert_eq!(
        keyless.to_string(),
        "serve.write_key_env: the variable `SERVED_NO_KEY` holds no key"
    );
    assert_eq!(error(&[("serve.bind", "nowhere")]).kind(), ErrorKind::Usage);
    let taken = served.server.address().to_string();
    assert_eq!(error(&[("serve.bind", &taken)]).kind(), ErrorKind::Io);
}
