# shellcheck shell=sh
# kubeadm: its configuration for this run, its output as progress, and what it left behind.

# upgrade_configuration VERSION [PATCHES]: flags may not be mixed with a file, so everything is in the file.
upgrade_configuration() {
  mkdir -p "$STORE/config"
  list=$(printf '%s' "$WG_IGNORE" | sed 's/,/, /g')
  both="  ignorePreflightErrors: [$list]
  imagePullPolicy: IfNotPresent"
  [ -z "$2" ] || both="$both
  patches: { directory: $2 }"
  # The addons of the new minor would be newer than an API server that may still go back: they come with the commit.
  [ -z "$WG_EMULATE" ] || both="$both
  skipPhases: [addon]"
  cat >"$STORE/config/upgrade.yaml" <<EOC
apiVersion: kubeadm.k8s.io/v1beta4
kind: UpgradeConfiguration
apply:
  kubernetesVersion: v$1
  allowRCUpgrades: $(case $1 in *-*) printf true ;; *) printf false ;; esac)
$both
node:
$both
timeouts:
  upgradeManifests: $(limit_of manifests)s
EOC
  printf '%s' "$STORE/config/upgrade.yaml"
}

# run_kubeadm ARGUMENTS…: its lines become progress; its exit status is its own.
run_kubeadm() {
  note "kubeadm $*"
  : >"$RUN"
  rm -f "$RUN.status"
  {
    within kubeadm kubeadm "$@" 2>&1 || printf '%s' "$?" >"$RUN.status"
  } | follow_kubeadm
  status=$(cat "$RUN.status" 2>/dev/null)
  rm -f "$RUN.status"
  return "${status:-0}"
}

follow_kubeadm() {
  while IFS= read -r line; do
    printf '%s\n' "$line"
    printf '%s\n' "$line" >>"$RUN"
    printf '%s\n' "$line" >>"$LOG"
    case $line in
      *'[upgrade/prepull]'*) say kubeadm 36 'its images' ;;
      *'Preparing for "etcd" upgrade'*) say kubeadm 40 'etcd to restart (a single control plane is without API meanwhile)' ;;
      *'Preparing for "kube-apiserver" upgrade'*) say kubeadm 52 'kube-apiserver to restart' ;;
      *'Preparing for "kube-controller-manager" upgrade'*) say kubeadm 64 'kube-controller-manager to restart' ;;
      *'Preparing for "kube-scheduler" upgrade'*) say kubeadm 74 'kube-scheduler to restart' ;;
      *'[upload-config]'* | *'Storing the configuration'*) say kubeadm 82 'its configuration to be stored' ;;
      *'[kubelet-config]'* | *'[upgrade/kubelet-config]'*) say kubeadm 85 "the kubelet's configuration" ;;
      *'[addons] Applied essential addon: CoreDNS'*) say kubeadm 90 'kube-proxy to be applied' ;;
      *'[addons]'*) say kubeadm 88 'the addons' ;;
      *SUCCESS*) say kubeadm 94 'nothing more of kubeadm' ;;
    esac
  done
}

# image_tag COMPONENT: the version its manifest asks for: 1.35.4 (etcd: 3.6.5-0).
image_tag() {
  sed -n 's/^[[:space:]]*image:[[:space:]]*//p' "$ROOT/etc/kubernetes/manifests/$1.yaml" 2>/dev/null | head -n 1 |
    sed -e "s/[\"']//g" -e 's/@.*//' -e 's/.*://' -e 's/^v//'
}

COMPONENTS='kube-apiserver kube-controller-manager kube-scheduler'

# all_at VERSION: every component's manifest asks for it.
all_at() {
  for component in $COMPONENTS; do [ "$(image_tag "$component")" = "$1" ] || return 1; done
}

none_at() {
  for component in $COMPONENTS; do [ "$(image_tag "$component")" = "$1" ] && return 1; done
  return 0
}

# JSON members: what stands on this host now.
standing_fields() {
  text=
  for component in etcd $COMPONENTS; do
    tag=$(image_tag "$component")
    [ -z "$tag" ] || text="$text,\"$component\":\"$tag\""
  done
  printf '"stands":{"kubelet":"%s","kubeadm":"%s"%s}' "$(kubelet_version)" "$(kubeadm_version)" "$text"
}

# What kubeadm's own way back does not take back, in words.
left_behind() {
  etcd_now=$(image_tag etcd)
  [ -z "$ETCD_BEFORE" ] || [ "$etcd_now" = "$ETCD_BEFORE" ] || printf 'etcd stays at %s (it was %s); ' "$etcd_now" "$ETCD_BEFORE"
  asked=$(wanted_arguments)
  [ -z "$asked" ] || printf 'kubeadm-config still asks for %s, which the running API server does not have: take it out before the next try (docs/rollback.md, rung 1); ' "$asked"
  printf 'kubeadm itself stays at %s, certificates may be renewed' "$(kubeadm_version)"
}

# Arguments of the API server in kubeadm-config that its (reverted) manifest lacks: the likely cause.
# Read before the step began: right after a failure there may be no API to ask.
wanted_arguments() {
  cat "$STORE/config/images.yaml" 2>/dev/null |
    awk '/^apiServer:/ { on = 1; next } /^[a-zA-Z]/ { on = 0 } on && /extraArgs:/ { args = 1; next } on && args && /^  [a-zA-Z]/ { args = 0 }
      on && args && /- name:/ { name = $3 } on && args && /^ *value:/ { sub(/^ *value: */, ""); gsub(/"/, ""); print name "=" $0 }' |
    while IFS= read -r argument; do
      grep -qF -- "--$argument" "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml" || printf -- '--%s ' "$argument"
    done
}
