#!/bin/sh
# Runs once, on an empty database: the application's role. It may connect, and nothing else until
# `anbiao database migrate --role` gives it its rights on the tables.
set -eu
PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
export PGPASSWORD
psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat /run/secrets/database_application_password`
CREATE ROLE anbiao_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';
REVOKE ALL ON DATABASE anbiao FROM PUBLIC;
GRANT CONNECT ON DATABASE anbiao TO anbiao_app;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO anbiao_app;
SQL
