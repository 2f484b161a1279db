#!/bin/sh
# Creates or updates Temporal's two databases. Safe to run again: what exists is kept, and a schema is only ever raised.
set -eu

for database in temporal temporal_visibility; do
  case "$database" in
    temporal) folder=temporal ;;
    *) folder=visibility ;;
  esac
  tool() {
    temporal-sql-tool --plugin postgres12 --endpoint temporal-database --port 5432 --user temporal \
      --database "$database" "$@"
  }
  tool create
  tool setup-schema --version 0.0
  tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
