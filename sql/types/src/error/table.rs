//! The table of MySQL errors: number, SQLSTATE, constructor with its parameters, message.
//!
//! Texts are those of MySQL 9.7 (share/messages_to_clients.txt as a client sees them). A line here is a
//! constructor `MySqlError::<name>(..)`; parameters take anything that prints.

use std::fmt::Display;

use super::MySqlError;

macro_rules! errors {
    ($($code:literal $state:literal $name:ident ( $($arg:ident),* ) $text:literal;)*) => {
        impl MySqlError {
            $(
                #[doc = concat!("ERROR ", stringify!($code), " (", $state, "): ", $text)]
                pub fn $name($($arg: impl Display),*) -> MySqlError {
                    MySqlError { code: $code, sqlstate: $state, message: format!($text) }
                }
            )*
        }

        /// Number, SQLSTATE and constructor name of every error in the table, in order of number.
        const ALL: &[(u16, &str, &str)] = &[$(($code, $state, stringify!($name))),*];
    };
}

errors! {
    1005 "HY000" cannot_create_table(table, reason) "Can't create table '{table}' ({reason})";
    1007 "HY000" database_exists(database) "Can't create database '{database}'; database exists";
    1008 "HY000" database_drop_missing(database) "Can't drop database '{database}'; database doesn't exist";
    1022 "23000" duplicate_key_write(table) "Can't write; duplicate key in table '{table}'";
    1037 "HY001" out_of_memory(bytes) "Out of memory; restart server and try again (needed {bytes} bytes)";
    1038 "HY001" out_of_sort_memory() "Out of sort memory, consider increasing server sort buffer size";
    1040 "08004" too_many_connections() "Too many connections";
    1041 "HY000" out_of_resources() "Out of memory; check if mysqld or some other process uses all available memory; if not, you may have to use 'ulimit' to allow mysqld to use more memory or you can add more swap space";
    1043 "08S01" bad_handshake() "Bad handshake";
    1044 "42000" database_access_denied(user, host, database) "Access denied for user '{user}'@'{host}' to database '{database}'";
    1045 "28000" access_denied(user, host, using_password) "Access denied for user '{user}'@'{host}' (using password: {using_password})";
    1046 "3D000" no_database_selected() "No database selected";
    1047 "08S01" unknown_command() "Unknown command";
    1048 "23000" column_not_null(column) "Column '{column}' cannot be null";
    1049 "42000" unknown_database(database) "Unknown database '{database}'";
    1050 "42S01" table_exists(table) "Table '{table}' already exists";
    1051 "42S02" unknown_table(table) "Unknown table '{table}'";
    1052 "23000" ambiguous_column(column, clause) "Column '{column}' in {clause} is ambiguous";
    1053 "08S01" server_shutdown() "Server shutdown in progress";
    1054 "42S22" unknown_column(column, clause) "Unknown column '{column}' in '{clause}'";
    1055 "42000" not_in_group_by(column) "'{column}' isn't in GROUP BY";
    1056 "42000" cannot_group_on(column) "Can't group on '{column}'";
    1058 "21S01" column_count_mismatch() "Column count doesn't match value count";
    1059 "42000" identifier_too_long(name) "Identifier name '{name}' is too long";
    1060 "42S21" duplicate_column(column) "Duplicate column name '{column}'";
    1061 "42000" duplicate_key_name(key) "Duplicate key name '{key}'";
    1062 "23000" duplicate_entry(entry, key) "Duplicate entry '{entry}' for key '{key}'";
    1063 "42000" wrong_field_spec(column) "Incorrect column specifier for column '{column}'";
    1064 "42000" syntax(near, line) "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '{near}' at line {line}";
    1065 "42000" empty_query() "Query was empty";
    1066 "42000" not_unique_table(table) "Not unique table/alias: '{table}'";
    1067 "42000" invalid_default(column) "Invalid default value for '{column}'";
    1068 "42000" multiple_primary_key() "Multiple primary key defined";
    1069 "42000" too_many_keys(max) "Too many keys specified; max {max} keys allowed";
    1070 "42000" too_many_key_parts(max) "Too many key parts specified; max {max} parts allowed";
    1071 "42000" key_too_long(max) "Specified key was too long; max key length is {max} bytes";
    1072 "42000" key_column_missing(column) "Key column '{column}' doesn't exist in table";
    1073 "42000" blob_used_as_key(column) "BLOB column '{column}' can't be used in key specification with the used table type";
    1074 "42000" column_length_too_big(column, max) "Column length too big for column '{column}' (max = {max}); use BLOB or TEXT instead";
    1075 "42000" wrong_auto_key() "Incorrect table definition; there can be only one auto column and it must be defined as a key";
    1081 "08S01" ip_socket() "Can't create IP socket";
    1082 "42S12" no_such_index(table) "Table '{table}' has no index like the one used in CREATE INDEX; recreate the table";
    1089 "HY000" wrong_sub_key() "Incorrect prefix key; the used key part isn't a string, the used length is longer than the key part, or the storage engine doesn't support unique prefix keys";
    1090 "42000" cannot_remove_all_columns() "You can't delete all columns with ALTER TABLE; use DROP TABLE instead";
    1091 "42000" cannot_drop(name) "Can't DROP '{name}'; check that column/key exists";
    1093 "HY000" update_table_used(table) "You can't specify target table '{table}' for update in FROM clause";
    1094 "HY000" no_such_thread(id) "Unknown thread id: {id}";
    1095 "HY000" kill_denied(id) "You are not owner of thread {id}";
    1096 "HY000" no_tables_used() "No tables used";
    1097 "HY000" too_big_set(column) "Too many strings for column {column} and SET";
    1099 "HY000" table_not_locked_for_write(table) "Table '{table}' was locked with a READ lock and can't be updated";
    1100 "HY000" table_not_locked(table) "Table '{table}' was not locked with LOCK TABLES";
    1101 "42000" blob_cannot_have_default(column) "BLOB, TEXT, GEOMETRY or JSON column '{column}' can't have a default value";
    1102 "42000" wrong_database_name(database) "Incorrect database name '{database}'";
    1103 "42000" wrong_table_name(table) "Incorrect table name '{table}'";
    1104 "42000" too_big_select() "The SELECT would examine more than MAX_JOIN_SIZE rows; check your WHERE and use SET SQL_BIG_SELECTS=1 or SET MAX_JOIN_SIZE=# if the SELECT is okay";
    1105 "HY000" internal(detail) "{detail}";
    1106 "42000" unknown_procedure(name) "Unknown procedure '{name}'";
    1109 "42S02" unknown_table_in(table, clause) "Unknown table '{table}' in {clause}";
    1110 "42000" column_specified_twice(column) "Column '{column}' specified twice";
    1111 "HY000" invalid_group_function_use() "Invalid use of group function";
    1113 "42000" table_must_have_columns() "A table must have at least 1 column";
    1115 "42000" unknown_character_set(name) "Unknown character set: '{name}'";
    1116 "HY000" too_many_tables(max) "Too many tables; MySQL can only use {max} tables in a join";
    1117 "HY000" too_many_columns() "Too many columns";
    1118 "42000" row_size_too_large(max) "Row size too large. The maximum row size for the used table type, not counting BLOBs, is {max}. This includes storage overhead, check the manual. You have to change some columns to TEXT or BLOBs";
    1120 "42000" wrong_outer_join() "Cross dependency found in OUTER JOIN; examine your ON conditions";
    1121 "42000" null_column_in_index(column) "Table handler doesn't support NULL in given index. Please change column '{column}' to be NOT NULL or use another handler";
    1125 "HY000" function_exists(function) "Function '{function}' already exists";
    1128 "HY000" function_not_defined(function) "Function '{function}' is not defined";
    1132 "42000" password_not_allowed() "You must have privileges to update tables in the mysql database to be able to change passwords for others";
    1133 "42000" password_no_match() "Can't find any matching row in the user table";
    1136 "21S01" column_count_mismatch_at_row(row) "Column count doesn't match value count at row {row}";
    1138 "22004" invalid_use_of_null() "Invalid use of NULL value";
    1139 "42000" regexp(detail) "Got error '{detail}' from regexp";
    1140 "42000" mix_of_group_columns(position, column) "In aggregated query without GROUP BY, expression #{position} of SELECT list contains nonaggregated column '{column}'; this is incompatible with sql_mode=only_full_group_by";
    1141 "42000" nonexisting_grant(user, host) "There is no such grant defined for user '{user}' on host '{host}'";
    1142 "42000" table_access_denied(command, user, host, table) "{command} command denied to user '{user}'@'{host}' for table '{table}'";
    1143 "42000" column_access_denied(command, user, host, column, table) "{command} command denied to user '{user}'@'{host}' for column '{column}' in table '{table}'";
    1146 "42S02" no_such_table(database, table) "Table '{database}.{table}' doesn't exist";
    1147 "42000" nonexisting_table_grant(user, host, table) "There is no such grant defined for user '{user}' on host '{host}' on table '{table}'";
    1149 "42000" syntax_plain() "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use";
    1152 "08S01" aborting_connection(id, database, user, reason) "Aborted connection {id} to db: '{database}' user: '{user}' ({reason})";
    1153 "08S01" packet_too_large() "Got a packet bigger than 'max_allowed_packet' bytes";
    1156 "08S01" packets_out_of_order() "Got packets out of order";
    1162 "42000" too_long_string() "Result string is longer than 'max_allowed_packet' bytes";
    1166 "42000" wrong_column_name(column) "Incorrect column name '{column}'";
    1167 "42000" wrong_key_column(column) "The used storage engine can't index column '{column}'";
    1169 "23000" duplicate_unique() "Can't write, because of unique constraint, to table";
    1170 "42000" blob_key_without_length(column) "BLOB/TEXT column '{column}' used in key specification without a key length";
    1171 "42000" primary_cannot_have_null() "All parts of a PRIMARY KEY must be NOT NULL; if you need NULL in a key, use UNIQUE instead";
    1172 "42000" too_many_rows() "Result consisted of more than one row";
    1173 "42000" requires_primary_key() "This table type requires a primary key";
    1175 "HY000" safe_update() "You are using safe update mode and you tried to update a table without a WHERE that uses a KEY column. ";
    1176 "42000" key_does_not_exist(key, table) "Key '{key}' doesn't exist in table '{table}'";
    1177 "42000" check_no_such_table() "Can't open table";
    1179 "25000" cannot_do_in_transaction() "You are not allowed to execute this command in a transaction";
    1180 "HY000" error_during_commit(detail) "Got error {detail} during COMMIT";
    1184 "08S01" new_aborting_connection(id, database, user, host, reason) "Aborted connection {id} to db: '{database}' user: '{user}' host: '{host}' ({reason})";
    1191 "HY000" fulltext_no_index() "Can't find FULLTEXT index matching the column list";
    1193 "HY000" unknown_system_variable(name) "Unknown system variable '{name}'";
    1203 "42000" too_many_user_connections(user) "User {user} already has more than 'max_user_connections' active connections";
    1204 "HY000" set_constants_only() "You may only use constant expressions with SET";
    1205 "HY000" lock_wait_timeout() "Lock wait timeout exceeded; try restarting transaction";
    1207 "25000" read_only_transaction() "Update locks cannot be acquired during a READ UNCOMMITTED transaction";
    1210 "HY000" wrong_arguments(function) "Incorrect arguments to {function}";
    1211 "42000" no_permission_to_create_user(user, host) "'{user}'@'{host}' is not allowed to create new users";
    1213 "40001" deadlock() "Deadlock found when trying to get lock; try restarting transaction";
    1214 "HY000" no_fulltext() "The used table type doesn't support FULLTEXT indexes";
    1215 "HY000" cannot_add_foreign_key() "Cannot add foreign key constraint";
    1216 "23000" no_referenced_row() "Cannot add or update a child row: a foreign key constraint fails";
    1217 "23000" row_is_referenced() "Cannot delete or update a parent row: a foreign key constraint fails";
    1221 "HY000" wrong_usage(first, second) "Incorrect usage of {first} and {second}";
    1222 "21000" wrong_select_column_count() "The used SELECT statements have a different number of columns";
    1223 "HY000" cannot_update_with_readlock() "Can't execute the query because you have a conflicting read lock";
    1225 "HY000" duplicate_argument(option) "Option '{option}' used twice in statement";
    1226 "42000" user_limit_reached(user, resource, value) "User '{user}' has exceeded the '{resource}' resource (current value: {value})";
    1227 "42000" specific_access_denied(privilege) "Access denied; you need (at least one of) the {privilege} privilege(s) for this operation";
    1228 "HY000" local_variable(name) "Variable '{name}' is a SESSION variable and can't be used with SET GLOBAL";
    1229 "HY000" global_variable(name) "Variable '{name}' is a GLOBAL variable and should be set with SET GLOBAL";
    1230 "42000" no_default(name) "Variable '{name}' doesn't have a default value";
    1231 "42000" wrong_value_for_variable(name, value) "Variable '{name}' can't be set to the value of '{value}'";
    1232 "42000" wrong_type_for_variable(name) "Incorrect argument type to variable '{name}'";
    1233 "HY000" variable_cannot_be_read(name) "Variable '{name}' can only be set, not read";
    1234 "42000" cannot_use_option_here(option) "Incorrect usage/placement of '{option}'";
    1235 "42000" not_supported_yet(feature) "This version of MySQL doesn't yet support '{feature}'";
    1238 "HY000" incorrect_global_local_variable(name, kind) "Variable '{name}' is a {kind} variable";
    1239 "42000" wrong_foreign_key_definition(name, reason) "Incorrect foreign key definition for '{name}': {reason}";
    1241 "21000" operand_columns(count) "Operand should contain {count} column(s)";
    1242 "21000" subquery_returns_many_rows() "Subquery returns more than 1 row";
    1243 "HY000" unknown_statement_handler(id, function) "Unknown prepared statement handler ({id}) given to {function}";
    1247 "42S22" illegal_reference(name, reason) "Reference '{name}' not supported ({reason})";
    1248 "42000" derived_must_have_alias() "Every derived table must have its own alias";
    1250 "42000" tablename_not_allowed_here(table, clause) "Table '{table}' from one of the SELECTs cannot be used in {clause}";
    1251 "08004" auth_not_supported() "Client does not support authentication protocol requested by server; consider upgrading MySQL client";
    1253 "42000" collation_charset_mismatch(collation, charset) "COLLATION '{collation}' is not valid for CHARACTER SET '{charset}'";
    1260 "HY000" cut_by_group_concat(row) "Row {row} was cut by GROUP_CONCAT()";
    1261 "01000" too_few_records(row) "Row {row} doesn't contain data for all columns";
    1262 "01000" too_many_records(row) "Row {row} was truncated; it contained more data than there were input columns";
    1263 "22004" null_to_not_null(column, row) "Column set to default value; NULL supplied to NOT NULL column '{column}' at row {row}";
    1264 "22003" out_of_range(column, row) "Out of range value for column '{column}' at row {row}";
    1265 "01000" data_truncated(column, row) "Data truncated for column '{column}' at row {row}";
    1266 "HY000" using_other_handler(engine, table) "Using storage engine {engine} for table '{table}'";
    1267 "HY000" illegal_mix_of_collations_2(first, first_rank, second, second_rank, operation) "Illegal mix of collations ({first},{first_rank}) and ({second},{second_rank}) for operation '{operation}'";
    1270 "HY000" illegal_mix_of_collations_3(first, first_rank, second, second_rank, third, third_rank, operation) "Illegal mix of collations ({first},{first_rank}), ({second},{second_rank}), ({third},{third_rank}) for operation '{operation}'";
    1271 "HY000" illegal_mix_of_collations(operation) "Illegal mix of collations for operation '{operation}'";
    1273 "HY000" unknown_collation(name) "Unknown collation: '{name}'";
    1286 "42000" unknown_storage_engine(name) "Unknown storage engine '{name}'";
    1287 "HY000" deprecated(old, new) "'{old}' is deprecated and will be removed in a future release. Please use {new} instead";
    1288 "HY000" non_updatable_table(table, command) "The target table {table} of the {command} is not updatable";
    1290 "HY000" option_prevents_statement(option) "The MySQL server is running with the {option} option so it cannot execute this statement";
    1291 "HY000" duplicated_value_in_type(column, value, kind) "Column '{column}' has duplicated value '{value}' in {kind}";
    1292 "22007" truncated_wrong_value(kind, value) "Truncated incorrect {kind} value: '{value}'";
    1294 "HY000" invalid_on_update(column) "Invalid ON UPDATE clause for '{column}' column";
    1295 "HY000" unsupported_in_prepared() "This command is not supported in the prepared statement protocol yet";
    1298 "HY000" unknown_time_zone(name) "Unknown or incorrect time zone: '{name}'";
    1300 "HY000" invalid_character_string(charset, value) "Invalid {charset} character string: '{value}'";
    1301 "HY000" result_too_large(function, max) "Result of {function}() was larger than max_allowed_packet ({max}) - truncated";
    1304 "42000" routine_exists(kind, name) "{kind} {name} already exists";
    1305 "42000" routine_does_not_exist(kind, name) "{kind} {name} does not exist";
    1313 "42000" return_not_in_function() "RETURN is only allowed in a FUNCTION";
    1317 "70100" query_interrupted() "Query execution was interrupted";
    1318 "42000" wrong_routine_argument_count(kind, name, expected, got) "Incorrect number of arguments for {kind} {name}; expected {expected}, got {got}";
    1327 "42000" undeclared_variable(name) "Undeclared variable: {name}";
    1329 "02000" fetch_no_data() "No data - zero rows fetched, selected, or processed";
    1337 "42000" cursor_after_handler() "Variable or condition declaration after cursor or handler declaration";
    1347 "HY000" wrong_object(database, name, kind) "'{database}.{name}' is not {kind}";
    1348 "HY000" non_updatable_column(column) "Column '{column}' is not updatable";
    1350 "HY000" view_select_clause(clause) "View's SELECT contains a '{clause}' clause";
    1351 "HY000" view_select_variable() "View's SELECT contains a variable or parameter";
    1352 "HY000" view_select_temporary_table(table) "View's SELECT refers to a temporary table '{table}'";
    1353 "HY000" view_wrong_list() "In definition of view, derived table or common table expression, SELECT list and column names list have different column counts";
    1356 "HY000" view_invalid(view) "View '{view}' references invalid table(s) or column(s) or function(s) or definer/invoker of view lack rights to use them";
    1364 "HY000" no_default_for_column(column) "Field '{column}' doesn't have a default value";
    1365 "22012" division_by_zero() "Division by 0";
    1366 "HY000" incorrect_value(kind, value, column, row) "Incorrect {kind} value: '{value}' for column '{column}' at row {row}";
    1367 "22007" illegal_value_parse(kind, value) "Illegal {kind} '{value}' value found during parsing";
    1369 "HY000" view_check_failed(view) "CHECK OPTION failed '{view}'";
    1370 "42000" routine_access_denied(privilege, user, host, name) "{privilege} command denied to user '{user}'@'{host}' for routine '{name}'";
    1382 "HY000" syntax_reserved(syntax) "The '{syntax}' syntax is reserved for purposes internal to the MySQL server";
    1390 "HY000" too_many_placeholders() "Prepared statement contains too many placeholders";
    1391 "HY000" key_part_zero_length(column) "Key part '{column}' length cannot be 0";
    1396 "HY000" cannot_user(operation, users) "Operation {operation} failed for {users}";
    1399 "XAE07" xa_not_allowed(state) "XAER_RMFAIL: The command cannot be executed when global transaction is in the  {state} state";
    1406 "22001" data_too_long(column, row) "Data too long for column '{column}' at row {row}";
    1411 "HY000" wrong_value_for_type(kind, value, function) "Incorrect {kind} value: '{value}' for function {function}";
    1414 "42000" out_argument_not_variable(position, routine) "OUT or INOUT argument {position} for routine {routine} is not a variable or NEW pseudo-variable in BEFORE trigger";
    1415 "0A000" result_set_not_allowed(kind) "Not allowed to return a result set from a {kind}";
    1422 "HY000" commit_not_allowed_in_function() "Explicit or implicit commit is not allowed in stored function or trigger.";
    1425 "42000" too_big_scale(scale, column, max) "Too big scale {scale} specified for column '{column}'. Maximum is {max}.";
    1426 "42000" too_big_precision(precision, column, max) "Too-big precision {precision} specified for '{column}'. Maximum is {max}.";
    1427 "42000" precision_below_scale(column) "For float(M,D), double(M,D) or decimal(M,D), M must be >= D (column '{column}').";
    1436 "HY000" plan_too_deep(limit) "Thread stack overrun: the plan of the statement is deeper than {limit} operators";
    1439 "42000" too_big_display_width(column, max) "Display width out of range for column '{column}' (max = {max})";
    1441 "22008" datetime_function_overflow(function) "Datetime function: {function} field overflow";
    1450 "HY000" foreign_data_error(detail) "Foreign data error: {detail}";
    1451 "23000" row_is_referenced_by(detail) "Cannot delete or update a parent row: a foreign key constraint fails ({detail})";
    1452 "23000" no_referenced_row_for(detail) "Cannot add or update a child row: a foreign key constraint fails ({detail})";
    1453 "42000" view_recursive(view) "`{view}` contains view recursion";
    1461 "42000" max_prepared_statements(limit) "Can't create more than max_prepared_stmt_count statements (current value: {limit})";
    1463 "42000" non_grouping_field_used(column, clause) "Non-grouping field '{column}' is used in {clause} clause";
    1470 "HY000" wrong_string_length(value, what, max) "String '{value}' is too long for {what} (should be no longer than {max})";
    1471 "HY000" not_insertable_table(table, command) "The target table {table} of the {command} is not insertable-into";
    1479 "HY000" partition_requires_values(kind, values) "Syntax error: {kind} PARTITIONING requires definition of VALUES {values} for each partition";
    1525 "HY000" wrong_value(kind, value) "Incorrect {kind} value: '{value}'";
    1526 "HY000" no_partition_for_value(value) "Table has no partition for value {value}";
    1553 "HY000" drop_index_needed_by_foreign_key(index) "Cannot drop index '{index}': needed in a foreign key constraint";
    1567 "HY000" wrong_partition_name() "Incorrect partition name";
    1568 "25001" transaction_characteristics() "Transaction characteristics can't be changed while a transaction is in progress";
    1582 "42000" wrong_parameter_count(function) "Incorrect parameter count in the call to native function '{function}'";
    1583 "42000" wrong_parameters(function) "Incorrect parameters in the call to native function '{function}'";
    1584 "42000" wrong_parameters_to_stored(function) "Incorrect parameters in the call to stored function '{function}'";
    1586 "23000" duplicate_entry_with_key_name(entry, key) "Duplicate entry '{entry}' for key '{key}'";
    1644 "45000" signal_exception() "Unhandled user-defined exception condition";
    1681 "HY000" deprecated_no_replacement(what) "'{what}' is deprecated and will be removed in a future release.";
    1690 "22003" value_out_of_range(kind, expression) "{kind} value is out of range in '{expression}'";
    1699 "HY000" set_password_not_supported() "SET PASSWORD has no significance for users authenticating via plugins";
    1701 "42000" truncate_illegal_foreign_key(detail) "Cannot truncate a table referenced in a foreign key constraint ({detail})";
    1734 "HY000" conflicting_declarations(first, second) "Conflicting declarations: '{first}' and '{second}'";
    1735 "HY000" unknown_partition(partition, table) "Unknown partition '{partition}' in table '{table}'";
    1766 "HY000" variable_cannot_change_in_transaction(name) "The system variable {name} cannot be set when there is an ongoing transaction.";
    1792 "25006" cannot_execute_in_read_only_transaction() "Cannot execute statement in a READ ONLY transaction.";
    1815 "HY000" internal_error(detail) "Internal error: {detail}";
    1820 "HY000" must_change_password() "You must reset your password using ALTER USER statement before executing this statement.";
    1819 "HY000" password_policy() "Your password does not satisfy the current policy requirements";
    1824 "HY000" foreign_key_cannot_open_parent(table) "Failed to open the referenced table '{table}'";
    1826 "HY000" duplicate_foreign_key(name) "Duplicate foreign key constraint name '{name}'";
    1831 "HY000" duplicate_index(index, table) "Duplicate index '{index}' defined on the table '{table}'. This is deprecated and will be disallowed in a future release.";
    1832 "HY000" foreign_key_column_cannot_change(column, constraint) "Cannot change column '{column}': used in a foreign key constraint '{constraint}'";
    1846 "0A000" alter_not_supported_reason(algorithm, reason, alternative) "{algorithm} is not supported. Reason: {reason}. Try {alternative}.";
    1845 "0A000" alter_not_supported(algorithm, alternative) "{algorithm} is not supported for this operation. Try {alternative}.";
    1861 "22004" alter_null_to_not_null(column) "cannot silently convert NULL values, as required in this SQL_MODE ({column})";
    1872 "HY000" replica_not_configured() "Replica failed to initialize applier metadata structure from the repository";
    1906 "HY000" generated_column_value_ignored(column, table) "The value specified for generated column '{column}' in table '{table}' has been ignored.";
    3009 "HY000" stored_in_previous_version(column) "Column '{column}' was stored by a previous version";
    3024 "HY000" query_timeout() "Query execution was interrupted, maximum statement execution time exceeded";
    3057 "42000" user_lock_wrong_name(name) "Incorrect user-level lock name '{name}'.";
    3058 "HY000" user_lock_deadlock() "Deadlock found when trying to get user-level lock; try rolling back transaction/releasing locks and restarting lock acquisition.";
    3064 "HY000" incorrect_type(argument, function) "Incorrect type for argument {argument} in function {function}.";
    3065 "HY000" order_by_not_in_select_distinct(position, column) "Expression #{position} of ORDER BY clause is not in SELECT list, references column '{column}' which is not in SELECT list; this is incompatible with DISTINCT";
    3029 "HY000" aggregate_order_non_aggregate(position) "Expression #{position} of ORDER BY contains aggregate function and applies to the result of a non-aggregated query";
    3102 "HY000" generated_column_function_not_allowed(column) "Expression of generated column '{column}' contains a disallowed function.";
    3105 "HY000" non_default_for_generated_column(column, table) "The value specified for generated column '{column}' in table '{table}' is not allowed.";
    3106 "HY000" unsupported_on_generated_column(action) "'{action}' is not supported for generated columns.";
    3107 "HY000" generated_column_non_prior() "Generated column can refer only to generated columns defined prior to it.";
    3108 "HY000" dependent_by_generated_column(column) "Column '{column}' has a generated column dependency.";
    3109 "HY000" generated_column_refers_to_auto_increment(column) "Generated column '{column}' cannot refer to auto-increment column.";
    3125 "HY000" time_limit_not_outermost() "MAX_EXECUTION_TIME hint is supported by top-level standalone SELECT statements only";
    3126 "HY000" hint_conflicting(hint) "Hint {hint} is ignored as conflicting/duplicated";
    3140 "22032" invalid_json_text(reason, position, column) "Invalid JSON text: \"{reason}\" at position {position} in value for column '{column}'.";
    3141 "22032" invalid_json_text_in_param(argument, function, reason, position) "Invalid JSON text in argument {argument} to function {function}: \"{reason}\" at position {position}.";
    3143 "42000" invalid_json_path(position) "Invalid JSON path expression. The error is around character position {position}.";
    3144 "22032" invalid_json_charset(charset) "Cannot create a JSON value from a string with CHARACTER SET '{charset}'.";
    3146 "22032" invalid_type_for_json(argument, function) "Invalid data type for JSON data in argument {argument} to function {function}; a JSON string or JSON type is required.";
    3147 "22032" invalid_cast_to_json() "Cannot CAST value to JSON.";
    3149 "42000" invalid_json_path_wildcard() "In this situation, path expressions may not contain the * and ** tokens or an array range.";
    3150 "22032" json_value_too_big() "The JSON value is too big to be stored in a JSON column.";
    3151 "22032" json_key_too_big() "The JSON object contains a key name that is too long.";
    3152 "42000" json_used_as_key(column) "JSON column '{column}' supports indexing only via generated columns on a specified JSON path.";
    3153 "42000" json_vacuous_path() "The path expression '$' is not allowed in this context.";
    3154 "42000" json_bad_one_or_all(function) "The oneOrAll argument to {function} may take these values: 'one' or 'all'.";
    3156 "22001" invalid_json_value_for_cast(kind) "Invalid JSON value for CAST to {kind} from column json_extract at row 1";
    3157 "22032" json_document_too_deep() "The JSON document exceeds the maximum depth.";
    3158 "22032" json_document_null_key() "JSON documents may not contain NULL member names.";
    3159 "HY000" secure_transport_required() "Connections using insecure transport are prohibited while --require_secure_transport=ON.";
    3165 "42000" json_path_array_cell() "A path expression is not a path to a cell in an array.";
    3523 "HY000" unknown_authorization_id(user, host) "Unknown authorization ID `{user}`@`{host}`";
    3554 "HY000" no_system_schema_access(name) "Access to system schema '{name}' is rejected.";
    3572 "HY000" lock_nowait() "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set.";
    3573 "HY000" cte_recursive_requires_union(name) "Recursive Common Table Expression '{name}' should contain a UNION";
    3574 "HY000" cte_recursive_requires_nonrecursive_first(name) "Recursive Common Table Expression '{name}' should have one or more non-recursive query blocks followed by one or more recursive ones";
    3575 "HY000" cte_recursive_forbids_aggregation(name) "Recursive Common Table Expression '{name}' can contain neither aggregation nor window functions in recursive query block";
    3577 "HY000" cte_recursive_not_single(name) "In recursive query block of Recursive Common Table Expression '{name}', the recursive table must be referenced only once, and not in any subquery";
    3579 "HY000" no_such_window(name) "Window name '{name}' is not defined.";
    3580 "HY000" window_circularity() "There is a circularity in the window dependency graph.";
    3581 "HY000" window_no_child_partitioning() "A window which depends on another cannot define partitioning.";
    3582 "HY000" window_no_inherit_frame(name) "Window '{name}' has a frame definition, so cannot be referenced by another window.";
    3583 "HY000" window_no_redefine_order_by(window, name) "Window '{window}' cannot inherit '{name}' since both contain an ORDER BY clause.";
    3584 "HY000" window_frame_start_illegal(name) "Window '{name}': frame start cannot be UNBOUNDED FOLLOWING.";
    3585 "HY000" window_frame_end_illegal(name) "Window '{name}': frame end cannot be UNBOUNDED PRECEDING.";
    3586 "HY000" window_frame_illegal(name) "Window '{name}': frame start or end is negative, NULL or of non-integral type";
    3587 "HY000" window_range_frame_order_type(name) "Window '{name}' with RANGE N PRECEDING/FOLLOWING frame requires exactly one ORDER BY expression, of numeric or temporal type";
    3588 "HY000" window_range_frame_temporal_type(name) "Window '{name}' with RANGE frame has ORDER BY expression of datetime type. Only INTERVAL bound value allowed.";
    3589 "HY000" window_range_frame_numeric_type(name) "Window '{name}' with RANGE frame has ORDER BY expression of numeric type, INTERVAL bound value not allowed.";
    3590 "HY000" window_rows_interval_use(name) "Window '{name}': INTERVAL can only be used with RANGE frames.";
    3593 "HY000" window_invalid_use(function) "You cannot use the window function '{function}' in this context.'";
    3602 "HY000" invalid_grouping_argument(position) "Argument #{position} of GROUPING function is not in GROUP BY";
    3636 "HY000" cte_max_recursion_depth(depth) "Recursive query aborted after {depth} iterations. Try increasing @@cte_max_recursion_depth to a larger value.";
    3679 "HY000" partition_function_not_allowed() "This partition function is not allowed";
    3685 "HY000" regexp_illegal_argument() "Illegal argument to a regular expression.";
    3686 "HY000" regexp_index_out_of_bounds() "Index out of bounds in regular expression search.";
    3688 "HY000" regexp_rule_syntax(position) "Syntax error in regular expression on line 1, character {position}.";
    3691 "HY000" regexp_mismatched_paren() "Mismatched parenthesis in regular expression.";
    3692 "HY000" regexp_bad_interval() "Incorrect description of a {{min,max}} interval.";
    3696 "HY000" regexp_missing_close_bracket() "The regular expression contains an unclosed bracket expression.";
    3697 "HY000" regexp_invalid_range() "The regular expression contains an [x-y] character range where x comes after y.";
    3699 "HY000" regexp_time_out() "Timeout exceeded in regular expression match.";
    3720 "HY000" national_deprecated() "NATIONAL/NCHAR/NVARCHAR implies the character set UTF8MB3, which will be replaced by UTF8MB4 in a future release.";
    3730 "HY000" foreign_key_cannot_drop_parent(parent, constraint, child) "Cannot drop table '{parent}' referenced by a foreign key constraint '{constraint}' on table '{child}'.";
    3734 "HY000" foreign_key_missing_column(column, constraint, table) "Failed to add the foreign key constraint. Missing column '{column}' for constraint '{constraint}' in the referenced table '{table}'";
    3750 "HY000" table_without_primary_key() "Unable to create or change a table without a primary key, when the system variable 'sql_require_primary_key' is set.";
    3763 "HY000" generated_column_named_function_not_allowed(column, function) "Expression of generated column '{column}' contains a disallowed function: {function}.";
    3764 "HY000" generated_column_row_value(column) "Expression of generated column '{column}' cannot refer to a row value.";
    3772 "HY000" default_value_variables(column) "Default value expression of column '{column}' cannot refer user or system variables.";
    3819 "HY000" check_constraint_violated(name) "Check constraint '{name}' is violated.";
    3820 "HY000" check_constraint_unknown_column(name, column) "Check constraint '{name}' refers to non-existing column '{column}'.";
    3821 "HY000" check_constraint_not_found(name) "Check constraint '{name}' is not found in the table.";
    3822 "HY000" duplicate_check_constraint(name) "Duplicate check constraint name '{name}'.";
    3854 "HY000" invalid_default_utf8(charset, value, column) "Cannot convert string '{value}' from {charset} to utf8mb4 for column '{column}'";
    3903 "22018" invalid_json_for_function_index(name) "Invalid JSON value for CAST for expression index '{name}'";
    3904 "22003" json_out_of_range_for_function_index(name) "Out of range JSON value for CAST for expression index '{name}'";
    3940 "HY000" constraint_not_found(name) "Constraint '{name}' does not exist.";
    3945 "HY000" duplicate_in_multi_valued(entry, index) "Duplicate entry '{entry}' for key '{index}'";
    3953 "HY000" window_function_in_where() "Window functions are not allowed in this context";
    3966 "22035" json_value_missing(function) "No value was found by '{function}' on the specified path.";
    4028 "HY000" collation_conversion(from, to) "Cannot convert string from {from} to {to}";
    8027 "HY000" schema_lease_expired() "Information schema is out of date: this SQL node lost touch with the storage for longer than its schema lease; please retry transaction";
    8229 "HY000" undetermined_commit() "The outcome of the commit is unknown; the transaction may or may not have been applied.";
    8004 "HY000" transaction_too_large(size) "Transaction is too large, size: {size}";
    8025 "HY000" entry_too_large(limit, size) "entry too large, the max entry size is {limit}, the size of data is {size}";
}

/// The SQLSTATEs of the table.
pub(super) fn sqlstates() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(_, state, _)| *state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_carry_number_state_and_text() {
        let e = MySqlError::duplicate_entry("1", "t.PRIMARY");
        assert_eq!((e.code, e.sqlstate), (1062, "23000"));
        assert_eq!(e.message, "Duplicate entry '1' for key 't.PRIMARY'");
        assert_eq!(
            MySqlError::regexp_bad_interval().message,
            "Incorrect description of a {min,max} interval."
        );
    }

    #[test]
    fn every_number_appears_once_with_a_five_letter_state() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, state, name) in ALL {
            assert!(seen.insert(*code), "{code} {name} appears twice");
            assert_eq!(state.len(), 5, "{name}");
        }
    }
}
