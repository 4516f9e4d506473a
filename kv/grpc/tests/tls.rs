//! Mutual TLS: who is let in, and who is refused, on either side.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rutile_kv_env::{Env, TaskHandle};
use rutile_kv_grpc::client::PdStub;
use rutile_kv_grpc::server::{Context, pd_routes, serve};
use rutile_kv_grpc::{Limits, PeerTls, TlsFiles};
use rutile_kv_proto::{Code, PdService as _, Status, pdpb};
use rutile_pd::{Member, PdConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Nobody waits longer than this for a refusal.
const REFUSED_WITHIN: Duration = Duration::from_secs(5);

struct Authority(CertifiedIssuer<'static, KeyPair>);

/// How a certificate is made.
#[derive(Clone, Copy)]
struct Made {
    name: &'static str,
    expired: bool,
}

const PEER: Made = Made { name: "rutile-peer", expired: false };

impl Authority {
    fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signs"))
    }

    fn pem(&self) -> String {
        self.0.as_ref().pem()
    }

    /// Certificate and key, valid for this machine and a name.
    fn issue(&self, made: Made) -> (String, String) {
        let names = ["127.0.0.1", "localhost", made.name].map(str::to_owned).to_vec();
        let mut params = CertificateParams::new(names).expect("names");
        if made.expired {
            params.not_before = rcgen::date_time_ymd(2020, 1, 1);
            params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("signs");
        (certificate.pem(), key.serialize_pem())
    }

    fn limits(&self, made: Made, allowed: &[&str]) -> Limits {
        limits_of(self.pem(), self.issue(made), allowed)
    }
}

fn limits_of(authority: String, (certificates, key): (String, String), allowed: &[&str]) -> Limits {
    let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let tls = PeerTls::new(&TlsFiles { authority, certificates, key }, &allowed).expect("fits together");
    Limits { tls: Some(tls), ..Limits::default() }
}

struct Served {
    env: Env,
    address: String,
    stop: watch::Sender<bool>,
    server: TaskHandle,
    _dir: tempfile::TempDir,
}

impl Served {
    async fn start(limits: Limits) -> Served {
        let (env, dir) = (Env::real(), tempfile::tempdir().expect("a directory"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let (stop, stopped) = watch::channel(false);
        let context = Context::new(env.clone(), limits, stopped);
        let pd = Arc::new(Member::open(env.clone(), PdConfig::new(dir.path())).expect("PD opens"));
        let routes = pd_routes(&context, pd);
        let server = async move { serve(listener, &context, routes).await.expect("serves") };
        let server = env.spawn.spawn("pd", Box::pin(server));
        Served { env, address, stop, server, _dir: dir }
    }

    /// One call by a client with these limits.
    async fn call(&self, limits: Limits) -> Result<pdpb::GetMembersResponse, Status> {
        let stub = PdStub::new(self.env.clone(), vec![self.address.clone()], limits);
        let started = self.env.clock.now();
        let answer = stub.get_members(pdpb::GetMembersRequest::default()).await;
        let took = self.env.clock.now().saturating_since(started);
        assert!(took < REFUSED_WITHIN, "answered after {took:?}");
        answer
    }

    async fn stop(self) {
        self.stop.send_replace(true);
        self.server.join().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_certificates_of_the_authority_are_let_in() {
    let (authority, other) = (Authority::new(), Authority::new());
    let served = Served::start(authority.limits(PEER, &[])).await;
    served.call(authority.limits(PEER, &[])).await.expect("a member of the cluster");
    let foreign = limits_of(authority.pem(), other.issue(PEER), &[]);
    let refused = [
        ("no TLS", Limits::default()),
        ("a certificate of another authority", foreign),
        ("another authority is trusted", limits_of(other.pem(), authority.issue(PEER), &[])),
        ("a certificate that has expired", authority.limits(Made { expired: true, ..PEER }, &[])),
    ];
    for (what, limits) in refused {
        let answer = served.call(limits).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
    }
    // Somebody who says something else altogether.
    let mut junk = TcpStream::connect(&served.address).await.expect("connects");
    junk.write_all(b"GET /pd/api/v1/members HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("writes");
    let mut answer = Vec::new();
    // The connection may be reset; what counts is that nothing is told.
    drop(junk.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    served.call(authority.limits(PEER, &[])).await.expect("still serves");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_must_have_an_allowed_name() {
    let authority = Authority::new();
    let served = Served::start(authority.limits(PEER, &["rutile-peer", "operator"])).await;
    served.call(authority.limits(PEER, &[])).await.expect("an allowed name");
    let operator = Made { name: "operator", ..PEER };
    served.call(authority.limits(operator, &[])).await.expect("another allowed name");
    let web = Made { name: "web", ..PEER };
    let refused = served.call(authority.limits(web, &[])).await.expect_err("a name for something else");
    assert!(matches!(refused.code, Code::PermissionDenied | Code::Unavailable), "{refused}");
    assert!(refused.to_string().contains("none of the allowed names"), "{refused}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_must_be_who_it_says() {
    let (authority, other) = (Authority::new(), Authority::new());
    // Trusts the clients' authority, but shows what they do not trust.
    let served = Served::start(limits_of(authority.pem(), other.issue(PEER), &[])).await;
    assert!(served.call(authority.limits(PEER, &[])).await.is_err());
    served.stop().await;
    let plain = Served::start(Limits::default()).await;
    assert!(plain.call(authority.limits(PEER, &[])).await.is_err());
    plain.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_replaced_without_a_restart() {
    let (old, new) = (Authority::new(), Authority::new());
    let limits = old.limits(PEER, &[]);
    let served = Served::start(limits.clone()).await;
    // One client that keeps its connection, and its stub.
    let own = old.limits(PEER, &[]);
    let stub = PdStub::new(served.env.clone(), vec![served.address.clone()], own.clone());
    let ask = || stub.get_members(pdpb::GetMembersRequest::default());
    ask().await.expect("the old certificates");

    let (certificates, key) = new.issue(PEER);
    let files = TlsFiles { authority: new.pem(), certificates, key };
    let tls = limits.tls.expect("certificates");
    let junk = TlsFiles { key: "junk".to_owned(), ..clone_of(&files) };
    tls.replace(&junk).expect_err("files that do not fit");
    served.call(old.limits(PEER, &[])).await.expect("nothing has changed");
    tls.replace(&files).expect("fits together");
    assert!(served.call(old.limits(PEER, &[])).await.is_err(), "an authority that is not trusted any more");
    served.call(new.limits(PEER, &[])).await.expect("the new authority");
    own.tls.expect("certificates").replace(&files).expect("fits together");
    ask().await.expect("the same client with new certificates");
    served.stop().await;
}

fn clone_of(files: &TlsFiles) -> TlsFiles {
    let TlsFiles { authority, certificates, key } = files;
    TlsFiles { authority: authority.clone(), certificates: certificates.clone(), key: key.clone() }
}

#[test]
fn files_that_do_not_fit_are_refused_at_the_start() {
    let authority = Authority::new();
    let (certificates, key) = authority.issue(PEER);
    let (_, other_key) = authority.issue(PEER);
    let bad = [
        TlsFiles { authority: "junk".to_owned(), certificates: certificates.clone(), key: key.clone() },
        TlsFiles { authority: authority.pem(), certificates: "junk".to_owned(), key: key.clone() },
        TlsFiles { authority: authority.pem(), certificates: certificates.clone(), key: other_key },
    ];
    for files in bad {
        let reason = PeerTls::new(&files, &[]).expect_err("refused");
        assert!(!reason.is_empty());
    }
    let files = TlsFiles { authority: authority.pem(), certificates, key };
    assert!(PeerTls::new(&files, &["not a name".to_owned()]).is_err());
    assert!(PeerTls::new(&files, &["store.example".to_owned()]).is_ok());
}
