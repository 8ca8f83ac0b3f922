# shellcheck shell=sh
# The node's side of Wavegate: one verb, carried out on the host. Sourced by the host's own /bin/sh, which nsenter
# started (see the Dockerfile): the image holds nsenter and these files and nothing else, so that every program that
# touches the host is the host's own.
#
# In:  WG_STEP (the verb), WG_FROM, WG_TARGET, WG_FIRST, … (words.sh): a closed set of typed words, no shell text.
# Out: JSON lines of progress on standard output, everything else as plain lines; at the end one JSON object of at most
#      4 KiB as the termination message: {"ok":true,"version":…} or {"ok":false,"error":…,"code":…,"phase":…}.
#
# Run again after any death it goes on from what it sees: nothing is believed because a file says it was once done.
set -u
export PATH="${WG_PATH:-/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin}"
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
umask 077

# The container's root, seen from the host: where these files and the termination message are.
WG_IMAGE="${WG_IMAGE:-/proc/$PPID/root}"
# Only tests set it: stands before every path of the host.
ROOT="${WG_ROOT:-}"
STORE="$ROOT/var/lib/wavegate"

for part in say words lock checks keep packages apt dnf images etcd kubeadm control-plane kubelet facts plan emulation restore; do
  # shellcheck source=/dev/null
  . "$WG_IMAGE/step/$part.sh"
done
unset part

main() {
  read_words
  mkdir -p "$STORE/log" || fail not_writable "cannot write to $STORE on this host"
  LOG="$STORE/log/$(date -u +%Y%m%dT%H%M%SZ)-$WG_STEP.log"
  # What the last program wrote: its reason, should it fail.
  RUN="$STORE/log/.$WG_STEP"
  prune_logs
  case $WG_STEP in
    inspect) inspect_node ;;
    *) take_lock; must_be_this_node; carry_out ;;
  esac
}

carry_out() {
  case $WG_STEP in
    prefetch) prefetch_node ;;
    controlPlane) upgrade_control_plane ;;
    controlPlaneRollback) roll_back_control_plane ;;
    kubelet) upgrade_kubelet ;;
    kubeletRollback) roll_back_kubelet ;;
    stageRestore) stage_restore ;;
    *) fail unknown_verb "the verb \"$WG_STEP\" is not known to this image: bring agent and node image to the same release" ;;
  esac
}

main
