# shellcheck shell=sh
# Rung 6, staged: before the commit everything that a restore of etcd needs is laid on this control-plane host, with a
# script that a person runs. The agent never runs it: it stops every API server and loses every write since the snapshot.

stage_restore() {
  must_be_kubeadm_node
  is_control_plane || fail not_control_plane 'this host has no API server'
  has_etcd || fail etcd_external 'etcd is not on this host: its own operators restore it'
  must_have_manager
  was=$(image_tag kube-apiserver)
  folder="$STORE/restore/${WG_ORDER:-by-hand}"
  mkdir -p "$folder"
  etcd_mib=$(size_mib "$ROOT/var/lib/etcd")
  need_space "$folder" "$((${etcd_mib:-0} * 2 + 100))" 'the snapshot and the old etcd folder'
  keep_packages "$was"
  keep_config "$was"
  stage_snapshot "$folder"
  say stage 70 'the old manifests and packages'
  rm -rf "$folder/manifests" "$folder/packages" "$folder/kubelet"
  cp -a "$(kept_folder "$was")/files/etc/kubernetes/manifests" "$folder/manifests" || fail not_writable "cannot write to $folder"
  mkdir -p "$folder/packages"
  cp -a "$(fetched "$was")"/*.* "$folder/packages/" 2>/dev/null
  stage_programs "$folder"
  stage_script "$folder" "$was"
  succeed "\"version\":\"$was\",\"folder\":\"$(json_text "${folder#"$ROOT"}")\",\"script\":\"$(json_text "${folder#"$ROOT"}")/restore.sh\",\"sha256\":\"$(sha256sum "$folder/snapshot.db" | cut -d' ' -f1)\",\"members\":\"$(json_text "$(cat "$folder/members")")\""
}

# The same file on every host: all members must be restored from one. The first node takes it, the others are given it
# over the staged folder by the person who runs the restore, unless it is there; the digest tells.
stage_snapshot() {
  say stage 30 'a snapshot of etcd'
  etcd_members | awk '{ print $2 }' | sort >"$1/members"
  # NAME=URL,NAME=URL of all members: the restore needs the same words on every host.
  ctl member list -w simple | awk -F', ' '$2 == "started" && $6 != "true" { print $3 "=" $4 }' | sort | tr '\n' ',' | sed 's/,$//' >"$1/initial-cluster"
  if [ ! -s "$1/snapshot.db" ]; then
    ctl snapshot save "$1/snapshot.part" >>"$LOG" 2>&1 && mv -f "$1/snapshot.part" "$1/snapshot.db"
  fi
  [ -s "$1/snapshot.db" ] || fail snapshot_failed "no snapshot of etcd could be taken on this host: $(tail -n 1 "$LOG")"
}

# After a restore of an old snapshot nothing of a running cluster may be needed: etcdutl lies beside the snapshot.
stage_programs() {
  program=$(etcd_program etcdutl)
  [ -n "$program" ] && cp -f "$program" "$1/etcdutl" && chmod 755 "$1/etcdutl" && "$1/etcdutl" version >/dev/null 2>&1 ||
    fail snapshot_failed "the running etcd has no etcdutl that works on this host: the restore could not be run"
}

stage_script() {
  cat >"$1/restore.sh" <<EOS
#!/bin/sh
# Restores this cluster's etcd to the snapshot beside this file, and this host's control plane to $2.
# EVERY WRITE SINCE THE SNAPSHOT IS LOST. Run by persons, after the approvals, on EVERY control-plane host:
#   1. on all hosts:  $1/restore.sh stop
#   2. on all hosts:  $1/restore.sh restore         (its members are those of $1/initial-cluster, the same file everywhere)
#   3. on all hosts:  $1/restore.sh start
# The snapshot must be the same file on every host: compare  sha256sum $1/snapshot.db
EOS
  cat >>"$1/restore.sh" <<'EOS'
set -eu
here=$(cd "$(dirname "$0")" && pwd)
manifests=/etc/kubernetes/manifests
name=$(sed -n 's/.*--name=//p' "$here/manifests/etcd.yaml" | head -n 1)
peer=$(sed -n 's/.*--initial-advertise-peer-urls=//p' "$here/manifests/etcd.yaml" | head -n 1)
data=$(sed -n 's/.*--data-dir=//p' "$here/manifests/etcd.yaml" | head -n 1)
say() { printf '%s\n' "$*"; }

stop() {
  mkdir -p "$here/replaced"
  for file in kube-apiserver kube-controller-manager kube-scheduler etcd; do
    [ ! -f "$manifests/$file.yaml" ] || mv -f "$manifests/$file.yaml" "$here/replaced/$file.yaml"
  done
  left=120
  while pgrep -x etcd >/dev/null || pgrep -x kube-apiserver >/dev/null; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || { say "etcd or kube-apiserver still runs: is the kubelet alive?"; exit 1; }
    sleep 1
  done
  say "stopped on $name. Go on when every control-plane host says so."
}

restore() {
  ! pgrep -x etcd >/dev/null || { say "etcd runs: first  $0 stop  on every host"; exit 1; }
  members=${1:-$(cat "$here/initial-cluster" 2>/dev/null)}
  members=${members:-$name=$peer}
  case ",$members," in *",$name=$peer,"*) ;; *) say "the members do not name this one ($name=$peer)"; exit 1 ;; esac
  # The old folder stays beside it until a person removes it.
  [ ! -d "$data" ] || mv "$data" "$data.before-restore-$(date -u +%Y%m%dT%H%M%SZ)"
  # Watches must not see time go back: the revision is raised beyond what clients have seen, and compacted there.
  "$here/etcdutl" snapshot restore "$here/snapshot.db" --data-dir "$data" --name "$name" --initial-advertise-peer-urls "$peer" \
    --initial-cluster "$members" --initial-cluster-token "wavegate-$(sha256sum "$here/snapshot.db" | cut -c1-12)" \
    --bump-revision 1000000000 --mark-compacted
  chmod 700 "$data"
  say "restored on $name. Go on when every control-plane host says so."
}

start() {
  for file in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    cp -f "$here/manifests/$file.yaml" "$manifests/.$file.yaml" && mv -f "$manifests/.$file.yaml" "$manifests/$file.yaml"
  done
  systemctl restart kubelet
  say "started on $name: kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz"
  say "then bring kubeadm, kubelet and kubectl back where they are newer: apt-get install --allow-downgrades $here/packages/*.deb"
}

case ${1:-} in
  stop | start) "$1" ;;
  restore) restore "${2:-}" ;;
  *) sed -n '2,9p' "$0"; exit 2 ;;
esac
EOS
  chmod 700 "$1/restore.sh"
  sh -n "$1/restore.sh" || fail not_writable "the script of the restore could not be written to $1"
}
