# shellcheck shell=sh
# Looking without changing: inspect; and fetching ahead: prefetch.

# Days ahead, while nothing is at stake: packages and images of the target.
prefetch_node() {
  must_be_kubeadm_node
  must_have_manager
  check_disk
  have_packages "$WG_TARGET" kubeadm kubelet kubectl
  have_images "$WG_TARGET"
  prune_packages
  where=$(fetched "$WG_TARGET")
  succeed "\"version\":\"$WG_TARGET\",\"packages\":\"$(json_text "${where#"$ROOT"}")\",\"images\":$all_images,\"freeMib\":$(free_mib "$ROOT/var")"
}

# inspect: what this host is, and where a target is given, whether it could go there. Finds everything it can instead of
# ending at the first: a problem is a finding {"code","text"}, not a failure.
inspect_node() {
  say inspect 10 'the host'
  FOUND=
  MANAGER=$(manager)
  [ "$MANAGER" != dnf ] || finding package_manager_experimental 'dnf manages this host: its steps were never run on a real one'
  if [ ! -f "$ROOT/etc/kubernetes/kubelet.conf" ] || [ ! -f "$ROOT/var/lib/kubelet/config.yaml" ]; then
    finding not_kubeadm 'this host was not joined by kubeadm'
  fi
  inspect_name
  if [ -z "$MANAGER" ] || [ -z "$(installed_version kubelet)" ]; then
    finding package_manager_unknown "no package manager that Wavegate knows owns this host's kubelet"
  elif [ -n "$WG_TARGET" ]; then
    inspect_target
  fi
  said="\"manager\":\"$MANAGER\",\"name\":\"$(json_text "$(own_name)")\",\"freeMib\":$(free_mib "$ROOT/var"),\"emulates\":\"$(emulates)\",$(standing_fields),\"found\":[$FOUND]"
  # What is the matter goes first; the facts take what room the message has left.
  succeed "$said,$(facts "$((MESSAGE_BYTES - ${#said} - 20))")"
}

finding() { FOUND="$FOUND${FOUND:+,}{\"code\":\"$1\",\"text\":\"$(json_text "$2" 420)\"}"; }

inspect_name() {
  name=$(own_name)
  [ -z "$WG_NODE" ] || [ -z "$name" ] || [ "$name" = "$WG_NODE" ] ||
    finding node_name_mismatch "the kubelet of this host is node $name"
}

# Each in a shell of its own: what would end a step is one finding here.
inspect_target() {
  ask check_disk
  ask have_packages "$WG_TARGET" kubeadm kubelet kubectl
  case $FOUND in *repository* | *package_missing*) return 0 ;; esac
  ask inspect_images
  is_control_plane || return 0
  ask check_alarms
  ask check_leaders
  ask check_quorum
  [ ! -f "$ROOT/etc/kubernetes/admin.conf" ] || inspect_plan
}

ask() {
  answer="$STORE/log/.answer"
  : >"$answer"
  (WG_TERMINATION="$answer" && "$@") >/dev/null 2>&1 && return 0
  code=$(sed -n 's/.*"code":"\([a-z_]*\)".*/\1/p' "$answer")
  text=$(sed -n 's/.*"error":"\(.*\)"}.*/\1/p' "$answer" | sed -e 's/\\"/"/g' -e 's/\\\\/\\/g')
  [ -z "$code" ] || finding "$code" "$text"
}

# Missing images are no finding where they can be pulled, which only pulling shows: said, not blocked.
inspect_images() {
  for image in $(images_of "$WG_TARGET"); do
    image_there "$image" || missing_images="${missing_images:-} $image"
  done
  [ -z "${missing_images:-}" ] || fail image_not_here "not on this host yet, will be pulled:$missing_images"
}

# kubeadm's own word: `upgrade plan`, by the target's kubeadm taken out of its package.
inspect_plan() {
  say inspect 60 'kubeadm upgrade plan'
  program=$(staged_kubeadm "$WG_TARGET")
  [ -n "$program" ] || return 0
  # shellcheck disable=SC2086 -- an optional option
  within kubeadm "$program" upgrade plan "v$WG_TARGET" --kubeconfig "$ROOT/etc/kubernetes/admin.conf" \
    ${WG_IGNORE:+--ignore-preflight-errors=$WG_IGNORE} >"$RUN" 2>&1
  status=$?
  cat "$RUN" >>"$LOG"
  cat "$RUN"
  [ "$status" -eq 0 ] || finding kubeadm_plan_failed "kubeadm upgrade plan v$WG_TARGET: $(why_of "$RUN")"
  # "kubelet … manual upgrade required: yes" and warnings are for people.
  grep -E '^W[0-9]{4} |\[WARNING |MANUAL UPGRADE REQUIRED.*yes|yes *$' "$RUN" | grep -vE 'kubelet' | head -n 3 | while IFS= read -r line; do printf '%s\n' "$line"; done >"$RUN.warn"
  [ ! -s "$RUN.warn" ] || finding kubeadm_plan_warns "kubeadm upgrade plan v$WG_TARGET: $(tr '\n' ' ' <"$RUN.warn")"
  rm -f "$RUN.warn"
}
