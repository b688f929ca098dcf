#!/bin/sh
# An agent that is a script: fetches tasks from the hub, runs them, reports them. Needs curl and jq.
#   HUB=https://hub:3079 NODE=nas TOKEN=drva_… sh external_agent.sh
# STYLE=graphium: the same over /compat/graphium. CURL_OPTIONS: "--cacert ca.pem". POLL: seconds between polls.
set -u
: "${HUB:?}" "${NODE:?}" "${TOKEN:?}" "${STYLE:=native}" "${POLL:=1}" "${CURL_OPTIONS:=}"
if [ "$STYLE" = graphium ]; then base=$HUB/compat/graphium/api/v1; else base=$HUB/api/v1; fi

# METHOD PATH [BODY] → the body of the answer; fails unless it is 2xx
call() {
  # shellcheck disable=SC2086
  curl -sS --fail --max-time 20 $CURL_OPTIONS -X "$1" -H "Authorization: Bearer $TOKEN" \
    -H 'Content-Type: application/json' ${3:+--data-binary "$3"} "$base$2"
}

report() { # TASK BODY: until it is heard, or refused for good
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    # shellcheck disable=SC2086
    code=$(curl -sS --max-time 20 $CURL_OPTIONS -o /dev/null -w '%{http_code}' -X PUT \
      -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' --data-binary "$2" \
      "$base/tasks/$1/status") || code=000
    case $code in 2*) return 0 ;; 4*) echo "task $1: refused with $code" >&2; return 1 ;; esac
    sleep 1
  done
  return 1
}

run() { # the payload's command, with /bin/sh
  task=$1 attempt=$2 command=$3
  begun=$(jq -nc --argjson n "$attempt" '{status: "running"} + (if $n > 0 then {attempt: $n} else {} end)')
  report "$task" "$begun" || return
  output=$(/bin/sh -c "$command" 2>&1)
  status=$?
  if [ "$STYLE" = graphium ]; then
    body=$(jq -nc --arg out "$output" --argjson s $status \
      'if $s == 0 then {status: "completed", result: {success: true, message: $out}}
       else {status: "failed", error: "exit \($s): \($out)"} end')
  else
    body=$(jq -nc --arg out "$output" --argjson s $status --argjson n "$attempt" \
      '{attempt: $n, output: ($out | split("\n")), result: {exit_code: $s}} +
       (if $s == 0 then {status: "completed"} else {status: "failed", error: "exit \($s)"} end)')
  fi
  report "$task" "$body"
}

while :; do
  tasks=$(call GET "/agents/$NODE/tasks?limit=5") || { sleep "$POLL"; continue; }
  if [ "$STYLE" = graphium ]; then fields='[.["@id"], "0", .payload.command // "true", "false"]'
  else fields='[.id, (.attempt | tostring), .payload.command // "true", (.cancel_requested | tostring)]'; fi
  echo "$tasks" | jq -r ".[] | $fields | @tsv" | while IFS="$(printf '\t')" read -r task attempt command cancelled; do
    if [ "$cancelled" = true ]; then report "$task" '{"status":"cancelled"}'; else run "$task" "$attempt" "$command"; fi
  done
  sleep "$POLL"
done
