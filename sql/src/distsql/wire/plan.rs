//! A whole scan, and what of the statement it depends on.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use rutile_sql_functions::EvalContext;
use rutile_sql_types::{Collation, FieldType, MySqlError, SqlMode, TimeZone};
use serde::{Deserialize, Serialize};

use super::expr::{Node, check_columns, decode, encode};
use super::stage::{self, WireStage};
use super::value::{TypesIn, TypesOut};
use super::{PARTS_MAX, PLAN_BYTES_MAX, hex, refused, unhex};
use crate::catalog::TableInfo;
use crate::catalog::stored::{self, StoredType};
use crate::distsql::ScanRequest;
use crate::expression::{Evaluation, Uninterrupted};
use crate::memory::StatementMemory;

/// Changes with every change of the format; a store of another release refuses the plan, by name.
const VERSION: u32 = 1;

/// `T` is the table: borrowed where a plan is written, owned where it is read.
#[derive(Debug, Serialize, Deserialize)]
struct WirePlan<T> {
    version: u32,
    statement: WireStatement,
    types: Vec<StoredType>,
    table: T,
    columns: Vec<usize>,
    filters: Vec<Vec<Node>>,
    output: Vec<usize>,
    /// Arrow's own form, in hexadecimal.
    schema: String,
    sends_keys: bool,
    limit: Option<usize>,
    stage: Option<WireStage>,
    keep_order: bool,
    overridden: Vec<String>,
}

/// Modes and time of the statement.
#[derive(Debug, Serialize, Deserialize)]
struct WireStatement {
    sql_mode: u64,
    time_zone: String,
    micros: i64,
    #[serde(with = "stored::collation")]
    connection_collation: Collation,
    div_precision_increment: u32,
    group_concat_max_len: u64,
    max_allowed_packet: usize,
    default_week_format: i64,
    changes_data: bool,
    ignore: bool,
}

/// The bytes of a scan; `None` if it does not travel.
pub(crate) fn encode_plan(request: &ScanRequest) -> Option<Bytes> {
    // Values of virtual columns rest on the table's own expressions, which are bound where they are evaluated.
    let (infer, mut types) = (request.statement.infer_context(), TypesOut::default());
    let filters =
        request.filters.iter().map(|filter| encode(filter, &mut types, &infer)).collect::<Option<_>>()?;
    let stage = match &request.stage {
        None => None,
        Some(stage) => Some(stage::encode(stage, &mut types, &infer, &request.statement)?),
    };
    let plan = WirePlan {
        version: VERSION,
        statement: encode_statement(&request.statement)?,
        types: types.list,
        table: &*request.table,
        columns: request.columns.clone(),
        filters,
        output: request.output.clone(),
        schema: encode_schema(&request.schema)?,
        sends_keys: request.sends_keys,
        limit: request.limit,
        stage,
        keep_order: request.keep_order,
        overridden: request.overridden.iter().map(|key| hex(key)).collect(),
    };
    let bytes = serde_json::to_vec(&plan).ok()?;
    (bytes.len() <= PLAN_BYTES_MAX).then(|| Bytes::from(bytes))
}

fn encode_statement(statement: &Evaluation) -> Option<WireStatement> {
    let context = statement.eval_context();
    let time_zone = context.convert.time_zone.to_string();
    // A zone that does not read back would be another one at the store.
    if TimeZone::parse(&time_zone).ok()? != context.convert.time_zone {
        return None;
    }
    Some(WireStatement {
        sql_mode: context.convert.sql_mode.bits(),
        time_zone,
        micros: context.statement_micros,
        connection_collation: statement.connection_collation(),
        div_precision_increment: context.div_precision_increment,
        group_concat_max_len: context.group_concat_max_len,
        max_allowed_packet: context.max_allowed_packet,
        default_week_format: context.default_week_format,
        changes_data: context.changes_data,
        ignore: context.convert.ignore,
    })
}

