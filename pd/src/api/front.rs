//! The pages of any member: some are its own, the others those of the leader.
//!
//! A member that does not lead sends the asker on to the one that does (307), as every HTTP client can follow. What the
//! leader shows leaves when it is settled, like the answers of its service.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, delete, get, post};
use tower_service::Service as _;

use super::answer::Failure;
use super::{cluster, leading, member};
use crate::member::{Member, Reign};

const BASE: &str = "/pd/api/v1";

/// The pages of a PD member.
pub fn pages(member: Arc<Member>) -> Router {
    let own = Router::new()
        .route("/ping", get(|| async {}))
        .route("/version", get(cluster::version))
        .route("/members", get(member::members))
        .route("/leader", get(member::leader));
    let of_leader = Router::new()
        .route("/health", get(member::health))
        .route("/leader/resign", post(member::resign))
        .route("/leader/transfer/{name}", post(member::transfer))
        .route("/members/name/{name}", delete(member::delete_by_name).post(member::set_priority))
        .route("/members/id/{id}", delete(member::delete_by_id));
    let shown = of_leader.clone().with_state(Arc::clone(&member));
    let front = Front { member: Arc::clone(&member), of_leader: shown };
    Router::new()
        .nest(BASE, own.with_state(member))
        .route(&format!("{BASE}/{{*page}}"), any(ask_leader))
        .with_state(front)
}

#[derive(Clone)]
struct Front {
    member: Arc<Member>,
    /// Pages about members that only the leader can answer.
    of_leader: Router,
}

async fn ask_leader(State(front): State<Front>, mut request: Request) -> Response<Body> {
    let reign = match front.member.reign().await {
        Ok(reign) => reign,
        Err(status) => return elsewhere(&front.member, &request, status.message),
    };
    // What this router found in the path; the next one looks for itself.
    request.extensions_mut().clear();
    let path = request.uri().path().trim_start_matches(BASE);
    let of_members = ["/health", "/leader/", "/members/"].iter().any(|start| path.starts_with(start));
    if of_members {
        return call(Router::new().nest(BASE, front.of_leader), request).await;
    }
    let answer = call(leading(Arc::clone(&reign.pd)), request).await;
    settled(&reign, answer).await
}

async fn call(mut router: Router, request: Request) -> Response<Body> {
    let answered: Result<Response<Body>, Infallible> = router.call(request).await;
    answered.unwrap_or_else(|never| match never {})
}

async fn settled(reign: &Reign, answer: Response<Body>) -> Response<Body> {
    match reign.storage.settled().await {
        Ok(()) => answer,
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Where the leader is, or that there is none. Without one the health of all is known: nobody is well.
fn elsewhere(member: &Member, request: &Request, problem: String) -> Response<Body> {
    let roster = member.roster();
    let url = roster.leader().filter(|leader| leader.member_id != member.member_id());
    let Some(url) = url.and_then(|leader| leader.client_urls.first()) else {
        return Failure(StatusCode::SERVICE_UNAVAILABLE, problem).into_response();
    };
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let place = [(header::LOCATION, format!("{url}{path}"))];
    (StatusCode::TEMPORARY_REDIRECT, place).into_response()
}
