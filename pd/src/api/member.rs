//! Members of the PD group, and who leads. Any member knows them; what changes them is the leader's.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use rutile_kv_proto::{Code, Status, pdpb};
use serde_json::{Value, json};

use super::answer::{Answer, Failure, Page, body, number};
use super::cluster::VERSION;
use crate::member::Member;

fn show(member: &pdpb::Member) -> Value {
    let mut shown = json!({
        "name": member.name,
        "member_id": member.member_id,
        "peer_urls": member.peer_urls,
        "client_urls": member.client_urls,
        "deploy_path": "",
        "binary_version": VERSION,
        "git_hash": "",
    });
    if member.leader_priority != 0 {
        shown["leader_priority"] = json!(member.leader_priority);
    }
    shown
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        let code = match status.code {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
            Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure(code, status.message)
    }
}

pub(super) async fn members(State(member): State<Arc<Member>>) -> Answer {
    let answer = member.members()?;
    let leader = answer.leader.as_ref().map(show);
    Ok(Page(json!({
        "header": { "cluster_id": member.cluster_id() },
        "members": answer.members.iter().map(show).collect::<Value>(),
        "leader": leader,
        "etcd_leader": leader,
    })))
}

pub(super) async fn leader(State(member): State<Arc<Member>>) -> Answer {
    let answer = member.members()?;
    Ok(Page(answer.leader.as_ref().map(show).unwrap_or_default()))
}

/// Who is well, as the leader heard. Without a leader nobody is: the group answers nothing.
pub(super) async fn health(State(member): State<Arc<Member>>) -> Page {
    let roster = member.roster();
    let all = roster.members.iter().map(|member| {
        json!({
            "name": member.name,
            "member_id": member.member_id,
            "client_urls": member.client_urls,
            "health": roster.healthy.contains(&member.member_id),
        })
    });
    Page(all.collect())
}

pub(super) async fn resign(State(member): State<Arc<Member>>) -> Answer {
    let leader = member.hand_on(None).await?;
    Ok(Page(Value::String(format!("{leader} is to lead."))))
}

pub(super) async fn transfer(State(member): State<Arc<Member>>, Path(name): Path<String>) -> Answer {
    let leader = member.hand_on(Some(&name)).await?;
    Ok(Page(Value::String(format!("{leader} is to lead."))))
}

pub(super) async fn delete_by_name(State(member): State<Arc<Member>>, Path(name): Path<String>) -> Answer {
    let id = member.roster().by_name(&name)?.member_id;
    member.remove(id).await?;
    Ok(Page(Value::String(format!("removed, PD member {name}"))))
}

pub(super) async fn delete_by_id(State(member): State<Arc<Member>>, Path(id): Path<String>) -> Answer {
    member.remove(number(&id)?).await?;
    Ok(Page(Value::String(format!("removed, PD member {id}"))))
}

pub(super) async fn set_priority(
    State(member): State<Arc<Member>>,
    Path(name): Path<String>,
    text: String,
) -> Answer {
    let asked = body(&text)?;
    let priority = asked["leader-priority"].as_i64().and_then(|priority| i32::try_from(priority).ok());
    let bad = || Failure::bad_request("leader-priority is a number of 32 bits");
    member.set_priority(&name, priority.ok_or_else(bad)?).await?;
    Ok(Page(Value::String("The leader priority is updated.".to_owned())))
}
