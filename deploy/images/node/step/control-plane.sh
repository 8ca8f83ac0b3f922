# shellcheck shell=sh
# kubeadm on one control-plane node: `upgrade apply` on the first, `upgrade node` on the others.
#
#   checks   → nothing is changed: wrong host, no room, no package, no image, no quorum: refused
#   keep     → this version's packages, manifests and kubelet files, for a way back
#   packages → kubeadm of the target (nothing runs of it yet)
#   kubeadm  → etcd, API server, controller manager, scheduler, one after the other
#   settle   → this member of etcd and this API server answer again
#
# Failed: refused (nothing changed) · kubeadm_reverted (its own way back worked; what it leaves is named) · half_done.

upgrade_control_plane() {
  must_be_kubeadm_node
  is_control_plane ||
    fail not_control_plane "this host has no /etc/kubernetes/manifests/kube-apiserver.yaml: kubeadm would treat it as a worker"
  must_have_manager
  check_admin_conf
  check_disk
  have_packages "$WG_TARGET" kubeadm kubelet kubectl
  have_images "$WG_TARGET"
  check_alarms
  check_quorum
  ETCD_BEFORE=$(image_tag etcd)
  WAS=$(image_tag kube-apiserver)
  keep_packages "$WAS"
  [ "$WAS" = "$WG_TARGET" ] || keep_config "$WAS"
  give_up_leadership
  if [ "$(kubeadm_version)" != "$WG_TARGET" ]; then
    "${MANAGER}_switch" "$(minor_of "$WG_TARGET")"
    install "$WG_TARGET" kubeadm
  fi
  apply_or_node "$WG_TARGET"
  await_etcd
  await_apiserver
  prune_packages
  succeed "\"version\":\"$WG_TARGET\",$(standing_fields)"
}

apply_or_node() {
  config=$(upgrade_configuration "$1" "$(patches_folder)")
  say kubeadm 32 'kubeadm to begin'
  if [ "$WG_FIRST" = true ]; then
    run_kubeadm upgrade apply --config "$config" -y
  else
    run_kubeadm upgrade node --config "$config"
  fi
  status=$?
  [ "$status" -eq 0 ] || after_kubeadm_failed "$status"
  all_at "$1" || fail half_done "kubeadm says it succeeded, but the manifests of this host do not all ask for $1" "$(standing_fields)"
}

# kubeadm's exit status does not tell whether its own way back worked: the manifests do.
after_kubeadm_failed() {
  WG_PHASE=kubeadm
  if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
    why="kubeadm took longer than $(limit_of kubeadm) s and was ended"
  else
    why="kubeadm: $(why_of "$RUN")"
  fi
  if none_at "$WG_TARGET"; then
    if grep -q 'upgrade/staticpods' "$RUN"; then
      left=$(left_behind)
      fail kubeadm_reverted "$why. kubeadm put the old manifests back by itself. Left behind: $left" "\"left\":\"$(json_text "$left" 600)\",\"version\":\"$WAS\",$(standing_fields)"
    fi
    fail kubeadm_refused "$why. Nothing was changed but the package of kubeadm itself" "$(standing_fields)"
  fi
  if all_at "$WG_TARGET"; then
    fail half_done "$why. The static pods are at $WG_TARGET, what comes after them (configuration, addons) is not; the same step again goes on from here" "$(standing_fields)"
  fi
  fail half_done "$why. The components of this host stand at different versions; the same step again goes on from here" "$(standing_fields)"
}

# This host's own API server, past any load balancer.
await_apiserver() {
  port=$(sed -n 's/.*--secure-port=\([0-9]*\).*/\1/p' "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" | head -n 1)
  say settle 98 "this host's API server to be ready"
  left=$(limit_of manifests)
  good=0
  while [ "$good" -lt "${WG_GOOD_LOOKS:-10}" ]; do
    if kubectl --kubeconfig "$ROOT/etc/kubernetes/admin.conf" --server "https://127.0.0.1:${port:-6443}" --tls-server-name kubernetes \
      --request-timeout=5s get --raw /readyz >/dev/null 2>&1; then good=$((good + 1)); else good=0; fi
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail half_done "the API server of this host does not become ready after the upgrade" "$(standing_fields)"
    sleep 1
  done
}

# Rung 3: an older patch of the same minor, with its own kubeadm. Rung 4: the old minor's binaries, while the new ones
# only emulated it. Both are asked for by a person; both leave etcd where it is.
roll_back_control_plane() {
  must_be_kubeadm_node
  is_control_plane || fail not_control_plane 'this host has no API server'
  must_have_manager
  check_admin_conf
  ETCD_BEFORE=$(image_tag etcd)
  WAS=$(image_tag kube-apiserver)
  if [ "$(minor_of "$WAS")" != "$(minor_of "$WG_TARGET")" ]; then
    roll_back_emulating
  else
    check_disk
    have_packages "$WG_TARGET" kubeadm kubelet kubectl
    have_images "$WG_TARGET"
    check_alarms
    check_quorum
    keep_packages "$WAS"
    [ "$WAS" = "$WG_TARGET" ] || keep_config "$WAS"
    give_up_leadership
    [ "$(kubeadm_version)" = "$WG_TARGET" ] || install "$WG_TARGET" kubeadm
    apply_or_node "$WG_TARGET"
  fi
  await_etcd
  await_apiserver
  succeed "\"version\":\"$WG_TARGET\",$(standing_fields)"
}
