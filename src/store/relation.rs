//! Many rows as parameters of one statement, on both databases by the same SQL.
//!
//! The statement reads them from a common table expression `rows`. PostgreSQL gets one array per column, so that
//! a prepared statement serves any number of rows. SQLite gets a list of values, filled up to a power of two so that
//! few statements are ever prepared.

use sea_orm::{
    ConnectionTrait, DbBackend, QueryResult, Statement, Value,
    sea_query::{ArrayType, ValueType},
};
use uuid::Uuid;

use super::{StoreError, error};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Small,
    Big,
    Flag,
    Uuid,
    Bytes,
}

/// Name, kind, and whether a cell may be null.
pub(super) type Column = (&'static str, Kind, Null);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Null {
    No,
    Yes,
}

#[derive(Debug)]
pub(super) struct Relation {
    columns: &'static [Column],
    /// By column, because that is how the larger database takes them.
    cells: Vec<Vec<Value>>,
}

/// Rows. SQLite takes 32,766 parameters, and the widest relation has 21 columns.
const LARGEST_STATEMENT: usize = 512;

impl Relation {
    pub(super) fn new(columns: &'static [Column]) -> Self {
        Self { columns, cells: columns.iter().map(|_| Vec::new()).collect() }
    }

    /// One cell per column, in order.
    pub(super) fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let mut row = row.into_iter();
        let filled = self.cells.iter_mut().zip(&mut row).map(|(cells, cell)| cells.push(cell)).count();
        debug_assert_eq!((filled, row.next()), (self.columns.len(), None), "a row has one cell per column");
    }

    pub(super) fn len(&self) -> usize {
        self.cells.first().map_or(0, Vec::len)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `INSERT INTO table (…) SELECT … FROM rows`: every column, under its own name.
    pub(super) fn insert_into(&self, table: &str) -> String {
        let names = self.names();
        // SQLite would take an ON that follows for that of a join, were there no WHERE.
        format!("INSERT INTO {table} ({names}) SELECT {names} FROM rows WHERE true")
    }

    /// Runs `WITH rows(…) AS (…) {sql}` and returns what it returns, in as few statements as there can be. No rows, none.
    pub(super) async fn query(
        self,
        db: &impl ConnectionTrait,
        sql: &str,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let mut found = Vec::new();
        for statement in self.statements(db.get_database_backend(), sql) {
            found.append(&mut db.query_all_raw(statement).await.map_err(error::classify)?);
        }
        Ok(found)
    }

    pub(super) async fn execute(self, db: &impl ConnectionTrait, sql: &str) -> Result<(), StoreError> {
        for statement in self.statements(db.get_database_backend(), sql) {
            db.execute_raw(statement).await.map_err(error::classify)?;
        }
        Ok(())
    }

    fn statements(self, backend: DbBackend, sql: &str) -> Vec<Statement> {
        match (self.is_empty(), backend) {
            (true, _) => Vec::new(),
            (false, DbBackend::Postgres) => vec![self.arrays(sql)],
            (false, _) => self.value_lists(sql),
        }
    }

    fn arrays(self, sql: &str) -> Statement {
        let names = self.names();
        let mut selected = Vec::new();
        let mut parameters = Vec::new();
        for (index, (name, kind, null)) in self.columns.iter().enumerate() {
            parameters.push(format!("${}::{}[]", index + 1, kind.postgres()));
            selected.push(match null {
                Null::No => (*name).to_owned(),
                Null::Yes => format!("NULLIF({name}, {})", kind.stand_in_sql()),
            });
        }
        let (selected, parameters) = (selected.join(", "), parameters.join(", "));
        let text = format!(
            "WITH rows({names}) AS (SELECT {selected} FROM unnest({parameters}) AS u({names})) {sql}"
        );
        let arrays = self.columns.iter().zip(self.cells).map(|((_, kind, _), cells)| kind.array(cells));
        Statement::from_sql_and_values(DbBackend::Postgres, text, arrays)
    }

    fn value_lists(self, sql: &str) -> Vec<Statement> {
        let names = self.names();
        let width = self.columns.len();
        let mut left = self.len();
        let mut columns: Vec<_> = self.cells.into_iter().map(Vec::into_iter).collect();
        let mut statements = Vec::new();
        while left > 0 {
            let size = LARGEST_STATEMENT.min(left.next_power_of_two());
            let row = format!("({})", vec!["?"; width].join(","));
            let list = vec![row; size].join(",");
            // The first column is never null, but in the rows that fill up.
            let text = format!(
                "WITH rows({names}) AS (SELECT * FROM (VALUES {list}) WHERE column1 IS NOT NULL) {sql}"
            );
            let mut cells = Vec::with_capacity(size * width);
            for _ in 0..left.min(size) {
                cells.extend(columns.iter_mut().filter_map(Iterator::next));
            }
            cells.resize(size * width, Value::BigInt(None));
            statements.push(Statement::from_sql_and_values(DbBackend::Sqlite, text, cells));
            left = left.saturating_sub(size);
        }
        statements
    }

    fn names(&self) -> String {
        self.columns.iter().map(|(name, ..)| *name).collect::<Vec<_>>().join(", ")
    }
}

impl Kind {
    fn postgres(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Small => "smallint",
            Self::Big => "bigint",
            Self::Flag => "boolean",
            Self::Uuid => "uuid",
            Self::Bytes => "bytea",
        }
    }

    /// The driver's arrays hold no nulls, so a value that no cell ever has stands in for them.
    fn stand_in(self) -> Value {
        match self {
            Self::Text => "".into(),
            Self::Small => i16::MIN.into(),
            Self::Big => i64::MIN.into(),
            Self::Flag => false.into(),
            Self::Uuid => Uuid::nil().into(),
            Self::Bytes => Vec::<u8>::new().into(),
        }
    }

    fn stand_in_sql(self) -> &'static str {
        match self {
            Self::Text => "''",
            Self::Small => "(-32768)::smallint",
            Self::Big => "(-9223372036854775808)::bigint",
            Self::Flag => "false",
            Self::Uuid => "'00000000-0000-0000-0000-000000000000'::uuid",
            Self::Bytes => "''::bytea",
        }
    }

    fn array(self, cells: Vec<Value>) -> Value {
        let filled: Vec<Value> =
            cells.into_iter().map(|cell| if is_null(&cell) { self.stand_in() } else { cell }).collect();
        let element = match self {
            Self::Text => ArrayType::String,
            Self::Small => <i16 as ValueType>::array_type(),
            Self::Big => ArrayType::BigInt,
            Self::Flag => ArrayType::Bool,
            Self::Uuid => ArrayType::Uuid,
            Self::Bytes => ArrayType::Bytes,
        };
        Value::Array(element, Some(Box::new(filled)))
    }
}

fn is_null(cell: &Value) -> bool {
    matches!(
        cell,
        Value::String(None)
            | Value::SmallInt(None)
            | Value::BigInt(None)
            | Value::Uuid(None)
            | Value::Bytes(None)
    )
}
