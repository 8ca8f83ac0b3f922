# shellcheck shell=sh
# One step at a time on a host. A Job whose pod was evicted may leave its programs running for a moment: the next one
# waits for them instead of installing beside them.

LOCK_WAIT_S=${WG_LOCK_WAIT:-600}

take_lock() {
  lock="$STORE/lock"
  waited=0
  until mkdir "$lock" 2>/dev/null; do
    owner=$(cat "$lock/pid" 2>/dev/null || true)
    if [ -z "$owner" ] && [ "$waited" -lt 2 ]; then
      :
    elif [ -z "$owner" ] || ! is_step "$owner"; then
      # Its owner is gone: killed with its pod, or by a restart of the host.
      rm -rf "$lock"
      continue
    else
      say lock 0 "another step on this host (process $owner)"
    fi
    [ "$waited" -lt "$LOCK_WAIT_S" ] || fail busy "another step has been at work on this host for $LOCK_WAIT_S s (process $owner, see $STORE/log)"
    sleep 1
    waited=$((waited + 1))
  done
  printf '%s\n' "$$" >"$lock/pid"
  trap 'rm -rf "$STORE/lock"' EXIT
  trap 'exit 143' TERM INT HUP
}

# After a restart of the host the same number may be another program's.
is_step() {
  [ "$1" = "$$" ] && return 1
  kill -0 "$1" 2>/dev/null || return 1
  tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q 'step'
}
