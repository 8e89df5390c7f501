//! Folders at addresses, from the command line to `run.json`.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Asked, Fault, PAGE, Server};
use crate::support::{Ended, Folder, Tiff, fosse};

/// Bytes of an image: more than are asked for its header.
const LENGTH: usize = 600_000;

/// Three dates, the second with a trench, as `images/` here and as a list at an address.
fn order(faults: impl Fn(&Asked) -> Fault + Send + Sync + 'static) -> (Folder, Server) {
    let folder = Folder::with_pair();
    folder.image("2024-08-19", Tiff { dug: true, ..Tiff::default() });
    let mut files =
        vec![("/order/list.txt".to_owned(), b"2024-08-05.tif\n2024-08-12.tif\n2024-08-19.tif\n".to_vec())];
    for name in ["2024-08-05", "2024-08-12", "2024-08-19"] {
        let mut bytes = fs::read(folder.path(&format!("images/{name}.tif"))).unwrap();
        // What follows the last tile is nobody's.
        bytes.resize(LENGTH, 0);
        folder.write(&format!("images/{name}.tif"), &bytes);
        files.push((format!("/order/{name}.tif"), bytes));
    }
    (folder, Server::new(files, faults))
}

/// `fosse` with a cache of its own.
fn command(folder: &Folder, args: &[&str]) -> Command {
    let mut command = Command::new(fosse());
    command.args(args).current_dir(folder.path("")).env("FOSSE_CACHE", folder.path("cache"));
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    command
}

fn survey<'a>(address: &'a str, out: &'a str) -> Vec<&'a str> {
    vec!["survey", address, "--front", "front.geojson", "--out", out, "--threads", "1", "--no-chips"]
}

/// A range of a whole image.
fn is_body(a: &Asked) -> bool {
    a.path.ends_with(".tif") && a.range.is_some_and(|(first, last)| last - first > 200_000)
}

