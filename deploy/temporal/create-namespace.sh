#!/bin/sh
# Makes sure that the namespace `default` exists, with halfspace's search attributes; closed runs are kept for a week.
set -eu

tries=0
until temporal operator cluster health; do
  tries=$((tries + 1))
  if [ "$tries" -ge 24 ]; then
    echo "Temporal at $TEMPORAL_ADDRESS did not become healthy within two minutes" >&2
    exit 1
  fi
  sleep 5
done

temporal operator namespace describe --namespace default ||
  temporal operator namespace create --namespace default --retention 168h

# The command succeeds where they are there already.
temporal operator search-attribute create --namespace default \
  --name halfspacePipeline --type Keyword --name halfspaceMachine --type Keyword --name halfspaceAnomalies --type Int
