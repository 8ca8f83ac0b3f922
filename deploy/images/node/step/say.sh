# shellcheck shell=sh
# Everything the step says: progress, and how it ended.

WG_PHASE=start
MESSAGE_BYTES=3900

# Text as the inside of a JSON string: one line, printable, quotes and backslashes escaped, cut to $2 bytes.
json_text() {
  printf '%s' "$1" | tr '\n\t\r' '   ' | tr -cd '\040-\176' | cut -c "1-${2:-400}" | sed -e 's/\\/\\\\/g' -e 's/"/\\"/g'
}

# say PHASE PERCENT WAITING: one line of progress.
say() {
  WG_PHASE=$1
  printf '{"phase":"%s","percent":%s,"waiting":"%s"}\n' "$1" "$2" "$(json_text "${3:-}")"
}

# A plain line, for people who read the log.
note() {
  printf '%s\n' "$*"
  [ -z "${LOG:-}" ] || printf '%s\n' "$*" >>"$LOG"
}

tell() {
  printf '%s' "$1" | cut -c "1-$MESSAGE_BYTES" | tr -d '\n' >"${WG_TERMINATION:-$WG_IMAGE/dev/termination-log}" 2>/dev/null
  printf '%s\n' "$1"
}

# succeed FIELDS: FIELDS are JSON members, without braces.
succeed() {
  tell "{\"ok\":true,$1}"
  exit 0
}

# fail CODE TEXT [FIELDS]: CODE is one of docs/upgrade.md's; TEXT says what was found and what to do.
fail() {
  tell "{\"ok\":false,\"code\":\"$1\",\"phase\":\"$WG_PHASE\",\"error\":\"$(json_text "$2" 900)\"${3:+,$3}}"
  exit 1
}

# What kubeadm wraps around the reason.
BOILERPLATE="s/couldn't complete the static pod upgrade: //; s/couldn't upgrade control plane. kubeadm has tried to recover everything into the earlier state. Errors faced: /kubeadm has tried to recover: /"

# The line that says why, of what a program wrote: its last error, else its last line.
why_of() {
  found=$(grep -E '^(error|Error|E:|fatal|FATAL|panic)|\[ERROR |FATAL' "$1" 2>/dev/null | head -n 3 | tr '\n' ' ' | sed -e "$BOILERPLATE")
  [ -n "$found" ] || found=$(grep -iE '[^a-z]error[: ]|failed' "$1" 2>/dev/null | tail -n 1)
  [ -n "$found" ] || found=$(grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 1)
  printf '%s' "${found:-it left no word}"
}

prune_logs() {
  # shellcheck disable=SC2012 -- names are ours
  ls -1 "$STORE/log" 2>/dev/null | sort -r | tail -n +41 | while IFS= read -r old; do rm -f "$STORE/log/$old"; done
}
