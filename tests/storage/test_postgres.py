"""What only PostgreSQL can show: rights, guards, row security, locks among sessions, cut lines."""

import threading

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from policies.vocabulary import TaskState
from sandbox.errors import LedgerUnavailable, StateError, Unacceptable, Unavailable
from sandbox.records.labels import Task
from sandbox.records.people import Epoch
from sandbox.storage.migrations import run
from sandbox.storage.postgres import PostgresLedgers
from sandbox.storage.postgres_link import address_in, address_in_file, role_name
from sandbox.storage.postgres_schema import migrate, prepare
from sandbox.storage.rows import HOSPITAL_ROWS, PLATFORM_ROWS, LedgerKind
from sandbox.storage.schema import Schema

LEDGER, OTHER = "a" * 32, "b" * 32
ALL_ROWS = tuple(dict.fromkeys((*PLATFORM_ROWS, *HOSPITAL_ROWS)))


@pytest.fixture
def place(postgres):
    return postgres.emptied()


@pytest.fixture
def house(place):
    opened = PostgresLedgers(place.application, busy_timeout_s=0.2)
    yield opened
    opened.close()


@pytest.fixture
def store(house):
    made = house.create(LEDGER)
    with made.unit() as unit:
        unit.append(0, b"zero", b"hash 0")
        unit.append(1, b"one", b"hash 1")
        unit.tables.of(Epoch).insert(Epoch("epoch", 1))
        unit.commit()
    return made


@pytest.fixture
def raw(postgres, place, store):
    """A bare connection of the application's role, looking at its ledger."""
    with postgres.connect("anbiao_app", place.name) as connection:
        connection.execute(f"SET anbiao.ledger = '{store.ledger}'")
        yield connection


def refusal_of(call, *given, **more):
    with pytest.raises(Unavailable) as refused:
        call(*given, **more)
    return refused.value.code


# what the application's role may


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE entries (idx int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX mine ON entries (idx)",
        "CREATE TRIGGER mine BEFORE INSERT ON entries EXECUTE FUNCTION entries_refuse_change()",
        "ALTER TABLE entries ADD COLUMN mine int",
        "ALTER TABLE entries DISABLE TRIGGER ALL",
        "ALTER TABLE entries DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE entries OWNER TO anbiao_app",
        "DROP TABLE entries",
        "DROP TRIGGER entries_refuse_change ON entries",
        "DROP POLICY own_ledger ON entries",
        "TRUNCATE entries",
        "UPDATE entries SET entry = 'x'",
        "DELETE FROM entries",
        "INSERT INTO entries VALUES ('{ledger}', 1, 'x', 'x') ON CONFLICT (ledger, idx) DO UPDATE SET entry = 'x'",
        "SET session_replication_role = replica",
        "SET ROLE anbiao_owner",
        "CREATE ROLE mine",
        "DELETE FROM task",
        "DELETE FROM ledgers",
        "UPDATE ledgers SET id = 'x'",
        "UPDATE alembic_version SET version_num = '0001'",
        "COPY entries TO '/tmp/mine'",
        "COPY entries TO PROGRAM 'cat'",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_application_may_neither_change_tables_nor_entries(raw, store, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(statement.format(ledger=store.ledger))

    assert store.entries(0, 9) == [b"zero", b"one"]


@pytest.mark.parametrize("role", ["anbiao_owner", "postgres"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE entries SET entry = 'x'", "DELETE FROM entries", "TRUNCATE entries"],
)
def test_entries_are_insert_only_even_for_their_owner(postgres, place, store, role, statement):
    with (
        postgres.connect(role, place.name) as connection,
        pytest.raises(psycopg.errors.IntegrityConstraintViolation),
    ):
        connection.execute(statement)

    assert store.entries(0, 9) == [b"zero", b"one"]


@pytest.mark.parametrize("index", ["-1", "0", "1", "3", "NULL"])
def test_only_the_next_entry_may_be_inserted(raw, store, index):
    with pytest.raises(psycopg.errors.IntegrityError):
        raw.execute(f"INSERT INTO entries VALUES ('{store.ledger}', {index}, 'x', 'x')")

    assert store.size() == 2


# ledgers apart


def test_a_transaction_sees_its_own_ledger_only(raw, house):
    with house.create(OTHER).unit() as unit:
        unit.append(0, b"theirs", b"hash")
        unit.tables.of(Epoch).insert(Epoch("epoch", 9))
        unit.commit()

    # Even a statement that forgets to ask for one ledger.
    assert raw.execute("SELECT DISTINCT ledger FROM entries").fetchall() == [(LEDGER,)]
    assert raw.execute("UPDATE epoch SET value = 7").rowcount == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        raw.execute(f"INSERT INTO epoch VALUES ('{OTHER}', 'mine', 1)")
    raw.execute("RESET anbiao.ledger")
    assert raw.execute("SELECT count(*) FROM entries").fetchone() == (0,)
    with house.open(OTHER).snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 9)]


def test_every_table_of_rows_has_its_row_security(postgres, place):
    with postgres.connect(database=place.name) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
            " WHERE relrowsecurity AND polname = 'own_ledger'"
        ).fetchall()
        named = connection.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'ledger' AND table_schema = 'public'"
        ).fetchall()

    assert sorted(found) == sorted(named)
    assert len(found) == len(ALL_ROWS) + 1


