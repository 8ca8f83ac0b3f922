# shellcheck shell=sh
# The words a step is given. The agent checks them too; this is the last gate before root, and trusts nobody.

read_words() {
  WG_STEP=${WG_STEP:-}
  WG_NODE=${WG_NODE:-}
  WG_FIRST=${WG_FIRST:-false}
  # node: what the node has, its minor switched · upstream · mirror: WG_MIRROR · offline: only what lies on the host
  WG_PACKAGES=${WG_PACKAGES:-node}
  WG_MIRROR=${WG_MIRROR:-}
  WG_LIMITS=${WG_LIMITS:-}
  WG_IGNORE=${WG_IGNORE:-}
  WG_EMULATE=${WG_EMULATE:-}
  WG_ORDER=${WG_ORDER:-}
  word WG_STEP '^[a-zA-Z]+$'
  [ "$WG_STEP" = inspect ] || word WG_TARGET "$VERSION_WORD"
  WG_FROM=${WG_FROM:-}
  WG_TARGET=${WG_TARGET:-}
  [ -z "$WG_FROM" ] || word WG_FROM "$VERSION_WORD"
  word WG_FIRST '^(true|false)$'
  word WG_PACKAGES '^(node|upstream|mirror|offline)$'
  [ -z "$WG_MIRROR" ] || word WG_MIRROR '^(https?://|file:/)[A-Za-z0-9._~:/{}@%+-]+$'
  [ -z "$WG_LIMITS" ] || word WG_LIMITS '^[a-z]+=[0-9]{1,5}(,[a-z]+=[0-9]{1,5})*$'
  [ -z "$WG_IGNORE" ] || word WG_IGNORE '^[A-Za-z][A-Za-z0-9-]*(,[A-Za-z][A-Za-z0-9-]*)*$'
  [ -z "$WG_EMULATE" ] || word WG_EMULATE '^[0-9]{1,2}\.[0-9]{1,3}$'
  [ -z "$WG_ORDER" ] || word WG_ORDER '^[0-9a-zA-Z-]{1,64}$'
}

VERSION_WORD='^[0-9]{1,2}\.[0-9]{1,3}\.[0-9]{1,3}(-[a-z0-9.]{1,20})?$'

word() {
  eval "value=\${$1:-}"
  # shellcheck disable=SC2154 -- set by eval
  [ "$(printf '%s' "$value" | wc -l)" -eq 0 ] && printf '%s' "$value" | grep -qE "$2" ||
    fail bad_word "$1 is \"$value\", which this step does not take"
}

# minor_of 1.35.4 → 1.35
minor_of() { printf '%s' "$1" | cut -d. -f1-2; }

# limit_of PHASE: seconds that the phase may take.
limit_of() {
  given=$(printf '%s' "$WG_LIMITS" | tr ',' '\n' | sed -n "s/^$1=//p" | head -n 1)
  case $1 in
    packages) printf '%s' "${given:-600}" ;;
    images) printf '%s' "${given:-900}" ;;
    manifests) printf '%s' "${given:-300}" ;;
    kubeadm) printf '%s' "${given:-1500}" ;;
    kubelet) printf '%s' "${given:-300}" ;;
    *) printf '%s' "${given:-60}" ;;
  esac
}

# within PHASE COMMAND…: ends it after the phase's limit. 124 = it took too long.
within() {
  of=$1
  shift
  timeout -k 30 "$(limit_of "$of")" "$@"
}

too_long() { fail step_timed_out "$1 took longer than $(limit_of "$2") s and was ended; run again it goes on from here. $3"; }
