# shellcheck shell=sh
# The two-step upgrade: the new binaries behave as the old minor until a person or a verdict commits. Until then the old
# binaries can come back. Kubelets are not part of it; etcd does not come back.

# patches_folder: a folder of kubeadm patches while emulating, nothing otherwise.
patches_folder() {
  [ -n "$WG_EMULATE" ] || return 0
  folder="$STORE/patches/emulate-$WG_EMULATE"
  rm -rf "$folder"
  mkdir -p "$folder"
  for component in $COMPONENTS; do
    printf '[{"op":"add","path":"/spec/containers/0/command/-","value":"--emulated-version=%s"}]\n' "$WG_EMULATE" \
      >"$folder/${component}0+json.json"
  done
  printf '%s' "$folder"
}

emulates() {
  sed -n 's/.*--emulated-version=\(kube=\)\{0,1\}\([0-9.]*\).*/\2/p' "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" 2>/dev/null | head -n 1
}

# The kept manifests of the old minor, one after the other, etcd's excepted; then its kubeadm.
roll_back_emulating() {
  now=$(emulates)
  if [ "$WAS" != "$WG_TARGET" ]; then
    [ "$now" = "$(minor_of "$WG_TARGET")" ] ||
      fail committed "this API server runs $WAS and does not emulate $(minor_of "$WG_TARGET") any more: its binaries cannot go back a minor. Rung 6 is the only way"
    [ -f "$(kept_folder "$WG_TARGET")/kept" ] ||
      fail nothing_kept "this host kept no manifests of $WG_TARGET ($(kept_folder "$WG_TARGET"))"
  fi
  check_quorum
  for component in $COMPONENTS; do
    [ "$(image_tag "$component")" = "$WG_TARGET" ] && continue
    say kubeadm 50 "$component to restart at $WG_TARGET"
    put_back "$WG_TARGET" "etc/kubernetes/manifests/$component.yaml"
    await_running "$component" "$WG_TARGET"
  done
  if [ "$(kubeadm_version)" != "$WG_TARGET" ] && [ -n "$("${MANAGER}_file" "$WG_TARGET" kubeadm)" ]; then
    "${MANAGER}_switch" "$(minor_of "$WG_TARGET")"
    install "$WG_TARGET" kubeadm
  fi
  # The record that the next upgrade starts from.
  if [ "$WG_FIRST" = true ]; then
    cluster_configuration "$WG_TARGET" >"$STORE/config/cluster.yaml"
    [ ! -s "$STORE/config/cluster.yaml" ] || kubectl --kubeconfig "$ROOT/etc/kubernetes/admin.conf" -n kube-system patch configmap kubeadm-config \
      --type merge -p "{\"data\":{\"ClusterConfiguration\":\"$(sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' "$STORE/config/cluster.yaml" | awk '{ printf "%s\\n", $0 }')\"}}" >>"$LOG" 2>&1 ||
      note 'kubeadm-config still names the newer version: mend it by hand'
  fi
}

# await_running COMPONENT VERSION: a process of that program runs again; the API server besides answers.
await_running() {
  left=$(limit_of manifests)
  until running_version "$1" | grep -qxF "$2"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || fail half_done "$1 does not start at $2" "$(standing_fields)"
    sleep 1
  done
}

# The version of the running binary itself.
running_version() {
  for pid in $(pgrep -x "$(printf '%s' "$1" | cut -c1-15)" 2>/dev/null); do
    exe="$ROOT/proc/$pid/root/usr/local/bin/$1"
    [ -x "$exe" ] || exe="$ROOT/proc/$pid/exe"
    "$exe" --version 2>/dev/null | sed -n 's/^Kubernetes v//p'
  done
}