def test_keys_sort_by_code_point_whatever_the_database_speaks(postgres, place):
    with postgres.connect(database=place.name) as connection:
        found = connection.execute(
            "SELECT DISTINCT collation_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name IN ('id', 'ledger')"
        ).fetchall()

    assert found == [("C",)]


def test_pages_are_read_by_index_without_sorting(raw):
    raw.execute("SET enable_seqscan = off")
    plan = raw.execute(
        f"EXPLAIN SELECT * FROM item WHERE ledger = '{LEDGER}' AND state = 'SEALED' AND id > 'a'"
        " ORDER BY id LIMIT 10"
    ).fetchall()

    said = "\n".join(line for (line,) in plan)
    assert "Index Scan using index_item_state" in said
    assert "Sort" not in said


# units among processes


def test_sessions_of_other_processes_keep_units_out(place, store):
    other = PostgresLedgers(place.application, busy_timeout_s=0.2)
    with store.unit():
        with pytest.raises(LedgerUnavailable) as refused, other.open(LEDGER).unit():
            pass
        assert other.open(LEDGER).size() == 2
        with other.create(OTHER).unit() as unit:  # another ledger is free
            unit.commit()
    with other.open(LEDGER).unit() as unit:
        unit.commit()
    other.close()

    assert refused.value.code == "ledger-busy"


def test_a_unit_that_waited_reads_what_was_committed_meanwhile(place, store):
    other = PostgresLedgers(place.application)
    sizes = []

    def late():
        with other.open(LEDGER).unit() as unit:
            sizes.append(unit.tables.size())

    with store.unit() as unit:
        thread = threading.Thread(target=late)
        thread.start()
        thread.join(0.3)
        unit.append(2, b"two", b"hash 2")
        unit.commit()
    thread.join()
    other.close()

    assert sizes == [3]


def test_an_entry_from_elsewhere_fails_the_commit(postgres, place, store):
    with store.unit() as unit:
        unit.tables.of(Epoch).replace(Epoch("epoch", 2))
        unit.append(2, b"mine", b"hash")
        with postgres.connect(database=place.name) as behind:
            behind.execute(f"INSERT INTO entries VALUES ('{LEDGER}', 2, 'theirs', 'x')")
        with pytest.raises(LedgerUnavailable) as refused:
            unit.commit()

    assert refused.value.code == "ledger-moved"
    with store.snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 1)]


def test_a_row_that_cannot_be_read_is_said_to_be(postgres, place, store):
    with store.unit() as unit:
        row = Task("t", "p", "i", TaskState.OPEN, None, None, None, None, 0)
        unit.tables.of(Task).insert(row)
        unit.commit()
    with postgres.connect(database=place.name) as behind:
        behind.execute("UPDATE task SET state = 'NEVER'")

    with store.snapshot() as tables, pytest.raises(LedgerUnavailable) as refused:
        tables.of(Task).get("t")

    assert refused.value.code == "row-unreadable"


# lines that are cut


def cut(postgres, place):
    with postgres.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{place.name}' AND usename = 'anbiao_app'"
        )


def test_idle_connections_that_were_cut_are_made_anew(postgres, place, store):
    cut(postgres, place)

    assert store.size() == 2
    cut(postgres, place)
    with store.unit() as unit:
        unit.append(2, b"two", b"hash 2")
        unit.commit()
    assert store.size() == 3


