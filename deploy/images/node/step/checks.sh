# shellcheck shell=sh
# What must hold before anything is changed.

# must_be_this_node: the kubelet of this host must call itself what the step was made for. Two hosts that swapped their
# names, or a clone, would otherwise be upgraded in each other's place.
must_be_this_node() {
  [ -n "$WG_NODE" ] || return 0
  own=$(own_name)
  [ -z "$own" ] || [ "$own" = "$WG_NODE" ] ||
    fail node_name_mismatch "the kubelet of this host is node \"$own\", but the step was made for \"$WG_NODE\": two hosts have swapped or share a name. Give each its own and join it again"
}

# The name in the kubelet's own certificate; nothing where it cannot be read.
own_name() {
  pem="$ROOT/var/lib/kubelet/pki/kubelet-client-current.pem"
  [ -r "$pem" ] && command -v openssl >/dev/null 2>&1 || return 0
  openssl x509 -noout -subject -nameopt RFC2253 -in "$pem" 2>/dev/null | sed -n 's/.*CN=system:node:\([^,]*\).*/\1/p'
}

is_control_plane() { [ -f "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" ]; }

must_be_kubeadm_node() {
  [ -f "$ROOT/etc/kubernetes/kubelet.conf" ] && [ -f "$ROOT/var/lib/kubelet/config.yaml" ] ||
    fail not_kubeadm "this host was not joined by kubeadm (no /etc/kubernetes/kubelet.conf or no /var/lib/kubelet/config.yaml): it cannot be upgraded this way"
}

free_mib() { df -Pm "$1" 2>/dev/null | awk 'NR == 2 { print $4 }'; }
size_mib() { du -sm "$1" 2>/dev/null | awk '{ print $1 }'; }

# need_space FOLDER MIB WHAT_FOR
need_space() {
  have=$(free_mib "$1")
  [ -n "$have" ] || return 0
  [ "$have" -ge "$2" ] ||
    fail disk_full "$1 has $have MiB free and needs $2 MiB for $3; make room (old copies: /etc/kubernetes/tmp, /var/lib/wavegate/log, /var/cache/apt)"
}

# kubeadm copies the whole etcd folder into /etc/kubernetes/tmp and never removes it.
check_disk() {
  say checks 5 'room on the disks'
  need_space "$ROOT/var" 700 'packages and images'
  is_control_plane || return 0
  prune_kubeadm_copies
  etcd_mib=$(size_mib "$ROOT/var/lib/etcd")
  need_space "$ROOT/etc/kubernetes" "$((${etcd_mib:-0} * 2 + 50))" "kubeadm's copies of etcd and of the manifests in /etc/kubernetes/tmp"
}

# The newest two of each kind stay: this upgrade's own and the one before.
prune_kubeadm_copies() {
  for kind in kubeadm-backup-etcd kubeadm-backup-manifests kubeadm-kubelet-config kubeadm-upgraded-manifests; do
    # shellcheck disable=SC2012 -- kubeadm's names have no blanks
    ls -1dt "$ROOT/etc/kubernetes/tmp/$kind"* 2>/dev/null | tail -n +3 | while IFS= read -r old; do
      note "removing the old copy $old"
      rm -rf "$old"
    done
  done
}

# kubeadm upgrade apply speaks to the cluster by it; the other nodes need it no more than we do.
check_admin_conf() {
  [ -f "$ROOT/etc/kubernetes/admin.conf" ] ||
    fail no_admin_conf "this control-plane node has no /etc/kubernetes/admin.conf, which kubeadm upgrade needs: kubeadm init phase kubeconfig admin"
}
