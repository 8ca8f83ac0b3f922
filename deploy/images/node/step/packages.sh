# shellcheck shell=sh
# Which package manager, and the verbs that every one of them has: find, fetch, install, give back.

# manager: apt · dnf · nothing. By what is installed and knows kubelet, not by the name of the distribution.
manager() {
  if command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
    printf apt
  elif command -v dnf >/dev/null 2>&1 && command -v rpm >/dev/null 2>&1; then
    printf dnf
  fi
}

must_have_manager() {
  MANAGER=$(manager)
  [ -n "$MANAGER" ] ||
    fail package_manager_unknown "neither apt nor dnf manages this host: Wavegate does not support its package manager. Upgrade its kubeadm, kubelet and kubectl by your own means, or leave the node out"
  [ "$(installed_version kubelet)" != '' ] ||
    fail package_manager_unknown "kubelet was not installed by $MANAGER on this host: Wavegate replaces packages only. Install kubeadm, kubelet and kubectl from packages, or leave the node out"
}

# What the kubelet binary says: 1.34.4
kubelet_version() { kubelet --version 2>/dev/null | sed -n 's/^Kubernetes v//p'; }
kubeadm_version() { kubeadm version -o short 2>/dev/null | sed 's/^v//'; }

# fetched VERSION: the folder with the packages of a version.
fetched() { printf '%s/packages/%s' "$STORE" "$1"; }

installed_version() { "${MANAGER}_installed" "$1"; }

# have_packages VERSION PACKAGE…: in the store already (prefetched, laid there by an admin, or fetched now).
have_packages() {
  version=$1
  shift
  mkdir -p "$(fetched "$version")"
  missing=
  for package in "$@"; do
    [ -n "$("${MANAGER}_file" "$version" "$package")" ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  [ "$WG_PACKAGES" != offline ] ||
    fail package_missing "the policy is offline, and $(fetched "$version") on this host has no package of$missing at $version: lay them there, or run a prefetch while a repository is reachable"
  say packages 15 "the packages$missing $version"
  # shellcheck disable=SC2086 -- a list of words
  "${MANAGER}_fetch" "$version" $missing
}

# The target's kubeadm, taken out of its package without installing it: what it says of images and of the plan is asked
# before the host is changed.
staged_kubeadm() {
  staged="$(fetched "$1")/bin/kubeadm"
  if [ ! -x "$staged" ]; then
    "${MANAGER}_extract" "$("${MANAGER}_file" "$1" kubeadm)" "$(fetched "$1")/tree" >/dev/null 2>&1
    mkdir -p "$(fetched "$1")/bin"
    mv -f "$(fetched "$1")/tree/usr/bin/kubeadm" "$staged" 2>/dev/null
    rm -rf "$(fetched "$1")/tree"
  fi
  [ -x "$staged" ] && printf '%s' "$staged"
}

# install VERSION PACKAGE…: exactly these, whatever holds them; held again also after a failure.
install() {
  version=$1
  shift
  say packages 30 "the package manager to install $* $version"
  "${MANAGER}_hold" unhold "$@"
  "${MANAGER}_install" "$version" "$@"
  status=$?
  "${MANAGER}_hold" hold "$@"
  [ "$status" -ne 124 ] || too_long "installing $* $version" packages "See $LOG"
  [ "$status" -eq 0 ] || fail package_install_failed "installing $* $version failed: $(why_of "$RUN")"
}

# keep_packages VERSION: those that are installed now, for a way back.
keep_packages() {
  for package in kubelet kubectl kubeadm; do
    [ "$("${MANAGER}_release" "$package")" = "$1" ] || continue
    [ -n "$("${MANAGER}_file" "$1" "$package")" ] && continue
    mkdir -p "$(fetched "$1")"
    "${MANAGER}_keep" "$1" "$package" ||
      note "the installed package of $package $1 could not be kept: a way back will need its repository"
  done
}

# Keeps two versions' packages beside the target's.
prune_packages() {
  # shellcheck disable=SC2012 -- names are versions
  ls -1dt "$STORE/packages/"* 2>/dev/null | grep -vE "/($WG_TARGET|$WG_FROM)\$" | tail -n +2 | while IFS= read -r old; do rm -rf "$old"; done
}