@pytest.mark.requirement("R65")
def test_a_unit_that_is_cut_does_nothing_and_the_next_one_works(postgres, place, store):
    with store.unit() as unit:
        unit.tables.of(Epoch).replace(Epoch("epoch", 2))
        cut(postgres, place)
        with pytest.raises(LedgerUnavailable), unit.attempt():
            unit.tables.of(Epoch).find()
        with pytest.raises(LedgerUnavailable):
            unit.commit()

    with store.unit() as unit:
        assert unit.tables.of(Epoch).find() == [Epoch("epoch", 1)]
        unit.commit()


def test_a_snapshot_that_is_cut_says_so(postgres, place, store):
    with store.snapshot() as tables:
        cut(postgres, place)
        with pytest.raises(LedgerUnavailable):
            tables.of(Epoch).find()

    assert store.size() == 2


@pytest.mark.requirement("R91")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_server_that_comes_back_is_used_again(postgres, store, end):
    getattr(postgres, end)()
    try:
        with pytest.raises(LedgerUnavailable):
            store.size()
        with pytest.raises(LedgerUnavailable), store.unit():
            pass
    finally:
        postgres.start()

    with store.unit() as unit:
        unit.append(2, b"two", b"hash 2")
        unit.commit()
    assert store.entries(0, 9) == [b"zero", b"one", b"two"]


# the start


def test_nothing_is_opened_with_a_role_that_may_more(place):
    for address in (place.owner, place.superuser):
        assert refusal_of(PostgresLedgers, address) == "database-role-unfit"


@pytest.mark.requirement("R84")
def test_nothing_is_opened_with_a_role_that_may_make_temporary_tables(postgres, place):
    with postgres.connect(database=place.name) as connection:
        connection.execute(f'GRANT TEMPORARY ON DATABASE "{place.name}" TO PUBLIC')

    try:
        assert refusal_of(PostgresLedgers, place.application) == "database-role-unfit"
    finally:
        with postgres.connect(database=place.name) as connection:
            connection.execute(f'REVOKE TEMPORARY ON DATABASE "{place.name}" FROM PUBLIC')


@pytest.mark.requirement("R84")
def test_a_temporary_table_does_not_stand_in_for_the_entries(postgres, place, store):
    with postgres.connect(database=place.name) as connection:
        connection.execute("CREATE TEMPORARY TABLE entries (ledger text, idx bigint)")
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            connection.execute(f"INSERT INTO public.entries VALUES ('{store.ledger}', 7, 'x', 'x')")

    assert store.size() == 2


def test_nothing_is_opened_with_a_role_that_may_less(postgres, place):
    with postgres.connect(database=place.name) as connection:
        connection.execute("CREATE ROLE weak LOGIN")
        connection.execute("GRANT SELECT ON alembic_version TO weak")
    weak = place.superuser.set(username="weak", password="x")
    with postgres.connect() as connection:
        connection.execute("ALTER ROLE weak PASSWORD 'x'")

    assert refusal_of(PostgresLedgers, weak) == "database-role-unfit"


@pytest.mark.parametrize(
    "change", [{"password": "wrong"}, {"username": "nobody_here"}, {"database": "nowhere"}]
)
def test_what_the_server_refuses_is_said_and_nothing_of_the_password(place, change):
    with pytest.raises(Unavailable) as refused:
        PostgresLedgers(place.application.set(**change))

    assert refused.value.code == "database-refused"
    assert "p4ss" not in f"{refused.value} {refused.value.__cause__}"


def test_a_server_that_is_not_there_is_said(place, tmp_path):
    nowhere = place.application.update_query_dict({"host": str(tmp_path)})

    assert refusal_of(PostgresLedgers, nowhere) == "database-unreachable"
    assert refusal_of(migrate, nowhere) == "database-unreachable"


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "schema-newer"),
        (f"UPDATE alembic_version SET version_num = '{run.BASELINE}'", "schema-older"),
        ("DELETE FROM alembic_version", "schema-older"),
        ("DROP TABLE alembic_version", "schema-missing"),
    ],
)
def test_tables_of_another_version_are_not_opened(postgres, statement, code):
    own = postgres.house()
    with postgres.connect(database=own.name) as connection:
        connection.execute(statement)

    assert refusal_of(PostgresLedgers, own.application) == code
    if code == "schema-newer":
        assert refusal_of(migrate, own.owner) == "schema-newer"


