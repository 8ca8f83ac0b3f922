# shellcheck shell=sh
# What only the host can tell of itself: passed on as it is, judged by the agent, which knows the cluster too.

# facts ROOM: JSON members of at most so many bytes.
facts() {
  told="\"cgroup\":\"$(cgroup_kind)\",$(served_field)"
  printf '%s%s' "$told" "$(kubelet_config_field "$(($1 - ${#told}))")"
}

# cgroup2fs is v2; anything else is what a kubelet calls v1.
cgroup_kind() { stat -fc %T "$ROOT/sys/fs/cgroup" 2>/dev/null | tr -cd 'a-z0-9'; }

# "served": what the components of this host really serve, with the end of each certificate. Null: no program here can look.
served_field() {
  if ! command -v openssl >/dev/null 2>&1 && ! command -v curl >/dev/null 2>&1; then
    printf '"served":null'
    return 0
  fi
  SERVED=
  look_at kubelet "127.0.0.1:$(kubelet_port)"
  look_at kube-apiserver "$(address_of kube-apiserver 6443)"
  look_at kube-controller-manager "$(address_of kube-controller-manager 10257)"
  look_at kube-scheduler "$(address_of kube-scheduler 10259)"
  look_at etcd "$(etcd_address)"
  printf '"served":[%s]' "$SERVED"
}

# look_at WHO HOST:PORT: nobody there is for others to say.
look_at() {
  [ -n "$2" ] || return 0
  ends=$(certificate_end "$2")
  [ -z "$ends" ] || SERVED="$SERVED${SERVED:+,}{\"of\":\"$1\",\"at\":\"$(json_text "$2" 60)\",\"until\":\"$(json_text "$ends" 40)\"}"
}

# A server that wants a certificate of us shows its own before it asks.
certificate_end() {
  if command -v openssl >/dev/null 2>&1; then
    timeout 5 openssl s_client -connect "$1" </dev/null 2>/dev/null | openssl x509 -noout -enddate 2>/dev/null | sed -n 's/^notAfter=//p'
  else
    curl -kv -m 5 -o /dev/null "https://$1/" 2>&1 | sed -n 's/^\* *expire date: //p' | head -n 1
  fi
}

kubelet_port() {
  port=$(sed -n 's/^port:[[:space:]]*\([0-9]*\).*/\1/p' "$ROOT/var/lib/kubelet/config.yaml" 2>/dev/null | head -n 1)
  printf '%s' "${port:-10250}"
}

# flag_in COMPONENT NAME: its value in the static pod's manifest.
flag_in() { sed -n "s/.*--$2=\([^ \"]*\).*/\1/p" "$ROOT/etc/kubernetes/manifests/$1.yaml" 2>/dev/null | head -n 1; }

address_of() {
  [ -f "$ROOT/etc/kubernetes/manifests/$1.yaml" ] || return 0
  port=$(flag_in "$1" secure-port)
  at=$(flag_in "$1" bind-address)
  case $at in '' | 0.0.0.0 | ::) at=127.0.0.1 ;; *:*) at="[$at]" ;; esac
  printf '%s:%s' "$at" "${port:-$2}"
}

etcd_address() {
  has_etcd || return 0
  at=$(flag_in etcd listen-client-urls | cut -d, -f1)
  at=${at:-https://127.0.0.1:2379}
  case $at in https://*) printf '%s' "${at#https://}" ;; esac
}

# kubelet_config_field ROOM: the kubelet's configuration, packed; null where it has no room. Headers of a manifest's URL
# may be a secret: they stay here.
kubelet_config_field() {
  file="$ROOT/var/lib/kubelet/config.yaml"
  [ -r "$file" ] && command -v gzip >/dev/null 2>&1 || return 0
  text=$(awk '/^staticPodURLHeader:/ { skip = 1; next } /^[^ \t#-]/ { skip = 0 } !skip' "$file")
  case $text in *staticPodURLHeader*) return 0 ;; esac
  packed=$(printf '%s\n' "$text" | gzip -9n | base64 | tr -d '\n')
  if [ "$((${#packed} + 20))" -le "$1" ]; then printf ',"kubeletConfig":"%s"' "$packed"; else printf ',"kubeletConfig":null'; fi
}
