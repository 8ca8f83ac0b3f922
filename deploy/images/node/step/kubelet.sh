# shellcheck shell=sh
# The kubelet of one node, forward and back. The node is drained by then; the agent cordons and uncordons.

upgrade_kubelet() {
  must_be_kubeadm_node
  must_have_manager
  was=$(kubelet_version)
  check_disk
  have_packages "$WG_TARGET" kubeadm kubelet kubectl
  keep_packages "$was"
  [ "$was" = "$WG_TARGET" ] || keep_config "$was"
  "${MANAGER}_switch" "$(minor_of "$WG_TARGET")"
  [ "$(kubeadm_version)" = "$WG_TARGET" ] || install "$WG_TARGET" kubeadm
  # Control-plane nodes had theirs with the control plane.
  is_control_plane || upgrade_worker_config
  change_kubelet "$WG_TARGET" || return_to "$was"
  prune_packages
  succeed "\"version\":\"$(kubelet_version)\",$(standing_fields)"
}

# A kubelet that does not start takes the node with it, and this step's own word: nobody hears a Job that ends on a node
# without kubelet, and no other Job can come to mend it. So the old one is put back here and now, by what was kept.
return_to() {
  why=$WHY_NOT
  [ "$1" != "$WG_TARGET" ] ||
    fail kubelet_not_running "the kubelet $WG_TARGET does not run: $why" "$(standing_fields)"
  note "going back to kubelet $1: $why"
  say kubelet 90 "the kubelet $1 to be put back"
  have_packages "$1" kubelet kubectl
  put_back_config "$1"
  change_kubelet "$1" ||
    fail kubelet_not_running "neither kubelet $WG_TARGET nor $1 runs: $why" "$(standing_fields)"
  WG_PHASE=kubelet
  fail kubelet_reverted "the kubelet $WG_TARGET did not run for $(limit_of kubelet) s and was put back to $1, which runs: $why" "\"version\":\"$1\",$(standing_fields)"
}

# Writes the new kubelet's configuration from the cluster's; the old one is kept.
upgrade_worker_config() {
  say kubeadm 50 "the kubelet's configuration"
  run_kubeadm upgrade node --config "$(upgrade_configuration "$WG_TARGET" '')"
  status=$?
  [ "$status" -eq 0 ] && return 0
  WG_PHASE=kubeadm
  [ "$status" -ne 124 ] || too_long 'kubeadm upgrade node' kubeadm ''
  fail kubeadm_refused "kubeadm upgrade node: $(why_of "$RUN"). The kubelet of this node was not touched" "$(standing_fields)"
}

change_kubelet() {
  running=$(running_kubelet)
  if [ "$(kubelet_version)" != "$1" ] || [ "$("${MANAGER}_release" kubectl)" != "$1" ]; then
    install "$1" kubelet kubectl
  fi
  if [ "$running" != "$1" ] || ! systemctl is-active --quiet kubelet; then
    say kubelet 75 'the kubelet to restart'
    systemctl daemon-reload >>"$LOG" 2>&1
    systemctl restart kubelet >>"$LOG" 2>&1
  fi
  await_kubelet "$1"
}

# The version of the process, not of the file: an installed kubelet that was not restarted is the old one.
running_kubelet() {
  pid=$(systemctl show -p MainPID --value kubelet 2>/dev/null)
  [ -n "$pid" ] && [ "$pid" != 0 ] || return 0
  # After an upgrade of the package /proc/PID/exe is "(deleted)", and still the running program.
  "$ROOT/proc/$pid/exe" --version 2>/dev/null | sed -n 's/^Kubernetes v//p'
}

# await_kubelet VERSION: false, with WHY_NOT, when it does not run within its limit.
await_kubelet() {
  say kubelet 85 "the kubelet to answer at $1"
  left=$(limit_of kubelet)
  good=0
  while [ "$good" -lt "${WG_GOOD_LOOKS:-10}" ]; do
    if systemctl is-active --quiet kubelet && [ "$(running_kubelet)" = "$1" ] && kubelet_healthy; then good=$((good + 1)); else good=0; fi
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      journalctl -u kubelet -n 200 --no-pager -o cat >"$RUN" 2>/dev/null
      cat "$RUN" >>"$LOG"
      # The newest word counts: what the kubelet before it said is in the same journal.
      WHY_NOT=$(grep -iE 'command failed|failed to run|unknown|^error|panic' "$RUN" | grep -v '^kubelet.service' | tail -n 1)
      [ -n "$WHY_NOT" ] || WHY_NOT=$(tail -n 1 "$RUN")
      return 1
    fi
    sleep 1
  done
}

kubelet_healthy() {
  port=$(sed -n 's/^healthzPort:[[:space:]]*//p' "$ROOT/var/lib/kubelet/config.yaml" | head -n 1)
  [ "${port:-10248}" = 0 ] && return 0
  if command -v curl >/dev/null 2>&1; then
    curl -fsS -m 3 "http://127.0.0.1:${port:-10248}/healthz" >/dev/null 2>&1
  elif command -v wget >/dev/null 2>&1; then
    wget -q -T 3 -O /dev/null "http://127.0.0.1:${port:-10248}/healthz" 2>/dev/null
  fi
}

# Rung 2: packages and configuration of the kubelet as they were. kubeadm stays: it belongs to the control plane.
roll_back_kubelet() {
  must_be_kubeadm_node
  must_have_manager
  have_packages "$WG_TARGET" kubelet kubectl
  say keep 40 "the kubelet's configuration of $WG_TARGET"
  put_back_config "$WG_TARGET"
  change_kubelet "$WG_TARGET" ||
    fail kubelet_not_running "the kubelet $WG_TARGET does not run: $WHY_NOT" "$(standing_fields)"
  succeed "\"version\":\"$(kubelet_version)\",$(standing_fields)"
}

put_back_config() {
  if [ -f "$(kept_folder "$1")/kept" ]; then
    put_back "$1" var/lib/kubelet/config.yaml var/lib/kubelet/kubeadm-flags.env var/lib/kubelet/instance-config.yaml etc/default/kubelet etc/sysconfig/kubelet
  else
    note "nothing was kept of $1 on this host: its kubelet starts with the present configuration"
  fi
  # Even where the version is right: the configuration is another one now.
  systemctl stop kubelet >>"$LOG" 2>&1
}
