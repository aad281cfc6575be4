#!/bin/sh
# Makes the two roles of docs/how-to/operate.md, with the passwords of two files. The container
# of PostgreSQL runs it once, on an empty volume, as the owner of the database; elsewhere:
#   POSTGRES_USER=owner POSTGRES_DB=touchstone SECRETS=/where/the/files/are deploy/postgres/roles.sh
# What the roles may do is said after each migration: touchstone migrate --grant
set -eu
SECRETS=${SECRETS:-/run/secrets}
export SECRETS

psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
  --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'EOSQL'
\set worker_password `cat "$SECRETS/worker-password"`
\set api_password `cat "$SECRETS/api-password"`
CREATE ROLE touchstone_worker LOGIN PASSWORD :'worker_password';
CREATE ROLE touchstone_api LOGIN PASSWORD :'api_password';
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO touchstone_worker, touchstone_api;
EOSQL
