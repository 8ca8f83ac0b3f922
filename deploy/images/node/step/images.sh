# shellcheck shell=sh
# Images of the target, on the host before anything restarts: a static pod that waits for a pull is an outage.

# The containers' program of this host: crictl, else containerd's own.
images_by() {
  if command -v crictl >/dev/null 2>&1 && crictl images >/dev/null 2>&1; then
    printf crictl
  elif command -v ctr >/dev/null 2>&1; then
    printf ctr
  fi
}

image_there() {
  case $(images_by) in
    crictl) crictl inspecti -q "$1" >/dev/null 2>&1 ;;
    ctr) ctr -n k8s.io images ls -q 2>/dev/null | grep -qxF "$1" ;;
    *) return 1 ;;
  esac
}

image_pull() {
  case $(images_by) in
    crictl) within images crictl pull "$1" ;;
    ctr) within images ctr -n k8s.io images pull "$1" ;;
    *) return 1 ;;
  esac >"$RUN" 2>&1
}

# The cluster's own record of itself with the target's version: its image repository and tags count.
cluster_configuration() {
  kubectl --kubeconfig "$ROOT/etc/kubernetes/admin.conf" --request-timeout=20s -n kube-system get configmap kubeadm-config \
    -o 'jsonpath={.data.ClusterConfiguration}' 2>/dev/null | sed -E "s/^kubernetesVersion:.*/kubernetesVersion: v$1/"
}

# images_of VERSION: those that this host will run, one a line. Workers get the addons' images: kube-proxy and CoreDNS
# roll out when the last control-plane node is through.
images_of() {
  listed=$(listed_images "$1") || return 1
  is_control_plane || listed=$(printf '%s\n' "$listed" | grep -E '(kube-proxy|coredns|pause):')
  printf '%s\n' "$listed"
}

listed_images() {
  program=$(staged_kubeadm "$1")
  [ -n "$program" ] || return 1
  config="$STORE/config/images.yaml"
  mkdir -p "$STORE/config"
  cluster_configuration "$1" >"$config"
  if [ -s "$config" ]; then
    "$program" config images list --config "$config" 2>/dev/null && return 0
  fi
  "$program" config images list --kubernetes-version "v$1" 2>/dev/null
}

# have_images VERSION: there, or pulled now; refuses while nothing is changed.
have_images() {
  say images 20 "the images of $1"
  wanted=$(images_of "$1")
  [ -n "$wanted" ] || fail image_missing "kubeadm $1 does not say which images it needs: $(staged_kubeadm "$1") config images list"
  done_images=0
  all_images=$(printf '%s\n' "$wanted" | wc -l)
  for image in $wanted; do
    if ! image_there "$image"; then
      say images "$((20 + 10 * done_images / all_images))" "the image $image"
      image_pull "$image"
      status=$?
      cat "$RUN" >>"$LOG"
      [ "$status" -ne 124 ] || too_long "pulling $image" images ''
      [ "$status" -eq 0 ] || fail image_missing "the image $image is not on this host and cannot be pulled: $(why_of "$RUN")"
    fi
    done_images=$((done_images + 1))
  done
}