#[test]
fn images_come_while_others_are_compared_and_the_result_is_that_of_a_folder() {
    let (folder, server) = order(|a| match is_body(a) {
        true if a.path.contains("08-19") => Fault::Drip(20_000, Duration::from_millis(120)),
        true => Fault::Drip(200_000, Duration::from_millis(20)),
        false => Fault::None,
    });
    let address = server.url("/order/list.txt");
    let ended = Ended::of(&command(&folder, &survey(&address, "out")).output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let run = folder.run();
    let pairs = run["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 2);
    let span = |pair: usize, what: &str| {
        let span = &pairs[pair][what];
        (span["start"].as_f64().unwrap(), span["end"].as_f64().unwrap())
    };
    let (fetched, compared) = (span(1, "fetched"), span(0, "compared"));
    let both = fetched.1.min(compared.1) - fetched.0.max(compared.0);
    assert!(both > 0.0, "the second pair came in {fetched:?} s, the first was compared in {compared:?}");
    assert!(span(0, "fetched").1 <= compared.0);
    let bytes: u64 = pairs.iter().map(|p| p["fetched"]["bytes"].as_u64().unwrap()).sum();
    // The image that both pairs need comes once.
    assert!((3 * LENGTH..3 * LENGTH + 100_000).contains(&(bytes as usize)), "{bytes}");
    let path = run["captures"][0]["path"].as_str().unwrap();
    assert_eq!(path, server.url("/order/2024-08-05.tif"));
    assert_eq!(run["options"]["folder"], address.as_str());

    let local = Ended::of(&command(&folder, &survey("images", "local")).output().unwrap());
    assert_eq!(local.code, Some(0), "{local:?}");
    let text = |out: &str| fs::read_to_string(folder.path(&format!("{out}/earthworks.geojson"))).unwrap();
    assert_eq!(text("out"), text("local"));
}

#[test]
fn an_image_that_cannot_be_had_costs_its_pairs_alone() {
    let (folder, server) = order(|a| match is_body(a) && a.path.contains("08-19") {
        true => Fault::Status(403),
        false => Fault::None,
    });
    let address = server.url("/order/list.txt");
    let ended = Ended::of(&command(&folder, &survey(&address, "out")).output().unwrap());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let want =
        format!("{} cannot be read: access is denied (403 Denied)", server.url("/order/2024-08-19.tif"));
    assert!(ended.stderr.contains(&want), "{ended:?}");
    assert!(!ended.stderr.contains("cache"), "{ended:?}");
    assert_eq!(folder.run()["pairs"][0]["status"], "done");
}

#[cfg(unix)]
#[test]
fn an_interruption_keeps_what_came() {
    let (folder, server) = order(|a| {
        if is_body(a) && a.before < 3 { Fault::Drip(20_000, Duration::from_millis(150)) } else { Fault::None }
    });
    let address = server.url("/order/list.txt");
    let child = command(&folder, &survey(&address, "out"))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let clock = Instant::now();
    while !server.log().iter().any(|(a, _)| is_body(a)) {
        assert!(clock.elapsed() < Duration::from_secs(60), "nothing was asked for");
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let clock = Instant::now();
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
    assert!(ended.stderr.contains("--resume"), "{ended:?}");
    let mut args = survey(&address, "out");
    args.push("--resume");
    let ended = Ended::of(&command(&folder, &args).output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(folder.run()["counts"]["pairs_done"], 2);
}

#[test]
fn a_bucket_is_listed_with_the_credentials_of_the_environment_which_appear_nowhere() {
    let (folder, _) = order(|_| Fault::None);
    let file = |name: &str| {
        (format!("/bucket/order/{name}.tif"), fs::read(folder.path(&format!("images/{name}.tif"))).unwrap())
    };
    let files = [
        file("2024-08-05"),
        file("2024-08-12"),
        file("2024-08-19"),
        ("/bucket/other/2024-08-26.tif".to_owned(), vec![0; 10]),
    ];
    let server = Server::new(files, |a| {
        if a.headers.get("x-amz-security-token").is_some_and(|t| t == "OLDTOKEN") {
            Fault::Status(403)
        } else {
            Fault::None
        }
    });
    let with = |key: &str, args: &[&str]| {
        let mut command = command(&folder, args);
        command.env("AWS_ENDPOINT_URL", server.url("")).env("AWS_REGION", "us-east-1");
        command
            .env("AWS_ACCESS_KEY_ID", "KEYIDENTITY")
            .env("AWS_SECRET_ACCESS_KEY", "SECRETVALUE")
            .env("AWS_SESSION_TOKEN", key);
        Ended::of(&command.output().unwrap())
    };
    let ended = with("NEWTOKEN", &["inspect", "s3://bucket/order/", "--format", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let ids: Vec<&str> =
        found["captures"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["2024-08-05", "2024-08-12", "2024-08-19"]);
    assert_eq!(found["captures"][0]["path"], "s3://bucket/order/2024-08-05.tif");
    let signed =
        |a: &Asked| a.headers.get("authorization").is_some_and(|h| h.starts_with("AWS4-HMAC-SHA256"));
    assert!(server.log().iter().all(|(a, _)| signed(a)));
    assert!(
        server.log().iter().filter(|(a, _)| a.query.contains("list-type=2")).count() >= 2,
        "the list has two pages"
    );
    // The second time only the list is asked for.
    let before = server.log().len();
    with("NEWTOKEN", &["inspect", "s3://bucket/order/"]);
    assert!(server.log()[before..].iter().all(|(a, _)| a.query.contains("list-type=2")));

    let said = with("NEWTOKEN", &survey("s3://bucket/order/", "out"));
    assert_eq!(said.code, Some(0), "{said:?}");
    let refused = with("OLDTOKEN", &["inspect", "s3://bucket/order/"]);
    refused.refused(&[
        "s3://bucket/order/ cannot be read",
        "access is denied (403 Denied)",
        "AWS_ACCESS_KEY_ID",
    ]);
    let mut all = format!("{ended:?}{said:?}{refused:?}");
    for name in ["out", "cache"] {
        below(&folder.path(name), &mut all);
    }
    for secret in ["KEYIDENTITY", "SECRETVALUE", "NEWTOKEN", "OLDTOKEN", "AWS4-HMAC"] {
        assert!(!all.contains(secret), "{secret} is told");
    }
}

/// The page of a list that is asked for; `None` where it is no list.
fn page(a: &Asked) -> Option<usize> {
    let token = a.query.split('&').find_map(|p| p.strip_prefix("continuation-token=from-"));
    a.query.contains("list-type=2").then(|| token.map_or(0, |t| t.parse::<usize>().unwrap() / PAGE))
}

#[test]
fn every_page_of_a_list_is_asked_for_and_again_where_one_fails() {
    let (folder, _) = order(|_| Fault::None);
    let image = fs::read(folder.path("images/2024-08-05.tif")).unwrap();
    let days = ["2024-08-05", "2024-08-12", "2024-08-19", "2024-08-26", "2024-09-02"];
    for (scheme, credentials) in [
        (
            "s3",
            [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "SECRET"), ("AWS_REGION", "us-east-1")]
                .as_slice(),
        ),
        ("gs", &[("GOOGLE_BEARER_TOKEN", "TOKEN")]),
    ] {
        let files = days.map(|day| (format!("/bucket/order/{day}.tif"), image.clone()));
        let others =
            ["/bucket/orders/2024-01-01.tif", "/bucket/a.tif"].map(|p| (p.to_owned(), image.clone()));
        let failed = AtomicBool::new(false);
        let server = Server::new(files.into_iter().chain(others), move |a| {
            let named = a.headers.get("authorization").map(String::as_str).unwrap_or_default();
            match page(a) {
                _ if !named.starts_with("AWS4-HMAC-SHA256") && named != "Bearer TOKEN" => Fault::Status(401),
                // The second page fails once, amid what was listed already.
                Some(1) if !failed.swap(true, Ordering::Relaxed) => Fault::Status(503),
                _ => Fault::None,
            }
        });
        let address = format!("{scheme}://bucket/order/");
        let mut command = command(&folder, &["inspect", &address, "--format", "json"]);
        let plain = server.url("");
        command
            .env("AWS_ENDPOINT_URL", &plain)
            .env("GOOGLE_BASE_URL", &plain)
            .envs(credentials.iter().copied());
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.code, Some(0), "{scheme}: {ended:?}");
        let found: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
        let ids: Vec<String> = found["captures"].as_array().unwrap().iter().map(|c| text(&c["id"])).collect();
        assert_eq!(ids, days, "{scheme}");
        assert_eq!(found["skipped"].as_array().unwrap().len(), 0, "{scheme}");
        let log = server.log();
        let pages: Vec<usize> = log.iter().filter_map(|(a, _)| page(a)).collect();
        assert!(pages.ends_with(&[0, 1, 2]) && pages.contains(&1) && pages.len() > 3, "{scheme}: {pages:?}");
        let keys = log.iter().filter(|(a, _)| page(a).is_none());
        assert!(keys.map(|(a, _)| &a.path).all(|p| p.starts_with("/bucket/order/")), "{scheme}");
    }
}

/// Adds the texts of all files of a folder.
fn below(folder: &std::path::Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            below(&entry.path(), all);
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
        }
    }
}
