//! Parts of a cluster that show certificates, and whoever has none.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rutile_kv_env::Env;

use crate::process::{BINARY, Process};

const LOOK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);

/// An authority and a certificate of it; the flags that name them.
fn certificates(directory: &Path) -> Vec<String> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signs");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]);
    let certificate = params.expect("names").signed_by(&key, &authority).expect("signs");
    let files =
        [("cacert", authority.as_ref().pem()), ("cert", certificate.pem()), ("key", key.serialize_pem())];
    let flags = files.into_iter().flat_map(|(name, pem)| {
        let path = directory.join(name).with_extension("pem");
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(pem.as_bytes()).expect("writes");
        [format!("--{name}"), path.display().to_string()]
    });
    flags.collect()
}

fn rutile(words: &[&str], flags: &[String]) -> Output {
    Command::new(BINARY).args(words).args(flags).output().expect("runs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_with_certificates_lets_nobody_else_in() {
    let directory = tempfile::tempdir().expect("a directory");
    let env = Env::real();
    let own = certificates(directory.path());
    let pd = Process::start(directory.path(), "pd", "0", &own);
    let of_store = [own.clone(), vec!["--pd".to_owned(), pd.address.clone()]].concat();
    let store = Process::start(directory.path(), "kv1", "0", &of_store);

    let ask = ["pd", "--pd", &pd.address, "--json", "store"];
    let started = env.clock.now();
    loop {
        let answer = rutile(&ask, &own);
        if String::from_utf8_lossy(&answer.stdout).contains("\"Up\"") {
            break;
        }
        assert!(env.clock.now().saturating_since(started) < PATIENCE, "the store does not come: {answer:?}");
        env.clock.sleep(LOOK).await;
    }
    // New ones in the same files: read again when told to, and nothing stops meanwhile.
    assert_eq!(certificates(directory.path()), own);
    assert!(!rutile(&ask, &own).status.success(), "nobody knows the new authority yet");
    pd.signal("HUP");
    store.signal("HUP");
    let started = env.clock.now();
    while !String::from_utf8_lossy(&rutile(&ask, &own).stdout).contains("\"Up\"") {
        assert!(env.clock.now().saturating_since(started) < PATIENCE, "the new certificates are not used");
        env.clock.sleep(LOOK).await;
    }
    let members = rutile(&["pd", "--pd", &pd.address, "--json", "member"], &own);
    let shown = String::from_utf8_lossy(&members.stdout);
    assert!(shown.contains(&format!("https://{}", pd.address)), "{members:?}");

    let without = rutile(&ask, &[]);
    assert_eq!((without.status.code(), without.stdout.is_empty()), (Some(1), true), "{without:?}");
    let foreign = tempfile::tempdir().expect("a directory");
    let with_others = rutile(&ask, &certificates(foreign.path()));
    assert_eq!(
        (with_others.status.code(), with_others.stdout.is_empty()),
        (Some(1), true),
        "{with_others:?}"
    );
}

#[test]
fn a_port_that_others_can_reach_needs_certificates() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data").display().to_string();
    for role in ["pd", "kv"] {
        let start = [
            "start",
            role,
            "--host",
            "0.0.0.0",
            "--advertise",
            "10.1.2.3:1",
            "--port",
            "0",
            "--data-dir",
            &data,
        ];
        let refused = rutile(&start, &[]);
        assert!(!refused.status.success());
        let problem = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(problem.contains("refusing to listen on 0.0.0.0"), "{problem}");
        assert!(!Path::new(&data).exists(), "nothing is made");
    }
    let half = rutile(&["start", "kv", "--cacert", "/nowhere/ca.pem"], &[]);
    assert!(!half.status.success(), "the three files belong together");
}
