#!/usr/bin/env bash
# Ten seconds of the soak; `make soak` is the real thing.
exec tests/soak.sh "${SOAK_SAMPLE:-10}" 3
