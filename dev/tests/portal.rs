//! The portal's files, as browsers get them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use dev::{Portal, PortalConfig};
use platform::Tasks;
use reqwest::Response;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A portal that was built, served.
struct Served {
    address: SocketAddr,
    _folder: TempDir,
    _tasks: Tasks,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        fs::create_dir_all(dist.join("assets")).unwrap();
        for (name, content) in [
            ("dist/index.html", "<title>Vigie</title>"),
            ("dist/config.json", "{}"),
            ("dist/assets/main-1a2b3c4d.js", "export {};"),
            ("secret", "nobody's business"),
        ] {
            fs::write(folder.path().join(name), content).unwrap();
        }
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let config = PortalConfig {
            issuer: url(1),
            client_id: "vigie-portal".to_owned(),
            intake: url(2),
            qualification: url(3),
            notification: url(4),
            statistics: url(5),
        };
        let address = SocketAddr::from(([127, 0, 0, 1], testkit::free_port().unwrap()));
        let portal = Portal::bind(address, &dist, config).await.unwrap();
        let shutdown = CancellationToken::new();
        let tasks = Tasks::new(shutdown.clone());
        tasks.spawn("portal", portal.run(shutdown));
        Self {
            address,
            _folder: folder,
            _tasks: tasks,
        }
    }

    async fn get(&self, path: &str) -> Response {
        let url = format!("http://{}{path}", self.address);
        reqwest::get(url).await.unwrap()
    }

    /// The answer to a path as it is typed here, which a client would clean up.
    fn get_verbatim(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let host = self.address;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[tokio::test]
async fn what_a_browser_loads_comes_compressed_to_whoever_takes_it() {
    let portal = Served::start().await;
    for (accepted, encoding) in [(Some("br, gzip"), Some("gzip")), (None, None)] {
        let client = reqwest::Client::new();
        let mut asked = client.get(format!("http://{}/config.json", portal.address));
        if let Some(accepted) = accepted {
            asked = asked.header("accept-encoding", accepted);
        }
        let answer = asked.send().await.unwrap();
        let told = answer.headers().get("content-encoding");
        assert_eq!(told.map(|it| it.to_str().unwrap()), encoding);
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_a_page() {
    let portal = Served::start().await;
    for path in ["/", "/declarer/1", "/config.json", "/assets/missing.js"] {
        let answer = portal.get(path).await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                 font-src 'self'; connect-src 'self' http://127.0.0.1:1 http://127.0.0.1:2 \
                 http://127.0.0.1:3 http://127.0.0.1:4 http://127.0.0.1:5; \
                 form-action 'self' http://127.0.0.1:1; frame-ancestors 'none'; \
                 base-uri 'none'; require-trusted-types-for 'script'; \
                 trusted-types 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers()[name], value, "{path}");
        }
        assert!(answer.headers().contains_key("permissions-policy"));
    }
}

#[tokio::test]
async fn only_files_whose_names_change_with_their_content_are_kept_by_browsers() {
    let portal = Served::start().await;
    for (path, caching) in [
        ("/", "no-cache"),
        ("/index.html", "no-cache"),
        ("/en/reports", "no-cache"),
        ("/config.json", "no-cache"),
        (
            "/assets/main-1a2b3c4d.js",
            "public, max-age=31536000, immutable",
        ),
        ("/assets/missing.js", "no-cache"),
    ] {
        let answer = portal.get(path).await;
        assert_eq!(answer.headers()["cache-control"], caching, "{path}");
    }
}

#[tokio::test]
async fn an_address_of_the_portal_gets_its_page_and_a_missing_file_nothing() {
    let portal = Served::start().await;
    for path in ["/", "/callback?code=a&state=b", "/fr/declarer/1", "/en/"] {
        let answer = portal.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        assert_eq!(answer.text().await.unwrap(), "<title>Vigie</title>");
    }
    for path in ["/assets/missing.js", "/assets/missing", "/missing.svg"] {
        assert_eq!(portal.get(path).await.status(), 404, "{path}");
    }
    let script = portal.get("/assets/main-1a2b3c4d.js").await;
    assert_eq!(script.headers()["content-type"], "text/javascript");
}

#[tokio::test]
async fn the_configuration_is_the_suite_s_and_not_the_build_s() {
    let portal = Served::start().await;
    let config: Value = portal.get("/config.json").await.json().await.unwrap();
    let expected = json!({
        "issuer": "http://127.0.0.1:1",
        "clientId": "vigie-portal",
        "intake": "http://127.0.0.1:2",
        "qualification": "http://127.0.0.1:3",
        "notification": "http://127.0.0.1:4",
        "statistics": "http://127.0.0.1:5",
    });
    assert_eq!(config, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_folder() {
    let portal = Served::start().await;
    for path in [
        "/../secret",
        "/assets/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/assets/..%2f..%2fsecret",
        "/..\\secret",
        "//secret",
        "/%00/secret",
    ] {
        let answer = tokio::task::block_in_place(|| portal.get_verbatim(path));
        assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
        assert!(!answer.contains("nobody's business"), "{path}: {answer}");
    }
}
