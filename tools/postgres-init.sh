#!/bin/sh
# Makes the three roles and the database in a new Postgres.  The official image runs it
# once, as the superuser; with PGHOST and the like it works on any other server too.
# Needs POSTGRES_OWNER_PASSWORD, POSTGRES_APP_PASSWORD and POSTGRES_FOLLOWER_PASSWORD.
set -eu

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres \
    --set owner_password="${POSTGRES_OWNER_PASSWORD:?}" \
    --set app_password="${POSTGRES_APP_PASSWORD:?}" \
    --set follower_password="${POSTGRES_FOLLOWER_PASSWORD:?}" <<'SQL'
CREATE ROLE tabellion_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE tabellion_app LOGIN PASSWORD :'app_password';
CREATE ROLE tabellion_follower LOGIN PASSWORD :'follower_password';
CREATE DATABASE tabellion OWNER tabellion_owner;
REVOKE ALL ON DATABASE tabellion FROM PUBLIC;
GRANT CONNECT ON DATABASE tabellion TO tabellion_follower;
-- the app makes one schema a workspace
GRANT CONNECT, TEMPORARY, CREATE ON DATABASE tabellion TO tabellion_app;
SQL