def test_an_empty_database_has_no_tables(postgres):
    assert refusal_of(PostgresLedgers, postgres.empty().application) == "schema-missing"


# migrations


def test_migrated_database_has_the_tables_of_the_rows(place):
    engine = create_engine(place.owner, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, Schema(ALL_ROWS, shared=True).metadata)

    assert found == []


def test_rows_of_the_first_revision_survive_the_migration(postgres):
    own = postgres.empty()
    migrated = migrate_to_first(own)
    with postgres.connect(database=own.name) as connection:
        connection.execute(f"INSERT INTO ledgers VALUES ('{LEDGER}')")
        connection.execute(f"INSERT INTO entries VALUES ('{LEDGER}', 0, 'entry', 'hash')")
        connection.execute(f"INSERT INTO epoch VALUES ('{LEDGER}', 'epoch', 7)")

    done = migrate(own.owner, "anbiao_app")

    assert migrated == run.BASELINE
    assert (done.before, done.after) == (run.BASELINE, run.head())
    house = PostgresLedgers(own.application)
    assert house.open(LEDGER).entries(0, 9) == [b"entry"]
    with house.open(LEDGER).snapshot() as tables:
        assert tables.of(Epoch).find() == [Epoch("epoch", 7)]
    house.close()
    again = migrate(own.owner, "anbiao_app")
    assert again.before == again.after == run.head()


def migrate_to_first(own):
    engine = create_engine(own.owner, poolclass=NullPool)
    with engine.begin() as connection:
        run.upgrade(connection, LedgerKind, shared=True, to=run.BASELINE)
        return connection.scalar(text("SELECT version_num FROM alembic_version"))


def test_tables_in_use_are_not_migrated(postgres):
    own = postgres.empty()
    migrate_to_first(own)

    with (
        psycopg.connect(
            host=str(postgres.folder),
            user="anbiao_app",
            dbname=own.name,
            password=own.application.password,
            application_name="anbiao",
        ),
        pytest.raises(StateError) as refused,
    ):
        migrate(own.owner, "anbiao_app")

    assert refused.value.code == "database-in-use"


def test_a_migration_that_fails_leaves_everything_as_it_was(postgres):
    own = postgres.empty()
    with postgres.connect(database=own.name) as connection:
        connection.execute("CREATE TABLE task (in_the_way int)")

    assert refusal_of(migrate, own.owner, "anbiao_app") == "migration-failed"

    with postgres.connect(database=own.name) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert found == [("task",)]


def test_a_house_is_prepared_in_a_schema_of_its_own(postgres):
    own = postgres.empty()
    first, second = (address_in(prepare(own.owner, name)) for name in ("house_one", "house_two"))

    for address in (first, second):
        house = PostgresLedgers(address)
        with house.create(LEDGER).unit() as unit:
            unit.append(0, address.username.encode(), b"hash")
            unit.commit()
        assert house.open(LEDGER).entries(0, 9) == [address.username.encode()]
        house.close()
    assert first.password != second.password
    assert all(first.password not in line for line in postgres.log)
    with pytest.raises(StateError) as refused:
        prepare(own.owner, "house_one")
    assert refused.value.code == "role-exists"


# addresses


@pytest.mark.parametrize(
    "said",
    [
        *("", "house", "postgresql://", "postgresql://user:s3cret@host", "sqlite:///s3cret.db"),
        *(
            "mysql://u:s3cret@h/d",
            "postgresql+asyncpg://u:s3cret@h/d",
            "postgresql://u:s3cret@h:x/d",
        ),
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(said):
    with pytest.raises(Unacceptable) as refused:
        address_in(said)

    assert refused.value.code == "database-url-malformed"
    assert "s3cret" not in f"{refused.value!r} {refused.value}"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_an_address_shows_no_password(scheme, tmp_path):
    file = tmp_path / "address"
    file.write_text(f"{scheme}://u:s3cret@h/d\n")
    file.chmod(0o600)

    address = address_in_file(file)

    assert (address.username, address.password, address.database) == ("u", "s3cret", "d")
    assert "s3cret" not in f"{address} {address!r}"


@pytest.mark.parametrize("name", ["", "A", "a b", 'a"b', "a;b", "a'b", "1a", "a" * 64, "ä"])
def test_a_role_that_needs_quoting_is_refused(name):
    with pytest.raises(Unacceptable):
        role_name(name)
