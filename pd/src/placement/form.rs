//! Rules and groups as JSON, in PD's names: what the HTTP pages take and show, and what is kept.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::constraint::{Constraint, Op};
use super::rule::{Group, Role, Rule};
use crate::schedule_settings::is_label_key;

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn rule_to_json(rule: &Rule) -> Value {
    let mut shown = json!({
        "group_id": rule.group_id,
        "id": rule.id,
        "start_key": hex(&rule.start_key),
        "end_key": hex(&rule.end_key),
        "role": role_name(rule.role),
        "is_witness": false,
        "count": rule.count,
    });
    if let Some(fields) = shown.as_object_mut() {
        let mut add = |name: &str, value: Value, is_given: bool| {
            if is_given {
                fields.insert(name.to_owned(), value);
            }
        };
        add("index", json!(rule.index), rule.index != 0);
        add("override", json!(true), rule.overrides);
        let constraints = rule.constraints.iter().map(constraint_to_json).collect();
        add("label_constraints", Value::Array(constraints), !rule.constraints.is_empty());
        add("location_labels", json!(rule.location_labels), !rule.location_labels.is_empty());
        add("isolation_level", json!(rule.isolation_level), !rule.isolation_level.is_empty());
        add("version", json!(rule.version), rule.version != 0);
        add("create_timestamp", json!(rule.create_timestamp), rule.create_timestamp != 0);
    }
    shown
}

fn constraint_to_json(constraint: &Constraint) -> Value {
    let op = match constraint.op {
        Op::In => "in",
        Op::NotIn => "notIn",
        Op::Exists => "exists",
        Op::NotExists => "notExists",
    };
    json!({ "key": constraint.key, "op": op, "values": constraint.values })
}

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Voter => "voter",
        Role::Leader => "leader",
        Role::Follower => "follower",
        Role::Learner => "learner",
    }
}

pub(crate) fn group_to_json(group: &Group) -> Value {
    json!({ "id": group.id, "index": group.index, "override": group.overrides })
}

/// A rule as it was sent or kept, or why it is none. Version and creation are not taken from it.
pub(crate) fn rule_from_json(sent: &Value) -> Result<Rule, String> {
    const KNOWN: [&str; 14] = [
        "group_id",
        "id",
        "index",
        "override",
        "start_key",
        "end_key",
        "role",
        "is_witness",
        "count",
        "label_constraints",
        "location_labels",
        "isolation_level",
        "version",
        "create_timestamp",
    ];
    let fields = Fields::of(sent, "a rule", &KNOWN)?;
    if fields.flag("is_witness")? {
        return Err("witnesses are not supported".to_owned());
    }
    let role = match fields.text("role")?.as_str() {
        "voter" => Role::Voter,
        "leader" => Role::Leader,
        "follower" => Role::Follower,
        "learner" => Role::Learner,
        other => return Err(format!("{other:?} is no role of a peer")),
    };
    let count = fields.number("count")?;
    let count = usize::try_from(count).ok().filter(|count| (1..=16).contains(count));
    let count = count.ok_or("the count of a rule is from 1 to 16")?;
    if role == Role::Leader && count > 1 {
        return Err("a region has one leader".to_owned());
    }
    let rule = Rule {
        group_id: fields.name("group_id")?,
        id: fields.name("id")?,
        index: fields.number("index")?,
        overrides: fields.flag("override")?,
        start_key: fields.key("start_key")?,
        end_key: fields.key("end_key")?,
        role,
        count,
        constraints: fields.list("label_constraints")?.iter().map(constraint).collect::<Result<_, _>>()?,
        location_labels: fields.list("location_labels")?.iter().map(label_key).collect::<Result<_, _>>()?,
        isolation_level: fields.text("isolation_level")?,
        version: fields.number("version")?.unsigned_abs(),
        create_timestamp: fields.number("create_timestamp")?.unsigned_abs(),
    };
    if !rule.end_key.is_empty() && rule.start_key >= rule.end_key {
        return Err(format!("rule {}/{} covers no key", rule.group_id, rule.id));
    }
    if !rule.isolation_level.is_empty() && !rule.location_labels.contains(&rule.isolation_level) {
        return Err(format!("isolation level {:?} is none of the location labels", rule.isolation_level));
    }
    Ok(rule)
}

pub(crate) fn group_from_json(sent: &Value) -> Result<Group, String> {
    let fields = Fields::of(sent, "a group", &["id", "index", "override"])?;
    Ok(Group { id: fields.name("id")?, index: fields.number("index")?, overrides: fields.flag("override")? })
}

fn constraint(sent: &Value) -> Result<Constraint, String> {
    let fields = Fields::of(sent, "a label constraint", &["key", "op", "values"])?;
    let op = match fields.text("op")?.as_str() {
        "in" => Op::In,
        "notIn" => Op::NotIn,
        "exists" => Op::Exists,
        "notExists" => Op::NotExists,
        other => return Err(format!("{other:?} is no operation of a label constraint")),
    };
    let values = fields.list("values")?;
    let values: Option<Vec<String>> = values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
    let values = values.ok_or("the values of a label constraint are texts")?;
    if matches!(op, Op::In | Op::NotIn) == values.is_empty() {
        return Err("in and notIn need values, exists and notExists have none".to_owned());
    }
    Ok(Constraint { key: label_key(&sent["key"])?, op, values })
}

fn label_key(sent: &Value) -> Result<String, String> {
    let key = sent.as_str().filter(|key| is_label_key(key));
    key.map(str::to_owned).ok_or_else(|| format!("{sent} is no key of a label"))
}

/// Fields of an object, all of which are known.
struct Fields<'a>(&'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn of(sent: &'a Value, what: &str, known: &[&str]) -> Result<Fields<'a>, String> {
        let fields = sent.as_object().ok_or_else(|| format!("{what} is an object"))?;
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("{what} has no field {name:?}")),
            None => Ok(Fields(fields)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<String, String> {
        let value = self.get(name).map_or(Some(""), Value::as_str);
        value.map(str::to_owned).ok_or_else(|| format!("{name} is a text"))
    }

    /// A text that is a part of a path.
    fn name(&self, name: &str) -> Result<String, String> {
        let fits = |text: &String| !text.is_empty() && !text.contains(|letter: char| letter.is_control());
        let text = self.text(name)?;
        Some(text).filter(fits).ok_or_else(|| format!("{name} is missing"))
    }

    fn number(&self, name: &str) -> Result<i64, String> {
        self.get(name).map_or(Some(0), Value::as_i64).ok_or_else(|| format!("{name} is a number"))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        self.get(name).map_or(Some(false), Value::as_bool).ok_or_else(|| format!("{name} is true or false"))
    }

    fn list(&self, name: &str) -> Result<&'a [Value], String> {
        let list = self.get(name).map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice));
        list.ok_or_else(|| format!("{name} is a list"))
    }

    /// An encoded key in hexadecimal; others could never bound a region.
    fn key(&self, name: &str) -> Result<Bytes, String> {
        let text = self.text(name)?;
        let bad = || format!("{name} {text:?} is no encoded key in hexadecimal");
        let key = crate::api::unhex_text(&text).ok_or_else(bad)?;
        if !key.is_empty() && rutile_kv_types::Key::from_encoded(key.clone()).to_raw().is_err() {
            return Err(bad());
        }
        Ok(Bytes::from(key))
    }
}
