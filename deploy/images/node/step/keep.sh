# shellcheck shell=sh
# What a way back needs, kept on the host before the first change: it must survive a cluster whose etcd was restored.

# Of the version that is left: /var/lib/wavegate/before/1.34.4
kept_folder() { printf '%s/before/%s' "$STORE" "$1"; }

# keep_config VERSION: kubelet's files, its unit's drop-ins, the manifests; once, so that a second run after a half-done
# upgrade does not keep the new ones as the old.
keep_config() {
  kept=$(kept_folder "$1")
  [ -f "$kept/kept" ] && return 0
  say keep 10 "the configuration of $1"
  rm -rf "$kept/files"
  mkdir -p "$kept/files" || fail not_writable "cannot write to $kept"
  for path in etc/kubernetes/manifests etc/kubernetes/kubelet.conf etc/default/kubelet etc/sysconfig/kubelet \
    var/lib/kubelet/config.yaml var/lib/kubelet/kubeadm-flags.env var/lib/kubelet/instance-config.yaml \
    etc/systemd/system/kubelet.service.d usr/lib/systemd/system/kubelet.service.d; do
    [ -e "$ROOT/$path" ] || continue
    mkdir -p "$kept/files/$(dirname "$path")"
    cp -a "$ROOT/$path" "$kept/files/$path" || fail not_writable "cannot keep /$path under $kept"
  done
  date -u +%Y-%m-%dT%H:%M:%SZ >"$kept/kept"
  prune_kept "$1"
}

# put_back VERSION PATH…: kept files, over what is there now.
put_back() {
  kept=$(kept_folder "$1")
  shift
  for path in "$@"; do
    [ -e "$kept/files/$path" ] || continue
    cp -a "$kept/files/$path" "$ROOT/$path.wavegate" && mv -f "$ROOT/$path.wavegate" "$ROOT/$path" ||
      fail not_writable "cannot put /$path back from $kept"
  done
}

# Versions kept beyond the newest two are of upgrades long past.
prune_kept() {
  # shellcheck disable=SC2012 -- names are versions
  ls -1dt "$STORE/before/"* 2>/dev/null | grep -v "/$1\$" | tail -n +3 | while IFS= read -r old; do rm -rf "$old"; done
}