fn decode_statement(wire: &WireStatement, memory: StatementMemory) -> Result<Evaluation, MySqlError> {
    let mut context = EvalContext {
        div_precision_increment: wire.div_precision_increment,
        group_concat_max_len: wire.group_concat_max_len,
        max_allowed_packet: wire.max_allowed_packet,
        default_week_format: wire.default_week_format,
        changes_data: wire.changes_data,
        ..EvalContext::default()
    };
    context.convert.sql_mode = SqlMode::from_bits(wire.sql_mode)?;
    context.convert.ignore = wire.ignore;
    context.set_time(wire.micros, TimeZone::parse(&wire.time_zone)?);
    let (uninterrupted, memory) = (Arc::new(Uninterrupted), Arc::new(memory));
    Ok(Evaluation::unshared(context, wire.connection_collation, uninterrupted, true, memory))
}

/// The scan that these bytes are, to be evaluated within `memory`.
pub(crate) fn decode_plan(bytes: &[u8], memory: StatementMemory) -> Result<ScanRequest, MySqlError> {
    if bytes.len() > PLAN_BYTES_MAX {
        return Err(refused(format!("{} bytes are more than {PLAN_BYTES_MAX}", bytes.len())));
    }
    let plan: WirePlan<TableInfo> = serde_json::from_slice(bytes).map_err(refused)?;
    if plan.version != VERSION {
        return Err(refused(format!("its format is {}, this store knows {VERSION}", plan.version)));
    }
    let statement = Arc::new(decode_statement(&plan.statement, memory)?);
    let (infer, types) = (statement.infer_context(), TypesIn::new(plan.types)?);
    let decoded = decoded_types(&plan.table, &plan.columns)?;
    if plan.filters.len() > PARTS_MAX || plan.output.len() > PARTS_MAX {
        return Err(refused("too many conditions or columns"));
    }
    if plan.output.iter().any(|position| *position >= plan.columns.len()) {
        return Err(refused("a column to send that is not decoded"));
    }
    let mut filters = Vec::with_capacity(plan.filters.len());
    for nodes in plan.filters {
        let filter = decode(nodes, &types, &infer)?;
        check_columns(&filter, &decoded)?;
        filters.push(filter);
    }
    let stage = match plan.stage {
        None => None,
        Some(stage) => Some(stage::decode(stage, &types, &infer, &decoded, &statement)?),
    };
    let overridden =
        plan.overridden.iter().map(|key| unhex(key).map(Bytes::from)).collect::<Result<HashSet<_>, _>>()?;
    let schema = decode_schema(&plan.schema)?;
    drop(decoded);
    Ok(ScanRequest {
        table: Arc::new(plan.table),
        columns: plan.columns,
        filters,
        output: plan.output,
        schema,
        sends_keys: plan.sends_keys,
        limit: plan.limit,
        stage,
        keep_order: plan.keep_order,
        overridden: Arc::new(overridden),
        locking: None,
        statement,
        work: Arc::default(),
    })
}

/// The types of the columns that the scan decodes.
fn decoded_types<'t>(table: &'t TableInfo, columns: &[usize]) -> Result<Vec<&'t FieldType>, MySqlError> {
    if columns.len() > PARTS_MAX {
        return Err(refused("too many columns"));
    }
    let ty = |offset: &usize| table.columns.get(*offset).map(|column| &column.ty);
    columns.iter().map(ty).collect::<Option<_>>().ok_or_else(|| refused("a column the table does not have"))
}

/// A schema as the head of an Arrow stream.
pub(super) fn encode_schema(schema: &SchemaRef) -> Option<String> {
    let mut bytes = Vec::new();
    StreamWriter::try_new(&mut bytes, schema).and_then(|mut writer| writer.finish()).ok()?;
    Some(hex(&bytes))
}

pub(super) fn decode_schema(text: &str) -> Result<SchemaRef, MySqlError> {
    let reader = StreamReader::try_new(Cursor::new(unhex(text)?), None).map_err(refused)?;
    Ok(reader.schema())
}
