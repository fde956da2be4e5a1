#!/usr/bin/env bash
# Asks one question through the documented way in.
source "$(dirname "$0")/lib.sh"

open_tunnel
curl --silent --fail "$page/api/model"
ask 'Hello!' > "$scratch/answer"
expect_done "$scratch/answer"
